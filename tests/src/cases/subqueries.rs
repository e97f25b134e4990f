//! Aliases, subqueries, CASE and functions.

use orm::Result;
use orm::backend::Supports;
use orm::backend::capabilities::RawSql;
use orm::prelude::*;

use super::people;
use crate::Fixture;
use crate::models::{Comment, Node, Post, User};

orm::alias!(Parent: Node);
orm::alias!(Grand: Node);
orm::alias!(Other: User);

async fn tree<D: Database>(db: &D) -> Result<()> {
    let root = Node::create().label("root").insert(db).await?;
    let left = Node::create().label("left").parent_id(root.id).insert(db).await?;
    Node::create().label("right").parent_id(root.id).insert(db).await?;
    Node::create().label("leaf").parent_id(left.id).insert(db).await?;
    Ok(())
}

pub async fn a_model_joins_itself_by_an_alias<D: Database>(f: &Fixture<D>) -> Result<()> {
    tree(&f.db).await?;
    let pairs = Node::query()
        .left_join(Node::parent.to::<Parent>())
        .order_by(Node::id.asc())
        .select((Node::label, Parent.label))
        .all(&f.db)
        .await?;
    let text = |value: &str| value.to_owned();
    assert_eq!(pairs[0], (text("root"), None));
    assert_eq!(pairs[3], (text("leaf"), Some(text("left"))));
    Ok(())
}

pub async fn aliases_chain<D: Database>(f: &Fixture<D>) -> Result<()> {
    tree(&f.db).await?;
    let rows = Node::query()
        .join(Node::parent.to::<Parent>())
        .join(Node::parent.starting_at::<Parent>().to::<Grand>())
        .filter(Grand.label.eq("root") & Parent.label.ne(Node::label))
        .select((Node::label, whole::<Grand>()))
        .all(&f.db)
        .await?;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].0.as_str(), rows[0].1.label.as_str()), ("leaf", "root"));
    Ok(())
}

pub async fn relation_predicates_take_an_alias<D: Database>(f: &Fixture<D>) -> Result<()> {
    tree(&f.db).await?;
    let inner = Node::filter(Node::children.to::<Parent>().any(Parent.label.eq("leaf")));
    assert_eq!(inner.select(Node::label).all(&f.db).await?, ["left"]);
    let childless = Node::filter(Node::children.is_empty()).order_by(Node::id.asc()).select(Node::label);
    assert_eq!(childless.all(&f.db).await?, ["right", "leaf"]);
    Ok(())
}

pub async fn a_subquery_may_mention_the_query_around_it<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let has_long_title = exists(
        Post::query()
            .correlate::<User>()
            .filter(Post::author_id.eq(User::id) & Post::title.char_length().gt(User::name.char_length())),
    );
    let names = User::filter(has_long_title).order_by(User::id.asc()).select(User::name).all(&f.db).await?;
    let mut expected = Vec::new();
    for user in User::query().include(User::posts).order_by(User::id.asc()).all(&f.db).await? {
        if user.posts.get()?.iter().any(|post| post.title.chars().count() > user.name.chars().count()) {
            expected.push(user.name);
        }
    }
    assert_eq!(names, expected);
    assert!(!names.is_empty());
    Ok(())
}

pub async fn a_scalar_subquery_is_a_value<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let latest =
        || Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).select(Post::id.max());
    let rows =
        User::query().order_by(User::id.asc()).select((User::name, scalar(latest()))).all(&f.db).await?;
    let posts = Post::query().all(&f.db).await?;
    let max = |name: &str, users: &[User]| {
        let id = users.iter().find(|user| user.name == name).map(|user| user.id);
        posts.iter().filter(|post| Some(post.author_id) == id).map(|post| post.id).max()
    };
    let users = User::query().all(&f.db).await?;
    for (name, found) in rows {
        assert_eq!(found, max(&name, &users));
    }
    let average = scalar(User::query().select(User::age.avg()));
    let above = User::filter(User::age.cast::<f64>().gt(average)).count(&f.db).await?;
    let ages: Vec<f64> = users.iter().filter_map(|user| user.age).map(f64::from).collect();
    let mean = ages.iter().sum::<f64>() / ages.len() as f64;
    assert_eq!(above, ages.iter().filter(|age| **age > mean).count() as u64);
    Ok(())
}

pub async fn the_same_model_may_stand_inside_and_outside<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let older = exists(Other::query().correlate::<User>().filter(Other.age.gt(User::age)));
    let users = User::query().all(&f.db).await?;
    let oldest = users.iter().filter_map(|user| user.age).max();
    let found = User::filter(User::age.is_not_null() & !older).select(User::age).all(&f.db).await?;
    assert!(found.iter().all(|age| *age == oldest) && !found.is_empty());
    Ok(())
}

pub async fn a_subquery_tied_by_null_is_empty<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    User::create().email("dan@x.org").name("Dan").insert(&f.db).await?;
    User::create().email("eve@x.org").name("Eve").age(36).insert(&f.db).await?;
    let as_old = || Other::query().correlate::<User>().filter(Other.age.eq(User::age));
    let rows = User::query()
        .order_by(User::name.asc())
        .select((User::name, scalar(as_old().select(count_all()))))
        .all(&f.db)
        .await?;
    let counts: Vec<(&str, Option<i64>)> = rows.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let expected = [("Ada", 2), ("Bob", 0), ("Cid", 1), ("Dan", 0), ("Eve", 2)];
    assert_eq!(counts, expected.map(|(name, count)| (name, Some(count))));
    let others = exists(as_old().filter(Other.id.ne(User::id)));
    assert_eq!(
        User::filter(!others).order_by(User::name.asc()).select(User::name).all(&f.db).await?,
        ["Bob", "Cid", "Dan"]
    );
    Ok(())
}

pub async fn case_takes_the_first_true_branch<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let kind = case().when(User::age.is_null(), "unknown").when(User::age.ge(40), "old").otherwise("young");
    let rows = User::query().order_by(User::id.asc()).select((User::age, kind)).all(&f.db).await?;
    for (age, kind) in rows {
        let expected = match age {
            None => "unknown",
            Some(age) if age >= 40 => "old",
            Some(_) => "young",
        };
        assert_eq!(kind.as_deref(), Some(expected));
    }
    let none = User::query().select(case().when(User::id.lt(0), 1_i64).end()).all(&f.db).await?;
    assert!(none.iter().all(Option::is_none));
    Ok(())
}

pub async fn text_functions_run_in_the_database<D: Database>(f: &Fixture<D>) -> Result<()> {
    User::create().email("a@x").name("  Ada Lovelace ").insert(&f.db).await?;
    let row = User::query()
        .select((
            User::name.trim(),
            User::name.trim().upper(),
            User::name.trim().lower(),
            User::name.trim().substring(5, 4),
            User::name.trim().replace("Ada", "A."),
            User::name.char_length(),
            User::email.null_if("a@x"),
            User::name.trim().concat("!"),
        ))
        .one(&f.db)
        .await?;
    let text = |value: &str| value.to_owned();
    assert_eq!(row.0, "Ada Lovelace");
    assert_eq!((row.1, row.2), (text("ADA LOVELACE"), text("ada lovelace")));
    assert_eq!((row.3, row.4, row.5), (text("Love"), text("A. Lovelace"), 15));
    assert_eq!((row.6, row.7), (None, text("Ada Lovelace!")));
    Ok(())
}

pub async fn lists_of_a_query_filter_another<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let commented = Comment::query().select(Comment::post_id);
    assert_eq!(Post::filter(Post::id.in_(commented)).count(&f.db).await?, 0);
    let adults = User::filter(User::age.ge(18)).select(User::id);
    let expected = Post::query().join(Post::author).filter(User::age.ge(18)).count(&f.db).await?;
    assert_eq!(Post::filter(Post::author_id.in_(adults)).count(&f.db).await?, expected);
    Ok(())
}

pub async fn aggregates_take_a_filter_of_their_own<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let (all, high, sum) = Post::query()
        .select((
            count_all(),
            Post::id.count().filter_where(Post::score.gt(2)),
            Post::score.sum().filter_where(Post::score.lt(0)),
        ))
        .one(&f.db)
        .await?;
    assert_eq!((all, high, sum), (3, 2, None));
    Ok(())
}

pub async fn sql_of_your_own_is_bound_and_read_with_types<D: Database>(f: &Fixture<D>) -> Result<()>
where
    D::Backend: Supports<RawSql>,
{
    people(&f.db).await?;
    let rows: Vec<(i64, String, Option<i32>)> =
        sql("SELECT id, name, age FROM users WHERE name <> ? AND '?' = '?' ORDER BY id")
            .bind("Cid".to_owned())
            .all(&f.db)
            .await?;
    assert_eq!(rows[1], (rows[1].0, "Bob".to_owned(), None));
    let whole: User = sql("SELECT id, email, name, active, age FROM users WHERE name = ?")
        .bind("Ada".to_owned())
        .one(&f.db)
        .await?;
    assert_eq!(whole, User::find(whole.id).one(&f.db).await?);
    let changed = sql("UPDATE users SET age = ? WHERE name = ?")
        .bind(Some(40))
        .bind("Bob".to_owned())
        .exec(&f.db)
        .await?;
    assert_eq!(changed, 1);
    let back: Vec<String> =
        sql("UPDATE users SET age = ? RETURNING name").bind(None::<i32>).writing().all(&f.db).await?;
    assert_eq!(back.len(), 3);
    let none: Option<i64> = sql("SELECT id FROM users WHERE age IS NOT NULL").first(&f.db).await?;
    assert_eq!(none, None);
    let error = sql::<i64>("SELECT id FROM no_such_table").all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), orm::ErrorKind::Schema);
    let error = sql::<i64>("SELECT id FROM users WHERE id = ?").all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), orm::ErrorKind::Usage);
    Ok(())
}

pub async fn rows_come_once_however_many_there_are_behind<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let keys = Post::query().select(Post::id).all(&f.db).await?;
    macro_rules! names {
        ($condition:expr) => {
            User::filter($condition).order_by(User::id.asc()).select(User::name).all(&f.db).await?
        };
    }
    assert_eq!(names!(exists(Post::filter(Post::id.in_(&keys)))), ["Ada", "Bob", "Cid"]);
    assert_eq!(names!(exists(Post::filter(Post::id.in_(Post::query().select(Post::id))))).len(), 3);
    assert_eq!(names!(User::posts.any(Post::id.in_(&keys))), ["Ada", "Bob"]);
    Ok(())
}
