//! Errors name fields and say no values.

use std::error::Error as _;

use orm::prelude::*;
use orm_tests::models::User;

use super::{fresh, users};

/// Everything that a program may print of an error.
fn printed(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!(" {inner} {inner:?} {inner:#?}");
        cause = inner.source();
    }
    text
}

#[tokio::test]
async fn errors_of_the_server_do_not_repeat_values() {
    let db = fresh().await;
    users(&db).await;
    let secret = "rosebud@example.org";
    User::create().email(secret).name("secret-name").insert(&db).await.unwrap();
    let new = |email: &str, age: i32| User::create().email(email).name("secret-name").age(age);
    let one = User::filter(User::email.eq(secret));
    for (kind, error) in [
        (ErrorKind::Unique, new(secret, 1).insert(&db).await.unwrap_err()),
        (ErrorKind::Unique, User::insert_many([new("x", 1), new(secret, 1)]).exec(&db).await.unwrap_err()),
        (ErrorKind::Check, new("rosebud-2", -77).insert(&db).await.unwrap_err()),
        (ErrorKind::Check, one.clone().update().set(User::age, -77).exec(&db).await.unwrap_err()),
        (
            ErrorKind::OutOfRange,
            one.clone()
                .update()
                .set(User::age, User::id.cast::<i32>() * i32::MAX)
                .exec(&db)
                .await
                .unwrap_err(),
        ),
        (
            ErrorKind::ValueTooLong,
            one.clone()
                .update()
                .set(User::email, User::email.concat("x".repeat(400)))
                .exec(&db)
                .await
                .unwrap_err(),
        ),
        (ErrorKind::Decode, User::query().select(User::email.cast::<i64>()).all(&db).await.unwrap_err()),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
        let text = printed(&error);
        for secret in ["rosebud", "secret-name", "-77", "xxxx", "2d3737"] {
            assert!(!text.contains(secret), "{kind}: `{secret}` is in {text}");
        }
    }
}
