//! Pages by number.

use std::future::Future;

use super::projection::QueryOutput;
use super::query::Query;
use crate::backend::{Collect, Executor, Needs, ProvidedBy, run};
use crate::error::Result;
use crate::expr::scope::Closed;
use crate::ir::{Expr, Output, Select};
use crate::model::Model;

/// One page of a result, by offset.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let page = User::query().order_by(User::name.asc()).page(&db, 2, 2).await?;
/// assert_eq!((page.items[0].name.as_str(), page.number, page.total), ("Cid", 2, 3));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// The number of this page, from 1.
    pub number: u64,
    /// Rows per page.
    pub size: u64,
    /// Rows in all pages: the query's rows, its own limit and offset kept.
    pub total: u64,
}

impl<T> Page<T> {
    /// How many pages there are.
    ///
    /// ```
    /// use orm::query::Page;
    /// let page = Page { items: vec!["a", "b"], number: 1, size: 2, total: 5 };
    /// assert_eq!(page.pages(), 3);
    /// ```
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.size.max(1))
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// The page `number` (from 1) of `size` rows, with the number of rows in all pages. A limit and an offset of the query
    /// say which rows there are to be paged.
    ///
    /// Rows and total come from one statement, so they agree. Where they cannot (groups, distinct values, combined rows
    /// without a model, and a page behind the last), there are two.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let page = User::query().order_by(User::name.asc()).page(&db, 1, 2).await?;
    /// assert_eq!((page.items.len(), page.total, page.pages()), (2, 3, 2));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn page<E>(self, db: &E, number: u64, size: u64) -> impl Future<Output = Result<Page<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
        Q: Closed,
        Out: QueryOutput,
    {
        let number = number.max(1);
        let before = (number - 1).saturating_mul(size);
        let mut query = self.clone();
        let counted = with_total(&mut query.select);
        cut(&mut query.select, before, size);
        let (command, includes) = query.envelope();
        // On the heap: two queries and their futures are much to move.
        Box::pin(async move {
            if !counted {
                let db = db.handle().together().await?;
                let rows = run(&db, command, Collect::<Out::Raw>::default());
                let (total, rows) = futures_util::future::join(self.count(&db), rows).await;
                let (total, items) = (total?, Out::finish::<E::Backend>(rows?, &includes, &db).await?);
                return Ok(Page { items, number, size, total });
            }
            let rows = run(db, command, Collect::<(Out::Raw, i64)>::default()).await?;
            let total = match rows.first() {
                Some((_, total)) => (*total).max(0) as u64,
                // Whatever came since, no row of this page was there.
                None => self.count(db).await?.min(before),
            };
            let rows = rows.into_iter().map(|(row, _)| row).collect();
            let items = Out::finish::<E::Backend>(rows, &includes, db.handle()).await?;
            Ok(Page { items, number, size, total })
        })
    }
}

/// Narrows a query down to `size` rows behind the first `before` that it has.
fn cut(select: &mut Select, before: u64, size: u64) {
    let left = select.limit.map_or(size, |limit| limit.saturating_sub(before).min(size));
    let offset = select.offset.unwrap_or(0).saturating_add(before);
    select.limit = Some(left);
    // No database counts further.
    select.offset = Some(offset.min(i64::MAX as u64));
}

/// Adds the number of all rows to each; `false` if the rows have no room for it.
fn with_total(select: &mut Select) -> bool {
    if select.is_aggregated()
        || select.having.is_some()
        || select.distinct
        || !select.distinct_on.is_empty()
        || select.sample.is_some()
    {
        return false;
    }
    let mut all = select.clone();
    all.lock = None;
    // The query around it asks for the same.
    all.requires.clear();
    if all.limit.is_none() && all.offset.is_none() {
        all.order.clear();
    }
    let output = std::mem::replace(&mut all.output, Output::One);
    let output = match output {
        Output::Model | Output::Exprs(_) => output,
        _ => return false,
    };
    all.output = Output::CountOf(Box::new(output.clone()));
    let total = Expr::Scalar(Box::new(all));
    select.output = match output {
        Output::Exprs(mut exprs) => {
            exprs.push(total);
            Output::Exprs(exprs)
        }
        _ => Output::ModelAnd(vec![total]),
    };
    true
}
