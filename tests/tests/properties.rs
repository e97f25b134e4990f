//! Properties on SQLite: whatever the value, it comes back from every path as it went in.
#![cfg(feature = "sqlite")]

use orm::prelude::*;
use orm_tests::models::{Hostile, TestSchema, User};
use proptest::prelude::*;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_round_trips_and_is_found(texts in proptest::collection::hash_set(any::<String>(), 1..8)) {
        block_on(async {
            let db = Sqlite::memory().await.unwrap();
            TestSchema::create_all(&db).await.unwrap();
            for text in &texts {
                let user = User::create().email(text.as_str()).name(text.as_str()).insert(&db).await.unwrap();
                assert_eq!(&user.name, text);
                assert_eq!(User::filter(User::name.eq(text)).one(&db).await.unwrap().id, user.id);
                assert_eq!(User::filter(User::name.in_([text])).one(&db).await.unwrap().id, user.id);
                assert!(User::filter(User::name.starts_with(text)).exists(&db).await.unwrap());
                assert!(User::filter(User::name.contains(text)).exists(&db).await.unwrap());
            }
        });
    }

    #[test]
    fn any_number_round_trips_and_is_ordered(numbers in proptest::collection::vec(any::<i32>(), 1..50)) {
        block_on(async {
            let db = Sqlite::memory().await.unwrap();
            TestSchema::create_all(&db).await.unwrap();
            Hostile::insert_many(numbers.iter().map(|n| Hostile::create().quoted("x").unicode(*n))).exec(&db).await.unwrap();
            let read = Hostile::query().order_by(Hostile::unicode.asc()).select(Hostile::unicode).all(&db).await.unwrap();
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            assert_eq!(read, sorted);
            let sum = Hostile::query().select(Hostile::unicode.sum()).one(&db).await.unwrap();
            assert_eq!(sum, Some(numbers.iter().map(|n| i64::from(*n)).sum()));
        });
    }
}
