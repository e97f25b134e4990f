//! Columns and expressions.

use std::fmt;
use std::marker::PhantomData;

use super::kind::Row;
use crate::ir::{self, ColumnRef};
use crate::model::{Named, SameKey};
use crate::value::Value;

/// A column of the model (or alias) `S`, of type `T`: the type of `User::name`.
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
    pub const fn new(index: u16) -> Self {
        Column { index, marker: PhantomData }
    }

    /// The index in [`ModelMeta::columns`](crate::meta::ModelMeta::columns).
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
pub fn column_ir<S: Named, T>(column: Column<S, T>) -> ir::Expr {
    ir::Expr::Column(column.column_ref())
}

/// An expression with a value of type `T`, over the models `S`, that needs the capabilities `N`, of kind `K`.
pub struct Expr<T, S = (), N = (), K = Row> {
    ir: ir::Expr,
    marker: PhantomData<fn() -> (T, S, N, K)>,
}

impl<T, S, N, K> Expr<T, S, N, K> {
    /// Gives the IR a type. The caller vouches for it.
    pub fn new(ir: ir::Expr) -> Self {
        Expr { ir, marker: PhantomData }
    }

    /// The IR.
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
