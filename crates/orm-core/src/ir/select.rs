//! Reading.

use super::{ColumnRef, Expr, Source};
use crate::error::{Error, ErrorKind};
use crate::meta::RelationMeta;
use crate::value::ColumnType;

/// A SELECT.
///
/// ```
/// # use orm_guide::prelude::*;
/// let select = User::filter(User::active).order_by(User::name.asc()).limit(5).into_select();
/// assert_eq!((select.from.model.name, select.order.len(), select.limit), ("User", 1, Some(5)));
/// ```
#[derive(Debug, Clone)]
pub struct Select {
    /// The root model.
    pub from: Source,
    /// What is read instead of the table of `from`: rows of other queries.
    pub combined: Option<Box<Combined>>,
    /// Joined models, in order.
    pub joins: Vec<Join>,
    /// What comes out.
    pub output: Output,
    /// Which rows.
    pub filter: Option<Expr>,
    /// Group keys; empty and `grouped` means one group of everything.
    pub group_by: Vec<Expr>,
    /// Which groups.
    pub having: Option<Expr>,
    /// The order.
    pub order: Vec<Order>,
    /// At most this many rows. Small limits are part of the shape.
    pub limit: Option<u64>,
    /// Leave out this many rows first.
    pub offset: Option<u64>,
    /// Equal output rows come once.
    pub distinct: bool,
    /// Of the rows that agree in these keys only the first in the order comes (`DISTINCT ON`).
    pub distinct_on: Vec<Expr>,
    /// Capabilities whose check was put off to the moment when the query runs.
    pub requires: Vec<&'static str>,
    /// Only a random part of the root model's rows (`TABLESAMPLE`).
    pub sample: Option<Sample>,
    /// The rows are locked until the transaction ends.
    pub lock: Option<Lock>,
    /// Limit and offset count within rows of equal key instead of overall.
    pub per_parent: Option<PerParent>,
}

/// Rows of several queries put together, from the left to the right.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Combined, SetOp};
/// let select = User::filter(User::active).union(User::filter(User::age.gt(30))).into_select();
/// let Combined { rest, .. } = *select.combined.unwrap();
/// assert_eq!(rest[0].0, SetOp::Union);
/// ```
#[derive(Debug, Clone)]
pub struct Combined {
    /// The first query.
    pub first: Select,
    /// What is added, and how.
    pub rest: Vec<(SetOp, Select)>,
}

impl Combined {
    /// Whether one more query can stand behind the others: INTERSECT binds tighter than the others on some databases.
    pub(crate) fn goes_on_with(&self, op: SetOp) -> bool {
        op != SetOp::Intersect || self.rest.iter().all(|(op, _)| *op == SetOp::Intersect)
    }

    /// How many columns without a model there are; 0 for rows of a model.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let width = |select: orm_core::ir::Select| select.combined.unwrap().width();
    /// let names = || User::query().select((User::id, User::name));
    /// assert_eq!(width(names().union(names()).into_select()), 2);
    /// assert_eq!(width(User::query().union(User::query()).into_select()), 0);
    /// ```
    pub fn width(&self) -> usize {
        match &self.first.output {
            Output::Exprs(exprs) => exprs.len(),
            Output::Columns(width) => usize::from(*width),
            _ => 0,
        }
    }
}

/// How rows are put together.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::SetOp;
/// let ids = User::query().select(User::id).except(Post::query().select(Post::author_id));
/// assert_eq!(ids.into_select().combined.unwrap().rest[0].0, SetOp::Except);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// Rows of either, equal ones once.
    Union,
    /// Rows of either.
    UnionAll,
    /// Rows of both, equal ones once.
    Intersect,
    /// Rows of the first that are not in the second, equal ones once.
    Except,
}

/// A random part of a table. All of it is part of the shape.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::query::Sample;
/// let select = Post::query().sample(Sample::rows(10.0)).into_select();
/// assert_eq!(select.sample.map(|sample| (sample.percent, sample.pages)), Some((10.0, false)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Whether whole pages are chosen instead of rows: faster, and rows that lie together come together.
    pub pages: bool,
    /// How much of the table, in percent.
    pub percent: f64,
    /// The same seed chooses the same rows while the table does not change.
    pub seed: Option<u32>,
}

/// A lock on the rows of a SELECT.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{LockStrength, LockWait};
/// let lock = User::query().lock(RowLock::share().nowait()).into_select().lock.unwrap();
/// assert_eq!((lock.strength, lock.wait), (LockStrength::Share, LockWait::NoWait));
/// assert!(lock.of.is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct Lock {
    /// Against what.
    pub strength: LockStrength,
    /// What happens if somebody else holds one.
    pub wait: LockWait,
    /// Only the rows of these sources; of all of them if empty.
    pub of: Vec<Source>,
}

/// Against what a row is locked.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::LockStrength;
/// assert_eq!(User::query().for_update().into_select().lock.unwrap().strength, LockStrength::Update);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// Any change, and any other lock.
    Update,
    /// Any change; somebody else may still refer to the key.
    NoKeyUpdate,
    /// Any change; others may hold the same lock.
    Share,
    /// Deletion and changes of the key.
    KeyShare,
}

/// What happens if somebody else holds a lock.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::LockWait;
/// assert_eq!(User::query().for_update().into_select().lock.unwrap().wait, LockWait::Wait);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// Wait for it.
    Wait,
    /// An error of kind [`LockTimeout`](crate::ErrorKind::LockTimeout).
    NoWait,
    /// Leave the row out.
    SkipLocked,
}

/// What a SELECT yields.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Output;
/// assert!(matches!(User::query().into_select().output, Output::Model));
/// let Output::Exprs(exprs) = User::query().select(User::name).into_select().output else { panic!() };
/// assert_eq!(exprs.len(), 1);
/// ```
#[derive(Debug, Clone)]
pub enum Output {
    /// All columns of the root model, in order.
    Model,
    /// All columns of the root model, then these (the link columns of a many-to-many load).
    ModelAnd(Vec<Expr>),
    /// These.
    Exprs(Vec<Expr>),
    /// The constant 1 (for EXISTS).
    One,
    /// How many rows the rest of the query yields, limit and distinct included.
    /// The columns of the combined queries, as many as they are.
    Columns(u16),
    /// The inner output decides what `distinct` means.
    CountOf(Box<Output>),
}

/// Limit and offset within each group of equal key.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::ir::PerParent;
/// // The best post of each author.
/// let mut select = Post::query().order_by(Post::score.desc()).into_select();
/// select.per_parent = Some(PerParent { key: vec![Post::author_id.node()], limit: Some(1), offset: None });
/// let best: Query<Post> = Query::from_parts(select, Vec::new());
/// assert_eq!(best.all(&db).await?.len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct PerParent {
    /// The key.
    pub key: Vec<Expr>,
    /// Rows per key.
    pub limit: Option<u64>,
    /// Rows left out per key.
    pub offset: Option<u64>,
}

/// A joined model.
///
/// ```
/// # use orm_guide::prelude::*;
/// let select = User::query().join(User::posts).into_select();
/// assert_eq!((select.joins[0].target.model.name, select.joins.len()), ("Post", 1));
/// ```
#[derive(Debug, Clone)]
pub struct Join {
    /// Inner or left.
    pub kind: JoinKind,
    /// What is joined.
    pub target: Source,
    /// Along this relation of `from` …
    pub relation: Option<(Source, &'static RelationMeta)>,
    /// … or pairs of equal columns …
    pub on_columns: Vec<(ColumnRef, ColumnRef)>,
    /// … and, if given, this further condition.
    pub on: Option<Expr>,
    /// Instead of the target's table: the rows of a query over it that may mention what stands before (`LATERAL`).
    pub lateral: Option<Box<Select>>,
}

/// The kind of a join.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::JoinKind;
/// assert_eq!(User::query().left_join(User::posts).into_select().joins[0].kind, JoinKind::Left);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Only pairs.
    Inner,
    /// Every row of the left side, NULLs where it has no partner.
    Left,
}

/// One key of the order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Direction, Nulls};
/// let order = User::age.desc().nulls_last().into_order();
/// assert_eq!((order.direction, order.nulls), (Direction::Desc, Some(Nulls::Last)));
/// ```
#[derive(Debug, Clone)]
pub struct Order {
    /// The key.
    pub expr: Expr,
    /// Its direction.
    pub direction: Direction,
    /// Where NULLs go. `None`: first when ascending and last when descending, on every backend.
    pub nulls: Option<Nulls>,
    /// The base type of the key.
    pub ty: ColumnType,
}

/// The direction of an order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Direction;
/// assert_eq!(User::query().order_by(User::name.asc()).into_select().order[0].direction, Direction::Asc);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// Where NULLs go in an order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Nulls;
/// assert_eq!(User::age.asc().nulls_last().into_order().nulls, Some(Nulls::Last));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

impl Select {
    /// All rows of a source.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::{Select, Source};
    /// let select = Select::new(Source { model: User::meta(), alias: "" });
    /// assert!(select.filter.is_none() && select.order.is_empty());
    /// ```
    pub fn new(from: Source) -> Self {
        Select {
            from,
            combined: None,
            joins: Vec::new(),
            output: Output::Model,
            filter: None,
            group_by: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            distinct: false,
            distinct_on: Vec::new(),
            requires: Vec::new(),
            sample: None,
            lock: None,
            per_parent: None,
        }
    }

    /// Whether nothing is asked of the rows but to be put out.
    pub(crate) fn is_plain(&self) -> bool {
        self.joins.is_empty()
            && matches!(self.output, Output::Model | Output::Columns(_))
            && self.filter.is_none()
            && self.group_by.is_empty()
            && self.having.is_none()
            && self.order.is_empty()
            && self.limit.is_none()
            && self.offset.is_none()
            && !self.distinct
            && self.distinct_on.is_empty()
            && self.requires.is_empty()
            && self.sample.is_none()
            && self.lock.is_none()
            && self.per_parent.is_none()
    }

    pub(crate) fn nested(mut self) -> Self {
        if !self.requires.is_empty() {
            let error = Error::new(ErrorKind::Usage, "a dynamic query cannot be part of another")
                .with_hint("call `.dynamic()` on the whole query");
            self.and_filter(Expr::invalid(error));
        }
        self
    }

    /// Adds a condition to the filter.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let mut select = User::query().into_select();
    /// select.and_filter(User::active.node());
    /// select.and_filter(User::age.ge(18).into_ir());
    /// assert!(select.filter.is_some());
    /// ```
    pub fn and_filter(&mut self, condition: Expr) {
        self.filter = Some(Expr::and(self.filter.take(), condition));
    }
}
