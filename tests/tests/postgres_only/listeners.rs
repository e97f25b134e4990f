//! LISTEN and NOTIFY.

use futures_util::StreamExt;
use orm::postgres::PgEvent;

use super::*;

#[tokio::test]
async fn listeners_hear_and_report_gaps() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let (here, there) = (format!("{schema} \"here\""), format!("{schema} there"));
    let mut listener = db.listen([here.clone(), there.clone()]).await?;
    let tx = db.begin().await?;
    Postgres::notify(&tx, &here, "first").await?;
    Postgres::notify(&db, &there, "before the commit").await?;
    tx.commit().await?;
    let notified =
        |channel: &str, payload: &str| PgEvent::Notified { channel: channel.into(), payload: payload.into() };
    assert_eq!(listener.next().await?, notified(&there, "before the commit"));
    assert_eq!(listener.next().await?, notified(&here, "first"));
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    watcher
        .execute_batch(&format!(
            "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = '{schema}' AND query LIKE 'LISTEN%'; END $$"
        ))
        .await?;
    assert_eq!(listener.next().await?, PgEvent::Gap);
    Postgres::notify(&db, &here, "again").await?;
    assert_eq!(listener.into_stream().next().await.unwrap()?, notified(&here, "again"));
    Ok(())
}
