//! What the database has under the names of a schema, from the catalogue.
//!
//! As text and in one round trip: this also runs through a pooler, where nothing can be prepared.

use orm_core::meta::{Action, ModelMeta};
use orm_core::schema::{no_such_model, relations_outside};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{
    Dialect, Existing, ExistingColumn, ExistingForeignKey, ExistingIndex, ExistingTable, PostgresDialect,
    check_existing,
};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use crate::declare::enums;
use crate::session::PgSession;
use crate::{errors, run};

/// Compares the models with what is there.
pub async fn check(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
    let outside = relations_outside(models);
    let enums = enums(models);
    let tables =
        models.iter().map(|model| model.table).chain(outside.iter().map(|(.., target)| target.table));
    let indexes = models.iter().flat_map(|model| &model.indexes).map(|index| index.name.as_str());
    let names = list(tables.chain(indexes));
    let types = list(enums.iter().map(|(name, _)| *name));
    let rows = query(session, &catalogue(&names, &types)).await?;

    let mut existing = Existing::default();
    let mut values: Vec<(String, String)> = Vec::new();
    // A relation may lead to a table anywhere along the search path.
    let mut visible: Vec<String> = Vec::new();
    for row in &rows {
        let text = |index: usize| row.get(index).unwrap_or_default().to_owned();
        let flag = |index: usize| row.get(index) == Some("t");
        let table = text(1);
        if text(0) == "relation" {
            existing.tables.push(ExistingTable { name: table, kind: text(2), ..Default::default() });
            continue;
        }
        if text(0) == "visible" {
            visible.push(table);
            continue;
        }
        if text(0) == "index" {
            existing.indexes.push(ExistingIndex {
                name: text(2),
                table,
                columns: lines(&text(3)),
                unique: flag(4),
                partial: flag(5),
            });
            continue;
        }
        if text(0) == "value" {
            values.push((table, text(2)));
            continue;
        }
        let Some(table) = existing.tables.iter_mut().find(|known| known.name == table) else { continue };
        match text(0).as_str() {
            "column" => table.columns.push(ExistingColumn {
                name: text(2),
                ty: text(3),
                nullable: !flag(4),
                default: flag(5),
                generated: flag(6),
            }),
            "key" => table.primary_key = lines(&text(3)),
            "check" => table.checks.push(text(2)),
            _ => table.foreign_keys.push(ExistingForeignKey {
                name: Some(text(2)),
                columns: lines(&text(3)),
                target: text(4),
                target_columns: lines(&text(5)),
                on_delete: action(&text(6)),
                on_update: action(&text(7)),
            }),
        }
    }
    for (model, relation, target) in outside {
        if !visible.iter().any(|table| table == target.table) {
            return Err(no_such_model(model, relation, target));
        }
    }
    for (name, wanted) in enums {
        let found: Vec<&str> =
            values.iter().filter(|(ty, _)| ty == name).map(|(_, value)| value.as_str()).collect();
        if !found.is_empty() && found != wanted {
            let text = format!("the enum `{name}` is there and differs: its values are {}", found.join(", "));
            return Err(Error::new(ErrorKind::Schema, text).with_hint(
                "change the type by a migration, or the enum; `create_all` creates and never alters",
            ));
        }
    }
    check_existing(&PostgresDialect, models, &existing)
}

/// Names as a list of SQL, which is never empty.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names = names.map(|name| PostgresDialect.text_literal(name));
    std::iter::once("NULL".to_owned()).chain(names).collect::<Vec<_>>().join(", ")
}

/// Lists come with a line for each name: no name has a line's end in it that is not its own.
fn lines(text: &str) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split('\u{1f}').map(str::to_owned).collect() }
}

fn action(letter: &str) -> Action {
    match letter {
        "c" => Action::Cascade,
        "r" => Action::Restrict,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// What `CREATE` would meet: the objects of the schema that new tables go into.
fn catalogue(names: &str, types: &str) -> String {
    let columns = |array: &str, table: &str| {
        format!(
            "(SELECT string_agg(a.attname, E'\\x1f' ORDER BY k.place) FROM unnest({array}) WITH ORDINALITY AS k(number, place) \
             JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number)"
        )
    };
    let (own, target) = (columns("c.conkey", "c.conrelid"), columns("c.confkey", "c.confrelid"));
    let of_index = columns("i.indkey::int2[]", "i.indrelid");
    let here = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";
    let tables = format!("r.relnamespace = {here} AND r.relname IN ({names})");
    format!(
        "SELECT 'relation', r.relname::text, CASE WHEN r.relkind IN ('r', 'p', 'f') THEN 'table' WHEN r.relkind = 'v' THEN 'view' \
           WHEN r.relkind = 'm' THEN 'materialized view' WHEN r.relkind IN ('i', 'I') THEN 'index' WHEN r.relkind = 'S' THEN 'sequence' \
           ELSE 'type' END, NULL, NULL, NULL, NULL, NULL FROM pg_class r WHERE {tables}; \
         SELECT 'visible', r.relname::text, NULL, NULL, NULL, NULL, NULL, NULL \
           FROM pg_class r WHERE r.relname IN ({names}) AND pg_table_is_visible(r.oid); \
         SELECT 'column', r.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
           a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', NULL \
           FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid \
           WHERE {tables} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum; \
         SELECT CASE c.contype WHEN 'p' THEN 'key' WHEN 'c' THEN 'check' ELSE 'reference' END, r.relname::text, c.conname::text, {own}, \
           t.relname::text, {target}, c.confdeltype::text, c.confupdtype::text \
           FROM pg_class r JOIN pg_constraint c ON c.conrelid = r.oid LEFT JOIN pg_class t ON t.oid = c.confrelid \
           WHERE {tables} AND c.contype IN ('p', 'c', 'f'); \
         SELECT 'index', t.relname::text, r.relname::text, {of_index}, i.indisunique, i.indpred IS NOT NULL OR i.indexprs IS NOT NULL, NULL, NULL \
           FROM pg_class r JOIN pg_index i ON i.indexrelid = r.oid JOIN pg_class t ON t.oid = i.indrelid WHERE {tables}; \
         SELECT 'value', t.typname::text, e.enumlabel::text, NULL, NULL, NULL, NULL, NULL \
           FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid \
           WHERE t.typnamespace = {here} AND t.typname IN ({types}) ORDER BY e.enumsortorder"
    )
}

pub async fn query(session: &PgSession, sql: &str) -> Result<Vec<SimpleQueryRow>> {
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        let connection = work.connection()?;
        let under_way = connection.start();
        connection.hand_over();
        let result = connection.client.simple_query(sql).await.map_err(|error| errors::map(error, None));
        under_way.done();
        if result.as_ref().is_err_and(run::is_lost) {
            connection.lose();
        }
        match result {
            // It reads, so that it may be sent once more.
            Err(error) if moves.again_idle(&work, &error) => {}
            Err(error) => return Err(error),
            Ok(messages) => {
                let row = |message| match message {
                    SimpleQueryMessage::Row(row) => Some(row),
                    _ => None,
                };
                return Ok(messages.into_iter().filter_map(row).collect());
            }
        }
    }
}
