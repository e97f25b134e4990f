//! Whether an expression has a value per row, per group, or always the same.

use std::marker::PhantomData;

/// A value per row.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::kind::Row;
/// fn per_row<T, S, N>(_: Expr<T, S, N, Row>) {}
/// per_row(User::name.lower());
/// ```
#[derive(Debug)]
pub struct Row;
/// One value per group of rows.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::kind::Aggregate;
/// fn aggregate<T, S, N>(_: Expr<T, S, N, Aggregate>) {}
/// aggregate(User::age.max());
/// ```
#[derive(Debug)]
pub struct Aggregate;
/// A key of the grouping.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::kind::GroupKey;
/// fn key<T, S, N>(key: Expr<T, S, N, GroupKey>) -> Expr<T, S, N, GroupKey> {
///     key
/// }
/// let ages = User::query().group_by(User::age).select(|age| (key(age), count_all())).all(&db).await?;
/// assert_eq!(ages.len(), 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct GroupKey;
/// The same value everywhere.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::kind::Const;
/// fn constant<T>(_: Expr<T, (), (), Const>) {}
/// constant(val(1_i64));
/// ```
#[derive(Debug)]
pub struct Const;

/// A value computed over a window of rows of kind `K`: `Row`, or `Aggregate` where the rows are groups.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::kind::{Over, Row};
/// fn windowed<T, S, N>(_: Expr<T, S, N, Over<Row>>) {}
/// windowed(row_number().over(window().order_by(Post::id.asc())));
/// ```
#[derive(Debug)]
pub struct Over<K>(PhantomData<K>);

/// What results when two kinds meet in one expression.
///
/// ```
/// use orm::expr::kind::{Aggregate, Const, Mix};
/// fn together<A: Mix<B>, B>() {}
/// together::<Aggregate, Const>();
/// ```
#[diagnostic::on_unimplemented(
    message = "an aggregate cannot stand beside a plain column",
    label = "one of these is an aggregate over many rows, the other is a value of each row",
    note = "group first: `.group_by(column).select(|column| (column, …))`"
)]
pub trait Mix<R> {
    /// The kind of both together.
    type Out;
}
macro_rules! mix {
    ($($left:ty, $right:ty = $out:ty;)*) => {$(#[diagnostic::do_not_recommend] impl Mix<$right> for $left { type Out = $out; })*};
}
mix! {
    Row, Row = Row;
    Row, Const = Row;
    Const, Row = Row;
    Const, Const = Const;
    Const, Aggregate = Aggregate;
    Aggregate, Const = Aggregate;
    Const, GroupKey = GroupKey;
    GroupKey, Const = GroupKey;
    Aggregate, Aggregate = Aggregate;
    GroupKey, GroupKey = GroupKey;
    Aggregate, GroupKey = Aggregate;
    GroupKey, Aggregate = Aggregate;
    Over<Row>, Over<Row> = Over<Row>;
    Over<Row>, Row = Over<Row>;
    Row, Over<Row> = Over<Row>;
    Over<Row>, Const = Over<Row>;
    Const, Over<Row> = Over<Row>;
    Over<Aggregate>, Over<Aggregate> = Over<Aggregate>;
    Over<Aggregate>, Aggregate = Over<Aggregate>;
    Aggregate, Over<Aggregate> = Over<Aggregate>;
    Over<Aggregate>, GroupKey = Over<Aggregate>;
    GroupKey, Over<Aggregate> = Over<Aggregate>;
    Over<Aggregate>, Const = Over<Aggregate>;
    Const, Over<Aggregate> = Over<Aggregate>;
}

/// The kind of what is computed over a window whose parts are of this kind.
///
/// ```
/// use orm::expr::kind::{Aggregate, GroupKey, Over, Windowed};
/// fn over_groups<K: Windowed<Out = Over<Aggregate>>>() {}
/// over_groups::<GroupKey>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a window function cannot stand inside another",
    label = "this is computed over a window already"
)]
pub trait Windowed {
    /// The kind.
    type Out;
}
impl Windowed for Row {
    type Out = Over<Row>;
}
impl Windowed for Const {
    type Out = Over<Row>;
}
impl Windowed for Aggregate {
    type Out = Over<Aggregate>;
}
impl Windowed for GroupKey {
    type Out = Over<Aggregate>;
}

/// May stand in the SELECT list of a grouped query.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // The key and aggregates may stand in the list.
/// let rows = Post::query().group_by(Post::author_id).select(|author| (author, Post::score.max())).all(&db).await?;
/// assert_eq!(rows.len(), 2);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "this column is neither grouped nor aggregated",
    label = "only the keys given to `.group_by(..)` and aggregates can stand here",
    note = "use the closure's argument, or wrap the column in `.min()`, `.max()`, `.count()` …"
)]
pub trait Grouped {}
impl Grouped for Aggregate {}
impl Grouped for GroupKey {}
impl Grouped for Const {}
impl Grouped for Over<Aggregate> {}
#[diagnostic::do_not_recommend]
impl Grouped for () {}
#[diagnostic::do_not_recommend]
impl<H: Grouped, T: Grouped> Grouped for (H, T) {}

/// May stand in `.filter(..)`.
///
/// ```
/// use orm::expr::kind::{Const, PerRow, Row};
/// fn in_a_filter<K: PerRow>() {}
/// in_a_filter::<Row>();
/// in_a_filter::<Const>();
/// ```
#[diagnostic::on_unimplemented(
    message = "an aggregate or a window function cannot be used in `.filter(..)`",
    label = "this is known only when the rows have been filtered",
    note = "move an aggregate to `.having(..)`"
)]
pub trait PerRow {}
impl PerRow for Row {}
impl PerRow for Const {}

/// May stand in `.having(..)`.
///
/// ```
/// use orm::expr::kind::{Aggregate, GroupKey, PerGroup};
/// fn in_having<K: PerGroup>() {}
/// in_having::<Aggregate>();
/// in_having::<GroupKey>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`.having(..)` takes keys of the grouping and aggregates",
    label = "this is neither"
)]
pub trait PerGroup {}
impl PerGroup for Aggregate {}
impl PerGroup for GroupKey {}
impl PerGroup for Const {}

/// The kind of a whole SELECT list: a kind, or a list of kinds folded by [`Mix`].
///
/// ```
/// use orm::expr::kind::{Aggregate, Const, OneKind};
/// fn folded<L: OneKind<Out = Aggregate>>() {}
/// folded::<(Aggregate, (Const, ()))>();
/// ```
pub trait OneKind {
    /// The kind.
    type Out;
}
impl OneKind for Row {
    type Out = Row;
}
impl OneKind for Aggregate {
    type Out = Aggregate;
}
impl OneKind for GroupKey {
    type Out = GroupKey;
}
impl OneKind for Const {
    type Out = Const;
}
impl<K> OneKind for Over<K> {
    type Out = Over<K>;
}
impl OneKind for () {
    type Out = Const;
}
impl<H: OneKind + Mix<T::Out>, T: OneKind> OneKind for (H, T) {
    type Out = <H as Mix<T::Out>>::Out;
}
