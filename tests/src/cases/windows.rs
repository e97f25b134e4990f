//! Window functions.

use std::ops::Bound;

use orm::prelude::*;
use orm::{ErrorKind, Result};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::people;
use super::values::{extreme, store};
use crate::Fixture;
use crate::models::{Everything, Post, User};

/// Posts with scores 3, 5, 5, 1 of Ada and 5, 2 of Bob, in this order; the third has no comments nor tags.
async fn scores<D: Database>(f: &Fixture<D>) -> Result<()> {
    let ada = User::create().email("ada@x.org").name("Ada").age(36).insert(&f.db).await?;
    let bob = User::create().email("bob@x.org").name("Bob").insert(&f.db).await?;
    for (author, score) in [(&ada, 3), (&ada, 5), (&ada, 5), (&ada, 1), (&bob, 5), (&bob, 2)] {
        Post::create().title(format!("{score}")).score(score).author(author).insert(&f.db).await?;
    }
    Ok(())
}

pub async fn rows_are_numbered_and_ranked<D: Database>(f: &Fixture<D>) -> Result<()> {
    scores(f).await?;
    let by_score = window().partition_by(Post::author_id).order_by(Post::score.desc());
    let number = row_number().over(by_score.clone().order_by(Post::id.asc()));
    let list = (Post::score, number, rank().over(by_score.clone()), dense_rank().over(by_score));
    let rows = Post::query().order_by(Post::id.asc()).select(list).all(&f.db).await?;
    assert_eq!(rows, [(3, 3, 3, 2), (5, 1, 1, 1), (5, 2, 1, 1), (1, 4, 4, 3), (5, 1, 1, 1), (2, 2, 2, 2)]);
    // Equal in all keys, of which one goes down and one is computed.
    let keys = window().order_by((Post::score.desc(), (Post::author_id * 0).asc()));
    let list = (rank().over(keys.clone()), dense_rank().over(keys));
    let rows = Post::query().order_by(Post::id.asc()).select(list).all(&f.db).await?;
    assert_eq!(rows, [(4, 2), (1, 1), (1, 1), (6, 4), (1, 1), (5, 3)]);
    Ok(())
}

pub async fn null_has_its_place_in_a_window<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let place = |window| rank().over(window);
    let up = place(window().order_by(User::age.asc()));
    let down = place(window().order_by(User::age.desc()));
    let last = place(window().order_by(User::age.asc().nulls_last()));
    let rows = User::query().order_by(User::id.asc()).select((up, down, last)).all(&f.db).await?;
    assert_eq!(rows, [(3, 1, 2), (1, 3, 3), (2, 2, 1)]);
    // NULL is a partition like any value.
    User::create().email("dan@x.org").name("Dan").insert(&f.db).await?;
    let same = count_all().over(window().partition_by(User::age));
    let rows = User::query().order_by(User::id.asc()).select(same).all(&f.db).await?;
    assert_eq!(rows, [1, 2, 1, 2]);
    Ok(())
}

pub async fn aggregates_run_over_the_rows_they_are_told<D: Database>(f: &Fixture<D>) -> Result<()> {
    scores(f).await?;
    let by_id = window().order_by(Post::id.asc());
    let of_author = window().partition_by(Post::author_id);
    let list = (
        Post::score.sum().over(by_id.clone().rows(..=0)),
        Post::score.avg().over(by_id.clone().rows(-1..=1)),
        Post::score.max().over(of_author.clone()),
        count_all().over(of_author.order_by(Post::id.desc()).rows(..)),
        Post::score.min().over(by_id.clone().rows(1..)),
    );
    let rows = Post::query().order_by(Post::id.asc()).select(list).all(&f.db).await?;
    assert_eq!(rows[0], (Some(3), Some(4.0), Some(5), 4, Some(1)));
    assert_eq!(rows[1], (Some(8), Some(13.0 / 3.0), Some(5), 4, Some(1)));
    assert_eq!(rows[5], (Some(21), Some(3.5), Some(5), 2, None), "nothing follows the last row");
    let far = (
        Post::score.sum().over(by_id.clone().rows(i64::MIN..=i64::MAX)),
        Post::score.lag(u32::MAX).over(by_id.clone()),
    );
    assert_eq!(Post::query().select(far).first(&f.db).await?, Some((Some(21), None)));
    let good = Post::id.count().filter_where(Post::score.gt(4)).over(by_id.rows(..=0));
    let rows = Post::query().order_by(Post::id.asc()).select(good).all(&f.db).await?;
    assert_eq!(rows, [0, 1, 2, 2, 3, 3]);
    Ok(())
}

pub async fn aggregates_over_a_window_skip_null<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let here = window().order_by(User::id.asc()).rows(0..=0);
    let list = (
        User::age.sum().over(here.clone()),
        User::age.count().over(here.clone()),
        User::age.avg().over(here),
    );
    let rows = User::query().order_by(User::id.asc()).select(list).all(&f.db).await?;
    assert_eq!(rows, [(Some(36), 1, Some(36.0)), (None, 0, None), (Some(20), 1, Some(20.0))]);
    Ok(())
}

pub async fn decimals_are_exact_over_a_window<D: Database>(f: &Fixture<D>) -> Result<()> {
    for (number, price) in ["0.1", "0.2", "9.7"].iter().enumerate() {
        let mut row = extreme(false);
        row.id = Uuid::from_u128(number as u128);
        row.price = price.parse().unwrap();
        store(&f.db, &row).await?;
    }
    let two = Everything::price.sum().over(window().order_by(Everything::price.asc()).rows(-1..=0));
    let rows = Everything::query().order_by(Everything::price.asc()).select(two).all(&f.db).await?;
    let exact = |text: &str| -> Option<Decimal> { Some(text.parse().unwrap()) };
    assert_eq!(rows, [exact("0.1"), exact("0.3"), exact("9.9")]);
    Ok(())
}

pub async fn a_row_sees_those_before_and_after<D: Database>(f: &Fixture<D>) -> Result<()> {
    scores(f).await?;
    let by_id = window().partition_by(Post::author_id).order_by(Post::id.asc());
    let list = (
        Post::score.lag(1).over(by_id.clone()),
        Post::score.lead(2).over(by_id.clone()),
        Post::title.first_value().over(by_id.clone().rows(-1..)),
        Post::title.last_value().over(by_id.rows(..=1)),
    );
    let rows = Post::query().order_by(Post::id.asc()).select(list).all(&f.db).await?;
    let text = |score: &str| Some(score.to_owned());
    assert_eq!(rows[0], (None, Some(5), text("3"), text("5")));
    assert_eq!(rows[2], (Some(5), None, text("5"), text("1")));
    assert_eq!(rows[4], (None, None, text("5"), text("2")));
    Ok(())
}

pub async fn windows_order_filter_and_join_with_the_rest<D: Database>(f: &Fixture<D>) -> Result<()> {
    scores(f).await?;
    // Computed over the rows that the filter leaves, before the limit cuts them; also in the order alone.
    let number = || row_number().over(window().order_by((Post::score.asc(), Post::id.asc())));
    let query = Post::filter(Post::score.gt(1)).order_by(number().desc()).limit(2);
    let rows = query.select((Post::score, number(), count_all().over(window()))).all(&f.db).await?;
    assert_eq!(rows, [(5, 5, 5), (5, 4, 5)]);
    let posts = Post::query().order_by(number().asc()).limit(2).all(&f.db).await?;
    assert_eq!(posts.iter().map(|post| post.score).collect::<Vec<_>>(), [1, 2]);
    let list =
        (User::name, Post::score, rank().over(window().partition_by(User::name).order_by(Post::score.asc())));
    let query = User::query().join(User::posts).filter(User::name.eq("Bob")).order_by(Post::id.asc());
    assert_eq!(query.select(list).all(&f.db).await?, [("Bob".to_owned(), 5, 2), ("Bob".to_owned(), 2, 1)]);
    Ok(())
}

pub async fn groups_are_ranked_by_their_aggregates<D: Database>(f: &Fixture<D>) -> Result<()> {
    scores(f).await?;
    let by_total = window().order_by(Post::score.sum().desc());
    let rows = Post::query()
        .group_by(Post::score)
        .select(|score| (score, Post::score.sum(), rank().over(by_total)))
        .order_by(Post::score.asc())
        .all(&f.db)
        .await?;
    assert_eq!(rows, [(1, Some(1), 4), (2, Some(2), 3), (3, Some(3), 2), (5, Some(15), 1)]);
    Ok(())
}

pub async fn a_window_that_cannot_be_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    let nothing = (Bound::Included(1), Bound::Included(0));
    let empty = Post::score.sum().over(window().order_by(Post::id.asc()).rows(nothing));
    let error = Post::query().select(empty).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let distinct = Post::score.count_distinct().over(window());
    let error = Post::query().select(distinct).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    Ok(())
}
