//! Writing.

use super::{Expr, Output, Select, Source};
use crate::meta::ModelMeta;
use crate::value::{Datum, DbType};

/// An INSERT.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The model.
    pub model: &'static ModelMeta,
    /// The columns given.
    pub columns: Vec<u16>,
    /// The rows.
    pub source: InsertSource,
    /// What to do about a row that is there already.
    pub conflict: Option<Conflict>,
    /// What comes back, row by row in input order (conflicting rows that were left alone give none).
    pub returning: Option<Output>,
}

/// Where inserted rows come from.
#[derive(Debug, Clone)]
pub enum InsertSource {
    /// Row-major values, a multiple of the number of columns. Excluded from the shape.
    Values(Vec<Datum>),
    /// A query.
    Select(Box<Select>),
}

/// The ON CONFLICT clause.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The unique columns; empty means any conflict.
    pub target: Vec<u16>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a row that is there already.
#[derive(Debug, Clone)]
pub enum ConflictAction {
    /// Leave it.
    Nothing,
    /// Change it, if the condition holds.
    Update(Vec<Assignment>, Option<Expr>),
}

/// `column = expression`.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The column.
    pub column: u16,
    /// Its new value.
    pub value: Expr,
}

/// An UPDATE.
#[derive(Debug, Clone)]
pub struct Update {
    /// The table.
    pub source: Source,
    /// The new values.
    pub set: Vec<Assignment>,
    /// Which rows.
    pub filter: Option<Expr>,
    /// What comes back.
    pub returning: Option<Output>,
}

/// An UPDATE of many rows, each to its own values.
#[derive(Debug, Clone)]
pub struct UpdateRows {
    /// The table.
    pub source: Source,
    /// The columns of [`values`](UpdateRows::values): those that name a row, then those that change.
    pub columns: Vec<u16>,
    /// How many columns name a row: the primary key, and the version if the model has one.
    pub keys: usize,
    /// Row-major values. Excluded from the shape.
    pub values: Vec<Datum>,
    /// What changes in every row alike.
    pub also: Vec<Assignment>,
    /// What comes back, in any order.
    pub returning: Option<Output>,
}

/// A DELETE.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The table.
    pub source: Source,
    /// Which rows.
    pub filter: Option<Expr>,
    /// What comes back.
    pub returning: Option<Output>,
}

/// A statement in the database's own language, `?` standing for each bind in order.
#[derive(Debug, Clone)]
pub struct RawSql {
    /// The text.
    pub sql: String,
    /// The values.
    pub binds: Vec<(Datum, DbType)>,
    /// Whether it may change data.
    pub write: bool,
}
