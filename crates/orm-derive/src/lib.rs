//! The derives of `orm`: tokens in, tokens out.
//!
//! Three rooms: [`attributes`] is what a user may write, read by darling; [`model`] is the checked description with spans, in which
//! every later question has one answer; [`emit`] has one file per product. All errors of a struct are reported in one run.

mod attributes;
mod composite;
mod db_enum;
mod db_type;
mod embedded;
mod emit;
mod model;
mod morph;
mod projection;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a model: metadata, typed columns and relations, row decoding, create and update builders.
///
/// ```
/// use orm::prelude::*;
///
/// #[derive(Debug, Clone, Model)]
/// #[orm(table = "users", index(name, age))]
/// pub struct User {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     #[orm(unique, max_len = 320)]
///     pub email: String,
///     pub name: String,
///     pub age: Option<i32>,
///     pub posts: HasMany<Post>,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Post {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub title: String,
///     pub author_id: i64,
///     #[orm(foreign_key = author_id, on_delete = cascade)]
///     pub author: BelongsTo<User>,
/// }
/// orm::schema!(Blog: User, Post);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
/// let db = Sqlite::memory().await?;
/// Blog::create_all(&db).await?;
/// let posts = [Post::create().title("Engines"), Post::create().title("Notes")];
/// User::create().email("ada@example.org").name("Ada").age(36).posts(posts).insert(&db).await?;
///
/// let ada = User::filter(User::age.gt(30)).include(User::posts).one(&db).await?;
/// assert_eq!(ada.posts.get()?.len(), 2);
/// let older = ada.update().age(37).save(&db).await?;
/// assert_eq!(older.age, Some(37));
/// # Ok(()) }
/// ```
#[proc_macro_derive(Model, attributes(orm))]
pub fn model(input: TokenStream) -> TokenStream {
    emit::model(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum without fields a column type, stored by name or, with `#[orm(integer)]`, by number. With `#[orm(native)]` or
/// `#[orm(native = "name")]`, PostgreSQL declares an enum type for it; other databases store the name.
///
/// ```
/// use orm::value::{Datum, Value};
///
/// #[derive(Debug, Clone, Copy, PartialEq, orm::DbEnum)]
/// pub enum Mood {
///     Calm,
///     #[orm(rename = "glad")]
///     Happy,
/// }
/// assert_eq!(Mood::Calm.encode(), Datum::Text("calm".to_owned()));
/// assert_eq!(Mood::Happy.encode(), Datum::Text("glad".to_owned()));
///
/// #[derive(Debug, Clone, Copy, PartialEq, orm::DbEnum)]
/// #[orm(integer)]
/// pub enum Level {
///     Low = 1,
///     High = 2,
/// }
/// assert_eq!(Level::High.encode(), Datum::I64(2));
/// ```
#[proc_macro_derive(DbEnum, attributes(orm))]
pub fn db_enum(input: TokenStream) -> TokenStream {
    db_enum::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a composite type of PostgreSQL, which `create_all` declares. Its fields become constants for queries.
///
/// ```
/// use orm::value::Value;
///
/// #[derive(Debug, Clone, PartialEq, orm::Composite)]
/// #[orm(name = "address")]
/// pub struct Address {
///     pub street: String,
///     pub zip: Option<i32>,
/// }
/// assert_eq!(<Address as Value>::TYPE.native().map(|ty| ty.name), Some("address"));
/// // Shop::query().filter(Shop::address.field(Address::street).eq("Hafenbad"))
/// ```
#[proc_macro_derive(Composite, attributes(orm))]
pub fn composite(input: TokenStream) -> TokenStream {
    composite::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a newtype a column type, stored as what it wraps, or as a domain over it that `create_all` declares on PostgreSQL.
///
/// ```
/// use orm::value::{Datum, Value};
///
/// #[derive(Debug, Clone, Copy, PartialEq, orm::DbType)]
/// pub struct UserId(i64);
///
/// assert_eq!(UserId(7).encode(), Datum::I64(7));
///
/// #[derive(Debug, Clone, PartialEq, orm::DbType)]
/// #[orm(domain = "email", check = "VALUE LIKE '%@%'")]
/// pub struct Email(String);
/// assert_eq!(<Email as Value>::TYPE.native().map(|ty| ty.name), Some("email"));
/// ```
#[proc_macro_derive(DbType, attributes(orm))]
pub fn db_type(input: TokenStream) -> TokenStream {
    db_type::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a selection of some columns of a model, checked against the model's types.
///
/// ```
/// # use orm_guide::prelude::*;
/// #[derive(Debug, Projection)]
/// #[orm(model = User)]
/// pub struct UserCard {
///     id: i64,
///     #[orm(column = name)]
///     called: String,
///     #[orm(expr = User::email.lower())]
///     mail: String,
///     #[orm(count = posts)]
///     post_count: i64,
///     #[orm(nested)]
///     profile: Option<Profile>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let db = sample().await?;
/// let cards = User::query().order_by(User::id.asc()).select_as::<UserCard>().all(&db).await?;
/// assert_eq!((cards[0].id, cards[0].called.as_str(), cards[0].post_count), (1, "Ada", 2));
/// assert_eq!(cards[0].mail, "ada@example.org");
/// assert!(cards[0].profile.is_some());
/// # Ok(()) }
/// ```
#[proc_macro_derive(Projection, attributes(orm))]
pub fn projection(input: TokenStream) -> TokenStream {
    projection::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum with a model in each variant the target of a polymorphic relation, `MorphTo<…>`.
///
/// It also makes the enum of the variants' names, `…Kind`, which is the type of the column that says which model is meant.
///
/// ```
/// use orm::prelude::*;
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Post {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub title: String,
///     #[orm(pair = subject)]
///     pub notes: HasMany<Note>,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Photo {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub file: String,
/// }
///
/// #[derive(Debug, Clone, Morph)]
/// pub enum Subject {
///     Post(Post),
///     Photo(Photo),
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Note {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub text: String,
///     pub subject_kind: SubjectKind,
///     pub subject_id: i64,
///     #[orm(morph(subject_kind, subject_id))]
///     pub subject: MorphTo<Subject>,
/// }
/// orm::schema!(Notes: Post, Photo, Note);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> orm::Result<()> {
/// let db = Sqlite::memory().await?;
/// Notes::create_all(&db).await?;
/// let photo = Photo::create().file("a.jpg").insert(&db).await?;
/// Note::create().text("nice").subject(&photo).insert(&db).await?;
///
/// let note = Note::query().include(Note::subject).one(&db).await?;
/// assert!(matches!(note.subject.get()?, Subject::Photo(photo) if photo.file == "a.jpg"));
/// assert_eq!(Post::filter(Post::notes.exists()).count(&db).await?, 0);
/// # Ok(()) }
/// ```
#[proc_macro_derive(Morph, attributes(orm))]
pub fn morph(input: TokenStream) -> TokenStream {
    morph::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a group of columns that models embed with `#[orm(embed)]`.
///
/// ```
/// use orm::prelude::*;
///
/// #[derive(Debug, Clone, PartialEq, Embedded)]
/// pub struct Address {
///     pub street: String,
///     pub city: String,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Shop {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     #[orm(embed)]
///     pub address: Address,
///     #[orm(embed(prefix = "bill_"))]
///     pub billing: Option<Address>,
/// }
/// assert_eq!(Shop::meta().column(2).name, "address_city");
/// assert_eq!(Shop::meta().column(4).name, "bill_city");
/// ```
#[proc_macro_derive(Embedded, attributes(orm))]
pub fn embedded(input: TokenStream) -> TokenStream {
    embedded::derive(&parse_macro_input!(input as DeriveInput)).into()
}
