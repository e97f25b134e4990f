//! Grouped queries.

use super::query::Query;
use super::select::{ListNeeds, Selection, nest};
use crate::backend::{And, Needs, Plus};
use crate::expr::kind::{GroupKey, Grouped as GroupedKind};
use crate::expr::scope::InScope;
use crate::expr::{Column, Expr, ExprOps};
use crate::ir;
use crate::model::{Model, Named};
use crate::value::{ColumnType, Value};

/// One key of a grouping, or a tuple of them.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let keys = (Post::author_id, Post::score.gt(2));
/// let groups = Post::query().group_by(keys).select(|(author, good)| (author, good, count_all())).all(&db).await?;
/// assert_eq!(groups.len(), 2);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key of a grouping",
    label = "expected a column or expression, or a tuple of them"
)]
pub trait GroupKeys<Q, I> {
    /// What the closure of `select` gets: the same keys as expressions.
    type Keys;
    /// The capabilities they need.
    type N: Needs;
    /// Appends the IR and returns the keys.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::Only;
    /// use orm::query::GroupKeys;
    /// let mut ir = Vec::new();
    /// let _keys = GroupKeys::<Only<Post>, _>::keys((Post::author_id, Post::title.lower()), &mut ir);
    /// assert_eq!(ir.len(), 2);
    /// ```
    fn keys(self, out: &mut Vec<ir::Expr>) -> Self::Keys;
}

impl<Q, I, S: Named, T: Value> GroupKeys<Q, I> for Column<S, T>
where
    S: InScope<Q, I>,
{
    type Keys = Expr<T, S, (), GroupKey>;
    type N = ();
    fn keys(self, out: &mut Vec<ir::Expr>) -> Self::Keys {
        key(self.node(), T::TYPE, out)
    }
}

impl<Q, I, T: Value, S, N: Needs, K> GroupKeys<Q, I> for Expr<T, S, N, K>
where
    S: InScope<Q, I>,
{
    type Keys = Expr<T, S, (), GroupKey>;
    type N = N;
    fn keys(self, out: &mut Vec<ir::Expr>) -> Self::Keys {
        key(self.into_ir(), T::TYPE, out)
    }
}

/// Adds a key; elsewhere in the query it is named by its place.
fn key<T, S>(ir: ir::Expr, ty: ColumnType, out: &mut Vec<ir::Expr>) -> Expr<T, S, (), GroupKey> {
    out.push(ir);
    Expr::new(ir::Expr::Key((out.len() - 1) as u16, ty))
}

macro_rules! tuples {
    ($($($name:ident $index:ident $var:ident),+;)*) => {$(
        impl<Q, $($name, $index),+> GroupKeys<Q, ($($index,)+)> for ($($name,)+)
        where
            $($name: GroupKeys<Q, $index>,)+
            nest!(N; $($name)+): ListNeeds,
        {
            type Keys = ($($name::Keys,)+);
            type N = <nest!(N; $($name)+) as ListNeeds>::Out;
            fn keys(self, out: &mut Vec<ir::Expr>) -> Self::Keys {
                let ($($var,)+) = self;
                ($($var.keys(out),)+)
            }
        }
    )*};
}
tuples! {
    A I a;
    A I a, B J b;
    A I a, B J b, C K c;
    A I a, B J b, C K c, D L d;
    A I a, B J b, C K c, D L d, E O e;
    A I a, B J b, C K c, D L d, E O e, F P f;
}

/// A query with group keys that has not said yet what each group yields.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let grouped = Post::query().group_by(Post::author_id);
/// let counts = grouped.select(|author| (author, count_all())).all(&db).await?;
/// assert!(counts.contains(&(1, 2)));
/// # Ok(()) }
/// ```
#[must_use = "say what each group yields: `.select(|keys| …)`"]
pub struct Grouped<M, Q, G, N> {
    query: Query<M, Q, (), N>,
    keys: G,
}

impl<M, Q, G, N> std::fmt::Debug for Grouped<M, Q, G, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.query.fmt(f)
    }
}

impl<M: Model, Q, G, N: Needs> Grouped<M, Q, G, N> {
    pub(super) fn new(query: Query<M, Q, (), N>, keys: G) -> Self {
        Grouped { query, keys }
    }

    /// What each group yields: keys (the closure's argument) and aggregates.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let best = Post::query().group_by(Post::author_id).select(|author| (author, Post::score.max()));
    /// assert!(best.all(&db).await?.contains(&(1, Some(5))));
    /// # Ok(()) }
    /// ```
    pub fn select<L, I>(self, list: impl FnOnce(G) -> L) -> Query<M, Q, L::Out, And<N, L::N>>
    where
        L: Selection<Q, I>,
        L::K: GroupedKind,
        N: Plus<L::N>,
    {
        let mut exprs = Vec::new();
        list(self.keys).exprs(&mut exprs);
        let mut select = self.query.into_select();
        select.output = ir::Output::Exprs(exprs);
        select.name_keys();
        Query::from_parts(select, Vec::new())
    }
}
