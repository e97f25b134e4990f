//! CASE.

use std::marker::PhantomData;

use super::kind::{Const, Mix, Row};
use super::scope::{Uni, Union};
use super::{Column, Expr, ExprOps, Operand, Predicate};
use crate::backend::{And, Needs, Plus};
use crate::ir;
use crate::model::Named;
use crate::value::{Scalar, Value};

/// `CASE WHEN … THEN … ELSE … END`: the value of the first condition that is true.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let size = case().when(Post::score.gt(2), "big").otherwise("small");
/// let sizes = Post::query().order_by(Post::id.asc()).select(size).all(&db).await?;
/// assert_eq!(sizes[2].as_deref(), Some("small"));
/// # Ok(()) }
/// ```
pub fn case() -> CaseStart {
    CaseStart(())
}

/// A CASE without a branch yet: made by [`case`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let start = case();
/// let size = start.when(Post::score.ge(3), "big").otherwise("small");
/// assert_eq!(Post::find_many([2]).select(size).one(&db).await?, Some("big".to_owned()));
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "add a branch: `.when(condition, value)`"]
pub struct CaseStart(());

/// A CASE in the making. Without [`otherwise`](Case::otherwise) it is NULL where no condition is true.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let size = case().when(Post::score.ge(5), "big").when(Post::score.ge(3), "middle").end();
/// let sizes = Post::query().order_by(Post::id.asc()).select(size).all(&db).await?;
/// assert_eq!(sizes, [Some("middle".to_owned()), Some("big".to_owned()), None]);
/// # Ok(()) }
/// ```
pub struct Case<B, S, N, K> {
    arms: Vec<(ir::Expr, ir::Expr)>,
    marker: PhantomData<fn() -> (B, S, N, K)>,
}

impl<B, S, N, K> std::fmt::Debug for Case<B, S, N, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("arms", &self.arms).finish()
    }
}

impl CaseStart {
    /// The value where the condition is true. The first value decides the type of the others.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let grown = case().when(User::age.ge(21), true).otherwise(false);
    /// assert_eq!(User::find_many([3]).select(grown).one(&db).await?, Some(false));
    /// # Ok(()) }
    /// ```
    pub fn when<C, V>(
        self,
        condition: C,
        value: V,
    ) -> Case<V::B, Uni<C::S, V::S>, And<C::N, V::N>, <C::K as Mix<V::K>>::Out>
    where
        C: ExprOps,
        C::T: Predicate,
        V: CaseValue,
        C::S: Union<V::S>,
        C::N: Plus<V::N>,
        C::K: Mix<V::K>,
    {
        Case { arms: vec![(condition.node(), value.case_ir())], marker: PhantomData }
    }
}

/// A value, column or expression that decides the type of a [`case`].
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::CaseValue;
/// fn kind_of(_: impl CaseValue<B = String>) {}
/// kind_of("a text");
/// kind_of(User::name);
/// kind_of(User::name.lower());
/// ```
pub trait CaseValue {
    /// The type without its `Option`.
    type B: Scalar;
    /// The models it mentions.
    type S;
    /// The capabilities it needs.
    type N: Needs;
    /// Its kind.
    type K;
    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::CaseValue;
    /// use orm::ir;
    /// use orm::value::{Datum, ColumnType};
    /// assert!(matches!(7_i64.case_ir(), ir::Expr::Value(Datum::I64(7), ColumnType::I64)));
    /// ```
    fn case_ir(self) -> ir::Expr;
}
#[diagnostic::do_not_recommend]
impl<B: Scalar> CaseValue for B {
    type B = B;
    type S = ();
    type N = ();
    type K = Const;
    fn case_ir(self) -> ir::Expr {
        Operand::<B>::ir(self)
    }
}
#[diagnostic::do_not_recommend]
impl CaseValue for &str {
    type B = String;
    type S = ();
    type N = ();
    type K = Const;
    fn case_ir(self) -> ir::Expr {
        Operand::<String>::ir(self)
    }
}
#[diagnostic::do_not_recommend]
impl<S: Named, T: Value> CaseValue for Column<S, T> {
    type B = T::Base;
    type S = S;
    type N = ();
    type K = Row;
    fn case_ir(self) -> ir::Expr {
        self.node()
    }
}
#[diagnostic::do_not_recommend]
impl<T: Value, S, N: Needs, K> CaseValue for Expr<T, S, N, K> {
    type B = T::Base;
    type S = S;
    type N = N;
    type K = K;
    fn case_ir(self) -> ir::Expr {
        self.into_ir()
    }
}

impl<B: Scalar, S, N: Needs, K> Case<B, S, N, K> {
    /// The value where this condition is the first that is true.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rank = case().when(Post::score.ge(5), 1).when(Post::score.ge(3), 2).otherwise(3);
    /// let titles = Post::query().order_by(rank.asc()).select(Post::title).all(&db).await?;
    /// assert_eq!(titles, ["Notes", "Engines", "Hello"]);
    /// # Ok(()) }
    /// ```
    pub fn when<C, V>(
        mut self,
        condition: C,
        value: V,
    ) -> Case<B, Uni<Uni<S, C::S>, V::S>, And<And<N, C::N>, V::N>, <<K as Mix<C::K>>::Out as Mix<V::K>>::Out>
    where
        C: ExprOps,
        C::T: Predicate,
        V: Operand<B>,
        S: Union<C::S>,
        Uni<S, C::S>: Union<V::S>,
        N: Plus<C::N>,
        And<N, C::N>: Plus<V::N>,
        K: Mix<C::K>,
        <K as Mix<C::K>>::Out: Mix<V::K>,
    {
        self.arms.push((condition.node(), value.ir()));
        Case { arms: self.arms, marker: PhantomData }
    }

    /// The value where no condition is true. Nullable, since the branches may be.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let name = case().when(User::age.is_null(), "nobody knows").otherwise(User::name);
    /// assert_eq!(User::find_many([1]).select(name).one(&db).await?, Some("Ada".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn otherwise<V>(self, value: V) -> Expr<Option<B>, Uni<S, V::S>, And<N, V::N>, <K as Mix<V::K>>::Out>
    where
        V: Operand<B>,
        S: Union<V::S>,
        N: Plus<V::N>,
        K: Mix<V::K>,
    {
        Expr::new(ir::Expr::Case(self.arms, Some(Box::new(value.ir()))))
    }

    /// NULL where no condition is true.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let name = case().when(User::age.is_null(), "nobody knows").end();
    /// assert_eq!(User::find_many([1]).select(name).one(&db).await?, None);
    /// # Ok(()) }
    /// ```
    pub fn end(self) -> Expr<Option<B>, S, N, K> {
        Expr::new(ir::Expr::Case(self.arms, None))
    }
}
