//! Rows of several queries put together: `union`, `union_all`, `intersect`, `except`.
//!
//! The result is read like a table. Whole models stay a query of their model, which can be filtered, ordered and included on;
//! other rows have columns without a model, which [`order_by_output`](Query::order_by_output) names by their place.

use super::projection::QueryOutput;
use super::query::Query;
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::expr::scope::Closed;
use crate::expr::{Expr, IntoOrder};
use crate::ir::{self, Combined, Output, SetOp};
use crate::model::Model;
use crate::value::{ColumnType, Scalar};

/// Rows that can be put together with others of their kind: of a model, of column types, or a projection.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::query::Combine;
/// fn rows<T: Combine>() {}
/// rows::<User>();
/// rows::<(String, Option<i32>)>();
/// ```
#[diagnostic::on_unimplemented(
    message = "rows of `{Self}` cannot be put together",
    label = "expected queries for a model, a column type, a projection or a tuple of column types"
)]
pub trait Combine: QueryOutput {
    /// The models that the result can be asked about.
    type Scope;
    /// The columns of the result, for its order.
    type Columns;
    /// The columns, the first of which is at the place `at`, which moves on.
    ///
    /// ```
    /// use orm::query::Combine;
    /// let mut at = 0;
    /// let _ = <(String, i64)>::output_columns(&mut at);
    /// assert_eq!(at, 2);
    /// ```
    fn output_columns(at: &mut u16) -> Self::Columns;
    /// What the result is read from, if it is a model.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::query::Combine;
    /// assert_eq!(User::combined_source().unwrap().model.name, "User");
    /// assert!(i64::combined_source().is_none());
    /// ```
    fn combined_source() -> Option<ir::Source> {
        None
    }
}

impl<T: Scalar + QueryOutput> Combine for T {
    type Scope = ();
    type Columns = Expr<T>;
    fn output_columns(at: &mut u16) -> Expr<T> {
        column(at, T::TYPE)
    }
}

impl<T: Scalar> Combine for Option<T>
where
    Option<T>: QueryOutput,
{
    type Scope = ();
    type Columns = Expr<Option<T>>;
    fn output_columns(at: &mut u16) -> Expr<Option<T>> {
        column(at, T::TYPE)
    }
}

fn column<T>(at: &mut u16, ty: ColumnType) -> Expr<T> {
    *at += 1;
    Expr::new(ir::Expr::Key(*at - 1, ty))
}

macro_rules! tuples {
    ($($($name:ident),+;)*) => {$(
        impl<$($name: Combine<Scope = ()>),+> Combine for ($($name,)+)
        where
            ($($name,)+): QueryOutput,
        {
            type Scope = ();
            type Columns = ($($name::Columns,)+);
            fn output_columns(at: &mut u16) -> Self::Columns {
                ($($name::output_columns(at),)+)
            }
        }
    )*};
}
tuples! {
    A;
    A, B;
    A, B, C;
    A, B, C, D;
    A, B, C, D, E;
    A, B, C, D, E, F;
    A, B, C, D, E, F, G;
    A, B, C, D, E, F, G, H;
    A, B, C, D, E, F, G, H, I;
    A, B, C, D, E, F, G, H, I, J;
    A, B, C, D, E, F, G, H, I, J, K;
    A, B, C, D, E, F, G, H, I, J, K, L;
}

impl<M: Model, Q: Closed, Out: Combine, N: Needs> Query<M, Q, Out, N> {
    /// The rows of both queries, equal ones once. As in SQL, NULL equals NULL here.
    ///
    /// MongoDB does this by `$unionWith`, which it refuses inside of transactions.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let names = User::query().select(User::name).union(Tag::query().select(Tag::name));
    /// assert_eq!(names.order_by_output(|name| name.asc()).first(&db).await?.as_deref(), Some("Ada"));
    ///
    /// // Rows of a model stay rows of the model.
    /// let known = User::filter(User::age.gt(30)).union(User::filter(User::active)).include(User::posts);
    /// assert_eq!(known.order_by(User::name.asc()).all(&db).await?[0].posts.get()?.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn union<M2, Q2, N2>(self, other: Query<M2, Q2, Out, N2>) -> Query<M, Out::Scope, Out, And<N, N2>>
    where
        Q2: Closed,
        N: Plus<N2>,
        N2: Needs,
    {
        self.combine(SetOp::Union, other)
    }

    /// The rows of both queries, one after the other.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ids = || User::query().select(User::id);
    /// assert_eq!(ids().union_all(ids()).count(&db).await?, 6);
    /// assert_eq!(ids().union(ids()).count(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn union_all<M2, Q2, N2>(self, other: Query<M2, Q2, Out, N2>) -> Query<M, Out::Scope, Out, And<N, N2>>
    where
        Q2: Closed,
        N: Plus<N2>,
        N2: Needs,
    {
        self.combine(SetOp::UnionAll, other)
    }

    /// The rows that both queries have, equal ones once.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let authors = User::query().select(User::id).intersect(Post::query().select(Post::author_id));
    /// assert_eq!(authors.order_by_output(|id| id.asc()).all(&db).await?, [1, 2]);
    /// # Ok(()) }
    /// ```
    pub fn intersect<M2, Q2, N2>(self, other: Query<M2, Q2, Out, N2>) -> Query<M, Out::Scope, Out, And<N, N2>>
    where
        Q2: Closed,
        N: Plus<N2>,
        N2: Needs,
    {
        self.combine(SetOp::Intersect, other)
    }

    /// The rows of this query that the other does not have, equal ones once.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let silent = User::query().select(User::id).except(Post::query().select(Post::author_id));
    /// assert_eq!(silent.all(&db).await?, [3]);
    /// # Ok(()) }
    /// ```
    pub fn except<M2, Q2, N2>(self, other: Query<M2, Q2, Out, N2>) -> Query<M, Out::Scope, Out, And<N, N2>>
    where
        Q2: Closed,
        N: Plus<N2>,
        N2: Needs,
    {
        self.combine(SetOp::Except, other)
    }

    fn combine<M2, Q2, S, N2, N3>(self, op: SetOp, other: Query<M2, Q2, Out, N2>) -> Query<M, S, Out, N3> {
        let mut includes = self.includes;
        includes.extend(other.includes);
        let added = part::<Out>(other.select);
        let mut select = self.select;
        let plain = select.is_plain();
        match &mut select.combined {
            // The same text may go on, unless it would be read as `a op (b INTERSECT c)`.
            Some(combined) if plain && combined.goes_on_with(op) => combined.rest.push((op, added)),
            _ => {
                let first = part::<Out>(select);
                let from = Out::combined_source();
                select = ir::Select::new(from.unwrap_or(first.from));
                let combined = Combined { first, rest: vec![(op, added)] };
                if from.is_none() {
                    select.output = Output::Columns(combined.width() as u16);
                }
                select.combined = Some(Box::new(combined));
            }
        }
        Query::from_parts(select, includes)
    }
}

/// A query as one of those that are put together.
fn part<Out: Combine>(select: ir::Select) -> ir::Select {
    let mut select = select.nested();
    if ir::is_too_deep(&select) {
        let output = std::mem::replace(&mut select.output, Output::One);
        let output = if matches!(output, Output::Exprs(_)) { Output::One } else { output };
        select = ir::Select { output, ..ir::Select::new(select.from) };
        select.and_filter(ir::Expr::invalid(ir::too_deep()));
    }
    let cut = select.limit.is_some() || select.offset.is_some();
    if !cut && select.per_parent.is_none() && select.distinct_on.is_empty() {
        // An order without a limit is lost in the whole.
        select.order.clear();
    }
    if Out::combined_source().is_some() && !matches!(select.output, Output::Model) {
        let error = Error::new(ErrorKind::Usage, "rows of a joined model cannot be put together")
            .with_model(select.from.model.name)
            .with_hint("begin the query with the model whose rows are wanted, or select columns");
        select.and_filter(ir::Expr::invalid(error));
    }
    select
}

impl<M: Model, Out: Combine<Scope = ()>, N: Needs> Query<M, (), Out, N> {
    /// Orders rows that were put together by their columns: one expression, or a tuple of them as they were selected.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let query = User::query().select((User::name, User::id)).union_all(Tag::query().select((Tag::name, Tag::id)));
    /// let rows = query.order_by_output(|(name, id)| (id.desc(), name.asc())).limit(1).all(&db).await?;
    /// assert_eq!(rows[0].1, 3);
    /// # Ok(()) }
    /// ```
    pub fn order_by_output<O, I, X>(
        mut self,
        order: impl FnOnce(Out::Columns) -> O,
    ) -> Query<M, (), Out, And<N, X>>
    where
        O: IntoOrder<(), I, X>,
        N: Plus<X>,
        X: Needs,
    {
        order(Out::output_columns(&mut 0)).orders(&mut self.select.order);
        self.retype()
    }
}
