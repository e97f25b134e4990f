//! Pages: by offset, and by keyset with a cursor.

use std::future::Future;

use super::cursor::Cursor;
use super::query::Query;
use crate::backend::Executor;
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BinaryOp, ColumnRef, Direction, Expr, Nulls, Order};
use crate::meta::ModelMeta;
use crate::model::Model;
use crate::value::{Datum, DbType};

/// One page of a result, by offset.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let page = User::query().order_by(User::name.asc()).page(&db, 2, 2).await?;
/// assert_eq!((page.items[0].name.as_str(), page.number, page.total), ("Cid", 2, 3));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// The number of this page, from 1.
    pub number: u64,
    /// Rows per page.
    pub size: u64,
    /// Rows in all pages.
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

/// One page of a result, by keyset.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let page = User::query().order_by(User::name.asc()).keyset(2).page(&db).await?;
/// assert_eq!(page.items.len(), 2);
/// assert!(page.next.is_some());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct KeysetPage<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Where the next page starts, `None` on the last page.
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
pub struct Keyset<M: Model> {
    query: Query<M>,
    size: u64,
    after: Option<Cursor>,
}

impl<M: Model> Query<M> {
    /// The page `number` (from 1) of `size` rows, with the number of rows in all pages. Two statements.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let page = User::query().order_by(User::name.asc()).page(&db, 1, 2).await?;
    /// assert_eq!((page.items.len(), page.total, page.pages()), (2, 3, 2));
    /// # Ok(()) }
    /// ```
    pub fn page<E: Executor + ?Sized>(
        self,
        db: &E,
        number: u64,
        size: u64,
    ) -> impl Future<Output = Result<Page<M>>> + Send {
        let number = number.max(1);
        let count = self.clone().count(db);
        let items = self.limit(size).offset((number - 1).saturating_mul(size)).all(db);
        async move { Ok(Page { total: count.await?, items: items.await?, number, size }) }
    }

    /// Reads in pages of `size` rows that stay right while rows come and go: each page starts after the last row of the one
    /// before. The order must consist of columns of the model; the primary key is added to make it total.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let page = User::query().order_by(User::age.desc()).keyset(1).page(&db).await?;
    /// assert_eq!(page.items[0].name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn keyset(self, size: u64) -> Keyset<M> {
        Keyset { query: self, size, after: None }
    }
}

impl<M: Model> Keyset<M> {
    /// Starts after a cursor; `None` starts at the beginning.
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
        self.after = cursor;
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
    /// [`ErrorKind::Usage`] if the order holds more than columns of the model, or the cursor belongs to another order.
    pub fn page<E: Executor + ?Sized>(self, db: &E) -> impl Future<Output = Result<KeysetPage<M>>> + Send {
        let size = self.size.max(1);
        let prepared = self.prepare(size);
        async move {
            let (query, columns, order) = prepared?;
            let mut items = query.all(db).await?;
            let more = items.len() as u64 > size;
            items.truncate(size as usize);
            let next = match items.last() {
                Some(last) if more => {
                    Some(Cursor { order, values: columns.iter().map(|column| last.datum(*column)).collect() })
                }
                _ => None,
            };
            Ok(KeysetPage { items, next })
        }
    }

    fn prepare(self, size: u64) -> Result<(Query<M>, Vec<u16>, u64)> {
        let mut query = self.query;
        let meta = M::meta();
        let from = query.select.from;
        let column = |index: u16| Expr::Column(ColumnRef { source: from, index });
        let mut columns = Vec::new();
        for order in &query.select.order {
            match &order.expr {
                Expr::Column(column) if column.source == from => columns.push(column.index),
                _ => {
                    return Err(Error::new(
                        ErrorKind::Usage,
                        "a keyset page can only be ordered by columns of the model",
                    )
                    .with_model(meta.name)
                    .with_hint("order by columns, or use `.page(..)`"));
                }
            }
        }
        for key in meta.primary_key {
            if !columns.contains(key) {
                columns.push(*key);
                let mut order = column(*key).order(Direction::Asc);
                order.ty = meta.column(*key).ty();
                query.select.order.push(order);
            }
        }
        let order = order_id(meta, &query.select.order, &columns);
        if let Some(cursor) = self.after {
            if cursor.order != order || cursor.values.len() != columns.len() {
                return Err(Error::new(ErrorKind::Usage, "the cursor belongs to another order")
                    .with_model(meta.name)
                    .with_hint("a cursor can only go on with the query that it came from"));
            }
            let typed = |(value, index): (Datum, &u16)| match (value, meta.column(*index).ty()) {
                (Datum::Bytes(bytes), DbType::Native(native)) => Datum::Native(native, bytes.into()),
                (value, _) => value,
            };
            let values: Vec<Datum> = cursor.values.into_iter().zip(&columns).map(typed).collect();
            let condition = after(meta, &query.select.order, &columns, &values, &column);
            query.select.and_filter(condition);
        }
        query.select.limit = Some(size.saturating_add(1));
        Ok((query, columns, order))
    }
}

/// A number for the model and the order of a query, the same in every process: what a cursor is checked against.
fn order_id(meta: &ModelMeta, orders: &[Order], columns: &[u16]) -> u64 {
    // FNV-1a: a fixed function, since cursors outlive the process.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(meta.table.as_bytes());
    for (order, column) in orders.iter().zip(columns) {
        add(&[0, order.direction as u8, order.nulls.map_or(2, |nulls| nulls as u8)]);
        add(meta.column(*column).name.as_bytes());
    }
    hash
}

/// `(a > x) OR (a = x AND b > y) OR …`, NULLs placed as the order places them.
fn after(
    meta: &ModelMeta,
    orders: &[Order],
    columns: &[u16],
    values: &[Datum],
    column: &dyn Fn(u16) -> Expr,
) -> Expr {
    let mut branches = Vec::new();
    for (position, order) in orders.iter().enumerate() {
        let mut parts = Vec::new();
        for earlier in 0..position {
            let ty = meta.column(columns[earlier]).ty();
            let value = Expr::Value(values[earlier].clone(), ty);
            parts.push(Expr::binary(BinaryOp::IsSame, column(columns[earlier]), value, ty));
        }
        if let Some(beyond) = beyond(meta, order, columns[position], &values[position], column) {
            parts.push(beyond);
            branches.push(Expr::All(parts));
        }
    }
    Expr::Any(branches)
}

/// What comes after a value in one key of the order; `None` if nothing does.
fn beyond(
    meta: &ModelMeta,
    order: &Order,
    index: u16,
    value: &Datum,
    column: &dyn Fn(u16) -> Expr,
) -> Option<Expr> {
    let meta_column = meta.column(index);
    let ty: DbType = meta_column.ty();
    let nulls_last = match order.nulls {
        Some(nulls) => nulls == Nulls::Last,
        None => order.direction == Direction::Desc,
    };
    if value.is_null() {
        return (!nulls_last).then(|| Expr::IsNull(Box::new(column(index)), true));
    }
    let op = match order.direction {
        Direction::Asc => BinaryOp::Gt,
        Direction::Desc => BinaryOp::Lt,
    };
    let further = Expr::binary(op, column(index), Expr::Value(value.clone(), ty), ty);
    if meta_column.nullable && nulls_last {
        return Some(Expr::Any(vec![further, Expr::IsNull(Box::new(column(index)), false)]));
    }
    Some(further)
}
