//! Loading against a store of integers that answers `IN` and counts the queries.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;

use super::*;
use crate::backend::{
    Backend, BoxFuture, BoxStream, Decoder, Executor, Explain, FromRow, Handle, Nullable, Row, SchemaStore,
    Transactions, TxOptions, field,
};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Column, ExprOps};
use crate::ir::{Command, Expr, Output};
use crate::meta::{ColumnMeta, LinkMeta, ModelMeta, RelationKind, RelationMeta, ThroughMeta};
use crate::model::Model;
use crate::value::{Cell, CellError, CellResult, ColumnType, Date, DateTime, Datum, Numeric, Time, Value};
use crate::write::NewRow;

macro_rules! model {
    ($name:ident { $($column:ident: $ty:ty),* } { $($slot:ident: $kind:ident $target:ident $fetch:ident
        ($local:expr => $remote:expr, $through:expr)),* }) => {
        #[derive(Debug, Clone, PartialEq)]
        struct $name { $($column: $ty,)* $($slot: $kind<$target>,)* }

        #[allow(non_upper_case_globals, dead_code)]
        impl $name {
            model!(@rels $name 0, $($slot $kind $target $local, $remote;)*);
        }
        impl FromRow for $name {
            const WIDTH: usize = [$(stringify!($column)),*].len();
            fn from_row<R: Row>(row: &R, at: usize) -> Result<Self> {
                let mut index = 0..;
                Ok($name {
                    $($column: field(row, at, index.next().unwrap(), Self::meta)?,)*
                    $($slot: Default::default(),)*
                })
            }
        }
        impl Nullable for $name {
            fn nullable<R: Row>(row: &R, at: usize) -> Result<Option<Self>> {
                Self::from_row(row, at).map(Some)
            }
        }
        impl Model for $name {
            type Key = i64;
            type Create = ();
            type Columns<S: 'static> = ();
            type Update = ();
            const PRIMARY_KEY: &'static [u16] = &[0];
            fn meta() -> &'static ModelMeta {
                static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
                    name: stringify!($name),
                    table: stringify!($name),
                    columns: vec![$(ColumnMeta {
                        field: stringify!($column).into(),
                        ty: Some(ColumnType::I64),
                        ..ColumnMeta::default()
                    }),*],
                    primary_key: &[0],
                    relations: vec![$(RelationMeta {
                        name: stringify!($slot),
                        kind: RelationKind::$kind,
                        target: $target::meta,
                        local: &$local,
                        remote: &$remote,
                        link: $through,
                        morph: None,
                    }),*],
                    ..ModelMeta::default()
                });
                &META
            }
            fn datum(&self, column: u16) -> Datum {
                [$(Value::encode(self.$column.clone())),*][column as usize].clone()
            }
            fn create() {}
            fn update(&self) {}
            fn fetch<'a, B: Backend>(
                rows: &'a [Self],
                plan: &'a IncludePlan,
                handle: &'a Handle<B>,
            ) -> BoxFuture<'a, Result<Attach<Self>>> {
                $(if plan.relation == Self::$slot.index() {
                    return $fetch::<Self, $target, _, B>(Self::$slot, rows, plan, handle, $target::attach::<B>);
                })*
                unreachable!("{} rows, {plan:?}, {}", rows.len(), size_of_val(handle))
            }
            fn attach<'a, B: Backend>(
                rows: &'a mut [Self],
                plans: &'a [IncludePlan],
                handle: &'a Handle<B>,
            ) -> BoxFuture<'a, Result<()>> {
                attach::<Self, B>(rows, plans, handle, Self::fetch::<B>)
            }
            fn insert_level<B: Backend>(_: Vec<NewRow>, _: &Handle<B>) -> BoxFuture<'_, Result<Vec<Self>>> {
                Box::pin(async { Ok(Vec::new()) })
            }
            fn set_siblings(&mut self, siblings: &Siblings) {
                $(self.$slot.set_siblings(siblings);)*
                let _ = siblings;
            }
        }
    };
    (@rels $name:ident $index:expr,) => {};
    (@rels $name:ident $index:expr, $slot:ident $kind:ident $target:ident $local:expr, $remote:expr; $($rest:tt)*) => {
        const $slot: Rel<$name, $kind<$target>> =
            Rel::new($index, (&$local, &$remote), false, |row| &row.$slot, |row| &mut row.$slot);
        model!(@rels $name $index + 1, $($rest)*);
    };
}

model!(User { id: i64 } {
    posts: HasMany Post fetch_has_many ([0] => [1], LinkMeta::Columns),
    card: HasOne Post fetch_has_one ([0] => [1], LinkMeta::Columns)
});
model!(Post { id: i64, author_id: Option<i64> } {
    author: BelongsTo User fetch_belongs_to ([1] => [0], LinkMeta::Columns),
    tags: ManyToMany Tag fetch_many_to_many ([0] => [0],
        LinkMeta::Join(ThroughMeta { model: Link::meta, new_row: Link::new_row, near: &[0], far: &[1] }))
});
model!(Tag { id: i64 } {});
model!(Link { post_id: i64, tag_id: i64 } {});

/// The tables, each a list of rows; users 1..=3, posts as below.
const POSTS: [[Option<i64>; 2]; 4] =
    [[Some(10), Some(1)], [Some(11), Some(2)], [Some(12), Some(1)], [Some(13), None]];
const LINKS: [[i64; 2]; 3] = [[10, 100], [11, 100], [11, 101]];

/// The queries so far, and whether the next one waits for ever.
#[derive(Clone, Default)]
struct Reads {
    count: Arc<AtomicUsize>,
    waits: Arc<AtomicBool>,
}
struct Store;
struct Db(Handle<Store>);

impl Default for Db {
    fn default() -> Self {
        Db(Handle::new(Reads::default()))
    }
}

impl Db {
    fn queries(&self) -> usize {
        self.0.session().count.swap(0, Ordering::Relaxed)
    }
}

#[derive(Clone, Copy)]
struct Int(Option<i64>);
struct Ints(Vec<Option<i64>>);

impl Row for Ints {
    type Cell<'a> = Int;
    fn cell(&self, index: usize) -> Int {
        Int(self.0[index])
    }

    fn width(&self) -> usize {
        self.0.len()
    }
}

macro_rules! refuse {
    ($($name:ident: $ty:ty;)*) => {$(
        fn $name(self) -> CellResult<$ty> {
            Err(CellError::Type { found: "an integer", wanted: "another type" })
        }
    )*};
}
impl<'r> Cell<'r> for Int {
    fn is_null(self) -> bool {
        self.0.is_none()
    }
    fn i64(self) -> CellResult<i64> {
        self.0.ok_or(CellError::Null)
    }
    refuse! {
        bool: bool; f64: f64; text: &'r str; bytes: &'r [u8]; uuid: [u8; 16]; decimal: Numeric; date: Date;
        time: Time; datetime: DateTime; timestamp: DateTime; json: Cow<'r, str>;
    }
}

fn answer(command: &Command) -> Vec<Ints> {
    let Command::Select(select) = command else { panic!("{command:?}") };
    let rows: Vec<Vec<Option<i64>>> = match (select.from.model.name, &select.output) {
        ("User", _) => (1..=3).map(|id| vec![Some(id)]).collect(),
        ("Post", _) => POSTS.iter().map(|row| row.to_vec()).collect(),
        ("Tag", Output::ModelAnd(_)) => {
            LINKS.iter().map(|[post, tag]| vec![Some(*tag), Some(*post)]).collect()
        }
        other => panic!("{other:?}"),
    };
    let wanted = |row: &Vec<Option<i64>>| match &select.filter {
        None => true,
        Some(Expr::InList { expr, list, .. }) => {
            let Expr::Column(column) = &**expr else { panic!("{expr:?}") };
            let at = if column.source.alias.is_empty() { column.index as usize } else { 1 };
            row[at].is_some_and(|value| list.contains(&Datum::I64(value)))
        }
        other => panic!("{other:?}"),
    };
    rows.into_iter().filter(wanted).map(Ints).collect()
}

impl Backend for Store {
    const NAME: &'static str = "test";
    type Session = Reads;
    async fn run<D: Decoder>(reads: &Reads, command: Command, mut decoder: D) -> Result<D::Out> {
        reads.count.fetch_add(1, Ordering::Relaxed);
        if reads.waits.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        for row in answer(&command) {
            decoder.row(&row)?;
        }
        decoder.finish(0)
    }
    fn stream<T: FromRow + Send + 'static>(_: &Reads, _: Command) -> BoxStream<'static, Result<T>> {
        unreachable!("no test asks for it")
    }
    fn render(_: &Reads, _: &Command) -> Result<String> {
        unreachable!("no test asks for it")
    }
}

impl Explain for Store {
    async fn explain(_: &Reads, _: Command) -> Result<String> {
        unreachable!("no test asks for it")
    }
}

impl Transactions for Store {
    async fn begin(_: &Reads, _: TxOptions) -> Result<Reads> {
        unreachable!("no test asks for it")
    }
    async fn commit(_: &Reads) -> Result<()> {
        unreachable!("no test asks for it")
    }
    async fn rollback(_: &Reads) -> Result<()> {
        unreachable!("no test asks for it")
    }
    fn abandon(_: &Reads) {}
}

impl SchemaStore for Store {
    async fn create_all(_: &Reads, _: &[&'static ModelMeta]) -> Result<()> {
        unreachable!("no test asks for it")
    }
    async fn drop_all(_: &Reads, _: &[&'static ModelMeta]) -> Result<()> {
        unreachable!("no test asks for it")
    }
}

impl Executor for Db {
    type Backend = Store;
    fn handle(&self) -> &Handle<Store> {
        &self.0
    }
}

fn now<T>(future: impl Future<Output = T> + Send) -> T {
    future.now_or_never().expect("the test store never waits")
}
fn user(id: i64) -> User {
    User { id, posts: HasMany::default(), card: HasOne::default() }
}
fn posts() -> Vec<Post> {
    let mut posts: Vec<Post> =
        POSTS.iter().map(|row| Post::from_row(&Ints(row.to_vec()), 0).unwrap()).collect();
    Siblings::link(&mut posts, &[]);
    posts
}
fn ids(posts: &[Post]) -> Vec<i64> {
    posts.iter().map(|post| post.id).collect()
}

#[test]
fn an_include_is_one_query_for_each_edge_and_level() {
    let db = Db::default();
    let mut users = [user(1), user(2), user(3)];
    let plan = User::posts.include(Post::tags).include(Post::author).into_plan();
    now(attach_includes::<User, Store>(&mut users, &[plan], db.handle())).unwrap();
    assert_eq!(db.queries(), 3);
    assert_eq!(ids(users[0].posts.get().unwrap()), [10, 12]);
    assert_eq!(ids(users[1].posts.get().unwrap()), [11]);
    assert!(users[2].posts.get().unwrap().is_empty());
    let post = &users[1].posts.get().unwrap()[0];
    assert_eq!(post.tags.get().unwrap().iter().map(|tag| tag.id).collect::<Vec<_>>(), [100, 101]);
    assert_eq!(post.author.get().unwrap().id, 2);
}

#[test]
fn a_parent_that_comes_twice_has_its_children_twice() {
    let db = Db::default();
    let mut users = [user(1), user(1)];
    now(users.load(User::posts.include(Post::author), &db)).unwrap();
    assert_eq!(db.queries(), 2);
    assert_eq!(users[0].posts, users[1].posts);
    assert_eq!(ids(users[1].posts.get().unwrap()), [10, 12]);
}

#[test]
fn parents_are_shared_and_a_null_key_means_absent() {
    let db = Db::default();
    let mut posts = posts();
    now(posts.load(Post::author, &db)).unwrap();
    assert_eq!(db.queries(), 1);
    assert!(std::ptr::eq(posts[0].author.get().unwrap(), posts[2].author.get().unwrap()));
    assert_eq!(posts[3].author.get_opt().unwrap(), None);
    now(posts.load(Post::author, &db)).unwrap();
    assert_eq!(db.queries(), 0);
}

#[test]
fn without_keys_there_is_no_query() {
    let db = Db::default();
    let mut post = posts().remove(3);
    assert_eq!(now(post.load(Post::author, &db)).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(post.author.is_loaded());
    assert_eq!(db.queries(), 0);
}

#[test]
fn a_second_row_for_has_one_is_an_error() {
    let db = Db::default();
    let error: Error = now([user(1)].load(User::card, &db)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MultipleRows);
    assert!(now(user(2).load(User::card, &db)).unwrap().is_some());
    assert!(now(user(3).load(User::card, &db)).unwrap().is_none());
}

#[test]
fn the_first_lazy_load_serves_all_siblings() {
    let db = Db::default();
    let mut posts = posts();
    assert_eq!(now(posts[0].load(Post::author, &db)).unwrap().id, 1);
    assert_eq!(now(posts[1].load(Post::author, &db)).unwrap().id, 2);
    assert_eq!(now(posts[2].load(Post::author, &db)).unwrap().id, 1);
    assert_eq!(db.queries(), 1);
    assert_eq!(now(posts[1].load(Post::tags, &db)).unwrap().len(), 2);
    assert!(now(posts[2].load(Post::tags, &db)).unwrap().is_empty());
    assert_eq!(db.queries(), 1);
    let mut changed = posts[0].clone();
    (changed.author_id, changed.author) = (Some(3), BelongsTo::default());
    assert_eq!(now(changed.load(Post::author, &db)).unwrap().id, 3);
    assert_eq!(db.queries(), 1);
}

#[test]
fn a_loaded_relation_is_read_again_where_it_would_be_another() {
    let db = Db::default();
    let mut post = posts().remove(0);
    now(post.load(Post::author, &db)).unwrap();
    now(post.load(Post::author, &db)).unwrap();
    assert_eq!(db.queries(), 1);
    let other = Db::default();
    now(post.load(Post::author, &other)).unwrap();
    assert_eq!(other.queries(), 1);
    post.author_id = Some(2);
    assert_eq!(now(post.load(Post::author, &other)).unwrap().id, 2);
    post.author_id = None;
    assert_eq!(now(post.load(Post::author, &other)).unwrap_err().kind(), ErrorKind::NotFound);
    post.author_id = Some(1);
    post.author.set(Some(Arc::new(user(7))));
    assert_eq!(now(post.load(Post::author, &other)).unwrap().id, 7);
}

#[test]
fn what_siblings_read_elsewhere_is_not_handed_out() {
    let (db, other) = (Db::default(), Db::default());
    let mut posts = posts();
    now(posts[0].load(Post::author, &db)).unwrap();
    now(posts[1].load(Post::author, &other)).unwrap();
    now(posts[2].load(Post::author, &db)).unwrap();
    assert_eq!((db.queries(), other.queries()), (1, 1));
}

#[test]
fn a_load_does_not_wait_for_another_connection() {
    let (waiting, db) = (Db::default(), Db::default());
    waiting.0.session().waits.store(true, Ordering::Relaxed);
    let mut posts = posts();
    let (first, rest) = posts.split_at_mut(1);
    let mut stuck = Box::pin(first[0].load(Post::author, &waiting));
    assert!(stuck.as_mut().now_or_never().is_none());
    assert_eq!(now(rest[0].load(Post::author, &db)).unwrap().id, 2);
    drop(stuck);
}

#[test]
fn a_relation_that_is_included_twice_is_merged_or_refused() {
    let db = Db::default();
    let mut users = [user(1)];
    let plans = [User::posts.include(Post::tags).into_plan(), User::posts.include(Post::author).into_plan()];
    now(attach_includes::<User, Store>(&mut users, &plans, db.handle())).unwrap();
    assert_eq!(db.queries(), 3);
    let post = &users[0].posts.get().unwrap()[0];
    assert!(post.tags.is_loaded() && post.author.is_loaded());
    let plans = [User::posts.into_plan(), User::posts.limit_per_parent(1).into_plan()];
    let error = now(attach_includes::<User, Store>(&mut users, &plans, db.handle())).unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Usage, &["posts".to_owned()][..]));
}

#[test]
fn a_clone_of_a_row_finds_what_its_original_took() {
    let db = Db::default();
    let mut posts = posts();
    let mut twin = posts[1].clone();
    assert_eq!(now(posts[1].load(Post::tags, &db)).unwrap().len(), 2);
    assert_eq!(now(twin.load(Post::tags, &db)).unwrap().len(), 2);
}

#[test]
fn included_children_are_siblings_across_their_parents() {
    let db = Db::default();
    let mut users = [user(1), user(2)];
    now(attach_includes::<User, Store>(&mut users, &[User::posts.into_plan()], db.handle())).unwrap();
    assert_eq!(db.queries(), 1);
    for user in &mut users {
        for post in user.posts.get_mut().unwrap() {
            now(post.load(Post::tags, &db)).unwrap();
        }
    }
    assert_eq!(db.queries(), 1);
}

#[test]
fn an_include_keeps_its_conditions_order_and_limit() {
    let id = Column::<Post, i64>::new(0);
    let include = User::posts.filter(id.gt(1)).filter(id.lt(9)).order_by(id.desc()).limit_per_parent(3);
    let plan = include.include(Post::tags).into_plan();
    assert!(matches!(plan.select.filter, Some(Expr::All(_))));
    assert_eq!((plan.select.order.len(), plan.select.limit, plan.nested.len()), (1, Some(3), 1));
}

#[test]
fn the_other_fetch_modes_stay_with_the_row() {
    let db = Db::default();
    let mut posts = posts();
    for post in &mut posts[..3] {
        now(post.load_with(FetchMode::One, Post::author, &db)).unwrap();
    }
    assert_eq!(db.queries(), 3);
    let error = now(posts[0].load_with(FetchMode::Deny, Post::tags, &db)).unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotLoaded, Some("Post")));
    assert!(now(posts[0].load_with(FetchMode::Deny, Post::author, &db)).is_ok());
}

#[test]
fn a_join_model_leads_two_ways() {
    assert_two_ways(&[0], &[1]);
    assert_two_ways(&[0, 1], &[0]);
    assert!(std::panic::catch_unwind(|| assert_two_ways(&[0, 1], &[0, 1])).is_err());
}
