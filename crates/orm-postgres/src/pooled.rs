//! Behind a pooler in transaction mode.
//!
//! Statements go out with their text and the types of their parameters, since the next one may reach another connection of the server. What
//! comes back in a column of a type that the server numbers itself (enums, types of extensions) can be read only when that number is known.
//! tokio-postgres asks for it with statements that it prepares, which the next connection of the server lacks. So the types are
//! learnt when a connection is opened, in a transaction, for which the pooler keeps one connection.

use orm_core::Result;
use tokio_postgres::Client;

use crate::errors;

/// The types that are not the server's own, and the lists of them.
const TYPES: &str = "SELECT pg_catalog.format_type(t.oid, NULL) \
     FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
     LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid \
     LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
     LEFT JOIN pg_catalog.pg_class ec ON ec.oid = e.typrelid \
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_t%' \
     AND t.typisdefined AND t.typtype IN ('b', 'c', 'e', 'r', 'm') \
     AND coalesce(c.relkind, ec.relkind, 'c') = 'c'";

/// Makes the types of the database known to a connection.
pub async fn learn_types(client: &Client) -> Result<()> {
    let failed = |error| errors::map(error, None);
    // Names of prepared statements are those of the process; another one may have left some of the same on this connection.
    client.batch_execute("BEGIN; DEALLOCATE ALL").await.map_err(failed)?;
    let names = client.query_typed(TYPES, &[]).await.map_err(failed)?;
    let names: Vec<String> = names.iter().filter_map(|row| row.try_get(0).ok()).collect();
    // A select list has an end.
    for names in names.chunks(1000) {
        let list = names.iter().map(|name| format!("NULL::{name}")).collect::<Vec<_>>();
        client.query_typed(&format!("SELECT {} LIMIT 0", list.join(", ")), &[]).await.map_err(failed)?;
    }
    client.batch_execute("DEALLOCATE ALL; COMMIT").await.map_err(failed)
}
