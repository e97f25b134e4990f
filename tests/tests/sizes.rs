//! The futures of the library stay small: a program holds many of them, and each level of `await` moves them.
#![cfg(feature = "sqlite")]

use orm::prelude::*;
use orm_tests::models::User;

#[tokio::test]
async fn the_futures_of_statements_are_small() {
    let db = Sqlite::memory().await.unwrap();
    let any = AnyDb::from(db.clone());
    let new = || User::create().email("a").name("b");
    let sizes = [
        ("a query", size_of::<Query<User>>(), 512),
        ("reading", size_of_val(&User::query().all(&db)), 512),
        ("reading by key", size_of_val(&User::find(1).one(&db)), 1536),
        ("inserting", size_of_val(&new().insert(&db)), 1152),
        ("reading a page", size_of_val(&User::query().page(&db, 1, 2)), 1536),
        ("reading from any database", size_of_val(&User::query().all(&any)), 2048),
        ("reading one row from any database", size_of_val(&User::query().one(&any)), 4096),
        ("inserting into any database", size_of_val(&new().insert(&any)), 3072),
    ];
    for (what, size, most) in sizes {
        assert!(size <= most, "{what} takes {size} bytes, more than {most}");
    }
}
