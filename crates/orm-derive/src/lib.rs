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
/// ```ignore
/// #[derive(Debug, Clone, Model)]
/// #[orm(table = "users", index(name, created_at))]
/// pub struct User {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     #[orm(unique, max_len = 320)]
///     pub email: String,
///     pub posts: HasMany<Post>,
/// }
/// ```
#[proc_macro_derive(Model, attributes(orm))]
pub fn model(input: TokenStream) -> TokenStream {
    emit::model(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum without fields a column type, stored by name or, with `#[orm(integer)]`, by number. With `#[orm(native)]` or
/// `#[orm(native = "name")]`, PostgreSQL declares an enum type for it; other databases store the name.
///
/// ```ignore
/// #[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
/// pub enum Mood { Calm, #[orm(rename = "glad")] Happy }
/// ```
#[proc_macro_derive(DbEnum, attributes(orm))]
pub fn db_enum(input: TokenStream) -> TokenStream {
    db_enum::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a composite type of PostgreSQL, which `create_all` declares. Its fields become constants for queries.
///
/// ```ignore
/// #[derive(Debug, Clone, PartialEq, Composite)]
/// #[orm(name = "address")]
/// pub struct Address { pub street: String, pub zip: Option<i32> }
/// // Shop::query().filter(Shop::address.field(Address::street).eq("Hafenbad"))
/// ```
#[proc_macro_derive(Composite, attributes(orm))]
pub fn composite(input: TokenStream) -> TokenStream {
    composite::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a newtype a column type, stored as what it wraps, or as a domain over it that `create_all` declares on PostgreSQL.
///
/// ```ignore
/// #[derive(Debug, Clone, Copy, PartialEq, DbType)]
/// pub struct UserId(i64);
///
/// #[derive(Debug, Clone, PartialEq, DbType)]
/// #[orm(domain = "email", check = "VALUE LIKE '%@%'")]
/// pub struct Email(String);
/// ```
#[proc_macro_derive(DbType, attributes(orm))]
pub fn db_type(input: TokenStream) -> TokenStream {
    db_type::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a selection of some columns of a model, checked against the model's types.
///
/// ```ignore
/// #[derive(Projection)]
/// #[orm(model = User)]
/// pub struct UserCard { id: i64, name: String }
/// ```
#[proc_macro_derive(Projection, attributes(orm))]
pub fn projection(input: TokenStream) -> TokenStream {
    projection::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum with a model in each variant the target of a polymorphic relation, `MorphTo<…>`.
///
/// It also makes the enum of the variants' names, `…Kind`, which is the type of the column that says which model is meant.
///
/// ```ignore
/// #[derive(Debug, Clone, Morph)]
/// pub enum Subject { Post(Post), Photo(Photo) }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Note {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub subject_kind: SubjectKind,
///     pub subject_id: i64,
///     #[orm(morph(subject_kind, subject_id))]
///     pub subject: MorphTo<Subject>,
/// }
/// // On Post and on Photo: #[orm(pair = subject)] pub notes: HasMany<Note>
/// ```
#[proc_macro_derive(Morph, attributes(orm))]
pub fn morph(input: TokenStream) -> TokenStream {
    morph::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a group of columns that models embed with `#[orm(embed)]`.
///
/// ```ignore
/// #[derive(Debug, Clone, Embedded)]
/// pub struct Address { pub street: String, pub city: String }
/// ```
#[proc_macro_derive(Embedded, attributes(orm))]
pub fn embedded(input: TokenStream) -> TokenStream {
    embedded::derive(&parse_macro_input!(input as DeriveInput)).into()
}
