//! The typed query: built by verbs, run by terminals.
//!
//! [`Query<M, Scope, Out, Needs>`](Query) holds an [`ir::Select`](crate::ir::Select) and the plans of included relations. Its
//! type says which models may be mentioned, what comes out and what the database must offer; ordinary verbs leave the type
//! alone, so queries can be built up in a loop. [`build`](self) verbs are in `query.rs`, the SELECT list in `select.rs`,
//! grouping in `group.rs`, set operations in `combine.rs`, and everything that talks to the database in `terminal.rs`, `find.rs`,
//! `page.rs` and `keyset.rs`.

mod combine;
mod cursor;
mod find;
mod group;
mod join;
mod keyset;
mod lock;
mod page;
mod place;
mod projection;
#[allow(clippy::module_inception)]
mod query;
mod raw;
mod sample;
mod select;
mod terminal;

pub use combine::Combine;
pub use cursor::Cursor;
pub use find::{Find, ModelQuery};
pub use group::{GroupKeys, Grouped};
pub use join::JoinPath;
pub use keyset::{Keyset, KeysetPage};
pub use lock::RowLock;
pub use page::Page;
pub use projection::{
    Projection, QueryOutput, nested, nested_key, nested_one, nested_plan, nested_required, projected,
    read_nested_key,
};
pub use query::Query;
pub use raw::{Sql, column_names, sql};
pub use sample::Sample;
pub use select::{ListNeeds, Selection, Whole, whole};
