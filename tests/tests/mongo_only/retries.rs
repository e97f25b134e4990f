//! Commands whose connection is lost: what is sent again, and what becomes an error.

use futures_util::StreamExt;
use mongodb::bson::Document;
use orm::Result;
use orm::mongo::{Mongo, MongoBulk, MongoQuery, MongoUpdate, ReturnDocument};
use orm::prelude::*;
use orm_tests::models::{Basket, Post, Tag, User};

use crate::between::{Between, Fault};
use crate::users;

/// Every read there is, by the name of its command.
async fn read(db: &Mongo, which: usize) -> Result<()> {
    match which {
        0 => assert_eq!(User::query().all(db).await?.len(), 3),
        1 => assert_eq!(User::query().count(db).await?, 3),
        2 => assert!(User::query().explain(db).await?.contains("queryPlanner")),
        3 => {
            let rows: Vec<_> = User::query().stream(db).collect().await;
            assert_eq!(rows.into_iter().collect::<Result<Vec<_>>>()?.len(), 3);
        }
        _ => assert_eq!(User::query().pipeline().rows(db).await?.len(), 3),
    }
    Ok(())
}

const READS: [&str; 5] = ["find", "aggregate", "explain", "find", "aggregate"];

#[tokio::test]
async fn a_read_is_sent_once_more() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    for (which, command) in READS.into_iter().enumerate() {
        for fault in [Fault::Lost, Fault::Unanswered, Fault::Refused(11600), Fault::Refused(10107)] {
            between.take("");
            between.next(command, fault);
            read(&db, which).await.unwrap_or_else(|error| panic!("{command} {fault:?}: {error}"));
            assert_eq!(between.take(command).len(), 2, "{command} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_read_is_not_sent_a_third_time() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    for (which, command) in READS.into_iter().enumerate() {
        between.times(command, Fault::Lost, 2);
        let error = read(&db, which).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{command}: {error}");
        read(&db, which).await.unwrap();
    }
}

#[tokio::test]
async fn a_read_is_sent_once_if_the_program_says_so() {
    let between = Between::start().await;
    let by_url = between.fresh("&retryReads=false").await;
    let by_builder = between.builder("").retry_reads(false).connect().await.unwrap();
    for db in [by_url, by_builder] {
        for (which, command) in READS.into_iter().enumerate() {
            between.take("");
            between.next(command, Fault::Lost);
            let error = read(&db, which).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{command}: {error}");
            assert_eq!(between.take(command).len(), 1);
        }
    }
}

#[tokio::test]
async fn an_error_of_the_query_is_not_worth_another_try() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    between.next("find", Fault::Refused(2));
    assert_eq!(User::query().all(&db).await.unwrap_err().kind(), ErrorKind::Database);
    assert_eq!(between.take("find").len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_cut_off_does_not_look_complete() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    Tag::insert_many((0..500).map(|number| Tag::create().name(format!("{number}")))).exec(&db).await.unwrap();
    between.next("getMore", Fault::Lost);
    let mut rows = Tag::query().stream(&db);
    let mut seen = 0;
    let error = loop {
        match rows.next().await {
            Some(Ok(_)) => seen += 1,
            Some(Err(error)) => break error,
            None => panic!("it ended after {seen} rows"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(seen > 0 && rows.next().await.is_none());
    between.next("getMore", Fault::Refused(43));
    assert_eq!(Tag::query().all(&db).await.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(Tag::query().all(&db).await.unwrap().len(), 500);
}

#[tokio::test]
async fn a_transaction_that_loses_its_connection_is_lost_as_a_whole() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    for command in ["find", "update"] {
        let tx = db.begin().await.unwrap();
        User::filter(User::id.eq(1)).update().set(User::name, "lost").exec(&tx).await.unwrap();
        between.take("");
        between.next(command, Fault::Lost);
        let error = match command {
            "find" => User::query().all(&tx).await.map(drop).unwrap_err(),
            _ => {
                User::filter(User::id.eq(2)).update().set(User::age, 1).exec(&tx).await.map(drop).unwrap_err()
            }
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert_eq!(between.take(command).len(), 1);
        assert_eq!(User::query().all(&tx).await.unwrap_err().kind(), ErrorKind::Usage);
        assert_eq!(tx.commit().await.unwrap_err().kind(), ErrorKind::Database);
        // Its locks are free again.
        User::filter(User::id.eq(1)).update().set(User::age, 2).exec(&db).await.unwrap();
        assert_eq!(User::find(1).one(&db).await.unwrap().name, "A");
    }
}

#[tokio::test]
async fn a_commit_without_an_answer_is_asked_for_again() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    for (number, fault) in [Fault::Lost, Fault::Unanswered].into_iter().enumerate() {
        between.next("commitTransaction", fault);
        let name = format!("{number}");
        db.transaction(async |tx| Tag::create().name(name.as_str()).insert(tx).await).await.unwrap();
        assert_eq!(Tag::filter(Tag::name.eq(name.as_str())).count(&db).await.unwrap(), 1);
    }
    between.times("commitTransaction", Fault::Unanswered, 2);
    let unknown =
        db.transaction(async |tx| Tag::create().name("unknown").insert(tx).await).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::CommitUnknown, "{unknown}");
}

/// Every write of one document, by the name of its command.
async fn write(db: &Mongo, which: usize) -> Result<u64> {
    let first = User::filter(User::id.eq(1));
    let older = first.clone().update().set(User::age, User::age + 1);
    match which {
        0 => Basket::create().id(7).items(Vec::new()).insert(db).await.map(|_| 1),
        1 => older.exec(db).await,
        2 => older.returning(db).await.map(|rows| rows.len() as u64),
        3 => older.find_one_and_update(ReturnDocument::After, db).await.map(|row| u64::from(row.is_some())),
        // Nothing refers to it, so there is nothing to look after.
        4 => Basket::filter(Basket::id.eq(7)).delete().exec(db).await,
        _ => first.find_one_and_delete(db).await.map(|row| u64::from(row.is_some())),
    }
}

const WRITES: [&str; 6] = ["insert", "update", "findAndModify", "findAndModify", "delete", "findAndModify"];

async fn state(db: &Mongo) -> (Option<Option<i32>>, u64) {
    let age = User::find(1).optional(db).await.unwrap().map(|user| user.age);
    (age, Basket::query().count(db).await.unwrap())
}

/// What the rows are after each of the writes.
const STATES: [(Option<Option<i32>>, u64); 6] = [
    (Some(Some(30)), 1),
    (Some(Some(31)), 1),
    (Some(Some(32)), 1),
    (Some(Some(33)), 1),
    (Some(Some(33)), 0),
    (None, 0),
];

#[tokio::test]
async fn a_write_of_one_row_is_sent_again_and_happens_once() {
    for fault in [Fault::Lost, Fault::Unanswered] {
        let between = Between::start().await;
        let db = between.fresh("").await;
        users(&db).await;
        for (which, command) in WRITES.into_iter().enumerate() {
            between.take("");
            // What numbers the keys is a write of one row, too.
            between.next(if which == 0 { "update" } else { command }, fault);
            if which == 0 {
                between.next("insert", fault);
            }
            let rows = write(&db, which).await.unwrap_or_else(|error| panic!("{command} {fault:?}: {error}"));
            assert_eq!(rows, 1, "{command} {fault:?}");
            assert_eq!(state(&db).await, STATES[which], "{command} {fault:?}");
            let sent = between.take(command);
            let number = |sent: &Document| (sent.get_i64("txnNumber").ok(), sent.get("lsid").cloned());
            assert_eq!(sent.len(), 2, "{sent:?}");
            assert!(number(&sent[0]).0.is_some(), "{sent:?}");
            assert_eq!(number(&sent[0]), number(&sent[1]), "the server can tell that it is the same");
        }
    }
}

#[tokio::test]
async fn a_write_that_is_not_sent_again_says_that_it_may_have_happened() {
    let between = Between::start().await;
    let db = between.fresh("&retryWrites=false").await;
    users(&db).await;
    for (which, command) in WRITES.into_iter().enumerate() {
        between.take("");
        between.next(command, Fault::Unanswered);
        let error = write(&db, which).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{command}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("may have happened")), "{command}: {error}");
        assert_eq!(between.take(command).len(), 1);
        assert_eq!(state(&db).await, STATES[which], "{command}");
    }
}

#[tokio::test]
async fn a_write_of_many_rows_is_whole_and_sent_again() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    let rows = |round: usize| (0..3).map(move |number| Tag::create().name(format!("{round} {number}")));
    for (round, (command, fault)) in
        [("insert", Fault::Lost), ("insert", Fault::Unanswered), ("commitTransaction", Fault::Unanswered)]
            .into_iter()
            .enumerate()
    {
        between.next(command, fault);
        Tag::insert_many(rows(round)).exec(&db).await.unwrap();
        assert_eq!(Tag::query().count(&db).await.unwrap(), 3 * (round as u64 + 1), "{command} {fault:?}");
    }
    for (command, fault) in [("update", Fault::Unanswered), ("update", Fault::Refused(10107))] {
        let before: i64 =
            User::query().all(&db).await.unwrap().iter().map(|user| user.age.unwrap_or(0) as i64).sum();
        between.next(command, fault);
        let raise = User::filter(User::age.is_not_null()).update().set(User::age, User::age + 1);
        assert_eq!(raise.exec(&db).await.unwrap(), 2);
        let after: i64 =
            User::query().all(&db).await.unwrap().iter().map(|user| user.age.unwrap_or(0) as i64).sum();
        assert_eq!(after, before + 2, "{fault:?}");
    }
    between.next("delete", Fault::Unanswered);
    assert_eq!(Tag::filter(Tag::name.starts_with("0 ")).delete().exec(&db).await.unwrap(), 3);
    between.next("insert", Fault::Unanswered);
    Post::create().title("t").score(1).author_id(1).insert(&db).await.unwrap();
    assert_eq!(Post::query().count(&db).await.unwrap(), 1);

    // The server ended the transaction, which may have lived too long.
    between.times("insert", Fault::Refused(251), 2);
    Tag::insert_many(rows(7)).exec(&db).await.unwrap();
    between.times("insert", Fault::Refused(290), 2);
    Tag::insert_many(rows(8)).exec(&db).await.unwrap();
    let tx = db.begin().await.unwrap();
    between.next("insert", Fault::Refused(290));
    let error = Tag::insert_many(rows(9)).exec(&tx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Serialization, "{error}");
    assert!(error.to_string().contains("transactionLifetimeLimitSeconds"), "{error}");
    drop(tx);

    // Twice is not tried again; neither is what stays half done.
    between.times("insert", Fault::Lost, 2);
    let error = Tag::insert_many(rows(9)).exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    between.next("bulkWrite", Fault::Lost);
    let bulk = MongoBulk::new().delete(User::filter(User::name.eq("A")));
    let error = bulk.exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("may have happened")), "{error}");
}

#[tokio::test]
async fn errors_of_a_write_that_may_be_repeated_are_those_of_any_write() {
    let between = Between::start().await;
    let db = between.fresh("").await;
    users(&db).await;
    let twice = User::create().id(9).email("a").name("x").insert(&db).await.unwrap_err();
    assert_eq!(
        (twice.kind(), twice.model(), twice.fields()),
        (ErrorKind::Unique, Some("User"), &["email".into()][..])
    );
    let key = User::create().id(1).email("z").name("x").insert(&db).await.unwrap_err();
    assert_eq!((key.kind(), key.fields()), (ErrorKind::Unique, &["id".into()][..]));
    let old = User::create().id(9).email("z").name("x").age(-1).insert(&db).await.unwrap_err();
    assert_eq!((old.kind(), old.constraint()), (ErrorKind::Check, Some("age_is_sane")));
    let named = User::filter(User::id.eq(1));
    for error in [
        named.clone().update().set(User::age, -1).exec(&db).await.unwrap_err(),
        named.clone().update().set(User::age, -1).returning(&db).await.unwrap_err(),
        named.update().set(User::age, -1).find_one_and_update(ReturnDocument::After, &db).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("age_is_sane")), "{error}");
    }
}
