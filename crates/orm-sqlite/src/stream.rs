//! Rows one by one: a thread steps the statement and waits while the channel is full.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use orm_core::Result;
use orm_core::backend::{BoxStream, Decoder, Flow, FromRow, Row};
use orm_core::ir::Command;
use tokio::sync::mpsc;

use crate::session::SqliteSession;
use crate::transaction::Transaction;
use crate::watch::Caller;
use crate::{bind, run};

/// Rows that may wait in the channel.
const AHEAD: usize = 64;

struct Send<T>(mpsc::Sender<Result<T>>);

impl<T: FromRow + std::marker::Send + 'static> Decoder for Send<T> {
    type Out = ();
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        let sent = self.0.blocking_send(T::from_row(row, 0));
        // Nobody listens any more: the stream was dropped.
        Ok(if sent.is_ok() { Flow::More } else { Flow::Enough })
    }
    fn reset(&mut self) {}
    fn finish(self, _: u64) -> Result<()> {
        Ok(())
    }
}

enum State<T> {
    Start(SqliteSession, Command),
    Rows(Open<T>),
}

/// A stream that is being read. Dropped, it lets go of the transaction and stops the read.
struct Open<T> {
    rows: mpsc::Receiver<Result<T>>,
    /// A write goes on to its end, or it would not happen.
    caller: Option<Caller>,
    transaction: Option<Arc<Transaction>>,
}

impl<T> Drop for Open<T> {
    fn drop(&mut self) {
        // The thread sees both and gives the connection back; the next statement of the transaction waits for that.
        self.caller.take();
        self.rows.close();
        if let Some(transaction) = &self.transaction {
            transaction.closes_stream();
        }
    }
}

pub fn rows<T: FromRow + std::marker::Send + 'static>(
    session: SqliteSession,
    command: Command,
) -> BoxStream<'static, Result<T>> {
    let start = State::Start(session, command);
    let stream = unfold(Some(start), |state| async move {
        let mut open = match state? {
            State::Rows(open) => open,
            State::Start(session, command) => match begin(session, command).await {
                Ok(open) => open,
                Err(error) => return Some((Err(error), None)),
            },
        };
        let row = open.rows.recv().await?;
        Some((row, Some(State::Rows(open))))
    });
    // Polled after its end, it ends again.
    Box::pin(stream.fuse())
}

async fn begin<T: FromRow + std::marker::Send + 'static>(
    session: SqliteSession,
    command: Command,
) -> Result<Open<T>> {
    let checked = bind::check(&command)?;
    let write = command.is_write();
    let work = session.work(write).await?;
    if let Some(transaction) = work.transaction() {
        transaction.opens_stream();
        if write {
            transaction.add_bytes(u64::MAX);
        }
    }
    let transaction = work.transaction().cloned();
    let caller = (!write).then(Caller::default);
    let left = caller.as_ref().map(Caller::left);
    let (sender, rows) = mpsc::channel(AHEAD);
    let job = blocking::unblock(move || {
        let mut decoder = Send(sender);
        let result = work.at_length(left, |on| run::execute(on, &command, &checked, false, &mut decoder));
        drop(work);
        if let Err(error) = result {
            // Without a listener there is nobody to tell.
            let _ = decoder.0.blocking_send(Err(error));
        }
    });
    job.detach();
    Ok(Open { rows, caller, transaction })
}
