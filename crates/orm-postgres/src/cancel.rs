//! Ending a statement early: from another task, or after a time.

use std::sync::Arc;
use std::time::Duration;

use orm_core::backend::{Executor, Tx};
use orm_core::{Error, ErrorKind, Result};
use tokio_postgres::CancelToken;

use crate::builder::Settings;
use crate::database::Postgres;
use crate::session::Place;

/// Cancels what a transaction is doing, from another task or thread: made by [`Postgres::cancel_handle`].
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// let tx = db.begin().await?;
/// let handle = Postgres::cancel_handle(&tx)?;
/// tokio::spawn(async move {
///     tokio::time::sleep(std::time::Duration::from_secs(5)).await;
///     handle.cancel().await;
/// });
/// match Post::query().all(&tx).await {
///     Err(error) if error.kind() == ErrorKind::Cancelled => println!("it took too long"),
///     other => println!("{} posts", other?.len()),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "it cancels nothing before `.cancel()`"]
pub struct PgCancelHandle {
    token: CancelToken,
    settings: Arc<Settings>,
}

impl std::fmt::Debug for PgCancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PgCancelHandle")
    }
}

impl PgCancelHandle {
    /// Asks the server to stop the statement that the transaction is running, which then fails with
    /// [`Cancelled`](ErrorKind::Cancelled), and the transaction with it. A statement that has ended already is not touched; the
    /// server does not say which.
    pub async fn cancel(&self) {
        self.settings.connector.cancel(self.token.clone()).await;
    }
}

impl Postgres {
    /// A handle that cancels the statements of a transaction. A statement on the pool is cancelled by dropping its future, or by
    /// a timeout around it.
    ///
    /// # Errors
    /// [`ErrorKind::ConnectionLost`] if the transaction has lost its connection.
    pub fn cancel_handle(tx: &Tx<Postgres>) -> Result<PgCancelHandle> {
        match &tx.handle().session().0 {
            Place::Tx { tx, .. } => Ok(PgCancelHandle {
                token: tx.guard.connection()?.client.cancel_token(),
                settings: Arc::clone(&tx.guard.settings),
            }),
            _ => Err(Error::new(ErrorKind::Usage, "the transaction has ended")),
        }
    }

    /// How long each statement may take from here to the end of the transaction, in whole milliseconds; one that takes
    /// longer fails with [`StatementTimeout`](ErrorKind::StatementTimeout), and the transaction with it. Zero is no limit.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use std::time::Duration;
    /// let posts = db
    ///     .transaction(async |tx| {
    ///         Postgres::limit_statements(tx, Duration::from_millis(200)).await?;
    ///         Post::query().all(tx).await
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub async fn limit_statements(tx: &Tx<Postgres>, limit: Duration) -> Result<()> {
        Postgres::set_local(tx, "statement_timeout", &limit.as_millis().to_string()).await
    }
}
