//! Writes: single rows, many rows, and sets of rows that a query names.
//!
//! **A new row** is a [`NewRow`]: one [`Datum`](crate::value::Datum) per column, `Default` where nothing was given. The derived builder
//! fills it and can hand it over ([`Insertable`]) only once every required field is [`Given`]; that is decided by the
//! compiler. [`insert`] writes one, [`insert_many`] any number in one command, [`upsert`] and [`upsert_many`] those that may be there already,
//! and [`insert_from`] what a query yields.
//!
//! **A change of a row** is a [`Change`]: the row's key and version as they were read, and the columns that were set.
//! [`save_changes`] sends these and nothing else; [`save`] sends the whole struct; [`delete_row`] removes it. A model with a
//! version column is written only while the version is still the one that was read, and the answer is
//! [`Stale`](crate::ErrorKind::Stale) otherwise. No call changes the struct in the caller's hands: what comes back is the row as the
//! database has it now, with relations not loaded.
//!
//! **Changes of many rows**, each its own, are an [`UpdateMany`]: one statement for all rows that set the same columns, all rows
//! or none.
//!
//! **A change of many rows** starts from a query: [`UpdateQuery`] and [`DeleteQuery`]. Joins, limits and offsets are
//! allowed; the command then names the rows by a subquery over the primary key. A query without a filter must say
//! `.all_rows()`: a filter that was forgotten is an error, not an empty table.
//!
//! **What the model's attributes promise holds on every path**, bulk and set-based writes included: `created_at` and
//! `updated_at` are set from one clock reading per command, in milliseconds, which every backend keeps; a version
//! starts at 0 and grows by one with each update. A value that the program gave itself always wins.
//!
//! How a write passes through: the generic functions here only gather data; plain functions over
//! [`ModelMeta`](crate::meta::ModelMeta) build the [`ir::Command`](crate::ir::Command), and [`backend::run`](crate::backend::run) sends it. Nothing
//! here knows a database. `assign` has the traits that decide which value fits which column, `lists` the changes of lists in place,
//! `verbs` the methods on models.

mod assign;
mod change;
mod create;
mod delete;
mod insert;
mod insert_from;
#[cfg(feature = "json")]
mod lists;
mod save;
mod update;
mod update_many;
mod upsert;
mod upsert_many;
mod verbs;

#[cfg(test)]
mod testing;

pub use assign::{Assign, Columns, Fits, Optional, PerRowValue};
pub use change::{Change, save_changes};
pub(crate) use create::no_key;
pub use create::{ByField, ByParent, Given, Insertable, NewChild, NewRow, Set};
pub use delete::{DeleteQuery, delete_row};
pub use insert::{InsertMany, insert, insert_level, insert_many, insert_related};
pub(crate) use insert::{link_rows, new_links};
pub use insert_from::{InsertFrom, insert_from};
pub use save::save;
pub use update::UpdateQuery;
pub(crate) use update::update_command;
pub use update_many::{IntoChange, UpdateMany, update_many};
pub use upsert::{InsertOrIgnore, Upsert, excluded, upsert};
pub use upsert_many::{UpsertMany, upsert_many};
pub use verbs::ModelWrite;
