//! Deep and many: expressions that a program builds in a loop.

use orm::expr::Expr;
use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Post, User};

/// The same condition under the type that a loop needs: `&` of two conditions on a model is on both.
fn again<S>(condition: Expr<bool, S>) -> Expr<bool, User> {
    Expr::new(condition.into_ir())
}

pub async fn conditions_of_a_loop_are_one_list<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, ..) = people(&f.db).await?;
    let mut filtered = User::query();
    for n in 0..2_000 {
        filtered = filtered.filter(User::id.ne(1_000_000 + n));
    }
    assert_eq!(filtered.count(&f.db).await?, 3);
    let mut all = User::id.ge(0);
    let mut any = User::id.eq(ada.id);
    for n in 0..2_000 {
        all = again(all & User::id.ne(1_000_000 + n));
        any = again(any | User::id.eq(1_000_000 + n));
    }
    assert_eq!(User::filter(all).count(&f.db).await?, 3);
    assert_eq!(User::filter(any).one(&f.db).await?.name, "Ada");
    let many = any_of((0..2_000).map(|n| User::id.eq(ada.id + n * 1_000)));
    assert_eq!(User::filter(!many).count(&f.db).await?, 2);
    Ok(())
}

pub async fn a_hundred_thousand_conditions_do_not_overflow<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let mut query = User::query();
    for _ in 0..100_000 {
        query = query.filter(User::active.is_not_null());
    }
    drop(query.clone());
    // How long a database thinks about as many is its own affair.
    assert!(query.to_sql(&f.db)?.len() > 1_000_000);
    let values = any_of((0..100_000).map(|n| User::id.eq(n)));
    match User::filter(values).to_sql(&f.db) {
        Ok(text) => assert!(text.len() > 1_000_000),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Usage, "{error}"),
    }
    assert_eq!(User::query().count(&f.db).await?, 3);
    Ok(())
}

pub async fn what_nests_too_deep_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let mut sum = Post::score + 0;
    let mut text = User::name.lower();
    let mut not = User::active.eq(true);
    let mut mixed = User::active.eq(true);
    for _ in 0..100_000 {
        sum = sum + 1;
        text = text.lower();
        not = !not;
        mixed = again(again(mixed & User::active.eq(true)) | User::active.eq(false));
    }
    let refused = [
        Post::filter(sum.gt(1)).count(&f.db).await.unwrap_err(),
        User::query().select(text).all(&f.db).await.unwrap_err(),
        User::filter(not).delete().exec(&f.db).await.unwrap_err(),
        User::filter(mixed).update().set(User::name, "x").exec(&f.db).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    assert_eq!(User::query().count(&f.db).await?, 3);
    Ok(())
}

pub async fn what_nests_within_bounds_runs<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let mut sum = Post::score + 0;
    for _ in 0..40 {
        sum = sum + 1;
    }
    let all = Post::query().select(sum).order_by(Post::id.asc()).all(&f.db).await?;
    let plain = Post::query().select(Post::score).order_by(Post::id.asc()).all(&f.db).await?;
    assert_eq!(all, plain.iter().map(|score| score + 40).collect::<Vec<_>>());
    Ok(())
}

pub async fn limits_and_offsets_of_any_size_are_taken<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    for most in [u64::MAX, u64::MAX - 1, i64::MAX as u64, i64::MAX as u64 + 1] {
        assert_eq!(User::query().limit(most).all(&f.db).await?.len(), 3);
        assert_eq!(User::query().limit(most).offset(1).all(&f.db).await?.len(), 2);
        assert_eq!(User::query().offset(most).all(&f.db).await?.len(), 0);
        assert_eq!(User::query().limit(most).offset(most).all(&f.db).await?.len(), 0);
        assert_eq!(User::query().limit(most).count(&f.db).await?, 3);
        let posts = User::posts.order_by(Post::id.asc()).limit_per_parent(most);
        let users = User::query().include(posts).all(&f.db).await?;
        assert_eq!(users.iter().map(|user| user.posts.get().unwrap().len()).sum::<usize>(), 3);
    }
    Ok(())
}
