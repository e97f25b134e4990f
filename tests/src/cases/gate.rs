//! What holds for every command, whatever it is: who is told of it, what it is sent for, and where it may be sent.

use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt;
use orm::backend::{
    CommandEvent, CommandKind, Context, Observer, Outcome, Pass, StatementEvent, Supports, TxOptions,
    capabilities::Savepoints,
};
use orm::ir::Command;
use orm::prelude::*;
use orm::{ErrorKind, Result};

use crate::Fixture;
use crate::models::{Post, Tag, User};

/// What an observer is told of a command: kind, model, tag and outcome.
type Told = (CommandKind, Option<&'static str>, Option<String>, &'static str);

/// Keeps what observers are told of commands.
#[derive(Default)]
struct Seen(Mutex<Vec<Told>>);

impl Observer for Seen {
    fn statement(&self, _: &StatementEvent<'_>) {}
    fn command(&self, event: &CommandEvent<'_>) {
        let outcome = match event.outcome {
            Outcome::Done => "done",
            Outcome::Failed(_) => "failed",
            Outcome::Dropped => "dropped",
            _ => "else",
        };
        let route = event.context.tag_value("route").map(str::to_owned);
        self.0.lock().unwrap().push((event.kind, event.model.map(|model| model.name), route, outcome));
    }
}

impl Seen {
    fn take(&self) -> Vec<(CommandKind, Option<&'static str>)> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|seen| (seen.0, seen.1)).collect()
    }
}

async fn ada<D: Database>(f: &Fixture<D>) -> Result<User> {
    let posts = [Post::create().title("one").score(1), Post::create().title("two").score(2)];
    User::create().email("ada@x.org").name("Ada").posts(posts).insert(&f.db).await
}

pub async fn observers_are_told_of_every_kind_of_command<D: Database>(f: &Fixture<D>) -> Result<()> {
    use CommandKind::*;
    let seen = Arc::new(Seen::default());
    let db = f.db.observed_by(seen.clone());
    let user = (Some("User"), Some("Post"));

    let posts = [Post::create().title("one").score(1), Post::create().title("two").score(2)];
    let mut ada = User::create().email("ada@x.org").name("Ada").posts(posts).insert(&db).await?;
    assert_eq!(seen.take(), [(Begin, None), (Insert, user.0), (Insert, user.1), (Commit, None)]);
    User::query().include(User::posts).all(&db).await?;
    assert_eq!(seen.take(), [(Select, user.0), (Select, user.1)]);
    ada = User::find(ada.id).one(&db).await?;
    ada.load(User::posts, &db).await?;
    User::posts.of(&ada).count(&db).await?;
    assert_eq!(seen.take(), [(Select, user.0), (Select, user.1), (Select, user.1)]);
    User::query().stream(&db).try_collect::<Vec<_>>().await?;
    User::query().for_each(&db, |_| Ok(())).await?;
    User::query().explain(&db).await?;
    assert_eq!(seen.take(), [(Stream, user.0), (Stream, user.0), (Explain, user.0)]);
    User::filter(User::name.eq("Ada")).update().set(User::name, "Eve").exec(&db).await?;
    User::filter(User::name.eq("nobody")).delete().exec(&db).await?;
    assert_eq!(seen.take(), [(Update, user.0), (Delete, user.0)]);
    let tx = db.begin().await?;
    User::query().count(&tx).await?;
    drop(tx);
    assert_eq!(seen.take(), [(Begin, None), (Select, user.0), (Rollback, None)]);
    Ok(())
}

pub async fn observers_are_told_how_a_command_ended<D: Database>(f: &Fixture<D>) -> Result<()> {
    let seen = Arc::new(Seen::default());
    let db = f.db.observed_by(seen.clone());
    ada(f).await?;
    User::create().email("ada@x.org").name("Twin").insert(&db).await.unwrap_err();
    User::query().count(&db).await?;
    let mut rows = Post::query().stream(&db);
    rows.try_next().await?;
    drop(rows);
    drop(User::query().count(&db));
    let ends: Vec<_> = seen.0.lock().unwrap().iter().map(|seen| seen.3).collect();
    assert_eq!(ends, ["failed", "done", "dropped"], "what was never polled was never sent");
    Ok(())
}

pub async fn a_context_goes_along_into_includes_and_transactions<D: Database>(f: &Fixture<D>) -> Result<()> {
    let seen = Arc::new(Seen::default());
    ada(f).await?;
    let db = f.db.observed_by(seen.clone()).with(Context::new().tag("route", "/users"));
    User::query().include(User::posts).all(&db).await?;
    db.transaction(async |tx| {
        let mut post = Post::query().first(tx).await?.expect("a post");
        post.load(Post::author, tx).await?;
        let inner = tx.with(Context::new().tag("route", "/inner"));
        Post::query().count(&inner).await
    })
    .await?;
    let routes: Vec<_> = seen.0.lock().unwrap().iter().map(|seen| seen.2.clone()).collect();
    let (inner, outer): (Vec<_>, Vec<_>) =
        routes.into_iter().map(Option::unwrap).partition(|route| route == "/inner");
    assert_eq!((inner.len(), outer.len()), (1, 6));
    Ok(())
}

/// Where the caller is; every function on the way has to say that it tracks it.
pub async fn observers_are_told_where_a_command_was_asked_for<D: Database>(f: &Fixture<D>) -> Result<()> {
    #[derive(Default)]
    struct Places(Mutex<Vec<u32>>);
    impl Observer for Places {
        fn statement(&self, _: &StatementEvent<'_>) {}
        fn command(&self, event: &CommandEvent<'_>) {
            let caller = event.caller.filter(|caller| caller.file().ends_with("gate.rs"));
            self.0.lock().unwrap().push(caller.map_or(0, |caller| caller.line()));
        }
    }
    let places = Arc::new(Places::default());
    let db = f.db.observed_by(places.clone());
    let first = line!() + 1;
    User::query().all(&db).await?;
    User::query().first(&db).await?;
    User::query().one(&db).await.unwrap_err();
    User::query().count(&db).await?;
    User::query().exists(&db).await?;
    User::find(1).optional(&db).await?;
    User::find(1).one(&db).await.unwrap_err();
    User::query().for_each(&db, |_| Ok(())).await?;
    User::filter(User::active).update().set(User::name, "x").exec(&db).await?;
    User::filter(User::active).update().set(User::name, "x").returning(&db).await?;
    User::filter(User::active).delete().exec(&db).await?;
    User::filter(User::active).delete().returning(&db).await?;
    let places = places.0.lock().unwrap();
    assert_eq!(*places, (first..first + places.len() as u32).collect::<Vec<_>>());
    Ok(())
}

pub async fn a_pass_acts_on_every_command<D: Database>(f: &Fixture<D>) -> Result<()> {
    /// Shows posts of one title only.
    struct Only(&'static str);
    impl Pass for Only {
        fn apply(&self, command: &mut Command, _: &Context) -> Result<()> {
            if let Command::Select(select) = command
                && select.from.model.name == "Post"
            {
                select.and_filter(Post::title.eq(self.0).into_ir());
            }
            Ok(())
        }
    }
    /// Lets nobody write.
    struct Frozen;
    impl Pass for Frozen {
        fn apply(&self, command: &mut Command, _: &Context) -> Result<()> {
            match command.is_write() {
                true => Err(Error::new(ErrorKind::Usage, "frozen")),
                false => Ok(()),
            }
        }
    }
    ada(f).await?;
    let db = f.db.passing(Only("one")).passing(Frozen);
    assert_eq!(Post::query().count(&db).await?, 1);
    let mut users = User::query().include(User::posts).all(&db).await?;
    assert_eq!(users[0].posts.get()?.len(), 1);
    let user = &mut users[0];
    assert_eq!(User::posts.of(user).all(&db).await?.len(), 1);
    assert_eq!(Post::query().stream(&db).try_collect::<Vec<_>>().await?.len(), 1);
    db.transaction(async |tx| {
        assert_eq!(Post::query().count(tx).await?, 1);
        let error = Post::filter(Post::title.eq("one")).delete().exec(tx).await.unwrap_err();
        assert_eq!(error.message(), "frozen");
        Ok(())
    })
    .await?;
    assert_eq!(Tag::create().name("no").insert(&db).await.unwrap_err().message(), "frozen");
    assert_eq!(Post::query().count(&f.db).await?, 2, "the database itself is as it was");
    Ok(())
}

pub async fn a_database_is_refused_in_the_closure_of_its_transaction<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    let db = &f.db;
    let mut kept = ada(f).await?;
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.hint().unwrap_or_default().contains("tx"), "{error}");
    };
    let body = async |tx: &orm::backend::Tx<D::Backend>| {
        Tag::create().name("inside").insert(tx).await?;
        refused(Tag::create().name("outside").insert(db).await.unwrap_err());
        refused(Tag::query().all(db).await.unwrap_err());
        refused(Tag::find(1).optional(db).await.unwrap_err());
        refused(Tag::filter(Tag::name.eq("inside")).delete().exec(db).await.unwrap_err());
        refused(Tag::query().stream(db).try_next().await.unwrap_err());
        refused(Tag::query().explain(db).await.unwrap_err());
        refused(User::query().page(db, 1, 5).await.unwrap_err());
        refused(db.begin().await.unwrap_err());
        refused(db.transaction(async |tx| Tag::query().count(tx).await).await.unwrap_err());
        refused(db.atomic(async |tx| Tag::query().count(tx).await).await.unwrap_err());
        let mut fresh = User::find(kept.id).one(tx).await?;
        refused(fresh.load(User::posts, db).await.unwrap_err());
        Tag::query().count(tx).await
    };
    assert_eq!(db.transaction(body).await?, 1);
    assert_eq!(
        db.transaction_with(TxOptions::new().retries(2), body).await.unwrap_err().kind(),
        ErrorKind::Unique
    );
    // Outside of the closure it is as usual, also while the transaction of a guard is open.
    Tag::create().name("after").insert(db).await?;
    assert_eq!(kept.load(User::posts, db).await?.len(), 2);
    Ok(())
}

pub async fn a_nested_closure_refuses_the_database_too<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<Savepoints>,
{
    let db = &f.db;
    db.transaction(async |tx| {
        tx.transaction(async |tx| {
            assert_eq!(Tag::query().count(db).await.unwrap_err().kind(), ErrorKind::Usage);
            Tag::query().count(tx).await
        })
        .await?;
        assert_eq!(Tag::query().count(db).await.unwrap_err().kind(), ErrorKind::Usage);
        Ok(())
    })
    .await?;
    let tx = db.begin().await?;
    let inner = tx.transaction(async |_| Tag::query().count(db).await).await;
    assert_eq!(inner.unwrap_err().kind(), ErrorKind::Usage);
    tx.rollback().await
}

pub async fn what_is_atomic_happens_as_a_whole<D: Database>(f: &Fixture<D>) -> Result<()> {
    async fn both<E: Executor>(db: &E, second: &str) -> Result<()> {
        db.atomic(async |tx| {
            Tag::create().name("first").insert(tx).await?;
            Tag::create().name(second).insert(tx).await?;
            Ok(())
        })
        .await
    }
    assert_eq!(both(&f.db, "first").await.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(Tag::query().count(&f.db).await?, 0);
    f.db.transaction(async |tx| both(tx, "second").await).await?;
    assert_eq!(Tag::query().count(&f.db).await?, 2);
    Ok(())
}

pub async fn what_is_atomic_in_a_transaction_is_undone_alone<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<Savepoints>,
{
    f.db.transaction(async |tx| {
        Tag::create().name("kept").insert(tx).await?;
        let failed: Result<()> = tx
            .atomic(async |tx| {
                Tag::create().name("undone").insert(tx).await?;
                Err(Error::new(ErrorKind::Usage, "no"))
            })
            .await;
        assert!(failed.is_err());
        Ok(())
    })
    .await?;
    assert_eq!(Tag::query().select(Tag::name).all(&f.db).await?, ["kept"]);
    Ok(())
}
