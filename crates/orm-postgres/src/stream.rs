//! Rows one by one: the server's rows as they come, with back-pressure through the socket.

use std::pin::Pin;

use futures_util::stream::unfold;
use futures_util::{StreamExt, TryStreamExt};
use orm_core::Result;
use orm_core::backend::{BoxStream, FromRow};
use orm_core::ir::Command;
use tokio_postgres::RowStream;

use crate::cell::PgRow;
use crate::session::{PgSession, Streaming};
use crate::{bind, errors, run};

enum State {
    Start(PgSession, Command),
    Rows(Open),
}

struct Open {
    streaming: Streaming,
    rows: Pin<Box<RowStream>>,
}

pub fn rows<T: FromRow + Send + 'static>(
    session: PgSession,
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
            Ok(Some(row)) => {
                open.streaming.row();
                match run::decode(&open.streaming.command, &PgRow::new(&row), |row| T::from_row(row, 0)) {
                    Ok(row) => Some((Ok(row), Some(State::Rows(open)))),
                    Err(error) => Some((Err(error), None)),
                }
            }
            Ok(None) => open.streaming.end(Ok(())).err().map(|error| (Err(error), None)),
            Err(error) => {
                let error = errors::map(error, open.streaming.command.model());
                open.streaming.end(Err(error)).err().map(|error| (Err(error), None))
            }
        }
    });
    Box::pin(rows.fuse())
}

async fn begin(session: PgSession, command: Command) -> Result<Open> {
    let shape = bind::check(&command)?;
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        let (key, compiled) = run::compiled(work.settings(), &command, shape)?;
        let sent = {
            let connection = work.connection()?;
            run::note_raw(connection, &command, &compiled.sql);
            let under_way = connection.start();
            let rows = run::send(work.settings(), connection, &command, key, &compiled.sql).await;
            under_way.done();
            rows
        };
        match sent {
            Ok(rows) => {
                let streaming = work.stream(command, compiled.sql.clone());
                return Ok(Open { streaming, rows: Box::pin(rows) });
            }
            Err(error) if moves.again(&work, &error, &command) => work.connection()?.lose(),
            Err(error) => {
                run::report_failed(work.settings(), &command, &compiled.sql, &error);
                return Err(error);
            }
        }
    }
}
