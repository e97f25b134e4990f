//! Pieces of migrations: all or nothing, the guard, and queries that were compiled before.

use orm::backend::capabilities::RawSql;
use orm::backend::{Database, SchemaChanges, Supports};
use orm::prelude::*;
use orm::schema::{Change, Snapshot};
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{TestSchema, User};

const ADD: &str = "ALTER TABLE users ADD COLUMN nick VARCHAR(20)";

const COUNT: &str = "SELECT count(nick) FROM users";

fn whole(statements: &[&str]) -> Change {
    Change::whole(statements.iter().map(|sql| (*sql).to_owned()))
}

/// All statements of a change take effect or none; the error says which failed.
pub async fn a_change_takes_effect_as_a_whole<D: Database<Backend: Supports<RawSql> + SchemaChanges>>(
    fixture: &Fixture<D>,
) -> Result<()> {
    let db = &fixture.db;
    people(db).await?;
    let count = [COUNT.to_owned()];
    let error =
        db.handle().change(&whole(&[ADD, "ALTER TABLE nowhere ADD COLUMN a INTEGER"])).await.unwrap_err();
    assert!(error.message().starts_with("statement 2 of 2 failed: "), "{error}");
    assert!(error.message().contains("ALTER TABLE nowhere"), "{error}");
    assert!(db.handle().count(&count).await.is_err(), "the first statement is undone");
    db.handle().change(&whole(&[ADD, "UPDATE users SET nick = 'x' WHERE age > 30"])).await?;
    assert_eq!(
        db.handle().count(&[count[0].clone(), "SELECT sum(age) FROM users WHERE id < 0".into()]).await?,
        [1, 0]
    );
    Ok(())
}

/// Where the guard does not give 1, nothing happens, not even apart from a transaction.
pub async fn without_its_guard_a_change_does_nothing<
    D: Database<Backend: Supports<RawSql> + SchemaChanges>,
>(
    fixture: &Fixture<D>,
) -> Result<()> {
    let db = &fixture.db;
    for mut change in [whole(&[ADD]), Change::alone(ADD.into())] {
        change.guard = Some("SELECT count(*) FROM users WHERE email = 'lock'".into());
        let error = db.handle().change(&change).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Migration);
        assert!(error.message().starts_with("the lock of the migrations is lost"), "{error}");
        assert!(db.handle().count(&[COUNT.to_owned()]).await.is_err());
    }
    User::create().email("lock").name("Lock").insert(db).await?;
    let mut change = Change::alone(ADD.into());
    change.guard = Some("SELECT count(*) FROM users WHERE email = 'lock'".into());
    db.handle().change(&change).await
}

/// In a transaction of the program there is no change.
pub async fn a_transaction_takes_no_change<D: Database<Backend: Supports<RawSql> + SchemaChanges>>(
    fixture: &Fixture<D>,
) -> Result<()> {
    let tx = fixture.db.begin().await?;
    let error = tx.handle().change(&whole(&[ADD])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint().is_some());
    tx.rollback().await
}

/// Queries that ran before a change run after it, on all connections.
pub async fn queries_go_on_after_a_change<D: Database<Backend: Supports<RawSql> + SchemaChanges>>(
    fixture: &Fixture<D>,
) -> Result<()> {
    let db = &fixture.db;
    people(db).await?;
    let all = async || -> Result<()> {
        for _ in 0..12 {
            let (names, users) = futures_util::future::join(
                User::query().order_by(User::name.asc()).select(User::name).all(db),
                User::query().filter(User::age.gt(18)).all(db),
            )
            .await;
            assert_eq!(names?, ["Ada", "Bob", "Cid"]);
            assert_eq!(users?.len(), 2);
        }
        Ok(())
    };
    all().await?;
    db.handle().change(&whole(&[ADD])).await?;
    all().await?;
    db.handle().change(&whole(&["ALTER TABLE users DROP COLUMN nick"])).await?;
    all().await
}

/// What was just made is what was wanted; what is changed by hand is named.
pub async fn differences_are_named<D: Database<Backend: Supports<RawSql> + SchemaChanges>>(
    fixture: &Fixture<D>,
) -> Result<()> {
    let db = &fixture.db;
    let schema = Snapshot::of::<TestSchema>();
    assert_eq!(db.handle().differences(&schema, &["nowhere".into()]).await?, []);
    db.handle().change(&whole(&[ADD, "DROP INDEX uq_users_email", "CREATE TABLE old (a INTEGER)"])).await?;
    let found = db.handle().differences(&schema, &["old".into()]).await?;
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "the index `uq_users_email` of `users` is missing",
            "the column `nick` of `users` is not in the schema",
            "the table `old` is not in the schema",
        ]
    );
    Ok(())
}
