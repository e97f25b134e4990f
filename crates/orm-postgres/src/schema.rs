//! Creating and dropping the tables of a schema.

use orm_core::Result;
use orm_core::meta::{ForeignKeyMeta, ModelMeta};
use orm_sql::{Dialect, PostgresDialect, create_table, drop_table, foreign_key};

use crate::declare::{check_defaults, create_types, drop_types, guarded};
use crate::run;
use crate::session::Session;

/// The name of a foreign key, by which errors find its fields.
pub fn key_name(model: &ModelMeta, key: &ForeignKeyMeta) -> String {
    let columns: Vec<&str> = key.columns.iter().map(|index| model.column(*index).name.as_str()).collect();
    format!("fk_{}_{}", model.table, columns.join("_"))
}

/// Types first, then tables, then the foreign keys: they may form a cycle.
pub async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    check_defaults(models)?;
    let mut statements = create_types(models);
    statements.extend(models.iter().flat_map(|model| create_table(&PostgresDialect, model)));
    for model in models {
        for key in &model.foreign_keys {
            let alter = format!(
                "ALTER TABLE {} ADD CONSTRAINT {} {}",
                PostgresDialect.table(model),
                PostgresDialect.quote_ident(&key_name(model, key)),
                foreign_key(&PostgresDialect, model, key),
            );
            // There is no ADD CONSTRAINT IF NOT EXISTS.
            statements.push(guarded(&alter, "duplicate_object"));
        }
    }
    batch(session, statements).await
}

/// Foreign keys first, then the tables, children before parents, then the types.
pub async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    let mut statements = Vec::new();
    for model in models.iter().rev() {
        for key in &model.foreign_keys {
            statements.push(format!(
                "ALTER TABLE IF EXISTS {} DROP CONSTRAINT IF EXISTS {}",
                PostgresDialect.table(model),
                PostgresDialect.quote_ident(&key_name(model, key)),
            ));
        }
    }
    statements.extend(models.iter().rev().map(|model| drop_table(&PostgresDialect, model)));
    statements.extend(drop_types(models));
    batch(session, statements).await
}

async fn batch(session: &Session, statements: Vec<String>) -> Result<()> {
    run::batch(session, &statements.join(";\n")).await
}
