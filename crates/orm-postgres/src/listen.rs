//! LISTEN and NOTIFY.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::unfold;
use orm_core::backend::{BoxStream, Executor};
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect};
use tokio::sync::mpsc;
use tokio_postgres::{Client, Notification};

use crate::Postgres;
use crate::builder::Settings;
use crate::errors;

/// Notifications that may wait before the server is read no further.
const AHEAD: usize = 1024;

/// What a [`PgListener`] hears.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::PgEvent;
/// let mut listener = db.listen(["jobs"]).await?;
/// match listener.next().await? {
///     PgEvent::Notified { channel, payload } => println!("{channel}: {payload}"),
///     PgEvent::Gap => println!("something may have been missed"),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PgEvent {
    /// Somebody notified a channel.
    Notified {
        /// The channel.
        channel: String,
        /// What they said, at most 8 000 bytes.
        payload: String,
    },
    /// The connection was lost and is there again: what was said meanwhile is lost. Read the state anew.
    Gap,
}

/// A connection of its own that hears what is said on some channels: made by [`Postgres::listen`].
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::{PgEvent, PgListener};
/// let mut jobs: PgListener = db.listen(["jobs"]).await?;
/// Postgres::notify(&db, "jobs", "7").await?;
/// assert_eq!(jobs.next().await?, PgEvent::Notified { channel: "jobs".to_owned(), payload: "7".to_owned() });
/// # Ok(()) }
/// ```
pub struct PgListener {
    settings: Arc<Settings>,
    channels: Vec<String>,
    /// Closes the connection when it is dropped.
    client: Client,
    heard: mpsc::Receiver<Notification>,
}

impl std::fmt::Debug for PgListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgListener").field("channels", &self.channels).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Listens to channels, on a connection of its own outside of the pool.
    ///
    /// ```no_run
    /// # async fn example(db: &orm_postgres::Postgres) -> orm_core::Result<()> {
    /// use orm_postgres::PgEvent;
    /// let mut jobs = db.listen(["jobs"]).await?;
    /// loop {
    ///     match jobs.next().await? {
    ///         PgEvent::Notified { payload, .. } => println!("{payload}"),
    ///         PgEvent::Gap => println!("look for jobs that were missed"),
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn listen<C: Into<String>>(&self, channels: impl IntoIterator<Item = C>) -> Result<PgListener> {
        let channels: Vec<String> = channels.into_iter().map(Into::into).collect();
        let settings = self.settings();
        let (client, heard) = connect(&settings, &channels).await?;
        Ok(PgListener { settings, channels, client, heard })
    }

    /// Notifies a channel; in a transaction, when it commits.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// db.transaction(async |tx| {
    ///     let tag = Tag::create().name("news").insert(tx).await?;
    ///     Postgres::notify(tx, "tags", &tag.id.to_string()).await     // when the transaction commits
    /// })
    /// .await?;
    /// # Ok(()) }
    /// ```
    pub async fn notify<E>(db: &E, channel: &str, payload: &str) -> Result<()>
    where
        E: Executor<Backend = Postgres> + ?Sized,
    {
        let notify = orm_core::query::sql::<i64>("SELECT 1::bigint FROM pg_notify(?, ?)");
        notify.bind(channel.to_owned()).bind(payload.to_owned()).all(db).await.map(drop)
    }
}

async fn connect(settings: &Settings, channels: &[String]) -> Result<(Client, mpsc::Receiver<Notification>)> {
    let failed = |error| errors::map(error, None);
    let (sender, heard) = mpsc::channel(AHEAD);
    let client = settings.connector.connect_listening(&settings.config, sender).await?;
    for sql in &settings.after_connect {
        client.batch_execute(sql).await.map_err(failed)?;
    }
    let listen: Vec<String> =
        channels.iter().map(|channel| format!("LISTEN {}", PostgresDialect.quote_ident(channel))).collect();
    client.batch_execute(&listen.join(";")).await.map_err(failed)?;
    Ok((client, heard))
}

impl PgListener {
    /// The next event; waits for it. A lost connection is made again, as long as that takes, and reported as a
    /// [`Gap`](PgEvent::Gap).
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::PgEvent;
    /// let mut listener = db.listen(["tags"]).await?;
    /// while let PgEvent::Notified { payload, .. } = listener.next().await? {
    ///     println!("tag {payload} is new");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the server does not let us in any more.
    pub async fn next(&mut self) -> Result<PgEvent> {
        if let Some(heard) = self.heard.recv().await {
            return Ok(PgEvent::Notified {
                channel: heard.channel().to_owned(),
                payload: heard.payload().to_owned(),
            });
        }
        let mut pause = Duration::from_millis(50);
        loop {
            match connect(&self.settings, &self.channels).await {
                Ok((client, heard)) => {
                    (self.client, self.heard) = (client, heard);
                    return Ok(PgEvent::Gap);
                }
                Err(error) if error.kind() == ErrorKind::Configuration => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "the server is not there yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }

    /// The events as a stream, which ends after an error.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use futures_util::TryStreamExt;
    /// let mut events = db.listen(["tags"]).await?.into_stream();
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{event:?}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn into_stream(self) -> BoxStream<'static, Result<PgEvent>> {
        Box::pin(unfold(Some(self), |listener| async move {
            let mut listener = listener?;
            match listener.next().await {
                Ok(event) => Some((Ok(event), Some(listener))),
                Err(error) => Some((Err::<PgEvent, Error>(error), None)),
            }
        }))
    }
}
