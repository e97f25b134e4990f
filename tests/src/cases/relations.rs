//! Relations: loading, predicates, trees.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::{people, post};
use crate::Fixture;
use crate::models::{Comment, Node, Post, PostTag, Profile, Tag, User};

async fn tagged<D: Database>(f: &Fixture<D>) -> Result<(User, Vec<Post>)> {
    let (ada, _, _) = people(&f.db).await?;
    let posts = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    let rust = Tag::create().name("rust").insert(&f.db).await?;
    let sql = Tag::create().name("sql").insert(&f.db).await?;
    for (post, tag) in [(&posts[0], &rust), (&posts[0], &sql), (&posts[1], &rust)] {
        PostTag::create().post_id(post.id).tag_id(tag.id).insert(&f.db).await?;
    }
    for body in ["first", "second"] {
        Comment::create().post_id(posts[0].id).body(body).insert(&f.db).await?;
    }
    f.log.take();
    Ok((ada, posts))
}

pub async fn reading_an_unloaded_relation_is_an_error<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    assert!(!ada.posts.is_loaded());
    assert_eq!(ada.posts.get().unwrap_err().kind(), ErrorKind::NotLoaded);
    Ok(())
}

pub async fn includes_load_one_query_per_edge<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    f.log.take();
    let users =
        User::query().order_by(User::id.asc()).include(User::posts).include(User::profile).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 3);
    let counts: Vec<usize> = users.iter().map(|user| user.posts.get().unwrap().len()).collect();
    assert_eq!(counts, [2, 1, 0]);
    let posts = Post::query().include(Post::author).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 2);
    assert_eq!(posts[0].author.get()?.name, "Ada");
    Ok(())
}

pub async fn includes_nest_three_levels<D: Database>(f: &Fixture<D>) -> Result<()> {
    tagged(f).await?;
    let users = User::query()
        .order_by(User::id.asc())
        .include(
            User::posts
                .order_by(Post::id.asc())
                .include(Post::comments.include(Comment::post.include(Post::tags))),
        )
        .all(&f.db)
        .await?;
    assert_eq!(f.log.take().len(), 5);
    let comments = users[0].posts.get()?[0].comments.get()?;
    assert_eq!(comments.len(), 2);
    assert_eq!(comments[0].post.get()?.tags.get()?.len(), 2);
    Ok(())
}

pub async fn an_include_has_its_own_filter_order_and_limit_per_parent<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    for score in 10..20 {
        post(&f.db, &ada, &format!("a{score}"), score).await?;
        post(&f.db, &bob, &format!("b{score}"), score).await?;
    }
    let users = User::query()
        .order_by(User::id.asc())
        .include(User::posts.filter(Post::score.lt(19)).order_by(Post::score.desc()).limit_per_parent(2))
        .all(&f.db)
        .await?;
    let titles = |user: &User| -> Vec<String> {
        user.posts.get().unwrap().iter().map(|post| post.title.clone()).collect()
    };
    assert_eq!(titles(&users[0]), ["a18", "a17"]);
    assert_eq!(titles(&users[1]), ["b18", "b17"]);
    assert!(titles(&users[2]).is_empty());
    Ok(())
}

pub async fn many_to_many_goes_through_its_model<D: Database>(f: &Fixture<D>) -> Result<()> {
    tagged(f).await?;
    let posts = Post::query()
        .order_by(Post::id.asc())
        .include(Post::tags.order_by(Tag::name.asc()))
        .all(&f.db)
        .await?;
    let names = |post: &Post| -> Vec<String> {
        post.tags.get().unwrap().iter().map(|tag| tag.name.clone()).collect()
    };
    assert_eq!(names(&posts[0]), ["rust", "sql"]);
    assert_eq!(names(&posts[1]), ["rust"]);
    assert!(names(&posts[2]).is_empty());
    let tags = Tag::query().order_by(Tag::id.asc()).include(Tag::posts).all(&f.db).await?;
    assert_eq!(tags[0].posts.get()?.len(), 2);
    Ok(())
}

pub async fn a_missing_child_is_loaded_as_none<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    Profile::create().bio("mathematician").user_id(ada.id).insert(&f.db).await?;
    let users = User::query().order_by(User::id.asc()).include(User::profile).all(&f.db).await?;
    assert_eq!(users[0].profile.get()?.map(|profile| profile.bio.as_str()), Some("mathematician"));
    assert!(users[1].profile.get()?.is_none());
    Ok(())
}

pub async fn relation_predicates_ask_about_the_rows_behind<D: Database>(f: &Fixture<D>) -> Result<()> {
    tagged(f).await?;
    let names = async |query: Query<User>| -> Result<Vec<String>> {
        query.order_by(User::id.asc()).select(User::name).all(&f.db).await
    };
    assert_eq!(names(User::filter(User::posts.is_empty())).await?, ["Cid"]);
    assert_eq!(names(User::filter(User::posts.exists())).await?, ["Ada", "Bob"]);
    assert_eq!(names(User::filter(User::posts.any(Post::score.gt(3)))).await?, ["Ada"]);
    assert_eq!(names(User::filter(User::posts.all(Post::score.gt(2)))).await?, ["Ada", "Cid"]);
    assert_eq!(names(User::filter(User::posts.none(Post::score.gt(3)))).await?, ["Bob", "Cid"]);
    assert_eq!(names(User::filter(User::posts.any(Post::tags.any(Tag::name.eq("sql"))))).await?, ["Ada"]);
    Ok(())
}

pub async fn relation_counts_can_be_selected_by<D: Database>(f: &Fixture<D>) -> Result<()> {
    tagged(f).await?;
    let rows: Vec<(String, i64, i64)> = User::query()
        .order_by((User::posts.count().desc(), User::name.asc()))
        .select((User::name, User::posts.count(), User::posts.count_where(Post::score.gt(3))))
        .all(&f.db)
        .await?;
    let rows: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1, row.2)).collect();
    assert_eq!(rows, [("Ada", 2, 1), ("Bob", 1, 0), ("Cid", 0, 0)]);
    Ok(())
}

pub async fn a_model_can_refer_to_itself<D: Database>(f: &Fixture<D>) -> Result<()> {
    let root = Node::create().label("root").insert(&f.db).await?;
    let left = Node::create().label("left").parent_id(root.id).insert(&f.db).await?;
    Node::create().label("right").parent_id(root.id).insert(&f.db).await?;
    Node::create().label("leaf").parent_id(left.id).insert(&f.db).await?;
    let tree = Node::filter(Node::parent_id.is_null())
        .include(Node::children.order_by(Node::label.asc()).include(Node::children))
        .one(&f.db)
        .await?;
    let children = tree.children.get()?;
    assert_eq!(children.iter().map(|node| node.label.as_str()).collect::<Vec<_>>(), ["left", "right"]);
    assert_eq!(children[0].children.get()?[0].label, "leaf");
    let parents =
        Node::filter(Node::children.any(Node::label.eq("leaf"))).select(Node::label).all(&f.db).await?;
    assert_eq!(parents, ["left"]);
    Ok(())
}

pub async fn a_slice_loads_a_relation_in_one_query<D: Database>(f: &Fixture<D>) -> Result<()> {
    tagged(f).await?;
    let mut posts = Post::query().order_by(Post::id.asc()).all(&f.db).await?;
    f.log.take();
    posts.load(Post::author, &f.db).await?;
    assert_eq!(f.log.take().len(), 1);
    assert_eq!(posts[2].author.get()?.name, "Bob");
    Ok(())
}

pub async fn an_include_may_begin_later_in_each_parent<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, ..) = people(&f.db).await?;
    post(&f.db, &ada, "Last", 9).await?;
    let later = User::posts.order_by(Post::id.asc()).offset_per_parent(1).limit_per_parent(1);
    let users = User::query().order_by(User::id.asc()).include(later).all(&f.db).await?;
    let titles = users
        .iter()
        .map(|user| user.posts.get().unwrap().iter().map(|post| post.title.as_str()).collect::<Vec<_>>());
    assert_eq!(titles.collect::<Vec<_>>(), [vec!["Notes"], vec![], vec![]]);
    let one =
        User::query().order_by(User::id.asc()).include(User::posts.limit_per_parent(1)).all(&f.db).await?;
    assert_eq!(one.iter().map(|user| user.posts.get().unwrap().len()).collect::<Vec<_>>(), [1, 1, 0]);
    let two = User::find(ada.id).include(User::posts.offset_per_parent(2)).one(&f.db).await?;
    assert_eq!(two.posts.get()?.len(), 1);
    Ok(())
}
