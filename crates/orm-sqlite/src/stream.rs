//! Rows one by one: a thread steps the statement and waits while the channel is full.

use futures_util::StreamExt;
use futures_util::stream::unfold;
use orm_core::Result;
use orm_core::backend::{BoxStream, Decoder, Flow, FromRow, Row};
use orm_core::ir::Command;
use tokio::sync::mpsc;

use crate::database::{Session, at_length};
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
    Start(Session, Command),
    Rows(mpsc::Receiver<Result<T>>),
}

pub fn rows<T: FromRow + std::marker::Send + 'static>(
    session: Session,
    command: Command,
) -> BoxStream<'static, Result<T>> {
    let start = State::Start(session, command);
    let stream = unfold(Some(start), |state| async move {
        let mut rows = match state? {
            State::Rows(rows) => rows,
            State::Start(session, command) => match begin(session, command).await {
                Ok(rows) => rows,
                Err(error) => return Some((Err(error), None)),
            },
        };
        let row = rows.recv().await?;
        Some((row, Some(State::Rows(rows))))
    });
    // Polled after its end, it ends again.
    Box::pin(stream.fuse())
}

async fn begin<T: FromRow + std::marker::Send + 'static>(
    session: Session,
    command: Command,
) -> Result<mpsc::Receiver<Result<T>>> {
    let shape = bind::check(&command)?;
    let work = session.work(command.is_write()).await?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    let job = blocking::unblock(move || {
        let mut decoder = Send(sender);
        let result = at_length(&work, |connection| {
            run::execute(work.pool()?, connection, &command, shape, false, &mut decoder)
        });
        drop(work);
        if let Err(error) = result {
            // Without a listener there is nobody to tell.
            let _ = decoder.0.blocking_send(Err(error));
        }
    });
    job.detach();
    Ok(receiver)
}
