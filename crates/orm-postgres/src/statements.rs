//! The statements that a connection has prepared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use orm_core::Result;
use orm_core::ir::Shape;
use orm_core::meta::ModelMeta;
use rustc_hash::FxHashMap;
use tokio_postgres::Statement;

use crate::builder::Settings;
use crate::connection::Connection;
use crate::errors;

/// How many are kept; the one that was used least recently makes room for the next.
const CAPACITY: usize = 512;

/// The statements that a connection has prepared, by their shape.
#[derive(Default)]
pub struct Statements {
    kept: Mutex<Kept>,
    /// The number of times that the schema had changed when they were prepared.
    schema: AtomicU64,
}

#[derive(Default)]
struct Kept {
    statements: FxHashMap<u128, Used>,
    clock: u64,
}

struct Used {
    statement: Statement,
    at: u64,
}

impl Statements {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic while it was held left the map whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clear(&self) {
        self.kept().statements.clear();
    }
}

impl Kept {
    fn get(&mut self, key: Shape) -> Option<Statement> {
        self.clock += 1;
        let used = self.statements.get_mut(&key.0)?;
        used.at = self.clock;
        Some(used.statement.clone())
    }

    fn insert(&mut self, key: Shape, statement: Statement) {
        if self.statements.len() >= CAPACITY {
            // A scan of the map costs a hundredth of the statement that is prepared.
            let oldest = self.statements.iter().min_by_key(|(_, used)| used.at).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.statements.remove(&oldest);
            }
        }
        self.clock += 1;
        self.statements.insert(key.0, Used { statement, at: self.clock });
    }
}

impl Connection {
    /// A statement, prepared now if it was not before.
    pub async fn prepare(
        &self,
        settings: &Settings,
        key: Shape,
        sql: &str,
        model: Option<&'static ModelMeta>,
    ) -> Result<Statement> {
        let schema = settings.schema.load(Ordering::Acquire);
        if self.wire.take_forgot() || self.statements.schema.swap(schema, Ordering::AcqRel) != schema {
            self.forget();
        }
        if let Some(statement) = self.statements.kept().get(key) {
            return Ok(statement);
        }
        let prepared = Box::pin(self.client.prepare(sql)).await;
        let statement = prepared.map_err(|error| errors::map(error, model))?;
        self.statements.kept().insert(key, statement.clone());
        Ok(statement)
    }

    /// Forgets the statements and types of the connection: tables or types changed under them.
    pub fn forget(&self) {
        self.statements.clear();
        self.client.clear_type_cache();
    }
}
