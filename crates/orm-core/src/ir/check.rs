//! What no database answers, or each in its own way: refused before anything is sent, with the same words everywhere.
//!
//! It follows from the shape alone, so a driver asks when it compiles a command, not each time it runs it.

use super::facts::{each, has_aggregate, same};
use super::visit::{Visit, walk_command, walk_select};
use super::{Command, Expr, Order, Output, Select};
use crate::error::{Error, ErrorKind, Result};

/// Refuses a command in which an order names what a group or a distinct row does not have, or the rows of an aggregate are limited.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, check};
/// let total = User::query().limit(2).select(count_all()).into_select();
/// assert_eq!(check(&Command::Select(Box::new(total))).unwrap_err().kind(), ErrorKind::Usage);
/// ```
///
/// # Errors
/// [`ErrorKind::Usage`].
pub fn check(command: &Command) -> Result<()> {
    let mut queries = Queries(Ok(()));
    walk_command(&mut queries, command);
    queries.0
}

struct Queries(Result<()>);

impl<'a> Visit<'a> for Queries {
    fn select(&mut self, select: &'a Select) {
        if self.0.is_ok() {
            self.0 = query(select).map_err(|error| error.with_model(select.from.model.name));
            walk_select(self, select);
        }
    }
}

fn query(select: &Select) -> Result<()> {
    if select.is_single_group() && (select.limit.is_some() || select.offset.is_some()) {
        return Err(usage("an aggregate of all rows is one row: a limit or an offset would not change the rows it reads")
            .with_hint("count limited rows with `.limit(..).count(&db)`; for other aggregates, filter by `id.in_(limited.select(id))`"));
    }
    if select.is_aggregated() {
        if select.order.iter().any(|order| reads_rows(&order.expr, &select.group_by)) {
            return Err(usage("groups are ordered by keys of the grouping and by aggregates")
                .with_hint("add the column to `group_by`, or order by an aggregate of it such as `.min()`"));
        }
        // What is distinct among groups is what is selected of them, as below.
    } else if select.order.iter().any(|order| has_aggregate(&order.expr)) {
        return Err(usage("rows that are not grouped cannot be ordered by an aggregate").with_hint(
            "group first: `.group_by(..)`, or order by a count over a relation such as `User::posts.count()`",
        ));
    }
    if select.distinct
        && select.combined.is_none()
        && !select.order.iter().all(|order| selects(select, order))
    {
        return Err(usage("distinct rows are ordered by what is selected")
            .with_hint("select the expression too, or group by what is selected and order by an aggregate"));
    }
    let leading = select.order.iter().take(select.distinct_on.len());
    if leading.into_iter().any(|order| !select.distinct_on.iter().any(|key| same(key, &order.expr))) {
        return Err(usage("the order of a query that is distinct on keys begins with these keys")
            .with_hint("put the keys of `distinct_on` first in `order_by`"));
    }
    Ok(())
}

/// Whether an expression after a grouping has another value for each row of a group.
fn reads_rows(expr: &Expr, keys: &[Expr]) -> bool {
    let mut found = false;
    each(expr, &mut |expr| {
        let known = matches!(expr, Expr::Aggregate { .. }) || keys.iter().any(|key| same(key, expr));
        found = found || (!known && matches!(expr, Expr::Column(_) | Expr::Relation(_)));
        !known && !found
    });
    found
}

/// Whether what rows are ordered by is among what they consist of.
fn selects(select: &Select, order: &Order) -> bool {
    let own = matches!(&order.expr, Expr::Column(column) if column.source == select.from);
    let output = match &select.output {
        Output::CountOf(output) => output,
        output => output,
    };
    match output {
        Output::Model => own,
        Output::ModelAnd(exprs) => own || exprs.iter().any(|expr| same(expr, &order.expr)),
        Output::Exprs(exprs) => exprs.iter().any(|expr| same(expr, &order.expr)),
        Output::One | Output::Columns(_) | Output::CountOf(_) => true,
    }
}

fn usage(message: &'static str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
