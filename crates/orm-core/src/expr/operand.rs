//! What may stand on the other side of an operator.

use super::kind::{Const, Row};
use super::scope::Closed;
use super::{Column, Expr, ExprOps};
use crate::backend::{FromRow, Needs};
use crate::ir;
use crate::model::Named;
use crate::query::Query;
use crate::value::{Datum, Scalar, Value};

/// A value, column or expression of base type `B`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::Operand;
/// fn text(_: impl Operand<String>) {}
/// text("a");
/// text(User::name);
/// text(User::name.lower());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be compared or combined with a value of type `{B}`",
    label = "expected `{B}`, or a column or expression of it",
    note = "for an `Option`, use `.eq_or_null(..)`, or `.is_null()`; for another number type, `.cast::<..>()`"
)]
pub trait Operand<B: Scalar> {
    /// Its type: `B` or an `Option` of it.
    type T: Value<Base = B>;
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
    /// use orm::expr::Operand;
    /// use orm::ir;
    /// use orm::value::{Datum, ColumnType};
    /// assert!(matches!(Operand::<i64>::ir(7), ir::Expr::Value(Datum::I64(7), ColumnType::I64)));
    /// assert!(matches!(Operand::<String>::ir(User::name), ir::Expr::Column(_)));
    /// ```
    fn ir(self) -> ir::Expr;
}

#[diagnostic::do_not_recommend]
impl<B: Scalar> Operand<B> for B {
    type T = B;
    type S = ();
    type N = ();
    type K = Const;
    #[inline]
    fn ir(self) -> ir::Expr {
        ir::Expr::Value(Scalar::encode(self), <B as Scalar>::TYPE)
    }
}

#[diagnostic::do_not_recommend]
impl<B: Scalar + Clone> Operand<B> for &B {
    type T = B;
    type S = ();
    type N = ();
    type K = Const;
    fn ir(self) -> ir::Expr {
        self.clone().ir()
    }
}

#[diagnostic::do_not_recommend]
impl Operand<String> for &str {
    type T = String;
    type S = ();
    type N = ();
    type K = Const;
    #[inline]
    fn ir(self) -> ir::Expr {
        self.to_owned().ir()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Named, T: Value> Operand<T::Base> for Column<S, T> {
    type T = T;
    type S = S;
    type N = ();
    type K = Row;
    #[inline]
    fn ir(self) -> ir::Expr {
        self.node()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Value, S, N: Needs, K> Operand<T::Base> for Expr<T, S, N, K> {
    type T = T;
    type S = S;
    type N = N;
    type K = K;
    #[inline]
    fn ir(self) -> ir::Expr {
        self.into_ir()
    }
}

/// A plain value of type `B`, in the forms a user writes it.
///
/// ```
/// use orm::expr::Literal;
/// fn text(_: impl Literal<String>) {}
/// text("a");
/// text("a".to_owned());
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a value of type `{B}`", label = "expected `{B}`")]
pub trait Literal<B: Scalar> {
    /// The value, encoded.
    ///
    /// ```
    /// use orm::expr::Literal;
    /// use orm::value::Datum;
    /// assert_eq!(Literal::<String>::datum("a"), Datum::Text("a".to_owned()));
    /// ```
    fn datum(self) -> Datum;
}
#[diagnostic::do_not_recommend]
impl<B: Scalar> Literal<B> for B {
    fn datum(self) -> Datum {
        Scalar::encode(self)
    }
}
#[diagnostic::do_not_recommend]
impl<B: Scalar + Clone> Literal<B> for &B {
    fn datum(self) -> Datum {
        Scalar::encode(self.clone())
    }
}
#[diagnostic::do_not_recommend]
impl Literal<String> for &str {
    fn datum(self) -> Datum {
        Datum::Text(self.to_owned())
    }
}

/// What `in_` takes: a list of values or a query of one column, which needs `N` of the database.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::InOperand;
/// fn named(names: impl InOperand<String, ()>) -> Expr<bool, User> {
///     User::name.in_(names)
/// }
/// assert_eq!(User::filter(named(["Ada", "Bob"])).count(&db).await?, 2);
/// assert_eq!(User::filter(named(Tag::query().select(Tag::name))).count(&db).await?, 0);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of `{B}` values nor a query that selects one such column",
    label = "expected an array, slice or `Vec` of `{B}`, or a query"
)]
pub trait InOperand<B: Scalar, N> {
    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::InOperand;
    /// use orm::ir;
    /// let node = InOperand::<i64, _>::test([1_i64, 2], User::id.node(), false);
    /// assert!(matches!(node, ir::Expr::InList { negated: false, .. }));
    /// ```
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr;
}

fn in_list<B: Scalar>(expr: ir::Expr, list: Vec<Datum>, negated: bool) -> ir::Expr {
    ir::Expr::InList { expr: Box::new(expr), list, ty: <B as Scalar>::TYPE, negated }
}

#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Literal<B>> InOperand<B, ()> for Vec<V> {
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr {
        in_list::<B>(expr, self.into_iter().map(Literal::datum).collect(), negated)
    }
}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Literal<B>, const LEN: usize> InOperand<B, ()> for [V; LEN] {
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr {
        in_list::<B>(expr, self.into_iter().map(Literal::datum).collect(), negated)
    }
}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Clone + Literal<B>> InOperand<B, ()> for &[V] {
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr {
        in_list::<B>(expr, self.iter().cloned().map(Literal::datum).collect(), negated)
    }
}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Clone + Literal<B>> InOperand<B, ()> for &Vec<V> {
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr {
        self.as_slice().test(expr, negated)
    }
}
#[diagnostic::do_not_recommend]
impl<M, Q: Closed, Out: Value + FromRow, N> InOperand<Out::Base, N> for Query<M, Q, Out, N> {
    fn test(self, expr: ir::Expr, negated: bool) -> ir::Expr {
        ir::Expr::InSelect {
            expr: Box::new(expr),
            select: Box::new(self.into_select().nested()),
            negated,
            rows: false,
        }
    }
}

/// What `not_in` takes: a list, or a query whose values are never NULL.
#[diagnostic::on_unimplemented(
    message = "`not_in` takes a list of `{B}` values or a query whose values are never NULL",
    label = "with a NULL among them, `NOT IN` would be true for no row",
    note = "leave the NULLs out of the query: `.not_null()` behind `.select(column)`"
)]
pub trait NotInOperand<B: Scalar, N>: InOperand<B, N> {}

#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Literal<B>> NotInOperand<B, ()> for Vec<V> {}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Literal<B>, const LEN: usize> NotInOperand<B, ()> for [V; LEN] {}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Clone + Literal<B>> NotInOperand<B, ()> for &[V] {}
#[diagnostic::do_not_recommend]
impl<B: Scalar, V: Clone + Literal<B>> NotInOperand<B, ()> for &Vec<V> {}
#[diagnostic::do_not_recommend]
impl<M, Q: Closed, B: Scalar + FromRow, N> NotInOperand<B, N> for Query<M, Q, B, N> where
    Query<M, Q, B, N>: InOperand<B, N>
{
}
