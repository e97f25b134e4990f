//! Writing.

use super::{Expr, Output, Select, Source};
use crate::meta::ModelMeta;
use crate::value::{ColumnType, Datum};

/// An INSERT.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{First, run};
/// use orm_core::ir::{Command, Insert, InsertSource, Output};
/// use orm_core::value::Datum;
/// let insert = Insert {
///     model: Tag::meta(),
///     columns: vec![Tag::name.index()],
///     source: InsertSource::Values(vec![Datum::Text("news".to_owned())]),
///     conflict: None,
///     returning: Some(Output::Model),
/// };
/// let tag = run(&db, Command::Insert(Box::new(insert)), First::<Tag>::default()).await?;
/// assert_eq!(tag.map(|tag| tag.name), Some("news".to_owned()));
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::InsertSource;
/// use orm_core::value::Datum;
/// let values = InsertSource::Values(vec![Datum::Text("a".to_owned()), Datum::Text("b".to_owned())]);
/// let query = InsertSource::Select(Box::new(User::query().select(User::name).into_select()));
/// # let _ = (values, query);
/// ```
#[derive(Debug, Clone)]
pub enum InsertSource {
    /// Row-major values, a multiple of the number of columns. Excluded from the shape.
    Values(Vec<Datum>),
    /// A query.
    Select(Box<Select>),
}

/// The ON CONFLICT clause.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Affected, run};
/// use orm_core::ir::{Command, Conflict, ConflictAction, Insert, InsertSource};
/// use orm_core::value::Datum;
/// let insert = Insert {
///     model: Tag::meta(),
///     columns: vec![Tag::name.index()],
///     source: InsertSource::Values(vec![Datum::Text("machines".to_owned())]),
///     conflict: Some(Conflict { target: vec![Tag::name.index()], action: ConflictAction::Nothing }),
///     returning: None,
/// };
/// assert_eq!(run(&db, Command::Insert(Box::new(insert)), Affected::default()).await?, 0);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The unique columns; empty means any conflict.
    pub target: Vec<u16>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a row that is there already.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Assignment, ConflictAction, Expr};
/// // The row that is there takes the name of the new one.
/// let excluded = Expr::Excluded(User::name.column_ref());
/// let action = ConflictAction::Update(vec![Assignment { column: User::name.index(), value: excluded }], None);
/// # let _ = action;
/// ```
#[derive(Debug, Clone)]
pub enum ConflictAction {
    /// Leave it.
    Nothing,
    /// Change it, if the condition holds.
    Update(Vec<Assignment>, Option<Expr>),
}

/// `column = expression`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Assignment;
/// let birthday = Assignment { column: User::age.index(), value: (User::age + 1).into_ir() };
/// assert_eq!(User::meta().column(birthday.column).name, "age");
/// ```
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The column.
    pub column: u16,
    /// Its new value.
    pub value: Expr,
}

/// An UPDATE.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Affected, run};
/// use orm_core::ir::{Assignment, Command, Source, Update};
/// let update = Update {
///     source: Source { model: User::meta(), alias: "" },
///     set: vec![Assignment { column: User::age.index(), value: (User::age + 1).into_ir() }],
///     filter: Some(User::name.eq("Ada").into_ir()),
///     returning: None,
/// };
/// assert_eq!(run(&db, Command::Update(Box::new(update)), Affected::default()).await?, 1);
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Affected, run};
/// use orm_core::ir::{Command, Source, UpdateRows};
/// use orm_core::value::Datum;
/// let rows = UpdateRows {
///     source: Source { model: Tag::meta(), alias: "" },
///     columns: vec![Tag::id.index(), Tag::name.index()],
///     keys: 1,
///     values: vec![Datum::I64(8), Datum::Text("eight".into()), Datum::I64(9), Datum::Text("nine".into())],
///     also: Vec::new(),
///     returning: None,
/// };
/// Tag::insert_many([Tag::create().id(8).name("a"), Tag::create().id(9).name("b")]).exec(&db).await?;
/// assert_eq!(run(&db, Command::UpdateRows(Box::new(rows)), Affected::default()).await?, 2);
/// assert_eq!(Tag::find(9).one(&db).await?.name, "nine");
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Affected, run};
/// use orm_core::ir::{Command, Delete, Source};
/// let delete = Delete { source: Source { model: Comment::meta(), alias: "" }, filter: None, returning: None };
/// assert_eq!(run(&db, Command::Delete(Box::new(delete)), Affected::default()).await?, 1);
/// # Ok(()) }
/// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{First, run};
/// use orm_core::ir::{Command, RawSql};
/// use orm_core::value::{Datum, ColumnType};
/// let raw = RawSql {
///     sql: "SELECT name FROM users WHERE id = ?".to_owned(),
///     binds: vec![(Datum::I64(1), ColumnType::I64)],
///     write: false,
/// };
/// let name = run(&db, Command::Raw(Box::new(raw)), First::<String>::default()).await?;
/// assert_eq!(name.as_deref(), Some("Ada"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct RawSql {
    /// The text.
    pub sql: String,
    /// The values.
    pub binds: Vec<(Datum, ColumnType)>,
    /// Whether it may change data.
    pub write: bool,
}
