//! What is connected can be stored and loaded.

use orm::prelude::*;
use orm_connected_tests::{All, Link0, Link1, Link2};

#[tokio::test]
async fn a_long_chain_of_models_is_stored_and_loaded() -> orm::Result<()> {
    let db = Sqlite::memory().await?;
    All::create_all(&db).await?;
    let first = Link0::create().next([Link1::create().next([Link2::create()])]).insert(&db).await?;
    assert_eq!(first.next.get()?[0].next.get()?.len(), 1);

    let read =
        Link1::query().include(Link1::before.include(Link0::next)).include(Link1::next).one(&db).await?;
    assert_eq!((read.before.get()?.id, read.before.get()?.next.get()?.len()), (first.id, 1));
    assert_eq!(read.next.get()?[0].before_id, read.id);
    Ok(())
}
