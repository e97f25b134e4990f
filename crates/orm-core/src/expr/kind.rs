//! Whether an expression has a value per row, per group, or always the same.

/// A value per row.
#[derive(Debug)]
pub struct Row;
/// One value per group of rows.
#[derive(Debug)]
pub struct Aggregate;
/// A key of the grouping.
#[derive(Debug)]
pub struct GroupKey;
/// The same value everywhere.
#[derive(Debug)]
pub struct Const;

/// What results when two kinds meet in one expression.
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
#[diagnostic::on_unimplemented(
    message = "an aggregate cannot be used in `.filter(..)`",
    label = "aggregates are known after grouping",
    note = "move it to `.having(..)`"
)]
pub trait PerRow {}
impl PerRow for Row {}
impl PerRow for Const {}

/// The kind of a whole SELECT list: a kind, or a list of kinds folded by [`Mix`].
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
