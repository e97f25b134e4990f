//! Transactions: one session of the driver each, and what is known about its state.
//!
//! The driver can only abort what it knows to have begun, and it learns of a beginning when the first reply is there. A future
//! that is dropped before would leave the transaction open on the server, with its locks, until the server's limit of time. So the
//! first command of a transaction, its commit and its rollback are tasks of their own: whoever waits for them may go, they still end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, TransactionOptions};
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};
use mongodb::{Client, ClientSession};
use orm_core::backend::{Isolation, TxOptions};
use orm_core::{Error, ErrorKind, Result};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::concern::Does;
use crate::errors;

/// A transaction under way.
pub(crate) struct Transaction {
    session: Arc<AsyncMutex<ClientSession>>,
    read_only: bool,
    /// Whether the server may know of it.
    begun: AtomicBool,
    /// Whether a statement failed, or was cut off: nothing of it may be committed.
    failed: AtomicBool,
    /// Whether the server could not be reached: there is no use in telling it anything.
    lost: AtomicBool,
    ended: AtomicBool,
}

type Held = OwnedMutexGuard<ClientSession>;

impl Transaction {
    pub async fn start(client: &Client, options: TxOptions) -> Result<Self> {
        let failed = |error| errors::map(error, None);
        let mut driver = client.start_session().await.map_err(failed)?;
        let concern = match options.isolation {
            None | Some(Isolation::RepeatableRead) => ReadConcern::snapshot(),
            Some(Isolation::ReadCommitted) => ReadConcern::majority(),
            Some(_) => {
                return Err(Error::new(ErrorKind::Unsupported, "MongoDB has no serializable transactions")
                    .with_hint("`Isolation::RepeatableRead` is the strictest it has: a snapshot"));
            }
        };
        // The driver adds the write concern of the client. The server reads within transactions on the primary alone, whatever
        // the client prefers.
        let concerns = TransactionOptions::builder()
            .read_concern(concern)
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        driver.start_transaction().with_options(concerns).await.map_err(failed)?;
        Ok(Transaction {
            session: Arc::new(AsyncMutex::new(driver)),
            read_only: options.read_only,
            begun: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    pub fn check(&self) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Usage, "the transaction has ended"));
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Usage,
                "a statement of this transaction failed or was cut off; roll it back",
            ));
        }
        Ok(())
    }

    /// Nothing of the transaction can be committed any more, unless it is settled otherwise.
    pub fn doubt(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Nothing is sent any more: the driver aborts it when the session is dropped.
    pub fn abandon(&self) {
        self.doubt();
        self.ended.store(true, Ordering::Release);
    }

    /// Runs a command once no other one of the transaction is under way. In doubt while it is, and for ever if it is cut off or
    /// fails: the server aborts a transaction after any error.
    async fn turn<T, W>(&self, does: Does, work: impl FnOnce(Held) -> W) -> Result<mongodb::error::Result<T>>
    where
        T: Send + 'static,
        W: Future<Output = (Held, mongodb::error::Result<T>)> + Send + 'static,
    {
        let driver = Arc::clone(&self.session).lock_owned().await;
        self.check()?;
        // The server knows no read-only transactions.
        if self.read_only && does.writes() {
            return Err(Error::new(ErrorKind::ReadOnly, "the transaction is read-only")
                .with_hint("write in a transaction without `read_only()`"));
        }
        self.doubt();
        let (_driver, result) = if self.begun.swap(true, Ordering::AcqRel) {
            work(driver).await
        } else {
            detached(work(driver)).await?
        };
        self.settle(&result);
        Ok(result)
    }

    fn settle<T>(&self, result: &mongodb::error::Result<T>) {
        match result {
            Ok(_) => self.failed.store(false, Ordering::Release),
            Err(error) if errors::is_lost(error) => self.lost.store(true, Ordering::Release),
            Err(_) => {}
        }
    }

    /// Sends a command and takes its reply.
    pub async fn run(
        &self,
        db: &mongodb::Database,
        command: RawDocumentBuf,
        does: Does,
    ) -> Result<mongodb::error::Result<Document>> {
        let db = db.clone();
        let work = |mut driver: Held| async move {
            let result = db.run_raw_command(command).session(&mut *driver).await;
            (driver, result)
        };
        self.turn(does, work).await
    }

    /// Sends a command whose reply is a cursor.
    pub async fn open(
        &self,
        db: &mongodb::Database,
        command: RawDocumentBuf,
        does: Does,
    ) -> Result<mongodb::error::Result<SessionRawBatchCursor>> {
        let db = db.clone();
        let work = |mut driver: Held| async move {
            let result = db.run_raw_cursor_command(command).session(&mut *driver).batch().await;
            (driver, result)
        };
        self.turn(does, work).await
    }

    /// The next batch of a cursor.
    pub async fn next(
        &self,
        cursor: &mut SessionRawBatchCursor,
    ) -> Result<Option<mongodb::error::Result<RawBatch>>> {
        let mut driver = self.session.lock().await;
        self.check()?;
        self.doubt();
        let batch = cursor.stream(&mut driver).next().await.transpose();
        self.settle(&batch);
        Ok(batch.transpose())
    }

    pub async fn commit(&self) -> Result<()> {
        let mut driver = Arc::clone(&self.session).lock_owned().await;
        if self.failed.load(Ordering::Acquire) {
            drop(driver);
            self.rollback().await?;
            return Err(Error::new(
                ErrorKind::Database,
                "a statement of the transaction failed, so it was rolled back and not committed",
            )
            .with_hint("return the statement's error from the transaction"));
        }
        self.check()?;
        self.doubt();
        let result = detached(async move { driver.commit_transaction().await }).await?;
        self.ended.store(true, Ordering::Release);
        result.map_err(errors::of_commit)
    }

    pub async fn rollback(&self) -> Result<()> {
        // Without a server the driver tells it in the background, when the session is dropped.
        if self.ended.swap(true, Ordering::AcqRel) || self.lost.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut driver = Arc::clone(&self.session).lock_owned().await;
        let result = detached(async move { driver.abort_transaction().await }).await?;
        result.map_err(|error| errors::map(error, None))
    }
}

/// Runs a future to its end, even if nobody waits for it any more.
async fn detached<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(value) => Ok(value),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => {
                Err(Error::new(ErrorKind::ConnectionLost, "the runtime is shutting down").with_source(error))
            }
        },
    }
}
