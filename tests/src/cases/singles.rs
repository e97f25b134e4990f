//! Subqueries in the place of one value, and NULLs among those that are left out.

use orm::expr::Expr;
use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Node, Post, User};

pub async fn a_scalar_subquery_of_several_rows_is_an_error<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let several = || scalar(Post::query().select(Post::score));
    let titles =
        || scalar(Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).select(Post::title));
    for error in [
        User::query().select((User::name, several())).all(&f.db).await.unwrap_err(),
        User::query().select((User::name, titles())).all(&f.db).await.unwrap_err(),
        User::filter(User::age.gt(several())).all(&f.db).await.unwrap_err(),
        User::filter(User::name.ne(titles())).count(&f.db).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::MultipleRows, "{error}");
    }
    let error = User::query().update().set(User::age, several()).all_rows().exec(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MultipleRows, "{error}");
    assert_eq!(User::filter(User::age.eq(36)).count(&f.db).await?, 1);
    Ok(())
}

pub async fn one_row_or_none_is_a_value<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, ..) = people(&f.db).await?;
    // One by chance, none, one by a unique key, the first by an order, an aggregate.
    let by_chance = scalar(Post::filter(Post::title.eq("Notes")).select(Post::score));
    let none = scalar(Post::filter(Post::title.eq("nothing")).select(Post::score));
    let by_key = scalar(Post::query().correlate::<User>().filter(Post::id.eq(User::id)).select(Post::score));
    let first = scalar(Post::query().order_by(Post::score.desc()).limit(1).select(Post::score));
    let best = scalar(Post::query().select(Post::score.max()));
    let row =
        User::filter(User::id.eq(ada.id)).select((by_chance, none, by_key, first, best)).one(&f.db).await?;
    assert_eq!((row.0, row.1, row.3, row.4), (Some(5), None, Some(5), Some(5)));
    let text: Expr<Option<String>> = scalar(User::filter(User::email.eq("ada@x.org")).select(User::name));
    assert_eq!(User::filter(User::name.eq(text)).one(&f.db).await?.id, ada.id);
    let flag = scalar(User::filter(User::name.eq("Cid")).select(User::active));
    assert_eq!(User::filter(User::id.eq(ada.id)).select(flag).one(&f.db).await?, Some(false));
    Ok(())
}

pub async fn nulls_are_left_out_of_a_query_for_not_in<D: Database>(f: &Fixture<D>) -> Result<()> {
    let root = Node::create().label("root").insert(&f.db).await?;
    let child = Node::create().label("child").parent_id(root.id).insert(&f.db).await?;
    Node::create().label("leaf").parent_id(child.id).insert(&f.db).await?;
    let parents = || Node::query().select(Node::parent_id).not_null();
    let leaves = Node::filter(Node::id.not_in(parents())).select(Node::label).all(&f.db).await?;
    assert_eq!(leaves, ["leaf"]);
    assert_eq!(parents().count(&f.db).await?, 2);
    let grouped = Node::query().group_by(Node::parent_id).select(|parent| parent).not_null();
    assert_eq!(grouped.order_by(Node::parent_id.asc()).all(&f.db).await?, [root.id, child.id]);
    let error = Node::query().limit(1).select(Node::parent_id).not_null().all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    Ok(())
}
