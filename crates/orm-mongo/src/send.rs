//! Sending: commands on their way to the server and replies on their way back, within a transaction and outside of any.
//!
//! The driver sends a command of ours as it is. What it does for operations of its own is done here: the concerns of the client
//! are added ([`concern`](crate::concern)), a read that lost its server is sent once more, and a write of one document goes out as
//! the driver's own operation, which may be sent twice and still happens once ([`single`](crate::single)).

use futures_util::StreamExt;
use mongodb::bson::RawDocumentBuf;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor, SessionRawBatchCursor};
use orm_core::backend::{StatementWatch, Watcher, What};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

use crate::atomic::{Backoff, busy};
use crate::concern::Does;
use crate::session::MongoSession;
use crate::single::Single;
use crate::{errors, explain};

impl MongoSession {
    /// Sends a command and takes its reply.
    pub(crate) async fn command(
        &self,
        command: Vec<u8>,
        model: Option<&'static ModelMeta>,
    ) -> Result<Vec<u8>> {
        let reply = self.send(&self.shared.db, command, model).await?;
        self.checked(reply, model)
    }

    /// Sends a command that is about no database in particular. What went wrong with the parts of it is for the caller to look at.
    pub(crate) async fn admin(&self, command: Vec<u8>) -> Result<Vec<u8>> {
        self.send(&self.shared.client.database("admin"), command, None).await
    }

    /// The reply, unless it says that the write failed.
    pub(crate) fn checked(&self, reply: Vec<u8>, model: Option<&'static ModelMeta>) -> Result<Vec<u8>> {
        match errors::of_write(&reply, model) {
            None => Ok(reply),
            Some(error) => {
                self.spoil();
                Err(error)
            }
        }
    }

    /// The server aborts a transaction in which a write failed, though its reply is one of success.
    pub(crate) fn spoil(&self) {
        if let Some(tx) = &self.tx {
            tx.doubt();
        }
    }

    async fn send(
        &self,
        db: &mongodb::Database,
        command: Vec<u8>,
        model: Option<&'static ModelMeta>,
    ) -> Result<Vec<u8>> {
        let does = Does::of(&command);
        let concerns = &self.shared.concerns;
        if let Some(tx) = &self.tx {
            let watch = self.watch(&command, model);
            let result = tx.run(db, buffer(command)?, does).await?;
            seen(watch, 0, result.is_ok());
            return bytes(result.map_err(|error| errors::map(error, model))?);
        }
        let command = concerns.complete(command, does);
        let mut backoff = Backoff::new();
        loop {
            let single = Single::of(&command);
            let again = single.is_some();
            let watch = self.watch(&command, model);
            let result = match single.filter(|_| concerns.retry_writes) {
                Some(single) => single.send(db).await.map(Ok),
                None => db.run_raw_command(buffer(command.clone())?).await.map(bytes),
            };
            seen(watch, 0, result.is_ok());
            let error = match result {
                Ok(reply) => return reply,
                Err(error) => unanswered(error, does, model),
            };
            // Nothing was written: it is one document, and another write came first.
            if error.kind() != ErrorKind::Serialization || !again {
                return Err(error);
            }
            if !backoff.pause().await {
                return Err(busy(error));
            }
        }
    }

    /// Sends a read that has no cursor, outside of any transaction.
    pub(crate) async fn ask(&self, command: Vec<u8>, model: Option<&'static ModelMeta>) -> Result<Vec<u8>> {
        let watch = self.watch(&command, model);
        let command = buffer(command)?;
        let send = || {
            let action = self.shared.db.run_raw_command(command.clone());
            match self.criteria() {
                Some(criteria) => action.selection_criteria(criteria),
                None => action,
            }
        };
        let reply = match send().await {
            Err(first) if self.shared.concerns.retry_reads && errors::may_read_again(&first) => {
                send().await.map_err(|second| later(first, second))
            }
            other => other,
        };
        seen(watch, 0, reply.is_ok());
        bytes(reply.map_err(|error| errors::map(error, model))?)
    }

    /// Sends a command whose reply is a cursor. The watch of the result belongs to the caller, who counts the rows.
    pub(crate) async fn open(
        &self,
        command: Vec<u8>,
        model: Option<&'static ModelMeta>,
    ) -> Result<(Batches, Option<StatementWatch>)> {
        let does = Does::of(&command);
        if let Some(tx) = &self.tx {
            let watch = self.watch(&command, model);
            let cursor = match tx.open(&self.shared.db, buffer(command)?, does).await? {
                Ok(cursor) => cursor,
                Err(error) => {
                    seen(watch, 0, false);
                    return Err(errors::map(error, model));
                }
            };
            let batches =
                Batches { session: self.clone(), cursor: Cursor::Bound(Box::new(cursor)), does, model };
            return Ok((batches, watch));
        }
        let command = self.shared.concerns.complete(command, does);
        let watch = self.watch(&command, model);
        match self.first_batch(buffer(command)?, does).await {
            Ok(cursor) => {
                let cursor = Cursor::Free(Box::new(cursor));
                Ok((Batches { session: self.clone(), cursor, does, model }, watch))
            }
            Err(error) => {
                seen(watch, 0, false);
                Err(unanswered(error, does, model))
            }
        }
    }

    async fn first_batch(
        &self,
        command: RawDocumentBuf,
        does: Does,
    ) -> mongodb::error::Result<RawBatchCursor> {
        let send = |command| {
            let action = self.shared.db.run_raw_cursor_command(command);
            match self.criteria().filter(|_| !does.writes()) {
                Some(criteria) => action.selection_criteria(criteria).batch(),
                None => action.batch(),
            }
        };
        if does.writes() || !self.shared.concerns.retry_reads {
            return send(command).await;
        }
        // <https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md>: once, and the batches
        // that follow the first are not asked for again.
        match send(command.clone()).await {
            Err(first) if errors::may_read_again(&first) => {
                send(command).await.map_err(|second| later(first, second))
            }
            other => other,
        }
    }

    /// Which server reads. What the driver reads for itself has to be what is true now.
    fn criteria(&self) -> Option<mongodb::options::SelectionCriteria> {
        self.shared.concerns.criteria.clone().filter(|_| !self.upkeep)
    }

    pub(crate) fn watch(&self, command: &[u8], model: Option<&'static ModelMeta>) -> Option<StatementWatch> {
        let mut watcher = Watcher::new("mongodb", self.shared.settings.observer.as_ref());
        watcher.upkeep = self.upkeep;
        watcher.listens().then(|| watcher.watch(What::about(model), explain::shell(command, false)))
    }
}

/// Tells observers how a command ended.
pub(crate) fn seen(watch: Option<StatementWatch>, rows: u64, ok: bool) {
    if let Some(watch) = watch {
        watch.end(if ok { Ok(rows) } else { Err(()) });
    }
}

/// Of two attempts: that no server was found at the second says nothing about the first.
fn later(first: mongodb::error::Error, second: mongodb::error::Error) -> mongodb::error::Error {
    match *second.kind {
        mongodb::error::ErrorKind::ServerSelection { .. } => first,
        _ => second,
    }
}

/// An error outside of transactions, where a write may have happened before the connection was lost.
fn unanswered(error: mongodb::error::Error, does: Does, model: Option<&'static ModelMeta>) -> Error {
    let unknown = does.writes() && errors::was_sent(&error);
    let error = errors::map(error, model);
    if unknown {
        error.with_hint("the write may have happened all the same: look before you send it again")
    } else {
        error
    }
}

fn buffer(command: Vec<u8>) -> Result<RawDocumentBuf> {
    RawDocumentBuf::from_bytes(command).map_err(errors::encoding)
}

fn bytes(reply: mongodb::bson::Document) -> Result<Vec<u8>> {
    Ok(RawDocumentBuf::try_from(&reply).map_err(errors::encoding)?.into_bytes())
}

/// The batches of a cursor.
pub(crate) struct Batches {
    session: MongoSession,
    cursor: Cursor,
    does: Does,
    model: Option<&'static ModelMeta>,
}

enum Cursor {
    Free(Box<RawBatchCursor>),
    /// Of a transaction.
    Bound(Box<SessionRawBatchCursor>),
}

impl Batches {
    /// The next batch. After an error there is none.
    pub async fn next(&mut self) -> Result<Option<RawBatch>> {
        let next = match (&mut self.cursor, &self.session.tx) {
            (Cursor::Free(cursor), _) => cursor.next().await,
            (Cursor::Bound(cursor), Some(tx)) => tx.next(cursor).await?,
            (Cursor::Bound(_), None) => None,
        };
        let Some(batch) = next.transpose().map_err(|error| errors::map(error, self.model))? else {
            return Ok(None);
        };
        if self.does.writes()
            && let Some(error) = errors::of_write(batch.as_raw_document().as_bytes(), self.model)
        {
            self.session.spoil();
            return Err(error);
        }
        Ok(Some(batch))
    }
}
