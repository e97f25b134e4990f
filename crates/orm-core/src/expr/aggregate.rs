//! Aggregates of some of the rows.

use super::kind::{Aggregate, Row};
use super::scope::{Uni, Union};
use super::{Expr, ExprOps, Predicate};
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::ir;
use crate::value::Value;

/// How aggregates in the database's own language end, and how they do with a filter behind.
const ENDS: [(&str, &str); 5] = [
    (")", ") FILTER (WHERE "),
    (" ASC NULLS FIRST)", " ASC NULLS FIRST) FILTER (WHERE "),
    (" ASC NULLS LAST)", " ASC NULLS LAST) FILTER (WHERE "),
    (" DESC NULLS FIRST)", " DESC NULLS FIRST) FILTER (WHERE "),
    (" DESC NULLS LAST)", " DESC NULLS LAST) FILTER (WHERE "),
];

fn filtered(pieces: &[&'static str]) -> Option<&'static str> {
    let last = pieces.last()?;
    ENDS.iter().find(|(end, _)| end == last).map(|(_, filtered)| *filtered)
}

fn is_filtered(pieces: &[&'static str]) -> bool {
    let before = pieces.len().checked_sub(2).map(|place| pieces[place]);
    before.is_some_and(|before| ENDS.iter().any(|(_, filtered)| *filtered == before))
}

impl<T: Value, S, N: Needs> Expr<T, S, N, Aggregate> {
    /// Aggregates only the rows for which the condition is true: `Post::id.count().filter_where(Post::score.gt(3))`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let good = Post::id.count().filter_where(Post::score.gt(2));
    /// assert_eq!(Post::query().select((count_all(), good)).one(&db).await?, (3, 2));
    /// # Ok(()) }
    /// ```
    pub fn filter_where<C>(self, condition: C) -> Expr<T, Uni<S, C::S>, And<N, C::N>, Aggregate>
    where
        C: ExprOps<K = Row>,
        C::T: Predicate,
        S: Union<C::S>,
        N: Plus<C::N>,
    {
        let mut node = self.into_ir();
        match &mut node {
            ir::Expr::Aggregate { filter, .. } => {
                let earlier = filter.take().map(|filter| *filter);
                *filter = Some(Box::new(ir::Expr::and(earlier, condition.node())));
            }
            ir::Expr::Raw(pieces, args) if is_filtered(pieces) => {
                let earlier = args.pop();
                args.push(ir::Expr::and(earlier, condition.node()));
            }
            ir::Expr::Raw(pieces, args) if filtered(pieces).is_some() => {
                let filtered = filtered(pieces);
                pieces.pop();
                pieces.extend(filtered);
                pieces.push(")");
                args.push(condition.node());
            }
            _ => {
                let error = Error::new(ErrorKind::Usage, "only an aggregate itself takes `filter_where`")
                    .with_hint("call it before the aggregate becomes part of another expression");
                node = ir::Expr::invalid(error);
            }
        }
        Expr::new(node)
    }
}
