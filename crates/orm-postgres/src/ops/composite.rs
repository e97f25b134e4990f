//! Fields of composites: <https://www.postgresql.org/docs/current/rowtypes.html>.

use orm_core::backend::capabilities::NativeOperators;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps};
use orm_core::value::{CompositeField, FromFields, Scalar, Value};

use orm_core::ir;

/// What can be done with a column whose type has `#[derive(Composite)]`.
///
/// ```
/// # use orm_core::ir::IntoCommand;
/// # use orm_guide::prelude::*;
/// # use orm_sql::{PostgresDialect, compile};
/// # #[derive(Debug, Clone, PartialEq, Composite)] pub struct Address { pub street: String, pub zip: Option<i32> }
/// # #[derive(Debug, Clone, Model)] pub struct Shop { #[orm(primary_key)] pub id: i64, pub address: Address }
/// # fn text(query: impl IntoCommand) -> String {
/// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
/// # }
/// use orm_postgres::ops::CompositeOps;
/// let near = Shop::query().filter(Shop::address.field(Address::zip).between(89_000, 89_999));
/// assert!(text(near).ends_with(r#"WHERE (("address")."zip") BETWEEN $1::integer AND $2::integer"#));
/// ```
pub trait CompositeOps<C>: ExprOps
where
    C: FromFields + Scalar,
    Self::T: Value<Base = C>,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// The value of a field: `Shop::address.field(Address::street)`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, PartialEq, Composite)] pub struct Address { pub street: String, pub zip: Option<i32> }
    /// # #[derive(Debug, Clone, Model)] pub struct Shop { #[orm(primary_key)] pub id: i64, pub address: Address }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::CompositeOps;
    /// let streets = Shop::query().select(Shop::address.field(Address::street));
    /// assert_eq!(text(streets), r#"SELECT ("address")."street" FROM "shops""#);
    /// ```
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
