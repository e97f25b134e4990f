//! Creating and dropping the tables of a schema.

use orm_core::Result;
use orm_core::meta::{ForeignKeyMeta, ModelMeta};
use orm_sql::{Dialect, PostgresDialect, create_table, drop_table, foreign_key};

use crate::database::Session;
use crate::run;

/// The name of a foreign key, by which errors find its fields.
pub fn key_name(model: &ModelMeta, key: &ForeignKeyMeta) -> String {
    let columns: Vec<&str> = key.columns.iter().map(|index| model.column(*index).name.as_str()).collect();
    format!("fk_{}_{}", model.table, columns.join("_"))
}

/// Tables first, then the foreign keys: they may form a cycle.
pub async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    let mut statements: Vec<String> =
        models.iter().flat_map(|model| create_table(&PostgresDialect, model)).collect();
    for model in models {
        for key in &model.foreign_keys {
            let alter = format!(
                "ALTER TABLE {} ADD CONSTRAINT {} {}",
                PostgresDialect.table(model),
                PostgresDialect.quote_ident(&key_name(model, key)),
                foreign_key(&PostgresDialect, model, key),
            );
            // There is no ADD CONSTRAINT IF NOT EXISTS.
            let tag = tag_for(&alter);
            statements.push(format!(
                "DO {tag} BEGIN {alter}; EXCEPTION WHEN duplicate_object THEN NULL; END {tag}"
            ));
        }
    }
    batch(session, statements).await
}

/// A dollar quote that the text does not contain.
fn tag_for(text: &str) -> String {
    let mut tag = String::from("$orm$");
    let mut number = 0;
    while text.contains(&tag) {
        number += 1;
        tag = format!("$orm{number}$");
    }
    tag
}

/// Foreign keys first, then the tables, children before parents.
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
    batch(session, statements).await
}

async fn batch(session: &Session, statements: Vec<String>) -> Result<()> {
    run::batch(session, &statements.join(";\n")).await
}
