//! Rows out, one by one.

use std::pin::Pin;

use futures_util::stream::unfold;
use futures_util::{StreamExt, TryStreamExt};
use orm_core::backend::{BoxStream, Executor, FromRow, Row};
use orm_core::expr::scope::Closed;
use orm_core::ir::{self, Binds, Command, IntoCommand};
use orm_core::query::Query;
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect};
use tokio_postgres::binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::types::Type;

use crate::cell::{PgCell, Raw};
use crate::database::Postgres;
use crate::session::{PgSession, Streaming};
use crate::{bind, errors, run};

impl Postgres {
    /// The rows of a query by `COPY (…) TO STDOUT (FORMAT binary)`, in constant memory. The server sends them in larger pieces than the rows of
    /// a [stream](Query::stream), which pays for millions of small rows.
    ///
    /// COPY takes no parameters, so the values of the query become part of its text; those of types that only PostgreSQL has
    /// cannot. A stream dropped before its end takes its connection with it.
    ///
    /// ```no_run
    /// # use orm_postgres::Postgres;
    /// # async fn example<User: orm_core::Model + std::fmt::Debug>(db: &Postgres) -> orm_core::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use orm_core::query::ModelQuery;
    /// let mut users = Postgres::copy_out(User::query(), db);
    /// while let Some(user) = users.try_next().await? {
    ///     println!("{user:?}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a value that has no text, and behind a pooler.
    pub fn copy_out<M, Q, Out, N, E>(query: Query<M, Q, Out, N>, db: &E) -> BoxStream<'static, Result<Out>>
    where
        Q: Closed,
        Out: FromRow + Send + 'static,
        E: Executor<Backend = Postgres> + ?Sized,
    {
        match query.into_command() {
            Ok(command) => {
                db.handle().native_rows(command, |session, command| copied(session.clone(), command))
            }
            Err(error) => Box::pin(futures_util::stream::once(std::future::ready(Err(error)))),
        }
    }
}

fn copied<Out: FromRow + Send + 'static>(
    session: PgSession,
    command: Command,
) -> BoxStream<'static, Result<Out>> {
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
                match Out::from_row(&CopyRow { row: &row, types: &open.types }, 0) {
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
    // Polled after its end, it ends again.
    Box::pin(rows.fuse())
}

enum State {
    Start(PgSession, Command),
    Rows(Open),
}

/// A copy whose rows are being read.
struct Open {
    streaming: Streaming,
    rows: Pin<Box<BinaryCopyOutStream>>,
    types: Vec<Type>,
}

async fn begin(session: PgSession, command: Command) -> Result<Open> {
    let shape = bind::check(&command)?;
    let work = session.work().await?;
    if work.settings().pooled {
        return Err(super::no_pooler());
    }
    let (_, compiled) = run::compiled(work.settings(), &command, shape)?;
    let sql = inlined(&compiled.sql, &command)?;
    let failed = |error| errors::map(error, command.model());
    let copy = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
    let opened = {
        let connection = work.connection()?;
        let under_way = connection.start();
        let opened = async {
            let statement = connection.client.prepare(&sql).await.map_err(failed)?;
            let types: Vec<Type> = statement.columns().iter().map(|column| column.type_().clone()).collect();
            let rows = connection.client.copy_out(&copy).await.map_err(failed)?;
            Ok::<_, Error>((types, rows))
        };
        let opened = opened.await;
        under_way.done();
        opened
    };
    let (types, rows) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // The text that was sent has values in it.
            run::report_failed(work.settings(), &command, &compiled.sql, &error);
            return Err(error);
        }
    };
    let rows = Box::pin(BinaryCopyOutStream::new(rows, &types));
    let text = format!("COPY ({}) TO STDOUT (FORMAT binary)", compiled.sql);
    Ok(Open { streaming: work.stream(command, text), rows, types })
}

/// The text with its parameters written into it.
fn inlined(sql: &str, command: &Command) -> Result<String> {
    let mut values = Vec::new();
    ir::values(command, |bind| match bind {
        Binds::One(datum, _) => values.push(literal(datum)),
        Binds::Number(number) => values.push(Some(number.to_string())),
        Binds::List(list, _) => values.push(array(list.iter())),
        Binds::Tuples(list, types) => values
            .extend((0..types.len()).map(|start| array(list.iter().skip(start).step_by(types.len().max(1))))),
        // No query has rows of its own.
        Binds::Rows(..) => {}
    });
    let mut out = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(quoted) = rest.strip_prefix(['\'', '"']) {
            // A doubled quote ends one text and begins the next: the effect is the same.
            let end = quoted.find(&rest[..1]).map_or(rest.len(), |end| end + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[1..1 + digits].parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match number.and_then(|number| values.get(number)) {
            Some(Some(value)) => out.push_str(value),
            Some(None) => return Err(no_literal(command)),
            None => out.push_str(&rest[..1 + digits]),
        }
        rest = &rest[1 + digits..];
    }
    out.push_str(rest);
    Ok(out)
}

/// A value as it can stand where a parameter stood.
fn literal(datum: &Datum) -> Option<String> {
    match datum {
        Datum::Array(list) => array(list.iter()),
        // `- -5` without the space is a comment, and `-5::bigint` is `-(5::bigint)`.
        Datum::I64(_) | Datum::F64(_) | Datum::Decimal(_) => {
            Some(format!("({})", PostgresDialect.literal(datum)?))
        }
        datum => PostgresDialect.literal(datum),
    }
}

fn array<'d>(list: impl Iterator<Item = &'d Datum>) -> Option<String> {
    let list = list.map(literal).collect::<Option<Vec<_>>>()?;
    // An empty ARRAY[] has no type of its own, the text of one takes it from where it stands.
    Some(if list.is_empty() { "'{}'".to_owned() } else { format!("ARRAY[{}]", list.join(", ")) })
}

#[cold]
fn no_literal(command: &Command) -> Error {
    let error =
        Error::new(ErrorKind::Unsupported, "a value of this type cannot be part of the text of a COPY")
            .with_hint("read the rows with `.stream(&db)`");
    match command.model() {
        Some(model) => error.with_model(model.name),
        None => error,
    }
}

/// A row of a copy.
struct CopyRow<'r> {
    row: &'r BinaryCopyOutRow,
    types: &'r [Type],
}

impl Row for CopyRow<'_> {
    type Cell<'a>
        = PgCell<'a>
    where
        Self: 'a;

    fn cell(&self, index: usize) -> PgCell<'_> {
        let bytes = if index < self.types.len() {
            self.row.try_get::<Raw<'_>>(index).ok().and_then(|raw| raw.0)
        } else {
            None
        };
        PgCell::new(bytes, self.types.get(index).unwrap_or(&Type::UNKNOWN))
    }

    fn width(&self) -> usize {
        self.types.len()
    }
}

#[cfg(test)]
mod tests {
    use orm_core::ir::RawSql;
    use orm_core::value::ColumnType;

    use super::*;

    #[test]
    fn parameters_become_literals_outside_of_quotes() {
        let binds = vec![
            (Datum::I64(-5), ColumnType::I64),
            (Datum::Text("it's $1".into()), ColumnType::Text),
            (Datum::Array(vec![Datum::I64(1), Datum::Null]), ColumnType::Array(&ColumnType::I64)),
        ];
        let command = Command::Raw(Box::new(RawSql { sql: String::new(), binds, write: false }));
        let sql = r#"SELECT '$1', "a$2", x -$1::bigint, $2, $3::bigint[], 'it''s $1', $9"#;
        let wanted =
            r#"SELECT '$1', "a$2", x -(-5)::bigint, 'it''s $1', ARRAY[(1), NULL]::bigint[], 'it''s $1', $9"#;
        assert_eq!(inlined(sql, &command).unwrap(), wanted);
    }
}
