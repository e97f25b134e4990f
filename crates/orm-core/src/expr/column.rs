//! Columns and expressions.

use std::fmt;
use std::marker::PhantomData;

use super::kind::Row;
use crate::ir::{self, ColumnRef};
use crate::model::{Named, SameKey};
use crate::value::Value;

/// A column of the model (or alias) `S`, of type `T`: the type of `User::name`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// /// A function that takes any column of text.
/// async fn all_of_column(column: Column<User, String>, db: &Sqlite) -> Result<Vec<String>> {
///     User::query().order_by(User::id.asc()).select(column).all(db).await
/// }
/// assert_eq!(all_of_column(User::name, &db).await?, ["Ada", "Bob", "Cid"]);
/// # Ok(()) }
/// ```
pub struct Column<S, T> {
    index: u16,
    marker: PhantomData<fn() -> (S, T)>,
}

impl<S, T> Clone for Column<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S, T> Copy for Column<S, T> {}

impl<S, T> Column<S, T> {
    /// Called by the derive: the column at `index` of the model's metadata.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// const NAME: Column<User, String> = Column::new(2);
    /// assert_eq!(NAME.index(), User::name.index());
    /// ```
    pub const fn new(index: u16) -> Self {
        Column { index, marker: PhantomData }
    }

    /// The index in [`ModelMeta::columns`](crate::meta::ModelMeta::columns).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::meta().column(User::name.index()).name, "name");
    /// ```
    pub const fn index(self) -> u16 {
        self.index
    }
}

impl<S, T: Value> Column<S, T> {
    /// Compile-time check of a foreign key of base type `F` that refers to this column, called by the derive.
    #[doc(hidden)]
    pub const fn referenced_by<F: SameKey<T::Base>>(self) -> u16 {
        self.index
    }
}

impl<S: Named, T> Column<S, T> {
    /// The node of the IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let node = User::name.column_ref();
    /// assert_eq!((node.source.model.table, node.index), ("users", 2));
    /// ```
    pub fn column_ref(self) -> ColumnRef {
        ColumnRef { source: S::source(), index: self.index }
    }
}

impl<S: Named, T> fmt::Debug for Column<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meta = S::source().model;
        write!(f, "{}::{}", meta.name, meta.column(self.index).field)
    }
}

/// The IR of a column.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::column_ir;
/// use orm::ir;
/// assert!(matches!(column_ir(User::name), ir::Expr::Column(_)));
/// ```
pub fn column_ir<S: Named, T>(column: Column<S, T>) -> ir::Expr {
    ir::Expr::Column(column.column_ref())
}

/// An expression with a value of type `T`, over the models `S`, that needs the capabilities `N`, of kind `K`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// fn grown_up() -> Expr<Option<bool>, User> {
///     User::age.ge(18)
/// }
/// assert_eq!(User::filter(grown_up()).count(&db).await?, 2);
/// # Ok(()) }
/// ```
pub struct Expr<T, S = (), N = (), K = Row> {
    ir: ir::Expr,
    marker: PhantomData<fn() -> (T, S, N, K)>,
}

impl<T, S, N, K> Expr<T, S, N, K> {
    /// Gives the IR a type. The caller vouches for it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::ir;
    /// // The caller vouches for it that the IR has a value of type `String` for each user.
    /// let name: Expr<String, User> = Expr::new(ir::Expr::Column(User::name.column_ref()));
    /// assert_eq!(User::filter(name.eq("Ada")).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn new(ir: ir::Expr) -> Self {
        Expr { ir: ir::bounded(ir), marker: PhantomData }
    }

    /// Both conditions. Lists of conditions grow by what was measured already: a loop of `&` does not measure it all again.
    pub(super) fn conjunction(left: ir::Expr, right: ir::Expr) -> Self {
        let part = |part| if matches!(part, ir::Expr::All(_)) { part } else { ir::bounded_part(part) };
        Expr { ir: ir::Expr::and(Some(part(left)), part(right)), marker: PhantomData }
    }

    /// One of the conditions.
    pub(super) fn disjunction(left: ir::Expr, right: ir::Expr) -> Self {
        let part = |part| if matches!(part, ir::Expr::Any(_)) { part } else { ir::bounded_part(part) };
        Expr { ir: ir::Expr::or(part(left), part(right)), marker: PhantomData }
    }

    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir;
    /// assert!(matches!(User::name.eq("Ada").into_ir(), ir::Expr::Binary(ir::BinaryOp::Eq, ..)));
    /// ```
    pub fn into_ir(self) -> ir::Expr {
        self.ir
    }
}

impl<T, S, N, K> Clone for Expr<T, S, N, K> {
    fn clone(&self) -> Self {
        Expr::new(self.ir.clone())
    }
}

impl<T, S, N, K> fmt::Debug for Expr<T, S, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ir.fmt(f)
    }
}
