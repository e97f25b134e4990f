//! Errors, from the server and before it is asked.

use super::*;

#[tokio::test]
async fn what_the_server_would_change_is_refused_before_it_is_sent() -> Result<()> {
    let Place { db, log, .. } = place(1).await?;
    let fine: DateTime<Utc> = DateTime::from_timestamp(1, 1).unwrap();
    let error = Everything::filter(Everything::instant.eq(fine)).all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert!(error.hint().is_some_and(|hint| hint.contains("microseconds")), "{error}");
    let error = user(&db, "a\0b").await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Encode, Some("User")));
    assert!(log.take().is_empty());
    Ok(())
}

#[tokio::test]
async fn errors_name_model_fields_and_constraint() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let ada = user(&db, "ada").await?;
    let error = user(&db, "ada").await.unwrap_err();
    assert_eq!((error.kind(), error.model(), error.code()), (ErrorKind::Unique, Some("User"), Some("23505")));
    assert_eq!(error.fields(), ["email"]);
    assert_eq!(error.constraint(), Some("uq_users_email"));
    assert!(!error.to_string().contains("ada@x"), "no values: {error}");
    let error = Post::create().title("t").score(1).author_id(ada.id + 99).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::ForeignKey, &["author_id".to_owned()][..]));
    let error = User::filter(User::id.eq(ada.id)).update().set(User::age, -1).exec(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("age_is_sane")));
    let long = "x".repeat(400);
    let error = User::create().email(long).name("x").insert(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ValueTooLong);
    let error = User::filter(User::id.eq(ada.id))
        .update()
        .set(User::age, User::age + i32::MAX)
        .set(User::age, i32::MAX)
        .set(User::age, User::id.cast::<i32>() + i32::MAX)
        .exec(&db)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    db.execute_batch("ALTER TABLE users RENAME COLUMN name TO nname").await?;
    let error = User::query().all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.hint().is_some_and(|hint| hint.contains("email") || hint.contains('`')), "{error}");
    Ok(())
}
