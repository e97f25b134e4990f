//! A connection, and what state it is in.
//!
//! A connection that goes back to the pool is clean or gone. What the server says of its transaction is [read](crate::wire) with every
//! answer, so whatever SQL was sent: a transaction left open is rolled back, and the pool waits for the answer before it lends the
//! connection again; a session in which something was left behind is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use futures_util::FutureExt;
use orm_core::{Error, ErrorKind, Result};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_postgres::Client;

use crate::builder::Settings;
use crate::statements::Statements;
use crate::wire::{Status, Wire};
use crate::{errors, pooled, run};

/// How long a server may take to say that a connection is clean.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may be idle before it is asked whether it is still there.
const REST: Duration = Duration::from_secs(1);

/// Makes connections for the pool and looks after those that come back.
pub struct Manager {
    pub settings: Arc<Settings>,
}

pub type Pool = managed::Pool<Manager>;
type Object = managed::Object<Manager>;

/// A connection to the server.
pub struct Connection {
    pub client: Client,
    pub wire: Arc<Wire>,
    pub statements: Statements,
    /// How often the schema had changed when it was made.
    schema: u64,
    /// The runtime that drives it.
    home: Handle,
    /// How many statements are under way. A future that is dropped in between never counts down.
    busy: AtomicU32,
    /// Whether a statement was cut off, so that the state on the server is not known.
    spoiled: AtomicBool,
    /// Whether the server is not at the other end any more.
    lost: AtomicBool,
    /// The bytes sent when the last statement was handed over for execution.
    handed_at: AtomicU64,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        let settings = &self.settings;
        // Boxed, as all that is rare: the future of every statement would be as large as the handshake otherwise.
        let (client, wire) = Box::pin(settings.connector.connect(&settings.config)).await?;
        for sql in &settings.after_connect {
            Box::pin(client.batch_execute(sql)).await.map_err(|error| errors::map(error, None))?;
        }
        let schema = settings.schema.load(Ordering::Acquire);
        if settings.pooled {
            Box::pin(pooled::learn_types(&client)).await?;
        }
        // What was set until here is the session as it should be.
        wire.unmark();
        Ok(Connection {
            client,
            schema,
            wire,
            statements: Statements::default(),
            home: Handle::current(),
            busy: AtomicU32::new(0),
            spoiled: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            handed_at: AtomicU64::new(u64::MAX),
        })
    }

    /// Costs no round trip for a connection that was used just now: the driver's task knows when the server closed it, and the state of
    /// its transaction came with the last answer. One that rested for a while may have been cut off unnoticed and is asked.
    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        if connection.is_lost() || connection.is_doubtful() {
            return Err(RecycleError::message("the connection is gone"));
        }
        if self.settings.max_lifetime.is_some_and(|lifetime| metrics.created.elapsed() > lifetime) {
            return Err(RecycleError::message("the connection has reached its age"));
        }
        if self.settings.idle_timeout.is_some_and(|idle| metrics.last_used() > idle) {
            return Err(RecycleError::message("the connection was idle for too long"));
        }
        if self.settings.pooled && self.settings.schema.load(Ordering::Acquire) != connection.schema {
            return Err(RecycleError::message("the connection does not know the types of the schema"));
        }
        if !Box::pin(connection.is_driven()).await {
            return Err(RecycleError::message("the runtime of the connection has stopped"));
        }
        let rested = metrics.last_used() > REST;
        if (rested || !connection.is_clean()) && !Box::pin(connection.clean()).await {
            return Err(RecycleError::message("the connection could not be cleaned"));
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

    /// Nothing was handed over yet of what is about to be sent.
    pub fn begin_sending(&self) {
        self.handed_at.store(u64::MAX, Ordering::Release);
    }

    /// From here on the server may execute something.
    pub fn hand_over(&self) {
        self.handed_at.store(self.wire.sent(), Ordering::Release);
    }

    /// Whether the server cannot have executed anything since [`begin_sending`](Connection::begin_sending).
    pub fn is_untouched(&self) -> bool {
        let at = self.handed_at.load(Ordering::Acquire);
        at == u64::MAX || at == self.wire.sent()
    }

    /// Notes that the server is gone: the connection does not go back to the pool.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether the server is gone.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) || self.client.is_closed()
    }

    /// Whether the server has a transaction open.
    pub fn is_in_transaction(&self) -> bool {
        self.wire.status() != Status::Idle
    }

    fn is_clean(&self) -> bool {
        self.wire.at_rest() && self.wire.status() == Status::Idle
    }

    /// Whether the server is there, by a round trip.
    pub async fn ask(&self) -> Result<()> {
        let under_way = self.start();
        let answer = self.client.batch_execute("").await.map_err(|error| errors::map(error, None));
        under_way.done();
        answer
    }

    /// Waits for the answers that are still to come, and ends a transaction that is open behind them.
    async fn clean(&self) -> bool {
        let clean = async {
            self.client.batch_execute("").await?;
            if self.wire.status() != Status::Idle {
                self.client.batch_execute("ROLLBACK").await?;
            }
            Ok::<_, tokio_postgres::Error>(())
        };
        matches!(tokio::time::timeout(PATIENCE, clean).await, Ok(Ok(()))) && self.is_clean()
    }

    /// Whether somebody polls the connection. A runtime of one thread may stand still, or be one that nobody runs any more, while
    /// another one uses the pool; others have threads of their own.
    async fn is_driven(&self) -> bool {
        if self.home.runtime_flavor() != RuntimeFlavor::CurrentThread
            || Handle::try_current().is_ok_and(|here| here.id() == self.home.id())
        {
            return true;
        }
        let sign = self.home.spawn(std::future::ready(()));
        matches!(tokio::time::timeout(Duration::from_millis(250), sign).await, Ok(Ok(())))
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
    pub settings: Arc<Settings>,
}

impl Guard {
    pub fn new(object: Object, settings: Arc<Settings>) -> Self {
        Guard { object: Some(object), settings }
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
        let open = object.wire.status() != Status::Idle;
        if object.is_lost() {
            drop(Object::take(object));
            return;
        }
        if object.is_doubtful() || (object.wire.status() == Status::Open && !object.wire.at_rest()) {
            // Nobody waits for the answer: stop the statement and close the connection, which ends its transaction.
            let token = object.client.cancel_token();
            let runtime = Handle::try_current().unwrap_or_else(|_| object.home.clone());
            if open {
                run::observe_control(&self.settings, "ROLLBACK", Instant::now(), &Ok(()));
            }
            drop(Object::take(object));
            let settings = Arc::clone(&self.settings);
            runtime.spawn(async move {
                // A server that does not answer is left alone.
                let _ = tokio::time::timeout(PATIENCE, settings.connector.cancel(token)).await;
            });
            return;
        }
        if open {
            // Polled once, it is on its way: the connection's own task sends it, whatever becomes of this runtime. The answer is waited for
            // before the connection is lent again.
            let start = Instant::now();
            let answered = object.client.batch_execute("ROLLBACK").now_or_never();
            let sent = match answered {
                Some(Err(error)) => Err(errors::map(error, None)),
                _ => Ok(()),
            };
            run::observe_control(&self.settings, "ROLLBACK", start, &sent);
        }
        if object.wire.is_marked() {
            // What SET, LISTEN and their like left behind is not for the next user.
            drop(Object::take(object));
        }
    }
}
