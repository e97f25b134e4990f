//! Tables and indexes from a schema.

use orm_core::meta::{Action, Deferral};
use orm_core::schema::{Column, DefaultValue, Embed, ForeignKey, Index, Table};

use crate::{Dialect, PostgresDialect};

/// The statements that create a table and its indexes where they are missing, in order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{SqliteDialect, create_table};
/// let statements = create_table(&SqliteDialect, &Table::of(Tag::meta()), true);
/// assert_eq!(
///     statements[0],
///     r#"CREATE TABLE IF NOT EXISTS "tags" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "name" TEXT NOT NULL)"#
/// );
/// assert!(statements[1].starts_with("CREATE UNIQUE INDEX IF NOT EXISTS"));
/// ```
pub fn create_table<D: Dialect + ?Sized>(dialect: &D, table: &Table, if_missing: bool) -> Vec<String> {
    let mut statements = vec![table_body(dialect, table, &table.name, if_missing)];
    statements.extend(table.indexes.iter().map(|index| create_index(dialect, table, index, if_missing)));
    statements
}

/// The statement that creates a table under a name, without its indexes.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{SqliteDialect, table_body};
/// let sql = table_body(&SqliteDialect, &Table::of(Tag::meta()), "copy", false);
/// assert!(sql.starts_with(r#"CREATE TABLE "copy" ("id" "#));
/// ```
pub fn table_body<D: Dialect + ?Sized>(dialect: &D, table: &Table, name: &str, if_missing: bool) -> String {
    let mut parts: Vec<String> =
        table.columns.iter().map(|column| column_definition(dialect, table, column)).collect();
    if table.primary_key.len() > 1 {
        parts.push(format!("PRIMARY KEY ({})", names(dialect, &table.primary_key)));
    }
    for check in &table.checks {
        parts.push(named_check(dialect, &check.name, &check.expression));
    }
    parts.extend(
        table.embeds.iter().map(|embed| named_check(dialect, &embed.check, &embed_check(dialect, embed))),
    );
    if dialect.inline_foreign_keys() {
        parts.extend(table.foreign_keys.iter().map(|key| foreign_key(dialect, key)));
    }
    let missing = if if_missing { "IF NOT EXISTS " } else { "" };
    format!("CREATE TABLE {missing}{} ({})", dialect.quote_ident(name), parts.join(", "))
}

/// The statement that creates an index of a table.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{PostgresDialect, create_index};
/// let table = Table::of(Tag::meta());
/// let sql = create_index(&PostgresDialect, &table, &table.indexes[0], false);
/// assert_eq!(sql, r#"CREATE UNIQUE INDEX "uq_tags_name" ON "tags" ("name")"#);
/// ```
pub fn create_index<D: Dialect + ?Sized>(
    dialect: &D,
    table: &Table,
    index: &Index,
    if_missing: bool,
) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let missing = if if_missing { "IF NOT EXISTS " } else { "" };
    format!("CREATE {unique}INDEX {missing}{}", index_body(dialect, table, index))
}

/// What stands behind `CREATE INDEX`: the name, the table and the columns.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{PostgresDialect, index_body};
/// let table = Table::of(Tag::meta());
/// assert_eq!(index_body(&PostgresDialect, &table, &table.indexes[0]), r#""uq_tags_name" ON "tags" ("name")"#);
/// ```
pub fn index_body<D: Dialect + ?Sized>(dialect: &D, table: &Table, index: &Index) -> String {
    let types: Vec<_> = index.columns.iter().filter_map(|name| Some(&table.column(name)?.ty)).collect();
    let kind = if index.unique { "" } else { dialect.index_kind(&types) };
    let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!(
        "{} ON {} {kind}({}){nulls}",
        dialect.quote_ident(&index.name),
        dialect.quote_ident(&table.name),
        names(dialect, &index.columns)
    )
}

/// The statement that drops a table if it is there.
///
/// ```
/// use orm_sql::{SqliteDialect, drop_table};
/// assert_eq!(drop_table(&SqliteDialect, "tags"), r#"DROP TABLE IF EXISTS "tags""#);
/// ```
pub fn drop_table<D: Dialect + ?Sized>(dialect: &D, table: &str) -> String {
    format!("DROP TABLE IF EXISTS {}", dialect.quote_ident(table))
}

/// A foreign key as a table constraint.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{PostgresDialect, foreign_key};
/// let key = foreign_key(&PostgresDialect, &Table::of(Post::meta()).foreign_keys[0]);
/// assert_eq!(key, r#"FOREIGN KEY ("author_id") REFERENCES "users" ("id") ON DELETE CASCADE"#);
/// ```
pub fn foreign_key<D: Dialect + ?Sized>(dialect: &D, key: &ForeignKey) -> String {
    let mut sql = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        names(dialect, &key.columns),
        dialect.quote_ident(&key.table),
        names(dialect, &key.target_columns),
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

/// The statement that adds a foreign key to a table that is there.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::add_foreign_key;
/// let table = Table::of(Post::meta());
/// let sql = add_foreign_key(&table, &table.foreign_keys[0]);
/// assert!(sql.starts_with(r#"ALTER TABLE "posts" ADD CONSTRAINT "fk_posts__author_id" FOREIGN KEY ("#));
/// ```
pub fn add_foreign_key(table: &Table, key: &ForeignKey) -> String {
    let (name, table) = (PostgresDialect.quote_ident(&key.name), PostgresDialect.quote_ident(&table.name));
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} {}", foreign_key(&PostgresDialect, key))
}

/// The statements that write the comments of a table and its columns, for databases that keep them.
///
/// ```
/// use orm_core::schema::Table;
/// use orm_sql::comments;
/// let table = Table { name: "users".into(), comment: Some("who may log in".into()), ..Table::default() };
/// assert_eq!(comments(&table), [r#"COMMENT ON TABLE "users" IS 'who may log in'"#]);
/// ```
pub fn comments(table: &Table) -> Vec<String> {
    let of_table = table.comment.iter().map(|text| comment(&table.name, None, Some(text)));
    let of_columns = table.columns.iter().filter_map(|column| {
        Some(comment(&table.name, Some(&column.name), Some(column.comment.as_deref()?)))
    });
    of_table.chain(of_columns).collect()
}

/// The statement that sets or removes the comment of a table or of one of its columns.
///
/// ```
/// assert_eq!(orm_sql::comment("users", Some("id"), None), r#"COMMENT ON COLUMN "users"."id" IS NULL"#);
/// ```
pub fn comment(table: &str, column: Option<&str>, text: Option<&str>) -> String {
    let dialect = PostgresDialect;
    let text = text.map_or_else(|| "NULL".to_owned(), |text| dialect.text_literal(text));
    let table = dialect.quote_ident(table);
    match column {
        Some(column) => format!("COMMENT ON COLUMN {table}.{} IS {text}", dialect.quote_ident(column)),
        None => format!("COMMENT ON TABLE {table} IS {text}"),
    }
}

/// A column as CREATE TABLE and ADD COLUMN have it, with its check.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Table;
/// use orm_sql::{SqliteDialect, column_definition};
/// let table = Table::of(Tag::meta());
/// assert_eq!(column_definition(&SqliteDialect, &table, &table.columns[1]), r#""name" TEXT NOT NULL"#);
/// ```
pub fn column_definition<D: Dialect + ?Sized>(dialect: &D, table: &Table, column: &Column) -> String {
    let alone_in_key = table.is_key(column);
    let mut sql = dialect.quote_ident(&column.name) + " ";
    if alone_in_key && column.auto {
        sql += &dialect.auto_increment(column);
    } else {
        sql += &dialect.column_type(column);
        if !column.nullable {
            sql += " NOT NULL";
        }
        if alone_in_key {
            sql += " PRIMARY KEY";
        }
        if let Some(default) = default_expression(dialect, column) {
            sql += &format!(" DEFAULT {default}");
        }
        if let Some(expression) = &column.generated {
            sql += &format!(" GENERATED ALWAYS AS ({expression}) STORED");
        }
    }
    match column_check(dialect, column) {
        Some(check) => sql + " " + &named_check(dialect, &column.check, &check),
        None => sql,
    }
}

/// The default of a column as SQL: a literal, or an expression in parentheses.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Column;
/// use orm_sql::{SqliteDialect, default_expression};
/// let active = Column::of(User::meta(), User::active.index());
/// assert_eq!(default_expression(&SqliteDialect, &active).as_deref(), Some("TRUE"));
/// ```
pub fn default_expression<D: Dialect + ?Sized>(dialect: &D, column: &Column) -> Option<String> {
    match column.default.as_ref()? {
        DefaultValue::Sql(expression) => Some(format!("({expression})")),
        DefaultValue::Value(literal) => dialect.literal(&literal.datum()?),
    }
}

/// The checks of a column as one expression. Its constraint has the name [`Column::check`], by which an error is told to be about
/// the column.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::Column;
/// use orm_sql::{PostgresDialect, column_check};
/// let email = Column::of(User::meta(), User::email.index());
/// assert_eq!(column_check(&PostgresDialect, &email).as_deref(), Some(r#"char_length("email") <= 320"#));
/// ```
pub fn column_check<D: Dialect + ?Sized>(dialect: &D, column: &Column) -> Option<String> {
    let checks = dialect.column_checks(column);
    (!checks.is_empty()).then(|| checks.join(" AND "))
}

/// The check of an optional embedded struct of several columns: it is there with all that it requires, or all of it is NULL. Set in
/// part, its row could not be read.
///
/// ```
/// use orm_core::schema::Embed;
/// use orm_sql::{SqliteDialect, embed_check};
/// let embed = Embed { check: "ck_shop_billing".into(), columns: vec!["a".into(), "b".into()], required: vec!["a".into()] };
/// assert_eq!(embed_check(&SqliteDialect, &embed), r#"("a" IS NULL AND "b" IS NULL) OR ("a" IS NOT NULL)"#);
/// ```
pub fn embed_check<D: Dialect + ?Sized>(dialect: &D, embed: &Embed) -> String {
    let all = |columns: &[String], test: &str| {
        let test = |name: &String| format!("{} {test}", dialect.quote_ident(name));
        columns.iter().map(test).collect::<Vec<_>>().join(" AND ")
    };
    format!("({}) OR ({})", all(&embed.columns, "IS NULL"), all(&embed.required, "IS NOT NULL"))
}

/// A check as a table constraint.
///
/// ```
/// use orm_sql::{SqliteDialect, named_check};
/// assert_eq!(named_check(&SqliteDialect, "sane", "age > 0"), r#"CONSTRAINT "sane" CHECK (age > 0)"#);
/// ```
pub fn named_check<D: Dialect + ?Sized>(dialect: &D, name: &str, expression: &str) -> String {
    format!("CONSTRAINT {} CHECK ({expression})", dialect.quote_ident(name))
}

fn names<D: Dialect + ?Sized>(dialect: &D, columns: &[String]) -> String {
    columns.iter().map(|name| dialect.quote_ident(name)).collect::<Vec<_>>().join(", ")
}
