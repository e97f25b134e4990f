//! From the query IR to SQL text.
//!
//! [`compile`] takes a [`Command`](orm_core::ir::Command) of orm-core and a [`Dialect`] and gives the text
//! that the database prepares. What the databases disagree about is a method of [`Dialect`]; everything else
//! is in `render/`, one file for each part of a command:
//!
//! - `render/mod.rs` keeps the state of one rendering: parameter numbers, scopes for columns, fresh aliases;
//! - `render/select.rs` reads, `render/write.rs` writes;
//! - `render/expr.rs` and `render/predicate.rs` are the expressions, `render/operand.rs` knows when they need
//!   parentheses, `render/relation.rs` makes the joins and tests along a relation;
//! - `scan.rs` finds the placeholders of a statement that the user wrote, `split.rs` the statements of a script;
//! - `ddl.rs` makes tables and indexes from the metadata of a model.
//!
//! **Parameters** carry explicit numbers (`?3`, `$3`), given out in the order in which
//! [`ir::binds`](orm_core::ir::binds) visits the values: the renderer visits every part in that order, whatever
//! place the part has in the text, so a value may also be repeated in the text by its number. A list is one
//! parameter at any length. Only the rows of an INSERT take one parameter for each cell.
//!
//! **Names.** A statement on one table has bare columns. As soon as there is a join or a subquery, every table of
//! a FROM clause is called `t0`, `t1`, … and each column is qualified by the innermost scope that knows its source,
//! so a model that refers to itself needs no special care.
//!
//! The text of a command depends on its shape only, so drivers keep it in a [`ShapeCache`].

mod cache;
mod ddl;
mod dialect;
mod existing;
mod hint;
mod postgres;
mod render;
mod scan;
mod split;
mod sqlite;

pub use cache::ShapeCache;
pub use ddl::{
    add_foreign_key, column_check, column_definition, comment, comments, create_index, create_table,
    default_expression, drop_table, embed_check, foreign_key, index_body, named_check, table_body,
};
pub use dialect::{Dialect, Upsert};
pub use existing::{
    Existing, ExistingColumn, ExistingForeignKey, ExistingIndex, ExistingTable, check_existing,
};
pub use hint::missing_column;
pub use postgres::PostgresDialect;
pub use render::{Compiled, compile};
pub use scan::{Lexer, Piece, scan};
pub use split::{controls_transaction, split, tokens};
pub use sqlite::SqliteDialect;
