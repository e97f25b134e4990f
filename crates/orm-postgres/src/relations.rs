//! What the catalogue says of a table that a write is about, where the meaning of the write hangs on it.

use orm_core::Result;
use orm_core::ir::{Command, Expr, Output, Shape};
use orm_core::meta::ModelMeta;
use orm_sql::{Dialect, PostgresDialect};

use crate::builder::Settings;
use crate::connection::Connection;
use crate::errors;
use crate::session::{PgSession, Place};

/// Whether other tables belong to it, and whether triggers store what is written to a view.
const CATALOGUE: &str = "SELECT c.relkind = 'p' OR (c.relkind = 'r' AND c.relhassubclass), \
     EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgtype & 64 <> 0) \
     FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)::oid";

#[derive(Clone, Copy, Default)]
struct Kind {
    divided: bool,
    by_triggers: bool,
}

async fn kind(session: &PgSession, model: &'static ModelMeta) -> Result<Kind> {
    let mut moves = session.moves();
    loop {
        let work = session.work().await?;
        let connection = work.connection()?;
        let under_way = connection.start();
        let asked = ask(work.settings(), connection, model).await;
        under_way.done();
        match asked {
            Err(error) if moves.again_idle(&work, &error) => connection.lose(),
            other => return other,
        }
    }
}

async fn ask(settings: &Settings, connection: &Connection, model: &'static ModelMeta) -> Result<Kind> {
    let failed = |error| errors::map(error, Some(model));
    let table = PostgresDialect.table(model);
    let rows = if settings.pooled {
        let name = (&table as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::TEXT);
        connection.client.query_typed(CATALOGUE, &[name]).await.map_err(failed)?
    } else {
        let statement = connection.prepare(settings, Shape(0x4b49_4e44), CATALOGUE, Some(model)).await?;
        connection.client.query(&statement, &[&table]).await.map_err(failed)?
    };
    let flag = |place| rows.first().and_then(|row| row.try_get::<_, bool>(place).ok()).unwrap_or_default();
    Ok(Kind { divided: flag(0), by_triggers: flag(1) })
}

/// The rows of an inherited or partitioned table may share a key: a query that names rows for a write names them by where they are kept.
///
/// The catalogue is asked each time: a child may have been added meanwhile.
pub async fn by_place(session: &PgSession, command: &mut Command) -> Result<()> {
    let filter = match command {
        Command::Update(update) => &mut update.filter,
        Command::Delete(delete) => &mut delete.filter,
        _ => return Ok(()),
    };
    let Some(Expr::InSelect { expr, select, rows: true, .. }) = filter else { return Ok(()) };
    if !kind(session, select.from.model).await?.divided {
        return Ok(());
    }
    let place = Expr::Place(select.from);
    **expr = place.clone();
    if !select.group_by.is_empty() {
        select.group_by.push(place.clone());
    }
    select.output = Output::Exprs(vec![place]);
    Ok(())
}

/// Whether a query names the rows of a write.
pub fn names_rows(command: &Command) -> bool {
    let filter = match command {
        Command::Update(update) => &update.filter,
        Command::Delete(delete) => &delete.filter,
        _ => return false,
    };
    matches!(filter, Some(Expr::InSelect { rows: true, .. }))
}

/// Whether it is an INSERT whose rows are read.
pub fn gives_rows_back(command: &Command) -> bool {
    matches!(command, Command::Insert(insert) if insert.returning.is_some())
}

/// Whether a trigger stores the row, and gives back what it likes: the row may not be one that can be read.
pub async fn returns_what_a_trigger_says(session: &PgSession, command: &Command) -> Result<bool> {
    let Some(model) = command.model().filter(|_| !matches!(session.0, Place::Tx { .. })) else {
        return Ok(false);
    };
    let known = &session.settings().by_triggers;
    let key = std::ptr::from_ref(model).addr();
    if let Some(by_triggers) = known.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key) {
        return Ok(*by_triggers);
    }
    let by_triggers = kind(session, model).await?.by_triggers;
    known.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key, by_triggers);
    Ok(by_triggers)
}
