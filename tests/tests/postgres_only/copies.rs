//! COPY: by name, and where the driver chooses it.

use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};

use super::declared::{Contact, Mood, People, Person, contact, person};
use super::*;

#[tokio::test]
async fn rows_go_in_and_out_by_copy() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    log.take();
    let rows = (0..2500).map(|number| {
        let row = User::create().email(format!("{number}@x")).name("it's $1");
        if number % 2 == 0 { row.age(number) } else { row }
    });
    assert_eq!(Postgres::copy_in::<User, _, _>(rows, &db).await?, 2500);
    let query = || User::filter(User::age.ge(10) & User::name.eq("it's $1")).order_by(User::id.asc());
    let out: Vec<User> = Postgres::copy_out(query(), &db).try_collect().await?;
    assert_eq!(out, query().all(&db).await?);
    assert_eq!(out.len(), 1245);
    let ids = User::query().filter(User::age.in_([2, 4, -6])).select((User::id, User::age));
    let out: Vec<(i64, Option<i32>)> = Postgres::copy_out(ids.clone(), &db).try_collect().await?;
    assert_eq!(out.len(), 2);
    let none: Vec<i64> = Vec::new();
    let nobody = User::query().filter(User::id.in_(none)).select(User::id);
    assert_eq!(Postgres::copy_out(nobody, &db).try_collect::<Vec<_>>().await?.len(), 0);
    assert_eq!(
        Postgres::copy_in::<User, _, _>((0..0).map(|_| User::create().email("").name("")), &db).await?,
        0
    );
    assert_eq!(db.status().open, 1, "nothing was broken");
    Ok(())
}

#[tokio::test]
async fn every_type_goes_by_copy() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    People::create_all(&db).await?;
    let rows = (0..5).map(|number| person(&number.to_string()).mood(Mood::Happy).contact(contact()));
    assert_eq!(Postgres::copy_in::<Person, _, _>(rows, &db).await?, 5);
    let out: Vec<Person> =
        Postgres::copy_out(Person::filter(Person::mood.gt(Mood::Sad)), &db).try_collect().await?;
    assert!(out.len() == 5 && out.iter().all(|person| person.contact == Some(contact())));
    let contacts: Vec<Option<Contact>> =
        Postgres::copy_out(Person::query().select(Person::contact), &db).try_collect().await?;
    assert_eq!(contacts.len(), 5);
    Ok(())
}

#[tokio::test]
async fn a_copy_that_fails_stores_nothing() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let row = |number: i32| User::create().email(format!("{number}@x")).name("n");
    let twice = (0..1500).chain([7]).map(row);
    assert_eq!(Postgres::copy_in::<User, _, _>(twice, &db).await.unwrap_err().kind(), ErrorKind::Unique);
    let uneven = (0..1500).map(|number| if number == 1400 { row(number).active(false) } else { row(number) });
    let error = Postgres::copy_in::<User, _, _>(uneven, &db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["active".to_owned()][..]));
    let broken =
        stream::iter((0..1500).map(Ok).chain([Err(orm::Error::new(ErrorKind::Decode, "a bad line"))]));
    let broken = broken.map(|number| number.map(row));
    assert_eq!(
        Postgres::copy_in_stream::<User, _, _, _>(broken, &db).await.unwrap_err().kind(),
        ErrorKind::Decode
    );
    let hostile = (0..1500)
        .map(|number| if number == 1200 { User::create().email("a\0").name("n") } else { row(number) });
    assert_eq!(Postgres::copy_in::<User, _, _>(hostile, &db).await.unwrap_err().kind(), ErrorKind::Encode);
    assert_eq!(User::query().count(&db).await?, 0);

    // In a transaction the server has given up by then.
    let result = db
        .transaction(async |tx| {
            let broken = stream::iter([Ok(row(1)), Err(orm::Error::new(ErrorKind::Decode, "a bad line"))]);
            let broken = stream::iter((2..1200).map(row).map(Ok)).chain(broken);
            let _ = Postgres::copy_in_stream::<User, _, _, _>(broken, tx).await;
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Aborted);
    db.transaction(async |tx| {
        assert_eq!(Postgres::copy_in::<User, _, _>((0..10).map(row), tx).await?, 10);
        assert_eq!(Postgres::copy_out(User::query(), tx).try_collect::<Vec<_>>().await?.len(), 10);
        Ok(())
    })
    .await?;
    let missing = User::query().include(User::posts);
    let error = Postgres::copy_out(missing, &db).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let mut rows = Postgres::copy_out(User::query(), &db);
    rows.try_next().await?;
    drop(rows);
    assert_eq!(User::query().count(&db).await?, 10);
    Ok(())
}

#[tokio::test]
async fn many_rows_go_by_copy_when_nothing_comes_back() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    let posts = |score: i32| (0..5000).map(move |n| Post::create().title(format!("{n}\t\\N\n")).score(score));
    let posts = |score: i32| posts(score).map(|post| post.author(&ada)).collect::<Vec<_>>();
    for (altered, begin) in [(false, "COPY \"posts\" "), (true, "INSERT INTO \"posts\" ")] {
        if altered {
            // A cast is what INSERT does and COPY does not.
            db.execute_batch("ALTER TABLE posts ALTER COLUMN score TYPE smallint").await?;
        }
        log.take();
        assert_eq!(Post::insert_many(posts(7)).exec(&db).await?, 5000);
        assert!(log.take()[0].starts_with(begin), "{begin}");
        let titles =
            Post::query().order_by(Post::id.asc()).select((Post::title, Post::score)).all(&db).await?;
        assert!(
            titles
                .iter()
                .enumerate()
                .all(|(n, (title, score))| *title == format!("{n}\t\\N\n") && *score == 7)
        );
        let wrong = [Post::create().title("x").score(1).author_id(-1)];
        let broken = Post::insert_many(posts(1).into_iter().chain(wrong));
        let error = broken.exec(&db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignKey, "{error}");
        assert_eq!(Post::query().count(&db).await?, 5000, "all or none");
        Post::query().delete().all_rows().exec(&db).await?;
    }
    let error = Post::insert_many(posts(100_000)).exec(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange, "{error}");
    Ok(())
}
