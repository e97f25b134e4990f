//! Rows that belong to a row: handles, nested creates, fetch modes, projections that hold relations.

use orm::prelude::*;
use orm::relation::FetchMode;
use orm::{ErrorKind, Result};

use super::{people, post};
use crate::Fixture;
use crate::models::{Comment, Guest, Node, Post, PostTag, Profile, Seat, Tag, User};

pub async fn a_handle_is_a_query_over_what_belongs_to_a_row<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    assert_eq!(User::posts.of(&ada).count(&f.db).await?, 2);
    let posts = User::posts.of(&ada).order_by(Post::id.desc()).limit(1).all(&f.db).await?;
    assert_eq!(posts[0].author_id, ada.id);
    assert!(!User::posts.of(&bob).filter(Post::title.eq("no such")).exists(&f.db).await?);
    let author = Post::author.of(&posts[0]).query().one(&f.db).await?;
    assert_eq!(author.id, ada.id);
    Ok(())
}

pub async fn a_handle_creates_and_moves_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    let made = User::posts.of(&ada).create(Post::create().title("new").score(1), &f.db).await?;
    assert_eq!(made.author_id, ada.id);
    f.log.take();
    User::posts.of(&bob).add(&made, &f.db).await?;
    assert_eq!(f.log.take().len(), 1);
    let moved = Post::find(made.id).one(&f.db).await?;
    assert_eq!((moved.author_id, moved.lock), (bob.id, made.lock + 1));
    let error = User::posts.of(&bob).remove(&made, &f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["author_id".into()][..]));
    Ok(())
}

pub async fn a_handle_releases_and_replaces_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    let root = Node::create().label("root").insert(&f.db).await?;
    let mut nodes = Vec::new();
    for label in ["a", "b", "c"] {
        nodes.push(Node::create().label(label).insert(&f.db).await?);
    }
    let children = Node::children.of(&root);
    assert_eq!(children.add_all(&nodes[..2], &f.db).await?, 2);
    assert!(children.remove(&nodes[0], &f.db).await?);
    assert!(!children.remove(&nodes[0], &f.db).await?);
    children.set(&nodes[1..], &f.db).await?;
    let labels = children.order_by(Node::label.asc()).select(Node::label);
    assert_eq!(labels.all(&f.db).await?, ["b", "c"]);
    assert_eq!(children.clear(&f.db).await?, 2);
    children.set(&[], &f.db).await?;
    assert_eq!(Node::query().count(&f.db).await?, 4, "released rows stay");
    Ok(())
}

pub async fn a_handle_links_and_unlinks<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _, _) = people(&f.db).await?;
    let post = post(&f.db, &ada, "tagged", 1).await?;
    let other = post_of(f, &ada).await?;
    let [rust, sql] = [Tag::create().name("rust"), Tag::create().name("sql")];
    let (rust, sql) = (rust.insert(&f.db).await?, sql.insert(&f.db).await?);
    let tags = Post::tags.of(&post);
    tags.add(&rust, &f.db).await?;
    tags.add(&rust, &f.db).await?;
    assert_eq!(tags.count(&f.db).await?, 1, "a link that is there stays one");
    Post::tags.of(&other).add_all([&rust, &sql], &f.db).await?;
    let db = tags.create(Tag::create().name("db"), &f.db).await?;
    let names = tags.order_by(Tag::name.asc()).select(Tag::name);
    assert_eq!(names.all(&f.db).await?, ["db", "rust"]);
    tags.set([&sql, &db], &f.db).await?;
    let names = tags.order_by(Tag::name.asc()).select(Tag::name);
    assert_eq!(names.all(&f.db).await?, ["db", "sql"]);
    assert!(tags.remove(&sql, &f.db).await? && !tags.remove(&rust, &f.db).await?);
    assert_eq!(tags.clear(&f.db).await?, 1);
    assert_eq!(Post::tags.of(&other).count(&f.db).await?, 2, "others keep their links");
    assert_eq!(Tag::query().count(&f.db).await?, 3);
    Ok(())
}

async fn post_of<D: Database>(f: &Fixture<D>, author: &User) -> Result<Post> {
    post(&f.db, author, "other", 1).await
}

pub async fn a_row_is_created_with_its_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    f.log.take();
    let ada = User::create()
        .email("ada@x")
        .name("Ada")
        .profile(Profile::create().bio("first"))
        .posts([
            Post::create()
                .title("one")
                .score(1)
                .comments([Comment::create().body("a"), Comment::create().body("b")]),
            Post::create()
                .title("two")
                .score(2)
                .tags([Tag::create().name("rust"), Tag::create().name("sql")]),
        ])
        .insert(&f.db)
        .await?;
    let statements = f.log.take();
    let inserts = statements.iter().filter(|sql| sql.to_ascii_lowercase().starts_with("insert")).count();
    assert_eq!(inserts, 6, "one for each relation and level, and one for the links: {statements:#?}");
    assert_eq!(ada.profile.get()?.map(|profile| profile.user_id), Some(ada.id));
    let posts = ada.posts.get()?;
    assert_eq!(posts.iter().map(|post| &*post.title).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(posts[0].comments.get()?[1].body, "b");
    assert_eq!(posts[1].tags.get()?.len(), 2);
    assert!(!posts[0].tags.is_loaded());
    assert_eq!(PostTag::filter(PostTag::post_id.eq(posts[1].id)).count(&f.db).await?, 2);
    Ok(())
}

pub async fn rows_and_children_are_created_together_or_not_at_all<D: Database>(f: &Fixture<D>) -> Result<()> {
    let user =
        |email: &str| User::create().email(email).name("x").posts([Post::create().title("t").score(0)]);
    let made = User::insert_many([user("a@x"), user("b@x")]).returning(&f.db).await?;
    assert_eq!(made[1].posts.get()?[0].author_id, made[1].id);
    let error = User::insert_many([user("c@x"), user("a@x")]).exec(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique);
    assert_eq!((User::query().count(&f.db).await?, Post::query().count(&f.db).await?), (2, 2));
    let twice = User::create()
        .email("d@x")
        .name("d")
        .posts([Post::create().title("t").score(0).tags([Tag::create().name("x"), Tag::create().name("x")])]);
    assert_eq!(twice.insert(&f.db).await.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(User::query().count(&f.db).await?, 2);
    let refused = User::upsert(user("e@x")).returning(&f.db).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage);
    Ok(())
}

pub async fn lazy_loads_fetch_for_all_rows_of_a_query<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let mut posts = Post::query().all(&f.db).await?;
    f.log.take();
    for post in &mut posts {
        let author_id = post.author_id;
        assert_eq!(post.load(Post::author, &f.db).await?.id, author_id);
    }
    assert_eq!(f.log.take().len(), 1, "batch: one query for all of them");
    let mut posts = Post::query().all(&f.db).await?;
    f.log.take();
    for post in &mut posts {
        post.load_with(FetchMode::One, Post::author, &f.db).await?;
    }
    assert_eq!(f.log.take().len(), posts.len(), "one: a query for each");
    let mut posts = Post::query().all(&f.db).await?;
    f.log.take();
    let error = posts[0].load_with(FetchMode::Deny, Post::author, &f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotLoaded, Some("Post")));
    assert!(f.log.take().is_empty());
    Ok(())
}

/// A post as a list shows it.
#[derive(Debug, PartialEq, Projection)]
#[orm(model = Post)]
struct PostCard {
    title: String,
    #[orm(nested)]
    comments: Vec<CommentCard>,
}

#[derive(Debug, PartialEq, Projection)]
#[orm(model = Comment)]
struct CommentCard {
    body: String,
}

#[derive(Debug, PartialEq, Projection)]
#[orm(model = Profile)]
struct ProfileCard {
    bio: String,
}

/// A user with what a page shows of them.
#[derive(Debug, PartialEq, Projection)]
#[orm(model = User)]
struct UserCard {
    name: String,
    #[orm(count = posts)]
    post_count: i64,
    #[orm(expr = User::name.upper())]
    loud: String,
    #[orm(nested = User::posts.filter(Post::score.ge(0)).order_by(Post::title.asc()).limit_per_parent(2))]
    posts: Vec<PostCard>,
    #[orm(nested)]
    profile: Option<ProfileCard>,
}

/// A post with its author.
#[derive(Debug, Projection)]
#[orm(model = Post)]
struct Byline {
    title: String,
    #[orm(nested)]
    author: AuthorCard,
    #[orm(nested = tags)]
    tags: Vec<Tag>,
}

#[derive(Debug, Projection)]
#[orm(model = User)]
struct AuthorCard {
    name: String,
}

pub async fn projections_hold_relations_and_counts<D: Database>(f: &Fixture<D>) -> Result<()> {
    let post = |title: &str| Post::create().title(title).score(1);
    User::create()
        .email("ada@x")
        .name("Ada")
        .profile(Profile::create().bio("hi"))
        .posts([post("c"), post("a").comments([Comment::create().body("x")]), post("b")])
        .insert(&f.db)
        .await?;
    User::create().email("bob@x").name("Bob").insert(&f.db).await?;
    f.log.take();
    let cards = User::query().order_by(User::id.asc()).select_as::<UserCard>().all(&f.db).await?;
    assert_eq!(f.log.take().len(), 4, "one for each relation and level");
    assert_eq!((cards[0].post_count, cards[0].loud.as_str()), (3, "ADA"));
    let titles: Vec<&str> = cards[0].posts.iter().map(|post| &*post.title).collect();
    assert_eq!(titles, ["a", "b"]);
    assert_eq!(cards[0].posts[0].comments, [CommentCard { body: "x".into() }]);
    assert_eq!(cards[0].profile, Some(ProfileCard { bio: "hi".into() }));
    assert_eq!((cards[1].post_count, cards[1].posts.len(), &cards[1].profile), (0, 0, &None));
    let first = User::filter(User::name.eq("Bob")).select_as::<UserCard>().first(&f.db).await?;
    assert_eq!(first.map(|card| card.name), Some("Bob".to_owned()));
    Ok(())
}

pub async fn projections_share_a_parent_between_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    f.log.take();
    let bylines = Post::query().order_by(Post::id.asc()).select_as::<Byline>().all(&f.db).await?;
    assert_eq!(f.log.take().len(), 3);
    for (byline, post) in bylines.iter().zip(Post::query().order_by(Post::id.asc()).all(&f.db).await?) {
        let author = User::find(post.author_id).one(&f.db).await?;
        assert_eq!((&byline.title, &byline.author.name), (&post.title, &author.name));
        assert!(byline.tags.is_empty());
    }
    Ok(())
}

pub async fn a_cursor_goes_to_a_client_and_back_as_text<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let query = || User::query().order_by((User::age.desc(), User::name.asc()));
    let all = query().order_by(User::id.asc()).all(&f.db).await?;
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor.as_deref().map(str::parse).transpose()?;
        let page = query().keyset(1).after(after).page(&f.db).await?;
        seen.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next.to_string()),
            None => break,
        }
    }
    assert_eq!(
        seen.iter().map(|user| user.id).collect::<Vec<_>>(),
        all.iter().map(|user| user.id).collect::<Vec<_>>()
    );
    let foreign = User::query().order_by((User::age.asc(), User::name.asc())).keyset(1);
    let error = foreign.after(cursor.map(|text| text.parse()).transpose()?).page(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    Ok(())
}

pub async fn a_handle_of_one_row_sets_and_clears_it<D: Database>(f: &Fixture<D>) -> Result<()> {
    let guest = async || Guest::create().insert(&f.db).await;
    let (ada, bob) = (guest().await?, guest().await?);
    let window = Guest::seat.of(&ada).create(Seat::create().place("window"), &f.db).await?;
    let aisle = Seat::create().place("aisle").insert(&f.db).await?;
    Guest::seat.of(&ada).set(&aisle, &f.db).await?;
    assert_eq!(Guest::seat.of(&ada).query().one(&f.db).await?.place, "aisle");
    assert_eq!(Seat::find(window.id).one(&f.db).await?.guest_id, None, "the other was taken away");
    Guest::seat.of(&bob).set(&aisle, &f.db).await?;
    assert!(!Guest::seat.of(&ada).exists(&f.db).await?);
    assert!(Guest::seat.of(&bob).clear(&f.db).await? && !Guest::seat.of(&bob).clear(&f.db).await?);
    Ok(())
}

pub async fn a_row_that_cannot_be_alone_is_not_taken_away<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    let first = User::profile.of(&ada).create(Profile::create().bio("first"), &f.db).await?;
    let other = User::profile.of(&bob).create(Profile::create().bio("other"), &f.db).await?;
    User::profile.of(&ada).set(&first, &f.db).await?;
    for refused in
        [User::profile.of(&ada).set(&other, &f.db).await, User::profile.of(&ada).clear(&f.db).await.map(drop)]
    {
        let error = refused.unwrap_err();
        assert_eq!(
            (error.kind(), error.fields()),
            (ErrorKind::Usage, &["user_id".to_owned()][..]),
            "{error}"
        );
    }
    assert_eq!(Profile::find(other.id).one(&f.db).await?.user_id, bob.id);
    Ok(())
}

pub async fn a_nested_row_that_must_be_there_is_missed<D: Database>(f: &Fixture<D>) -> Result<()> {
    /// A user who has a profile.
    #[derive(Debug, Projection)]
    #[orm(model = User)]
    struct Known {
        name: String,
        #[orm(nested)]
        profile: ProfileCard,
    }
    let (ada, ..) = people(&f.db).await?;
    User::profile.of(&ada).create(Profile::create().bio("known"), &f.db).await?;
    let known = User::filter(User::name.eq("Ada")).select_as::<Known>().one(&f.db).await?;
    assert_eq!((known.name.as_str(), known.profile.bio.as_str()), ("Ada", "known"));
    let error = User::query().select_as::<Known>().all(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some("User")));
    assert_eq!(
        (error.fields(), error.hint()),
        (&["profile".to_owned()][..], Some("make the field an `Option`"))
    );
    Ok(())
}
