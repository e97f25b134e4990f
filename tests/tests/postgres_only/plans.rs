//! Plans as trees.

use orm::postgres::plan::{ExplainOptions, Planned};

use super::*;

#[tokio::test]
async fn the_plan_of_anything_is_a_tree() -> Result<()> {
    let Place { db, log, .. } = place(2).await?;
    let ada = user(&db, "ada").await?;
    for number in 0..3 {
        Post::create().title("t").score(number).author(&ada).insert(&db).await?;
    }
    let query = || User::query().join(User::posts).filter(Post::score.gt(0)).select(User::name);
    let plan = query().plan(&db).await?;
    assert!(plan.root.total_cost > 0.0 && plan.root.actual.is_none() && plan.nodes().count() > 1, "{plan}");
    let plan = query().plan_with(ExplainOptions::new().analyze().buffers().verbose().settings(), &db).await?;
    assert_eq!(plan.root.actual.map(|actual| actual.rows), Some(2.0), "{plan}");
    assert!(plan.root.buffers.is_some() && plan.execution_ms.is_some(), "{plan:?}");
    assert!(plan.nodes().any(|node| node.relation.as_deref() == Some("posts")), "{plan}");

    db.execute_batch("CREATE INDEX by_score ON posts (score)").await?;
    let tx = db.begin().await?;
    Postgres::set_local(&tx, "enable_seqscan", "off").await?;
    let plan = Post::filter(Post::score.eq(1)).plan(&tx).await?;
    tx.commit().await?;
    assert_eq!(plan.indexes().collect::<Vec<_>>(), ["by_score"], "{plan}");

    // A write that is analysed happens and is undone, within a transaction too.
    log.take();
    let update = || Post::filter(Post::score.ge(0)).update().set(Post::score, Post::score + 1);
    let plan = update().plan_with(ExplainOptions::new().analyze(), &db).await?;
    assert_eq!(
        (plan.root.kind.as_str(), plan.root.children[0].actual.map(|actual| actual.rows)),
        ("ModifyTable", Some(3.0))
    );
    db.transaction(async |tx| {
        Post::filter(Post::score.eq(0)).delete().exec(tx).await?;
        let plan = Post::query().delete().all_rows().plan_with(ExplainOptions::new().analyze(), tx).await?;
        assert_eq!(plan.root.children[0].actual.map(|actual| actual.rows), Some(2.0));
        assert_eq!(Post::query().count(tx).await?, 2);
        Err::<(), _>(orm::Error::new(ErrorKind::Usage, "undone"))
    })
    .await
    .unwrap_err();
    assert_eq!(Post::query().select(Post::score.sum()).one(&db).await?, Some(3));
    let plan = sql::<i64>("SELECT id FROM users WHERE name = ?").bind("ada".to_owned()).plan(&db).await?;
    assert!(plan.root.conditions.iter().any(|(_, condition)| condition.contains("name")), "{plan}");
    let tags = || Tag::insert_many(["x", "y"].map(|name| Tag::create().name(name)));
    let plan = tags().plan_with(ExplainOptions::new().analyze(), &db).await?;
    assert_eq!((plan.root.kind.as_str(), Tag::query().count(&db).await?), ("ModifyTable", 0));
    let users = [User::create().email("x").name("x").active(true), User::create().email("y").name("y")];
    assert_eq!(User::insert_many(users).plan(&db).await.unwrap_err().kind(), ErrorKind::Usage);
    let error = Post::filter(Post::score.eq(1)).update().plan(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    Ok(())
}
