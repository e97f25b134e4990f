//! Creating and dropping the tables of a schema.

use orm_core::meta::ModelMeta;
use orm_core::value::{DbType, array_to_json};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{SqliteDialect, create_indexes, create_table, drop_table};

use crate::database::{Session, at_length};
use crate::{bind, run};

pub async fn create_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    for model in models {
        if let Some(index) = model.indexes.iter().find(|index| index.nulls_not_distinct) {
            let text = "SQLite holds NULLs for distinct in every unique constraint";
            return Err(Error::new(ErrorKind::Unsupported, text)
                .with_model(model.name)
                .with_constraint(index.name.clone())
                .with_hint("leave out `nulls_not_distinct`, or make the columns required"));
        }
        for column in &model.columns {
            let error = match column.ty() {
                DbType::Array(DbType::Bytes) => bind::no_bytes_in_arrays(),
                DbType::Native(native) | DbType::Array(&DbType::Native(native)) => bind::no_native(native),
                // Without JSON, nothing could be written to it.
                DbType::Array(_) => match array_to_json(&[]) {
                    Ok(_) => continue,
                    Err(error) => error,
                },
                _ => continue,
            };
            return Err(error.with_model(model.name).with_field(column.field.clone()));
        }
    }
    let mut statements: Vec<String> =
        models.iter().flat_map(|model| create_table(&SqliteDialect, model)).collect();
    statements.extend(models.iter().flat_map(|model| create_indexes(&SqliteDialect, model)));
    batch(session, statements).await
}

/// Children first. Rows that still refer to each other across a cycle do not matter: the check waits for the commit.
pub async fn drop_all(session: &Session, models: &[&'static ModelMeta]) -> Result<()> {
    let mut statements = vec!["PRAGMA defer_foreign_keys = ON".to_owned()];
    statements.extend(models.iter().rev().map(|model| drop_table(&SqliteDialect, model)));
    batch(session, statements).await
}

/// All statements in one savepoint, which is a transaction of its own where none is open.
async fn batch(session: &Session, statements: Vec<String>) -> Result<()> {
    let work = session.work(true).await?;
    blocking::unblock(move || {
        let pool = work.pool()?;
        at_length(&work, |connection| {
            run::control(pool, connection, "SAVEPOINT orm_schema")?;
            let result = statements.iter().try_for_each(|sql| run::control(pool, connection, sql));
            match &result {
                Ok(()) => run::control(pool, connection, "RELEASE orm_schema")?,
                Err(_) => {
                    // If this fails too, the guard rolls the connection back before anybody else gets it.
                    let _ = run::control(pool, connection, "ROLLBACK TO orm_schema; RELEASE orm_schema");
                }
            }
            result
        })
    })
    .await
}
