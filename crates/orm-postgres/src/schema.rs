//! Creating and dropping the tables of a schema.

use orm_core::meta::ModelMeta;
use orm_core::schema::{Table, check_names};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect, add_foreign_key, comments, create_table, drop_table};
use tokio_postgres::types::Type;

use crate::declare::{check_defaults, check_types, create_types, drop_types, guarded};
use crate::existing::check;
use crate::session::PgSession;
use crate::{errors, run};

/// Types first, then tables, then the foreign keys: they may form a cycle.
pub async fn create_all(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
    check_defaults(models)?;
    check_names(models, &PostgresDialect.name_rules())?;
    check_types(models)?;
    check_places(session, models).await?;
    check(session, models).await?;
    let tables: Vec<Table> = models.iter().map(|model| Table::of(model)).collect();
    let mut statements = create_types(models);
    for table in &tables {
        statements.extend(create_table(&PostgresDialect, table, true));
        statements.extend(comments(table));
    }
    for table in &tables {
        for key in &table.foreign_keys {
            // There is no ADD CONSTRAINT IF NOT EXISTS.
            statements.push(guarded(&add_foreign_key(table, key), "duplicate_object"));
        }
    }
    batch(session, statements).await
}

/// `IF NOT EXISTS` passes over whatever has the name of a table in the first schema, and makes an empty twin of a table in another
/// schema of the search path, which nobody finds any more from then on.
async fn check_places(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
    let work = session.work().await?;
    let connection = work.connection()?;
    let failed = |error| errors::map(error, None);
    let names: Vec<String> = models.iter().map(|model| PostgresDialect.table(model)).collect();
    let under_way = connection.start();
    let found = connection.client.query_typed(FOUND, &[(&names, Type::TEXT_ARRAY)]).await;
    under_way.done();
    for row in found.map_err(failed)? {
        let place: i64 = row.try_get(0).map_err(failed)?;
        let (kind, schema, first): (String, String, bool) = (
            row.try_get(1).map_err(failed)?,
            row.try_get(2).map_err(failed)?,
            row.try_get(3).map_err(failed)?,
        );
        let Some(model) = usize::try_from(place - 1).ok().and_then(|place| models.get(place)) else {
            continue;
        };
        let table = model.table;
        let what = match kind.as_str() {
            "r" | "p" | "f" if first => continue,
            "r" | "p" | "f" => {
                return Err(Error::new(
                    ErrorKind::Schema,
                    format!("the table `{table}` is there already, in the schema `{schema}` further along the search path"),
                )
                .with_model(model.name)
                .with_hint("connect with a search path that begins with its schema, or has only the new one"));
            }
            "v" => "a view",
            "m" => "a materialized view",
            "S" => "a sequence",
            "i" | "I" => "an index",
            _ => "a type",
        };
        return Err(Error::new(ErrorKind::Schema, format!("`{schema}.{table}` is {what} and not a table"))
            .with_model(model.name)
            .with_hint("drop or rename it, or leave the model out of the schema that is created"));
    }
    Ok(())
}

/// What the names of the tables stand for now: the kind, the schema, and whether a new table would be made there.
const FOUND: &str = "SELECT n.place, c.relkind::text, s.nspname::text, \
     s.nspname = pg_catalog.current_schema() OR s.oid = pg_catalog.pg_my_temp_schema() \
     FROM UNNEST($1) WITH ORDINALITY AS n(name, place) \
     JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(n.name)::oid \
     JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace ORDER BY n.place";

/// Foreign keys first, then the tables, children before parents, then the types.
pub async fn drop_all(session: &PgSession, models: &[&'static ModelMeta]) -> Result<()> {
    let mut statements = Vec::new();
    for model in models.iter().rev() {
        for key in Table::of(model).foreign_keys {
            statements.push(format!(
                "ALTER TABLE IF EXISTS {} DROP CONSTRAINT IF EXISTS {}",
                PostgresDialect.table(model),
                PostgresDialect.quote_ident(&key.name),
            ));
        }
    }
    statements.extend(models.iter().rev().map(|model| drop_table(&PostgresDialect, model.table)));
    statements.extend(drop_types(models));
    batch(session, statements).await
}

async fn batch(session: &PgSession, statements: Vec<String>) -> Result<()> {
    run::definitions(session, &statements.join(";\n")).await
}
