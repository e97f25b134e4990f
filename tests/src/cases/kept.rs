//! What a row keeps of its relations, and when it is read again.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Post, User};

async fn posts<D: Database>(f: &Fixture<D>) -> Result<(User, User, Vec<Post>)> {
    let (ada, bob, _) = people(&f.db).await?;
    let posts = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    f.log.take();
    Ok((ada, bob, posts))
}

pub async fn what_a_rolled_back_transaction_read_is_not_handed_out<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    let (ada, _, mut posts) = posts(f).await?;
    let tx = f.db.begin().await?;
    ada.update().name("Nobody").save(&tx).await?;
    assert_eq!(posts[0].load(Post::author, &tx).await?.name, "Nobody");
    tx.rollback().await?;
    assert_eq!(posts[1].load(Post::author, &f.db).await?.name, "Ada");
    assert_eq!(posts[0].load(Post::author, &f.db).await?.name, "Ada");
    Ok(())
}

pub async fn what_a_committed_transaction_read_stays<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (_, _, mut posts) = posts(f).await?;
    let tx = f.db.begin().await?;
    posts[0].load(Post::author, &tx).await?;
    tx.commit().await?;
    f.log.take();
    assert_eq!(posts[0].load(Post::author, &f.db).await?.name, "Ada");
    assert_eq!(f.log.take().len(), 0);
    Ok(())
}

pub async fn a_transaction_loads_what_it_wrote<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, mut posts) = posts(f).await?;
    posts[0].load(Post::author, &f.db).await?;
    f.db.transaction(async |tx| {
        ada.update().name("Ada L.").save(tx).await?;
        assert_eq!(posts[1].load(Post::author, tx).await?.name, "Ada L.");
        Ok(())
    })
    .await
}

pub async fn a_load_replaces_what_came_with_conditions<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = posts(f).await?;
    let mut users = User::query()
        .filter(User::id.eq(ada.id))
        .include(User::posts.filter(Post::title.eq("Notes")))
        .all(&f.db)
        .await?;
    assert_eq!(users[0].posts.get()?.len(), 1);
    users.load(User::posts.filter(Post::title.eq("Engines")), &f.db).await?;
    assert_eq!(users[0].posts.get()?[0].title, "Engines");
    assert_eq!(users[0].load(User::posts, &f.db).await?.len(), 2);
    users.load(User::posts.order_by(Post::id.desc()).limit_per_parent(1), &f.db).await?;
    assert_eq!(users[0].posts.get()?[0].title, "Notes");
    users.load(User::posts, &f.db).await?;
    assert_eq!(users[0].posts.get()?.len(), 2);
    f.log.take();
    users.load(User::posts, &f.db).await?;
    users[0].load(User::posts, &f.db).await?;
    assert_eq!(f.log.take().len(), 0);
    Ok(())
}

pub async fn a_load_follows_a_changed_foreign_key<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (_, bob, mut posts) = posts(f).await?;
    posts[0].load(Post::author, &f.db).await?;
    posts[0].author_id = bob.id;
    assert_eq!(posts[0].load(Post::author, &f.db).await?.name, "Bob");
    let mut post = Post::find(posts[0].id).include(Post::author).one(&f.db).await?;
    post.author_id = bob.id;
    assert_eq!(post.load(Post::author, &f.db).await?.name, "Bob");
    Ok(())
}

pub async fn a_relation_is_included_once<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = posts(f).await?;
    let twice = User::find(ada.id)
        .include(User::posts.include(Post::tags))
        .include(User::posts.include(Post::comments));
    let user = twice.one(&f.db).await?;
    assert!(user.posts.get()?.iter().all(|post| post.tags.is_loaded() && post.comments.is_loaded()));
    let two = User::find(ada.id).include(User::posts.filter(Post::score.gt(3))).include(User::posts);
    let error = two.one(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("User")));
    Ok(())
}
