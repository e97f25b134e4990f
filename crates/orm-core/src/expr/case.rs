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
/// ```ignore
/// let size = case().when(Track::milliseconds.gt(600_000), "long").otherwise("short");
/// ```
pub fn case() -> CaseStart {
    CaseStart(())
}

/// A CASE without a branch yet: made by [`case`].
#[derive(Debug)]
#[must_use = "add a branch: `.when(condition, value)`"]
pub struct CaseStart(());

/// A CASE in the making. Without [`otherwise`](Case::otherwise) it is NULL where no condition is true.
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
    pub fn end(self) -> Expr<Option<B>, S, N, K> {
        Expr::new(ir::Expr::Case(self.arms, None))
    }
}
