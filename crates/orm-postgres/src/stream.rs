//! Rows one by one: the server's rows as they come, with back-pressure through the socket.

use std::pin::Pin;

use futures_util::stream::unfold;
use futures_util::{StreamExt, TryStreamExt};
use orm_core::Result;
use orm_core::backend::{BoxStream, FromRow};
use orm_core::ir::Command;
use tokio_postgres::RowStream;

use crate::cell::PgRow;
use crate::session::{Session, Work};
use crate::{bind, errors, run};

enum State {
    Start(Session, Command),
    Rows(Open),
}

/// A statement whose rows are being read. Dropped before the end, it takes its connection with it.
struct Open {
    work: Work,
    rows: Pin<Box<RowStream>>,
    command: Command,
}

pub fn rows<T: FromRow + Send + 'static>(
    session: Session,
    command: Command,
) -> BoxStream<'static, Result<T>> {
    // Polled after its end, it ends again.
    let rows = unfold(Some(State::Start(session, command)), |state| async move {
        let mut open = match state? {
            State::Rows(open) => open,
            State::Start(session, command) => match begin(session, command).await {
                Ok(open) => open,
                Err(error) => return Some((Err(error), None)),
            },
        };
        match open.rows.try_next().await {
            Ok(Some(row)) => match T::from_row(&PgRow(&row), 0) {
                Ok(row) => Some((Ok(row), Some(State::Rows(open)))),
                Err(error) => Some((Err(error), None)),
            },
            Ok(None) => {
                open.work.finish_stream();
                None
            }
            Err(error) => {
                let error = errors::map(error, open.command.model());
                open.work.finish_stream();
                Some((Err(error), None))
            }
        }
    });
    Box::pin(rows.fuse())
}

async fn begin(session: Session, command: Command) -> Result<Open> {
    bind::check(&command)?;
    let work = session.work().await?;
    let (key, compiled) = run::compiled(work.settings(), &command)?;
    let rows = {
        let connection = work.connection()?;
        let under_way = connection.start();
        let rows = run::send(work.settings(), connection, &command, key, &compiled.sql).await;
        under_way.done();
        rows?
    };
    work.start_stream();
    Ok(Open { work, rows: Box::pin(rows), command })
}
