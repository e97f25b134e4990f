//! Pages by keyset: forwards and backwards between places in an order.

use std::future::Future;

use super::cursor::{Cursor, Side};
use super::place::{Place, beyond, fingerprint, keys, reversed};
use super::projection::Projection;
use super::query::Query;
use crate::backend::{Decoder, Executor, Flow, FromRow, Needs, ProvidedBy, Row, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Only;
use crate::ir::Select;
use crate::meta::ModelMeta;
use crate::model::Model;
use crate::value::Datum;

/// One page of a result, by keyset.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let page = User::query().order_by(User::name.asc()).keyset(2).page(&db).await?;
/// assert_eq!(page.items.len(), 2);
/// assert!(page.next.is_some() && page.previous.is_none());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, serde::Serialize)]
pub struct KeysetPage<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// The place before the first row; `None` if the page is the first one.
    pub previous: Option<Cursor>,
    /// The place behind the last row; `None` if the page is the last one.
    pub next: Option<Cursor>,
}

/// A query read page by page in the order of columns of the model.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let mut names = Vec::new();
/// let mut cursor = None;
/// loop {
///     let page = User::query().order_by(User::name.asc()).keyset(2).after(cursor).page(&db).await?;
///     names.extend(page.items.into_iter().map(|user| user.name));
///     cursor = page.next;
///     if cursor.is_none() {
///         break;
///     }
/// }
/// assert_eq!(names, ["Ada", "Bob", "Cid"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `.page(&db)`"]
pub struct Keyset<M: Model, Out = M, N = ()> {
    query: Query<M, Only<M>, Out, N>,
    start: Start,
}

/// Which page is meant.
#[derive(Debug, Clone)]
struct Start {
    size: u64,
    after: Option<Cursor>,
    before: Option<Cursor>,
    from_end: bool,
}

impl<M: Model, Out: Projection<Model = M>, N: Needs> Query<M, Only<M>, Out, N> {
    /// Reads in pages of `size` rows that stay right while rows come and go: each page starts where the one before ended. The
    /// order must consist of columns of the model; the primary key is added to make it total. A limit and an offset of
    /// the query say which rows there are to be paged.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let page = User::query().order_by(User::age.desc()).keyset(1).page(&db).await?;
    /// assert_eq!(page.items[0].name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn keyset(self, size: u64) -> Keyset<M, Out, N> {
        Keyset { query: self, start: Start { size: size.max(1), after: None, before: None, from_end: false } }
    }
}

impl<M: Model, Out: Projection<Model = M>, N: Needs> Keyset<M, Out, N> {
    /// Goes on behind a cursor, to be given [`KeysetPage::next`]; `None` changes nothing.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = || User::query().order_by(User::name.asc());
    /// let first = query().keyset(2).page(&db).await?;
    /// let second = query().keyset(2).after(first.next).page(&db).await?;
    /// assert_eq!(second.items[0].name, "Cid");
    /// # Ok(()) }
    /// ```
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.start.after = cursor.or(self.start.after);
        self
    }

    /// Goes back from a cursor, to be given [`KeysetPage::previous`]; `None` changes nothing. The rows of the page are in the
    /// query's order all the same.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = || User::query().order_by(User::name.asc());
    /// let first = query().keyset(2).page(&db).await?;
    /// let second = query().keyset(2).after(first.next).page(&db).await?;
    /// let again = query().keyset(2).before(second.previous).page(&db).await?;
    /// assert_eq!(again.items, first.items);
    /// # Ok(()) }
    /// ```
    pub fn before(mut self, cursor: Option<Cursor>) -> Self {
        self.start.before = cursor.or(self.start.before);
        self
    }

    /// Starts at the end: the last `size` rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let last = User::query().order_by(User::name.asc()).keyset(2).from_end().page(&db).await?;
    /// assert_eq!((last.items[0].name.as_str(), last.items[1].name.as_str()), ("Bob", "Cid"));
    /// assert!(last.next.is_none() && last.previous.is_some());
    /// # Ok(()) }
    /// ```
    pub fn from_end(mut self) -> Self {
        self.start.from_end = true;
        self
    }

    /// The page.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let page = User::query().keyset(10).page(&db).await?;
    /// assert_eq!((page.items.len(), page.next), (3, None));
    /// let error = User::query().order_by(User::name.lower().asc()).keyset(10).page(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Usage);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the order holds more than columns of the model, if the cursor belongs to another query, or if the
    /// page is to begin at two places.
    #[track_caller]
    pub fn page<E>(self, db: &E) -> impl Future<Output = Result<KeysetPage<Out>>> + Send
    where
        E: Executor + ?Sized,
        N: ProvidedBy<E::Backend>,
    {
        let Keyset { mut query, start } = self;
        let plan = plan(&mut query.select, M::meta(), start, db.handle().nan_first());
        let (command, includes) = query.envelope();
        async move {
            let plan = plan?;
            let read = Read::<Out::Raw> {
                rows: Vec::new(),
                size: plan.size,
                places: plan.places,
                meta: M::meta(),
                first: None,
                last: None,
                more: false,
            };
            let (mut rows, ends) = run(db, command, read).await?;
            let (previous, next) = plan.way.around(rows.len() as u64, ends);
            if plan.way.back {
                rows.reverse();
            }
            let items = Out::finish::<E::Backend>(rows, &includes, db.handle()).await?;
            Ok(KeysetPage { items, previous, next })
        }
    }
}

/// How a page is read.
struct Plan {
    size: u64,
    /// Where the order's values are in a row.
    places: Vec<Place>,
    way: Way,
}

/// Where a page starts and in which direction it goes.
struct Way {
    query: u64,
    back: bool,
    from: Option<Cursor>,
    /// The rows of the query before the start, if it has a limit or an offset.
    seen: u64,
}

/// The order's values in the first and in the last row that was read, and whether there are more rows.
struct Ends {
    first: Option<Vec<Datum>>,
    last: Option<Vec<Datum>>,
    more: bool,
}

impl Way {
    /// The cursors before and behind a page of so many rows.
    fn around(&self, rows: u64, ends: Ends) -> (Option<Cursor>, Option<Cursor>) {
        let cursor = |side, seen, values| Cursor { query: self.query, side, seen, values };
        let (near, far) = if self.back { (Side::After, Side::Before) } else { (Side::Before, Side::After) };
        let seen = if self.back { self.seen.saturating_sub(rows) } else { self.seen.saturating_add(rows) };
        // No row there: the place is still the same.
        let start = self.from.as_ref().map(|from| match ends.first {
            Some(values) => cursor(near, self.seen, values),
            None => from.clone(),
        });
        let end = ends.last.filter(|_| ends.more).map(|values| cursor(far, seen, values));
        if self.back { (end, start) } else { (start, end) }
    }
}

fn plan(select: &mut Select, meta: &'static ModelMeta, start: Start, nan_first: bool) -> Result<Plan> {
    let refuse = |text: &'static str, hint: &'static str| {
        Err(Error::new(ErrorKind::Usage, text).with_model(meta.name).with_hint(hint))
    };
    if !select.distinct_on.is_empty() || select.sample.as_ref().is_some_and(|sample| sample.seed.is_none()) {
        return refuse("keyset pages need a query whose rows are the same each time", "use `.page(..)`");
    }
    let limited = select.limit.is_some() || select.offset.is_some();
    let (back, from) = match (start.after, start.before) {
        (Some(_), Some(_)) => return refuse("a page begins at one place", "call `after` or `before`"),
        (Some(_), None) if start.from_end => {
            return refuse("a page begins at one place", "drop `from_end`, or call `before`");
        }
        (Some(after), None) => (false, Some(after)),
        (None, Some(before)) => (true, Some(before)),
        (None, None) if start.from_end && limited => {
            return refuse("the end of a query with a limit is not known", "drop `limit` and `offset`");
        }
        (None, None) => (start.from_end, None),
    };
    let (keys, places) = keys(select, meta)?;
    let query = fingerprint(select, meta, &keys);
    let mut seen = 0;
    if back {
        reversed(&mut select.order);
    }
    if let Some(cursor) = &from {
        let values = cursor.values_for(query, meta, &keys)?;
        let inclusive = cursor.side == if back { Side::After } else { Side::Before };
        let condition = beyond(select, meta, &keys, &values, inclusive, nan_first);
        select.and_filter(condition);
        select.offset = None;
        seen = cursor.seen;
    }
    // One more, to know whether there is one; a limited query has only so many in this direction.
    let left = match select.limit {
        _ if back && limited => seen,
        Some(limit) => limit.saturating_sub(seen),
        None => u64::MAX,
    };
    select.limit = Some(start.size.saturating_add(1).min(left).min(i64::MAX as u64));
    Ok(Plan {
        size: start.size,
        places,
        way: Way { query, back, from, seen: if limited { seen } else { 0 } },
    })
}

/// Reads the rows of a page, and the places at its ends as the database has them.
struct Read<T> {
    rows: Vec<T>,
    size: u64,
    places: Vec<Place>,
    meta: &'static ModelMeta,
    first: Option<Vec<Datum>>,
    last: Option<Vec<Datum>>,
    more: bool,
}

impl<T: FromRow + Send + 'static> Decoder for Read<T> {
    type Out = (Vec<T>, Ends);

    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        if self.rows.len() as u64 == self.size {
            self.more = true;
            return Ok(Flow::Enough);
        }
        self.rows.push(T::from_row(row, 0)?);
        let values =
            || self.places.iter().map(|place| place.read(row, self.meta)).collect::<Result<Vec<_>>>();
        if self.rows.len() == 1 {
            self.first = Some(values()?);
        }
        if self.rows.len() as u64 == self.size {
            self.last = Some(values()?);
        }
        Ok(Flow::More)
    }

    fn reset(&mut self) {
        self.rows.clear();
        (self.first, self.last, self.more) = (None, None, false);
    }

    fn finish(self, _: u64) -> Result<Self::Out> {
        Ok((self.rows, Ends { first: self.first, last: self.last, more: self.more }))
    }
}
