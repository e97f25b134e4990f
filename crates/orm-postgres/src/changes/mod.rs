//! Pieces of migrations.

mod compare;

use std::sync::atomic::Ordering;

use orm_core::backend::TxOptions;
use orm_core::schema::Change;
use orm_core::{Error, ErrorKind, Result};
use orm_sql::{Dialect, PostgresDialect, controls_transaction};

use crate::existing::query;
use crate::run;
use crate::session::{PgSession, Place};
use crate::transaction::{self, Unfinished};

pub use compare::differences;

/// Sends a piece of a migration.
pub async fn change(session: &PgSession, change: &Change) -> Result<()> {
    if !matches!(session.0, Place::Pool(..)) {
        return Err(Error::new(ErrorKind::Usage, "a migration cannot run in a transaction")
            .with_hint("run it on the database: it has transactions of its own"));
    }
    let result = if change.whole { whole(session, change).await } else { apart(session, change).await };
    // Types and columns may be new, whatever is prepared.
    session.settings().schema.fetch_add(1, Ordering::AcqRel);
    result
}

/// Asks queries for one number each.
pub async fn count(session: &PgSession, queries: &[String]) -> Result<Vec<i64>> {
    let mut numbers = Vec::with_capacity(queries.len());
    for sql in queries {
        numbers.push(number(session, sql).await?);
    }
    Ok(numbers)
}

async fn number(session: &PgSession, sql: &str) -> Result<i64> {
    let rows = query(session, sql).await?;
    let text = rows.first().map(|row| row.get(0).unwrap_or("0"));
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        Error::new(ErrorKind::Usage, "a query of a migration has to give one number")
            .with_hint(format!("this one does not: {sql}"))
    })
}

/// All statements or none.
async fn whole(session: &PgSession, change: &Change) -> Result<()> {
    change.check_whole(|sql| controls_transaction(sql, &PostgresDialect.lexer()))?;
    let tx = transaction::begin(session, TxOptions::default()).await?;
    let unfinished = Unfinished(&tx);
    match statements(&tx, change).await {
        Ok(()) => {
            let result = transaction::commit(&tx).await;
            unfinished.forget();
            result
        }
        Err(error) => {
            // If this fails, the connection does not go back to the pool.
            let _ = transaction::rollback(&tx).await;
            unfinished.forget();
            Err(error)
        }
    }
}

async fn statements(tx: &PgSession, change: &Change) -> Result<()> {
    let work = tx.work().await?;
    let connection = work.connection()?;
    // Whatever the script sets is not for the next user of the connection.
    connection.wire.mark();
    if let Some(millis) = millis(change) {
        run::control(work.settings(), connection, &format!("SET LOCAL lock_timeout = {millis}")).await?;
    }
    if let Some(guard) = &change.guard {
        Change::held(number(tx, guard).await?)?;
    }
    for (index, sql) in change.statements.iter().enumerate() {
        let failed = |error| change.failed(index, error);
        run::control(work.settings(), connection, sql).await.map_err(failed)?;
    }
    Ok(())
}

/// Each statement by itself.
async fn apart(session: &PgSession, change: &Change) -> Result<()> {
    if let Some(guard) = &change.guard {
        Change::held(number(session, guard).await?)?;
    }
    let work = session.work().await?;
    let connection = work.connection()?;
    // The server may have closed it: nothing is sent twice.
    connection.ask().await?;
    connection.wire.mark();
    // A pooler may give each statement another connection, and what is set would stay on it.
    let millis = millis(change).filter(|_| !work.settings().pooled);
    if let Some(millis) = millis {
        run::control(work.settings(), connection, &format!("SET lock_timeout = {millis}")).await?;
    }
    for (index, sql) in change.statements.iter().enumerate() {
        // The connection is marked: it does not go back to the pool, and what was set goes with it.
        run::control(work.settings(), connection, sql).await.map_err(|error| change.failed(index, error))?;
        work.check_left().map_err(|error| change.failed(index, error))?;
    }
    Ok(())
}

/// 0 would mean to wait for ever.
fn millis(change: &Change) -> Option<u128> {
    change.lock_timeout.map(|time| time.as_millis().clamp(1, i32::MAX as u128))
}
