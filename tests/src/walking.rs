//! Walking a query page by page, which has to give the query.

use std::fmt::Debug;

use orm::Result;
use orm::prelude::*;
use orm::query::{Cursor, KeysetPage};

/// Forwards to the end, backwards to the start, backwards from the end unless the query is cut by a limit or an offset, and each
/// page again by the place before it.
pub async fn there_and_back<M: orm::Model + Clone + PartialEq + Debug>(
    db: &impl Executor,
    query: &Query<M>,
    size: u64,
    cut: bool,
) -> Result<()> {
    let whole = query.clone().all(db).await?;
    let sent = |cursor: Option<Cursor>| cursor.map(|cursor| cursor.to_string().parse().unwrap());
    let keyset = || query.clone().keyset(size);
    let (mut rows, mut page) = (Vec::new(), keyset().page(db).await?);
    assert!(page.previous.is_none());
    loop {
        rows.extend(page.items.iter().cloned());
        assert!(rows.len() <= whole.len(), "the pages do not end: {query:?}");
        let Some(next) = sent(page.next.clone()) else { break };
        page = keyset().after(Some(next)).page(db).await?;
        let again = keyset().after(sent(page.previous.clone())).page(db).await?;
        equal(&again.items, &page.items, "a page again", query);
    }
    equal(&rows, &whole, "forwards", query);
    back(db, query, size, page, &whole).await?;
    if !cut {
        let end = keyset().from_end().page(db).await?;
        assert!(end.next.is_none());
        back(db, query, size, end, &whole).await?;
    }
    Ok(())
}

/// Backwards from a page to the start.
async fn back<M: orm::Model + Clone + PartialEq + Debug>(
    db: &impl Executor,
    query: &Query<M>,
    size: u64,
    mut page: KeysetPage<M>,
    whole: &[M],
) -> Result<()> {
    let mut rows = Vec::new();
    loop {
        rows.splice(0..0, page.items);
        assert!(rows.len() <= whole.len(), "the pages do not end: {query:?}");
        if page.previous.is_none() {
            break;
        }
        page = query.clone().keyset(size).before(page.previous).page(db).await?;
        let again = query.clone().keyset(size).before(page.next).page(db).await?;
        equal(&again.items, &page.items, "a page again", query);
        page.next = again.next;
    }
    equal(&rows, whole, "backwards", query);
    Ok(())
}

/// Compares texts, in which NaN is equal to itself.
fn equal<M: orm::Model + Debug>(found: &[M], wanted: &[M], what: &str, query: &Query<M>) {
    assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{what}: {query:?}");
}
