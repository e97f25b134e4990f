//! The walk over the IR: the one recursion over expressions, for reading ([`Visit`]) and for rewriting ([`Rewrite`]).
//!
//! A visitor says what it does at an expression or a query and calls the walk to go on inwards. Parts come in rendering order:
//! the n-th value of the walk is the n-th parameter of the text. What is asked of expressions is in [`facts`];
//! the shape and the values of a command are a visitor in [`shape`](super::shape()).
//!
//! Recursion is bounded: an expression of the typed shell nests no deeper than [`MAX_DEPTH`].

use super::shape::Binds;
use super::*;
use crate::value::ColumnType;

/// No table has more rows; a limit and an offset of as many still add up to an integer of the database.
const MOST_ROWS: u64 = i64::MAX as u64 / 2;

/// Reads a command part by part.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, visit::{Visit, walk_expr}};
/// struct Columns(usize);
/// impl<'a> Visit<'a> for Columns {
///     fn expr(&mut self, expr: &'a Expr) {
///         self.0 += usize::from(matches!(expr, Expr::Column(_)));
///         walk_expr(self, expr);
///     }
/// }
/// let mut columns = Columns(0);
/// columns.expr(&(User::name.eq("Ada") & User::age.gt(18)).into_ir());
/// assert_eq!(columns.0, 2);
/// ```
pub trait Visit<'a> {
    /// An expression of the query at hand.
    #[inline]
    fn expr(&mut self, expr: &'a Expr) {
        walk_expr(self, expr);
    }

    /// A condition on rows of its own: those of a relation, the elements of a list.
    #[inline]
    fn inner(&mut self, expr: &'a Expr) {
        self.expr(expr);
    }

    /// A query: the command itself, or one inside another.
    #[inline]
    fn select(&mut self, select: &'a Select) {
        walk_select(self, select);
    }

    /// Values of the expression or query that is walked.
    #[inline]
    fn binds(&mut self, binds: Binds<'a>) {
        let _ = binds;
    }
}

/// Changes a command part by part.
pub trait Rewrite {
    /// An expression of the query at hand.
    fn expr(&mut self, expr: &mut Expr) {
        rewrite_expr(self, expr);
    }

    /// A condition on rows of its own: those of a relation, the elements of a list.
    fn inner(&mut self, expr: &mut Expr) {
        self.expr(expr);
    }

    /// A query: the command itself, or one inside another.
    fn select(&mut self, select: &mut Select) {
        rewrite_select(self, select);
    }
}

/// One text for both walks: they differ in `&` and `&mut`, and in that only the reader is told of values (what names them is
/// unused in the other).
macro_rules! walks {
    (
        $visitor:ident $(<$life:lifetime>)?, [$($ref:tt)*], [$($by:tt)*], $binds:ident, $shared:ident,
        $command:ident, $select:ident, $expr:ident, $output:ident, $window:ident, $change:ident
    ) => {
        /// Goes on into the parts of a command.
        #[allow(unused_variables)]
        pub fn $command<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, command: $($ref)* Command) {
            match command {
                Command::Select(select) => v.select(select),
                Command::Insert(insert) => {
                    match $($by)* insert.source {
                        InsertSource::Values(rows) => {
                            $binds!(v, Binds::Rows(rows, &insert.columns, insert.model));
                        }
                        InsertSource::Select(select) => v.select(select),
                    }
                    if let Some(conflict) = $($by)* insert.conflict
                        && let ConflictAction::Update(set, filter) = $($by)* conflict.action
                    {
                        for assignment in set {
                            v.expr($($by)* assignment.value);
                        }
                        if let Some(filter) = filter {
                            v.expr(filter);
                        }
                    }
                    if let Some(output) = $($by)* insert.returning {
                        $output(v, output);
                    }
                }
                Command::Update(update) => {
                    for assignment in $($by)* update.set {
                        v.expr($($by)* assignment.value);
                    }
                    if let Some(filter) = $($by)* update.filter {
                        v.expr(filter);
                    }
                    if let Some(output) = $($by)* update.returning {
                        $output(v, output);
                    }
                }
                Command::UpdateRows(update) => {
                    $binds!(v, Binds::Rows(&update.values, &update.columns, update.source.model));
                    for assignment in $($by)* update.also {
                        v.expr($($by)* assignment.value);
                    }
                    if let Some(output) = $($by)* update.returning {
                        $output(v, output);
                    }
                }
                Command::Delete(delete) => {
                    if let Some(filter) = $($by)* delete.filter {
                        v.expr(filter);
                    }
                    if let Some(output) = $($by)* delete.returning {
                        $output(v, output);
                    }
                }
                Command::Raw(raw) => {
                    $binds!(v, raw &raw.binds);
                }
            }
        }

        /// Goes on into the parts of a query: combined queries, groups, output, joins, filter, having, order, limits.
        #[allow(unused_variables)]
        pub fn $select<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, select: $($ref)* Select) {
            if let Some(combined) = $($by)* select.combined {
                v.select($($by)* combined.first);
                for (_, part) in $($by)* combined.rest {
                    v.select(part);
                }
            }
            for key in $($by)* select.group_by {
                v.expr(key);
            }
            for key in $($by)* select.distinct_on {
                v.expr(key);
            }
            $output(v, $($by)* select.output);
            for join in $($by)* select.joins {
                if let Some(select) = $($by)* join.lateral {
                    v.select(select);
                }
                if let Some(on) = $($by)* join.on {
                    v.expr(on);
                }
            }
            if let Some(filter) = $($by)* select.filter {
                v.expr(filter);
            }
            if let Some(having) = $($by)* select.having {
                v.expr(having);
            }
            if let Some(per) = $($by)* select.per_parent {
                for key in $($by)* per.key {
                    v.expr(key);
                }
            }
            $shared!(v, select);
            if let Some(per) = &select.per_parent {
                $binds!(v, limits per.limit, per.offset);
            }
            $binds!(v, limits select.limit, select.offset);
        }

        fn $output<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, output: $($ref)* Output) {
            match output {
                Output::Model | Output::One | Output::Columns(_) => {}
                Output::ModelAnd(exprs) | Output::Exprs(exprs) => {
                    for expr in exprs {
                        v.expr(expr);
                    }
                }
                Output::CountOf(inner) => $output(v, inner),
            }
        }

        /// Goes on into the parts of an expression.
        #[allow(unused_variables)]
        pub fn $expr<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, expr: $($ref)* Expr) {
            match expr {
                Expr::Column(_) | Expr::Key(..) | Expr::Place(_) | Expr::Excluded(_) => {}
                Expr::Value(datum, ty) => $binds!(v, Binds::One(datum, *ty)),
                Expr::Unary(_, inner, _) | Expr::IsNull(inner, _) | Expr::Cast(inner, ..) => v.expr(inner),
                Expr::Binary(_, both, _) => {
                    let (left, right) = $($by)* **both;
                    v.expr(left);
                    v.expr(right);
                }
                Expr::All(list) | Expr::Any(list) | Expr::Func(_, list) | Expr::Raw(_, list) => {
                    for expr in list {
                        v.expr(expr);
                    }
                }
                Expr::Between(three, _) => {
                    let (operand, low, high) = $($by)* **three;
                    v.expr(operand);
                    v.expr(low);
                    v.expr(high);
                }
                Expr::InList { expr, list, ty, .. } | Expr::Overlap { array: expr, list, ty } => {
                    v.expr(expr);
                    $binds!(v, Binds::List(list, *ty));
                }
                Expr::InTuples { exprs, rows, types } => {
                    for expr in exprs {
                        v.expr(expr);
                    }
                    $binds!(v, Binds::Tuples(rows, types));
                }
                Expr::InSelect { expr, select, .. } => {
                    v.expr(expr);
                    v.select(select);
                }
                Expr::Like { expr, pattern, .. } => {
                    v.expr(expr);
                    v.expr(pattern);
                }
                Expr::Case(arms, otherwise) => {
                    for (when, then) in arms {
                        v.expr(when);
                        v.expr(then);
                    }
                    if let Some(otherwise) = otherwise {
                        v.expr(otherwise);
                    }
                }
                Expr::Aggregate { arg, filter, order, .. } => {
                    if let Some(arg) = arg {
                        v.expr(arg);
                    }
                    for order in order {
                        v.expr($($by)* order.expr);
                    }
                    if let Some(filter) = filter {
                        v.expr(filter);
                    }
                }
                Expr::Window(call) => $window(v, call),
                Expr::Exists(select) | Expr::Scalar(select) => v.select(select),
                Expr::Relation(test) => {
                    if let Some(filter) = $($by)* test.filter {
                        v.inner(filter);
                    }
                }
                Expr::Elements(test) => {
                    v.expr($($by)* test.list);
                    if let Some(filter) = $($by)* test.filter {
                        v.inner(filter);
                    }
                }
                Expr::ListChange(change) => $change(v, change),
            }
        }

        fn $window<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, call: $($ref)* WindowCall) {
            if let Some(arg) = $($by)* call.arg {
                v.expr(arg);
            }
            for key in $($by)* call.partition {
                v.expr(key);
            }
            for order in $($by)* call.order {
                v.expr($($by)* order.expr);
            }
        }

        #[allow(unused_variables)]
        fn $change<$($life,)? V: $visitor $(<$life>)? + ?Sized>(v: &mut V, change: $($ref)* ListChange) {
            v.expr($($by)* change.list);
            match $($by)* change.op {
                ListOp::Push(values) | ListOp::AddToSet(values) => $binds!(v, elements values, change.element),
                ListOp::Pull(filter) => v.inner(filter),
                ListOp::Set(filter, values) => {
                    v.inner(filter);
                    for (_, value) in values {
                        v.inner(value);
                    }
                }
            }
        }
    };
}

macro_rules! told {
    ($v:ident, limits $limit:expr, $offset:expr) => {
        // See `is_literal_limit`.
        if let Some(limit) = $limit
            && !is_literal_limit(limit)
        {
            $v.binds(Binds::Number(limit.min(MOST_ROWS)));
        }
        if let Some(offset) = $offset {
            $v.binds(Binds::Number(offset.min(MOST_ROWS)));
        }
    };
    ($v:ident, raw $binds:expr) => {
        for (datum, ty) in $binds {
            $v.binds(Binds::One(datum, *ty));
        }
    };
    ($v:ident, elements $values:expr, $element:expr) => {{
        let columns = &$element.columns;
        for (place, datum) in $values.iter().enumerate() {
            let column = columns.get(place % columns.len().max(1));
            $v.binds(Binds::One(datum, column.map_or(ColumnType::Text, |column| column.ty())));
        }
    }};
    ($v:ident, $binds:expr) => {
        $v.binds($binds)
    };
}

/// An order that a distinct query selects, too, stands in the text with the same parameters.
macro_rules! told_once {
    ($v:ident, $select:expr) => {
        let distinct = $select.distinct || !$select.distinct_on.is_empty();
        for order in &$select.order {
            if !distinct || $select.shared_order(order).is_none() {
                $v.expr(&order.expr);
            }
        }
    };
}

macro_rules! each_order {
    ($v:ident, $select:expr) => {
        for order in &mut $select.order {
            $v.expr(&mut order.expr);
        }
    };
}

macro_rules! untold {
    ($($any:tt)*) => {{}};
}

walks!(Visit<'a>, [&'a], [&], told, told_once, walk_command, walk_select, walk_expr, walk_output, walk_window, walk_change);
walks!(
    Rewrite,
    [&mut],
    [&mut],
    untold,
    each_order,
    rewrite_command,
    rewrite_select,
    rewrite_expr,
    rewrite_output,
    rewrite_window,
    rewrite_change
);
