//! The pool, its limits, and what is between it and the server.

use super::*;

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() -> Result<()> {
    let Place { db, schema, .. } = place(2).await?;
    let watcher = Postgres::builder(url()).max_connections(1).connect().await?;
    let end = format!(
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'; END $$"
    );
    let tx = db.begin().await?;
    user(&tx, "ada").await?;
    watcher.execute_batch(&end).await?;
    let error = user(&tx, "bob").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    drop(tx);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(User::query().count(&db).await?, 0, "the pool has a new connection");
    Ok(())
}

#[tokio::test]
async fn a_full_pool_says_so() -> Result<()> {
    let db =
        Postgres::builder(url()).max_connections(1).wait_timeout(Duration::from_millis(50)).connect().await?;
    let tx = db.begin().await?;
    let error = db.execute_batch("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PoolTimeout);
    assert_eq!((db.status().max, db.status().open, db.status().idle), (1, 1, 0));
    tx.rollback().await?;
    db.execute_batch("SELECT 1").await?;
    assert_eq!(db.status().idle, 1);
    db.close().await;
    assert_eq!(db.execute_batch("SELECT 1").await.unwrap_err().kind(), ErrorKind::Closed);
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_typed_errors() {
    let kind = async |url: &str| Postgres::connect(url).await.unwrap_err().kind();
    assert_eq!(kind("not a url").await, ErrorKind::Configuration);
    assert_eq!(kind("postgres://orm@127.0.0.1:1/x").await, ErrorKind::ConnectionLost);
    let (server, _) = url().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(kind(&format!("{server}/no_such_database")).await, ErrorKind::Configuration);
}

#[tokio::test]
async fn limits_of_time_are_typed_errors() -> Result<()> {
    let db = Postgres::builder(url()).statement_timeout(Duration::from_millis(50)).connect().await?;
    let error = db.execute_batch("SELECT pg_sleep(5)").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StatementTimeout);
    Ok(())
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_works() -> Result<()> {
    let Ok(pooler) = std::env::var("ORM_TEST_PGBOUNCER_URL") else {
        panic!("ORM_TEST_PGBOUNCER_URL names a PgBouncer; `cargo xtask test` starts one");
    };
    // The pooler's connections keep the schema they were opened with: the one that everybody has.
    let owner = Postgres::builder(url()).max_connections(1).connect().await?;
    TestSchema::drop_all(&owner).await?;
    TestSchema::create_all(&owner).await?;
    let db = Postgres::builder(pooler).pgbouncer(true).max_connections(20).connect().await?;
    let work = async |number: u32| -> Result<u64> {
        for round in 0..10 {
            let name = format!("{number}-{round}");
            let made = user(&db, &name).await?;
            let posts = [Post::create().title("a").score(1), Post::create().title("b").score(2)];
            Post::insert_many(posts.map(|post| post.author_id(made.id))).exec(&db).await?;
            let found = User::filter(User::name.in_([name])).include(User::posts).one(&db).await?;
            assert_eq!(found.posts.get()?.len(), 2);
            db.transaction(async |tx| {
                User::filter(User::id.eq(made.id)).update().set(User::age, 7).exec(tx).await
            })
            .await?;
        }
        Ok(10)
    };
    let done = futures_util::future::try_join_all((0..16).map(work)).await;
    TestSchema::drop_all(&owner).await?;
    assert_eq!(done?.iter().sum::<u64>(), 160);
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
#[orm(native = "pooled_colour")]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "pooled_balls")]
struct Ball {
    #[orm(primary_key, auto)]
    id: i64,
    colour: Colour,
    others: Array<Colour>,
}
orm::schema!(Balls: Ball);

#[tokio::test]
async fn native_enums_work_behind_a_pooler() -> Result<()> {
    let pooler = std::env::var("ORM_TEST_PGBOUNCER_URL").expect("`cargo xtask test` starts a PgBouncer");
    let db = Postgres::builder(pooler).pgbouncer(true).max_connections(20).connect().await?;
    Balls::drop_all(&db).await?;
    // The types are made after the first connection was.
    Balls::create_all(&db).await?;
    let work = async |_: u32| -> Result<()> {
        for _ in 0..10 {
            let ball = Ball::create().colour(Colour::Green).others(Array::from([Colour::Red]));
            let made = ball.insert(&db).await?;
            assert_eq!((made.colour, made.others.0.as_slice()), (Colour::Green, &[Colour::Red][..]));
            let found = Ball::filter(Ball::id.eq(made.id) & Ball::colour.in_([Colour::Green, Colour::Red]));
            assert_eq!(found.select((Ball::colour, Ball::others)).one(&db).await?.0, Colour::Green);
            db.transaction(async |tx| {
                let red = Ball::filter(Ball::id.eq(made.id)).update().set(Ball::colour, Colour::Red);
                red.exec(tx).await?;
                assert_eq!(Ball::find(made.id).one(tx).await?.colour, Colour::Red);
                Ok(())
            })
            .await?;
        }
        Ok(())
    };
    let done = futures_util::future::try_join_all((0..16).map(work)).await;
    Balls::drop_all(&db).await?;
    done.map(drop)
}

#[tokio::test]
async fn sibling_includes_share_a_connection() -> Result<()> {
    let Place { db, log, .. } = place(4).await?;
    for name in ["a", "b"] {
        let posts = [Post::create().title(name).score(1)];
        User::create().email(name).name(name).posts(posts).insert(&db).await?;
    }
    log.take();
    assert_eq!(db.status().open, 1);
    let users =
        User::query().include(User::posts).include(User::profile).include(User::remarks).all(&db).await?;
    assert!(users.iter().all(|user| user.posts.get().unwrap().len() == 1 && user.remarks.is_loaded()));
    assert_eq!((log.take().len(), db.status().open), (4, 1));
    Ok(())
}
