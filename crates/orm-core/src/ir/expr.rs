//! Expressions.

use crate::error::Error;
use crate::ir::{Direction, Order, Select, WindowCall};
use crate::meta::{ModelMeta, RelationMeta};
use crate::value::{ColumnType, Datum};

/// A model in a FROM clause. The same model twice is told apart by its alias.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Source;
/// let users = Source { model: User::meta(), alias: "" };
/// let bosses = Source { model: User::meta(), alias: "Boss" };
/// assert_ne!(users, bosses);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The model.
    pub model: &'static ModelMeta,
    /// The alias, empty for the model itself.
    pub alias: &'static str,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.model, other.model) && self.alias == other.alias
    }
}

impl Eq for Source {}

/// A column of a source. A name is looked up from the innermost query outwards.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{ColumnRef, Source};
/// let name = ColumnRef { source: Source { model: User::meta(), alias: "" }, index: 2 };
/// assert_eq!(name, User::name.column_ref());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnRef {
    /// The source.
    pub source: Source,
    /// The index in [`ModelMeta::columns`].
    pub index: u16,
}

/// An expression. `ty` fields are the type of the operands where a backend has to know it.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{BinaryOp, Expr};
/// let Expr::Binary(op, both, _) = User::age.ge(18).into_ir() else { panic!() };
/// assert_eq!(op, BinaryOp::Ge);
/// assert!(matches!(*both, (Expr::Column(_), Expr::Value(..))));
/// ```
#[derive(Debug, Clone)]
pub enum Expr {
    /// A column.
    Column(ColumnRef),
    /// A bound value. Excluded from the shape.
    Value(Datum, ColumnType),
    /// `NOT`, minus.
    Unary(UnaryOp, Box<Expr>, ColumnType),
    /// Comparison and arithmetic on two operands of base type `ty`.
    Binary(BinaryOp, Box<(Expr, Expr)>, ColumnType),
    /// All of them (true for none).
    All(Vec<Expr>),
    /// One of them (false for none).
    Any(Vec<Expr>),
    /// `IS NULL`, or `IS NOT NULL` if negated.
    IsNull(Box<Expr>, bool),
    /// `BETWEEN`, both ends included, on operands of type `ty`.
    Between(Box<(Expr, Expr, Expr)>, ColumnType),
    /// `IN` a list of values; never true for an empty list. SQL's rule for NULL holds.
    InList {
        /// What is looked for.
        expr: Box<Expr>,
        /// The values, none of them NULL; excluded from the shape together with their number.
        list: Vec<Datum>,
        /// Their type.
        ty: ColumnType,
        /// `NOT IN`.
        negated: bool,
    },
    /// `(a, b) IN (…)`: tuples of columns, for composite keys. `rows` is row-major.
    InTuples {
        /// The tuple.
        exprs: Vec<Expr>,
        /// The values, `exprs.len()` for each tuple; excluded from the shape.
        rows: Vec<Datum>,
        /// The type of each part.
        types: Vec<ColumnType>,
    },
    /// Whether an array and a list of values have an element in common; NULL if the array is.
    Overlap {
        /// The array.
        array: Box<Expr>,
        /// The values, none of them NULL; excluded from the shape together with their number.
        list: Vec<Datum>,
        /// Their type.
        ty: ColumnType,
    },
    /// `IN` a subquery of one column.
    InSelect {
        /// What is looked for.
        expr: Box<Expr>,
        /// The subquery.
        select: Box<Select>,
        /// `NOT IN`.
        negated: bool,
        /// Whether the query names rows of the model of `expr` by their key, for a write that has no limits or joins of its own. A
        /// database may name them otherwise; what a user compares with a query is values.
        rows: bool,
    },
    /// Text matching.
    Like {
        /// The rule.
        op: LikeOp,
        /// The text.
        expr: Box<Expr>,
        /// The pattern, or the text to find, unescaped.
        pattern: Box<Expr>,
        /// Whether case is ignored.
        insensitive: bool,
    },
    /// A function of fixed meaning.
    Func(Func, Vec<Expr>),
    /// A conversion from a type to another.
    Cast(Box<Expr>, ColumnType, ColumnType),
    /// `CASE WHEN … THEN … ELSE … END`.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// An aggregate.
    Aggregate {
        /// The function.
        func: AggFunc,
        /// What is aggregated; `None` for `COUNT(*)`.
        arg: Option<Box<Expr>>,
        /// Whether equal values count once.
        distinct: bool,
        /// The base type of the argument.
        ty: ColumnType,
        /// Only rows for which this is true.
        filter: Option<Box<Expr>>,
        /// The order of an order-sensitive aggregate.
        order: Vec<Order>,
    },
    /// A function over the rows around a row.
    Window(Box<WindowCall>),
    /// `EXISTS`.
    Exists(Box<Select>),
    /// A subquery of one column and at most one row; NULL without a row, an error with several (unless
    /// [`Select::is_one_row`] rules that out).
    Scalar(Box<Select>),
    /// A test or a count over a relation of `from`.
    Relation(Box<RelationTest>),
    /// A test or a count over the elements of a list.
    Elements(Box<ElementTest>),
    /// A list with some of its elements changed: the new value of a column.
    ListChange(Box<ListChange>),
    /// SQL text of the user: pieces with expressions between them (`pieces.len() == args.len() + 1`).
    Raw(Vec<&'static str>, Vec<Expr>),
    /// A key of the grouping of the same query, by its place in [`Select::group_by`], of this base type.
    Key(u16, ColumnType),
    /// Where the database keeps a row: what a driver puts in the place of a key that does not tell all rows apart.
    Place(Source),
    /// A column of the row that an upsert could not insert (`excluded`).
    Excluded(ColumnRef),
}

/// `any`, `all`, `none` or `count` over the rows that a relation leads to.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Expr;
/// let Expr::Relation(test) = User::posts.any(Post::score.gt(3)).into_ir() else { panic!() };
/// assert_eq!(test.relation.name, "posts");
/// assert!(test.filter.is_some());
/// ```
#[derive(Debug, Clone)]
pub struct RelationTest {
    /// The relation.
    pub relation: &'static RelationMeta,
    /// The source whose relation it is.
    pub from: Source,
    /// The alias under which the target's columns stand in `filter` (empty: the model itself).
    pub alias: &'static str,
    /// What is asked.
    pub quantifier: Quantifier,
    /// A condition on the target's rows.
    pub filter: Option<Expr>,
}

/// `any`, `all`, `none` or `count` over the elements of a list.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Line { pub sku: String, pub count: i32 }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Order {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     #[orm(embed)]
/// #     pub lines: Vec<Line>,
/// # }
/// use orm_core::ir::{Expr, Quantifier};
/// let Expr::Elements(test) = Order::lines.any(Line::sku.eq("b-2")).into_ir() else { panic!() };
/// assert_eq!((test.quantifier, test.element.name), (Quantifier::Any, "Line"));
/// ```
#[derive(Debug, Clone)]
pub struct ElementTest {
    /// The list.
    pub list: Expr,
    /// What it holds; its columns are those of the source of this model.
    pub element: &'static ModelMeta,
    /// What is asked.
    pub quantifier: Quantifier,
    /// A condition on an element.
    pub filter: Option<Expr>,
}

/// A list, changed.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Line { pub sku: String, pub count: i32 }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Order {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     #[orm(embed)]
/// #     pub lines: Vec<Line>,
/// # }
/// use orm_core::ir::{Expr, ListOp};
/// let query = Order::query().update().push(Order::lines, [Line { sku: "b-2".to_owned(), count: 1 }]);
/// let (_, set) = query.into_parts();
/// assert!(matches!(&set[0].value, Expr::ListChange(change) if matches!(change.op, ListOp::Push(_))));
/// ```
#[derive(Debug, Clone)]
pub struct ListChange {
    /// The list as it was.
    pub list: Expr,
    /// What it holds.
    pub element: &'static ModelMeta,
    /// What happens to it.
    pub op: ListOp,
}

/// A change of a list.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Line { pub sku: String, pub count: i32 }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Order {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     #[orm(embed)]
/// #     pub lines: Vec<Line>,
/// # }
/// use orm_core::ir::{Expr, ListOp};
/// let (_, set) = Order::query().update().pull(Order::lines, Line::count.eq(0)).into_parts();
/// let Expr::ListChange(change) = &set[0].value else { panic!() };
/// assert!(matches!(change.op, ListOp::Pull(_)));
/// ```
#[derive(Debug, Clone)]
pub enum ListOp {
    /// These elements come at its end, row-major.
    Push(Vec<Datum>),
    /// Those of these elements come at its end that it does not hold, row-major.
    AddToSet(Vec<Datum>),
    /// The elements that meet the condition go.
    Pull(Expr),
    /// Columns of the elements that meet the condition get values.
    Set(Expr, Vec<(u16, Expr)>),
}

/// What is asked of a relation's rows.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, Quantifier};
/// let Expr::Relation(test) = User::posts.is_empty().into_ir() else { panic!() };
/// assert_eq!(test.quantifier, Quantifier::None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one row meets the condition.
    Any,
    /// Every row meets the condition (true without rows). A condition that is NULL is not met.
    All,
    /// No row meets the condition.
    None,
    /// How many rows meet the condition.
    Count,
}

/// Operators on one operand.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, UnaryOp};
/// assert!(matches!((!User::name.eq("Ada")).into_ir(), Expr::Unary(UnaryOp::Not, ..)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Logical not.
    Not,
    /// Minus.
    Neg,
}

/// Operators on two operands.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{BinaryOp, Expr};
/// assert!(matches!((Post::score + 1).into_ir(), Expr::Binary(BinaryOp::Add, ..)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Equal; NULL if an operand is.
    Eq,
    /// Not equal; NULL if an operand is.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Equal, NULL being equal to NULL; never NULL.
    IsSame,
    /// Not [`IsSame`](BinaryOp::IsSame).
    IsNotSame,
    /// Plus.
    Add,
    /// Minus.
    Sub,
    /// Times.
    Mul,
    /// Divided by; integers truncate towards zero. Division by zero is the database's (an error or NULL).
    Div,
    /// Remainder with the sign of the dividend.
    Rem,
    /// Text put together; NULL if an operand is.
    Concat,
    /// The left is an element of the right, an array. NULL if an operand is, or where only a NULL element could be equal.
    ElementOf,
}

/// How text is matched.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, LikeOp};
/// let node = User::name.starts_with("A").into_ir();
/// assert!(matches!(node, Expr::Like { op: LikeOp::StartsWith, insensitive: false, .. }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LikeOp {
    /// The user's pattern: `%` any text, `_` any character, `\` escapes.
    Pattern,
    /// The text contains the operand literally.
    Contains,
    /// The text starts with the operand literally.
    StartsWith,
    /// The text ends with the operand literally.
    EndsWith,
    /// The text matches a regular expression in the database's own dialect.
    Regex,
}

/// Functions of fixed meaning.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, Func};
/// assert!(matches!(User::name.lower().into_ir(), Expr::Func(Func::Lower, _)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Func {
    /// Lower case, of ASCII at least.
    Lower,
    /// Upper case, of ASCII at least.
    Upper,
    /// Length in characters.
    CharLength,
    /// Without white space (U+0020) at both ends.
    Trim,
    /// Part of a text: start (from 1), length in characters.
    Substring,
    /// Every occurrence of the second text in the first becomes the third.
    Replace,
    /// The first operand that is not NULL.
    Coalesce,
    /// NULL if both are equal, else the first.
    NullIf,
    /// Absolute value.
    Abs,
    /// Rounded to the given number of digits (0 if absent), halves away from zero.
    Round,
    /// The current instant of the database.
    Now,
    /// An array with one more element at its end, which is given as an array of its own: a database without arrays writes
    /// elements in a form of its own.
    Append,
    /// An array without the elements that equal a value.
    Without,
}

/// Aggregate functions. NULLs are skipped; over no rows `Count` is 0 and the others are NULL.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{AggFunc, Expr};
/// assert!(matches!(User::age.max().into_ir(), Expr::Aggregate { func: AggFunc::Max, .. }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AggFunc {
    /// How many (rows without an argument, values that are not NULL with one).
    Count,
    /// The sum.
    Sum,
    /// The arithmetic mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Expr {
    /// What cannot be asked: it fails with its error when it is sent.
    #[cold]
    pub(crate) fn invalid(error: Error) -> Self {
        Expr::Value(Datum::invalid(error), ColumnType::Bool)
    }

    /// A binary node.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::{BinaryOp, Expr};
    /// use orm_core::value::{Datum, ColumnType};
    /// let adult = Expr::binary(BinaryOp::Ge, User::age.node(), Expr::Value(Datum::I64(18), ColumnType::I32), ColumnType::I32);
    /// assert!(matches!(adult, Expr::Binary(BinaryOp::Ge, ..)));
    /// ```
    pub fn binary(op: BinaryOp, left: Expr, right: Expr, ty: ColumnType) -> Self {
        Expr::Binary(op, Box::new((left, right)), ty)
    }

    /// This and that, the first of which may be absent. Conjunctions become one list.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Expr;
    /// let active = User::active.node();
    /// assert!(matches!(Expr::and(None, active.clone()), Expr::Column(_)));
    /// let both = Expr::and(Some(active.clone()), active.clone());
    /// assert!(matches!(Expr::and(Some(both), active), Expr::All(list) if list.len() == 3));
    /// ```
    pub fn and(left: Option<Expr>, right: Expr) -> Self {
        match (left, right) {
            (None, right) => right,
            (Some(Expr::All(left)), Expr::All(right)) => Expr::All(joined(left, right)),
            (Some(Expr::All(left)), right) => Expr::All(joined(left, vec![right])),
            (Some(left), Expr::All(right)) => Expr::All(joined(vec![left], right)),
            (Some(left), right) => Expr::All(vec![left, right]),
        }
    }

    /// This or that. Disjunctions become one list.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Expr;
    /// let active = User::active.node();
    /// let either = Expr::or(active.clone(), active.clone());
    /// assert!(matches!(Expr::or(either, active), Expr::Any(list) if list.len() == 3));
    /// ```
    pub fn or(left: Expr, right: Expr) -> Self {
        match (left, right) {
            (Expr::Any(left), Expr::Any(right)) => Expr::Any(joined(left, right)),
            (Expr::Any(left), right) => Expr::Any(joined(left, vec![right])),
            (left, Expr::Any(right)) => Expr::Any(joined(vec![left], right)),
            (left, right) => Expr::Any(vec![left, right]),
        }
    }

    /// Logical not.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::{Expr, UnaryOp};
    /// assert!(matches!(User::active.node().negate(), Expr::Unary(UnaryOp::Not, ..)));
    /// ```
    pub fn negate(self) -> Self {
        Expr::Unary(UnaryOp::Not, Box::new(self), ColumnType::Bool)
    }

    /// An ordering by this expression, NULLs where the portable rule puts them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Direction;
    /// let order = User::name.node().order(Direction::Desc);
    /// assert_eq!((order.direction, order.nulls), (Direction::Desc, None));
    /// ```
    pub fn order(self, direction: Direction) -> Order {
        Order { expr: self, direction, nulls: None, ty: ColumnType::Text }
    }
}

/// A list longer than this is not moved to make room in front of it, or a loop that adds there would take forever; the order of
/// conditions means nothing.
const LONG: usize = 1024;

fn joined(mut left: Vec<Expr>, mut right: Vec<Expr>) -> Vec<Expr> {
    if right.len() > LONG && right.len() > left.len() {
        std::mem::swap(&mut left, &mut right);
    }
    left.append(&mut right);
    left
}
