//! How a transaction is to be.

/// How transactions that run at the same time see each other.
///
/// ```
/// use orm::backend::{Isolation, TxOptions};
/// let options = TxOptions::new().isolation(Isolation::RepeatableRead);
/// assert_eq!(options.isolation, Some(Isolation::RepeatableRead));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what is committed when it starts.
    ReadCommitted,
    /// All statements see the same snapshot.
    RepeatableRead,
    /// As if the transactions ran one after the other. SQLite is always serializable.
    Serializable,
}

/// The options of a transaction.
///
/// ```
/// use orm_core::backend::{Isolation, TxOptions};
/// let options = TxOptions::new().isolation(Isolation::Serializable).retries(5);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TxOptions {
    /// The isolation; `None` leaves it to the database.
    pub isolation: Option<Isolation>,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Whether a serializable read-only transaction may wait for a safe snapshot (PostgreSQL).
    pub deferrable: bool,
    /// How often a transaction that failed with a retryable error is run again.
    pub retries: u32,
}

impl TxOptions {
    /// The database's own defaults, no retries.
    ///
    /// ```
    /// use orm::backend::TxOptions;
    /// let options = TxOptions::new();
    /// assert_eq!((options.isolation, options.read_only, options.retries), (None, false, 0));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the isolation.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let options = TxOptions::new().isolation(Isolation::Serializable);
    /// let count = db.transaction_with(options, async |tx| User::query().count(tx).await).await?;
    /// assert_eq!(count, 3);
    /// # Ok(()) }
    /// ```
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }
    /// Refuses writes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let tx = db.begin_with(TxOptions::new().read_only()).await?;
    /// assert_eq!(User::query().count(&tx).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
    /// Lets a serializable read-only transaction wait for a safe snapshot.
    ///
    /// ```
    /// use orm::backend::{Isolation, TxOptions};
    /// let report = TxOptions::new().isolation(Isolation::Serializable).read_only().deferrable();
    /// assert!(report.deferrable);
    /// ```
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }
    /// Runs the transaction again, up to `times`, after a retryable error.
    ///
    /// ```
    /// use orm::backend::TxOptions;
    /// assert_eq!(TxOptions::new().retries(3).retries, 3);
    /// ```
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }
}
