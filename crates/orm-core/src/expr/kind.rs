//! Whether an expression has a value per row, per group, or always the same.

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
    ($($left:ident $right:ident = $out:ident;)*) => {$(#[diagnostic::do_not_recommend] impl Mix<$right> for $left { type Out = $out; })*};
}
mix! {
    Row Row = Row;
    Row Const = Row;
    Const Row = Row;
    Const Const = Const;
    Const Aggregate = Aggregate;
    Aggregate Const = Aggregate;
    Const GroupKey = GroupKey;
    GroupKey Const = GroupKey;
    Aggregate Aggregate = Aggregate;
    GroupKey GroupKey = GroupKey;
    Aggregate GroupKey = Aggregate;
    GroupKey Aggregate = Aggregate;
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
    message = "an aggregate cannot be used in `.filter(..)`",
    label = "aggregates are known after grouping",
    note = "move it to `.having(..)`"
)]
pub trait PerRow {}
impl PerRow for Row {}
impl PerRow for Const {}

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
impl OneKind for () {
    type Out = Const;
}
impl<H: OneKind + Mix<T::Out>, T: OneKind> OneKind for (H, T) {
    type Out = <H as Mix<T::Out>>::Out;
}
