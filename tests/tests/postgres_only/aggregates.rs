//! Aggregates and samples that PostgreSQL has beyond the suite.

use orm::postgres::ops::{ListOps, OrderedSetOps};
use orm::query::Sample;
use rust_decimal::Decimal;

use super::*;

#[tokio::test]
async fn values_of_a_group_come_as_one() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let ada = user(&db, "ada").await?;
    user(&db, "bob").await?;
    for (title, score) in [("b", 3), ("a", 1), ("c", 1), ("d", 10)] {
        Post::create().title(title).score(score).author(&ada).insert(&db).await?;
    }
    let one = Post::query()
        .group_by(Post::author_id)
        .select(|id| {
            (
                id,
                Post::title.array_agg_by(Post::score.desc()),
                Post::title.array_agg_by(Post::title.asc()).filter_where(Post::score.gt(1)),
                Post::score.array_agg().filter_where(Post::title.eq("c")).filter_where(Post::score.lt(5)),
                Post::score.percentile_cont(0.5),
                Post::score.percentile_disc(0.5),
                Post::score.mode(),
            )
        })
        .one(&db)
        .await?;
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| text.to_string()).collect::<Array<String>>());
    assert_eq!(one.1.as_ref().map(|titles| titles[..2].to_vec()), Some(vec!["d".to_owned(), "b".to_owned()]));
    assert_eq!((one.2, one.3), (texts(&["b", "d"]), Some(Array::from([1]))));
    assert_eq!((one.4, one.5, one.6), (Some(2.0), Some(1), Some(1)));

    let ages = User::query()
        .select((User::age.array_agg(), User::name.jsonb_agg::<serde_json::Value>()))
        .one(&db)
        .await?;
    assert_eq!(ages.0, Some(Array::from([None, None])));
    assert_eq!(ages.1.and_then(|names| names.as_array().map(Vec::len)), Some(2));
    let none = User::query().filter(User::id.lt(0)).select((
        User::age.array_agg(),
        User::age.percentile_cont(0.1),
        User::age.mode(),
    ));
    assert_eq!(none.one(&db).await?, (None, None, None));
    let error = Post::query().select(Post::score.percentile_cont(1.5)).one(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange, "{error}");
    let prices = Everything::query().select(Everything::price.percentile_disc(0.5)).one(&db).await?;
    assert_eq!(prices, None::<Decimal>);
    Ok(())
}

#[tokio::test]
async fn a_sample_is_a_part_of_the_table() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    Tag::insert_many((0..2000).map(|number| Tag::create().name(number.to_string()))).exec(&db).await?;
    let sample = |sample: Sample| Tag::query().sample(sample);
    let count = sample(Sample::rows(50.0).seed(7)).count(&db).await?;
    assert!((600..1400).contains(&count), "{count}");
    assert_eq!(sample(Sample::rows(50.0).seed(7)).count(&db).await?, count);
    assert_eq!(sample(Sample::pages(100.0)).filter(Tag::name.eq("7")).all(&db).await?.len(), 1);
    assert_eq!(sample(Sample::rows(0.0)).count(&db).await?, 0);
    assert_eq!(sample(Sample::rows(101.0)).count(&db).await.unwrap_err().kind(), ErrorKind::Usage);
    // A deletion of a part deletes that part.
    let deleted = sample(Sample::rows(50.0).seed(7)).delete().all_rows().exec(&db).await?;
    assert_eq!((deleted, Tag::query().count(&db).await?), (count, 2000 - count));
    Ok(())
}
