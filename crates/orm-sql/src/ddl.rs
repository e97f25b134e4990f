//! Tables and indexes from the metadata of a model.

use orm_core::meta::{Action, ColumnMeta, DefaultMeta, Deferral, ForeignKeyMeta, IndexMeta, ModelMeta};

use crate::Dialect;

/// The statements that create a model's table and its indexes where they are missing, in order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::{SqliteDialect, create_table};
/// let statements = create_table(&SqliteDialect, Tag::meta());
/// assert_eq!(
///     statements[0],
///     r#"CREATE TABLE IF NOT EXISTS "tags" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "name" TEXT NOT NULL)"#
/// );
/// assert!(statements[1].starts_with("CREATE UNIQUE INDEX IF NOT EXISTS"));
/// ```
pub fn create_table<D: Dialect + ?Sized>(dialect: &D, model: &ModelMeta) -> Vec<String> {
    let mut parts: Vec<String> =
        (0..).zip(&model.columns).map(|(index, column)| column_def(dialect, model, index, column)).collect();
    if model.primary_key.len() > 1 {
        parts.push(format!("PRIMARY KEY ({})", names(dialect, model, model.primary_key)));
    }
    for check in &model.checks {
        parts.push(format!("CONSTRAINT {} CHECK ({})", dialect.quote_ident(check.name), check.expression));
    }
    if dialect.inline_foreign_keys() {
        parts.extend(model.foreign_keys.iter().map(|key| foreign_key(dialect, model, key)));
    }
    let table = format!("CREATE TABLE IF NOT EXISTS {} ({})", dialect.table(model), parts.join(", "));
    let mut statements = vec![table];
    statements.extend(create_indexes(dialect, model));
    statements
}

/// The statements that create a model's indexes where they are missing.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::{PostgresDialect, create_indexes};
/// let statements = create_indexes(&PostgresDialect, Tag::meta());
/// assert!(statements[0].ends_with(r#"ON "tags" ("name")"#));
/// ```
pub fn create_indexes<D: Dialect + ?Sized>(dialect: &D, model: &ModelMeta) -> Vec<String> {
    let create = |index: &IndexMeta| {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let (name, table) = (dialect.quote_ident(&index.name), dialect.table(model));
        let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
        let types: Vec<_> = index.columns.iter().map(|column| model.column(*column).ty()).collect();
        let kind = if index.unique { "" } else { dialect.index_kind(&types) };
        format!(
            "CREATE {unique}INDEX IF NOT EXISTS {name} ON {table} {kind}({}){nulls}",
            names(dialect, model, &index.columns)
        )
    };
    model.indexes.iter().map(create).collect()
}

/// The statement that drops a model's table if it is there.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::{SqliteDialect, drop_table};
/// assert_eq!(drop_table(&SqliteDialect, Tag::meta()), r#"DROP TABLE IF EXISTS "tags""#);
/// ```
pub fn drop_table<D: Dialect + ?Sized>(dialect: &D, model: &ModelMeta) -> String {
    format!("DROP TABLE IF EXISTS {}", dialect.table(model))
}

/// A foreign key as a table constraint.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::{PostgresDialect, foreign_key};
/// let key = foreign_key(&PostgresDialect, Post::meta(), &Post::meta().foreign_keys[0]);
/// assert_eq!(key, r#"FOREIGN KEY ("author_id") REFERENCES "users" ("id") ON DELETE CASCADE"#);
/// ```
pub fn foreign_key<D: Dialect + ?Sized>(dialect: &D, model: &ModelMeta, key: &ForeignKeyMeta) -> String {
    let target = (key.target)();
    let mut sql = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        names(dialect, model, key.columns),
        dialect.table(target),
        names(dialect, target, key.referenced()),
    );
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        let action = match action {
            Action::NoAction => continue,
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
        };
        sql += &format!(" ON {event} {action}");
    }
    sql += match key.deferral {
        Deferral::Never => "",
        Deferral::Immediate => " DEFERRABLE INITIALLY IMMEDIATE",
        Deferral::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    sql
}

fn column_def<D: Dialect + ?Sized>(
    dialect: &D,
    model: &ModelMeta,
    index: u16,
    column: &ColumnMeta,
) -> String {
    let alone_in_key = model.primary_key == [index];
    let mut sql = dialect.quote_ident(&column.name) + " ";
    if alone_in_key && column.auto {
        return sql + &dialect.auto_increment(column);
    }
    sql += &dialect.column_type(column);
    if !column.nullable {
        sql += " NOT NULL";
    }
    if alone_in_key {
        sql += " PRIMARY KEY";
    }
    match &column.default {
        None => {}
        Some(DefaultMeta::Sql(expression)) => sql += &format!(" DEFAULT ({expression})"),
        Some(DefaultMeta::Value(value)) => {
            if let Some(literal) = dialect.literal(value) {
                sql += &format!(" DEFAULT {literal}");
            }
        }
    }
    if let Some(expression) = column.generated {
        sql += &format!(" GENERATED ALWAYS AS ({expression}) STORED");
    }
    for check in dialect.column_checks(column) {
        sql += &format!(" CHECK ({check})");
    }
    sql
}

fn names<D: Dialect + ?Sized>(dialect: &D, model: &ModelMeta, columns: &[u16]) -> String {
    columns.iter().map(|index| dialect.quote_ident(&model.column(*index).name)).collect::<Vec<_>>().join(", ")
}
