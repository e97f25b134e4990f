//! A connection, what it has prepared, and what state it is in.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use orm_core::ir::Shape;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};
use rustc_hash::FxHashMap;
use tokio_postgres::{Client, Statement};

use crate::builder::Settings;
use crate::errors;

/// Makes connections for the pool and looks after those that come back.
pub struct Manager {
    pub settings: Arc<Settings>,
}

pub type Pool = managed::Pool<Manager>;
type Object = managed::Object<Manager>;

/// A connection to the server.
pub struct Connection {
    pub client: Client,
    statements: Mutex<FxHashMap<u128, Statement>>,
    /// How many statements are under way. A future that is dropped in between never counts down.
    busy: AtomicU32,
    /// Whether a statement was cut off, so that the state on the server is not known.
    spoiled: AtomicBool,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        let settings = &self.settings;
        // Boxed, as all that is rare: the future of every statement would be as large as the handshake otherwise.
        let client = Box::pin(settings.connector.connect(&settings.config)).await;
        let client = client.map_err(|error| errors::map(error, None))?;
        for sql in &settings.after_connect {
            Box::pin(client.batch_execute(sql)).await.map_err(|error| errors::map(error, None))?;
        }
        Ok(Connection {
            client,
            statements: Mutex::default(),
            busy: AtomicU32::new(0),
            spoiled: AtomicBool::new(false),
        })
    }

    /// Costs no round trip: the driver's task knows when the server closed the connection.
    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        if connection.client.is_closed() || connection.is_doubtful() {
            return Err(RecycleError::message("the connection is gone"));
        }
        if self.settings.max_lifetime.is_some_and(|lifetime| metrics.created.elapsed() > lifetime) {
            return Err(RecycleError::message("the connection has reached its age"));
        }
        if self.settings.idle_timeout.is_some_and(|idle| metrics.last_used() > idle) {
            return Err(RecycleError::message("the connection was idle for too long"));
        }
        Ok(())
    }
}

impl Connection {
    /// Whether a statement is under way or was cut off.
    pub fn is_doubtful(&self) -> bool {
        self.spoiled.load(Ordering::Acquire) || self.busy.load(Ordering::Acquire) > 0
    }

    /// Whether a statement was cut off.
    pub fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }

    /// Notes that a statement is sent; what comes back notes when it is answered, or cut off.
    pub fn start(&self) -> UnderWay<'_> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        UnderWay { connection: self, done: false }
    }

    /// The answer of a statement that was started and not watched is complete.
    pub fn finish(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
    }

    /// A statement, prepared now if it was not before.
    pub async fn prepare(
        &self,
        key: Shape,
        sql: &str,
        model: Option<&'static ModelMeta>,
    ) -> Result<Statement> {
        if let Some(statement) = self.statements().get(&key.0) {
            return Ok(statement.clone());
        }
        let prepared = Box::pin(self.client.prepare(sql)).await;
        let statement = prepared.map_err(|error| errors::map(error, model))?;
        let mut statements = self.statements();
        if statements.len() >= 512 {
            // The oldest are not known; all of them are prepared again when they are needed.
            statements.clear();
        }
        statements.insert(key.0, statement.clone());
        Ok(statement)
    }

    /// Forgets a statement whose result type changed under it.
    pub fn forget(&self, key: Shape) {
        self.statements().remove(&key.0);
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, FxHashMap<u128, Statement>> {
        // A panic while it was held left the map whole.
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement between its first byte sent and the last of its answer.
pub struct UnderWay<'c> {
    connection: &'c Connection,
    done: bool,
}

impl UnderWay<'_> {
    /// The answer is complete: a result or an error of the server.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.connection.busy.fetch_sub(1, Ordering::AcqRel);
        if !self.done {
            self.connection.spoiled.store(true, Ordering::Release);
        }
    }
}

/// A connection on loan from the pool. In whatever state it is dropped, the pool gets back clean ones only.
pub struct Guard {
    object: Option<Object>,
    /// Whether a transaction is open.
    pub open: AtomicBool,
    pub settings: Arc<Settings>,
}

impl Guard {
    pub fn new(object: Object, settings: Arc<Settings>) -> Self {
        Guard { object: Some(object), open: AtomicBool::new(false), settings }
    }

    pub fn connection(&self) -> Result<&Connection> {
        // Taken in `drop` only.
        self.object
            .as_deref()
            .ok_or_else(|| Error::new(ErrorKind::ConnectionLost, "the connection was given back"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        let open = self.open.load(Ordering::Acquire);
        if object.is_doubtful() {
            // Nobody waits for the answer: stop the statement and close the connection, which ends its transaction.
            let token = object.client.cancel_token();
            drop(Object::take(object));
            let settings = Arc::clone(&self.settings);
            detach(async move {
                let cancel = settings.connector.cancel(token);
                // A server that does not answer is left alone.
                let _ = tokio::time::timeout(Duration::from_secs(5), cancel).await;
            });
        } else if open {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(roll_back(object))),
                Err(_) => drop(Object::take(object)),
            }
        }
    }
}

async fn roll_back(object: Object) {
    let rolled_back =
        tokio::time::timeout(Duration::from_secs(5), object.client.batch_execute("ROLLBACK")).await;
    if !matches!(rolled_back, Ok(Ok(()))) {
        drop(Object::take(object));
    }
}

fn detach(future: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(future);
    }
}
