//! Foreign keys whose parent is not there.

use orm_core::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::errors::{self, Context};

/// Rows of a table whose parent is missing.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    table: String,
    parent: String,
    rows: i64,
}

/// All foreign keys that are broken now, by table and parent.
pub fn broken(connection: &Connection) -> Result<Vec<Broken>> {
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2";
    let all = connection.prepare(sql).and_then(|mut found| {
        let row = |row: &rusqlite::Row<'_>| {
            Ok(Broken { table: row.get(0)?, parent: row.get(1)?, rows: row.get(2)? })
        };
        found.query_map([], row)?.collect()
    });
    all.map_err(|error| errors::map(error, &Context::default()))
}

/// Refuses foreign keys that were not broken before.
pub fn check(connection: &Connection, before: &[Broken]) -> Result<()> {
    for now in broken(connection)? {
        let known = before.iter().find(|known| (&known.table, &known.parent) == (&now.table, &now.parent));
        let rows = now.rows - known.map_or(0, |known| known.rows);
        if rows > 0 {
            let (table, parent) = (now.table, now.parent);
            let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
            return Err(Error::new(
                ErrorKind::ForeignKey,
                format!("after the change, {rows} of `{table}` would refer to a row of `{parent}` that is not there"),
            )
            .with_hint(
                "foreign keys do not act during a migration of SQLite: delete or change the children in it, too",
            ));
        }
    }
    Ok(())
}
