//! Fields of composites: <https://www.postgresql.org/docs/current/rowtypes.html>.

use orm_core::backend::capabilities::NativeOperators;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps};
use orm_core::value::{CompositeField, FromFields, Scalar, Value};

use orm_core::ir;

/// What can be done with a column whose type has `#[derive(Composite)]`.
pub trait CompositeOps<C>: ExprOps
where
    C: FromFields + Scalar,
    Self::T: Value<Base = C>,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// The value of a field: `Shop::address.field(Address::street)`.
    fn field<T: Value>(
        self,
        field: CompositeField<C, T>,
    ) -> Expr<<Self::T as Value>::Lift<T>, Self::S, And<Self::N, (NativeOperators, ())>, Self::K> {
        Expr::new(ir::Expr::Raw(vec!["(", field.access()], vec![self.node()]))
    }
}

impl<E: ExprOps, C> CompositeOps<C> for E
where
    C: FromFields + Scalar,
    E::T: Value<Base = C>,
    E::N: Plus<(NativeOperators, ())>,
{
}
