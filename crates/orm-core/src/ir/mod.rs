//! The query IR: plain data that says what is asked, without SQL and without a database.
//!
//! The typed shell builds it, a backend compiles it. An [`Expr`] is a tree; a [`Select`], [`Insert`],
//! [`Update`] or [`Delete`] holds expressions; a [`Command`] is one of those. Columns are named by
//! [`ColumnRef`] (a source and an index), never by text. The *shape* of a command is everything but its
//! values: [`shape`] folds it into 128 bits, the key of every statement cache, and [`values`] names
//! the values in the order in which a compiler must number its parameters.
//!
//! AND and OR are lists, [`Expr::All`] and [`Expr::Any`]: a condition built in a loop is one level deep. Recursion over the
//! IR is in [`visit`] alone, what is known of it without a database in [`facts`].

mod cast;
mod check;
mod depth;
mod expr;
pub mod facts;
mod hasher;
mod select;
mod shape;
pub mod visit;
mod window;
mod write;

pub use cast::{CastKind, castable};
pub use check::check;
pub use depth::MAX_DEPTH;
pub(crate) use depth::{bounded, bounded_part, is_too_deep, too_deep};
pub use expr::{
    AggFunc, BinaryOp, ColumnRef, ElementTest, Expr, Func, LikeOp, ListChange, ListOp, Quantifier,
    RelationTest, Source, UnaryOp,
};
pub use hasher::ShapeHasher;
pub use select::{
    Combined, Direction, Join, JoinKind, Lock, LockStrength, LockWait, Nulls, Order, Output, PerParent,
    Sample, Select, SetOp,
};
pub use shape::{Binds, Shape, binds, is_literal_limit, shape, values};
pub use window::{Frame, WindowCall, WindowFunc};
pub use write::{
    Assignment, Conflict, ConflictAction, Delete, Insert, InsertSource, RawSql, Update, UpdateRows,
};

/// Anything that a backend can be asked to run.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Collect, run};
/// use orm_core::ir::Command;
/// let command = Command::Select(Box::new(User::filter(User::active).into_select()));
/// assert_eq!(run(&db, command, Collect::<User>::default()).await?.len(), 3);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub enum Command {
    /// Read rows.
    Select(Box<Select>),
    /// Add rows.
    Insert(Box<Insert>),
    /// Change rows.
    Update(Box<Update>),
    /// Change rows, each to its own values.
    UpdateRows(Box<UpdateRows>),
    /// Remove rows.
    Delete(Box<Delete>),
    /// A statement in the database's own language.
    Raw(Box<RawSql>),
}

/// What is one command: a query, a set-based update or deletion, SQL of your own. For tools that look at commands or run them in
/// their own way.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::IntoCommand;
/// let update = User::filter(User::active).update().set(User::age, 7);
/// assert_eq!(update.into_command()?.operation(), "UPDATE");
/// # Ok::<(), Error>(())
/// ```
pub trait IntoCommand {
    /// The command.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::IntoCommand;
    /// assert_eq!(User::query().into_command()?.operation(), "SELECT");
    /// # Ok::<(), Error>(())
    /// ```
    fn into_command(self) -> crate::error::Result<Command>;
}

/// What every command can be asked.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Command;
/// let command = Command::Select(Box::new(User::query().into_select()));
/// assert_eq!((command.operation(), command.is_write()), ("SELECT", false));
/// ```
impl Command {
    /// Whether the command changes data.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Command;
    /// assert!(!Command::Select(Box::new(User::query().into_select())).is_write());
    /// ```
    pub fn is_write(&self) -> bool {
        match self {
            Command::Select(_) => false,
            Command::Insert(_) | Command::Update(_) | Command::UpdateRows(_) | Command::Delete(_) => true,
            Command::Raw(raw) => raw.write,
        }
    }

    /// The main model of the command, for error texts.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Command;
    /// let command = Command::Select(Box::new(User::query().into_select()));
    /// assert_eq!(command.model().map(|model| model.name), Some("User"));
    /// ```
    pub fn model(&self) -> Option<&'static crate::meta::ModelMeta> {
        match self {
            Command::Select(select) => Some(select.from.model),
            Command::Insert(insert) => Some(insert.model),
            Command::Update(update) => Some(update.source.model),
            Command::UpdateRows(update) => Some(update.source.model),
            Command::Delete(delete) => Some(delete.source.model),
            Command::Raw(_) => None,
        }
    }

    /// The operation's name as OpenTelemetry writes it: `SELECT`, `INSERT`, …
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Command;
    /// assert_eq!(Command::Select(Box::new(User::query().into_select())).operation(), "SELECT");
    /// ```
    pub fn operation(&self) -> &'static str {
        match self {
            Command::Select(_) => "SELECT",
            Command::Insert(_) => "INSERT",
            Command::Update(_) | Command::UpdateRows(_) => "UPDATE",
            Command::Delete(_) => "DELETE",
            Command::Raw(_) => "RAW",
        }
    }
}
