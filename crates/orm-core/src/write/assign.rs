//! Which value may be written into which column.

use crate::backend::Needs;
use crate::expr::kind::{Const, Row};
use crate::expr::{Column, InScope, Only, Operand};
use crate::ir;
use crate::value::{Scalar, Value};

/// A value of this type can be stored in a column of type `T`; for tuples, part by part.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::Fits;
/// fn fits<V: Fits<T>, T>() {}
/// fits::<i32, Option<i32>>();
/// fits::<(String, i32), (String, Option<i32>)>();
/// # let _ = db;
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` does not fit a column of type `{T}`",
    label = "expected `{T}`",
    note = "a value that may be NULL cannot be assigned to a column that is not nullable: use `.coalesce(..)` first"
)]
pub trait Fits<T> {}
impl<B: Scalar> Fits<B> for B {}
impl<B: Scalar> Fits<Option<B>> for B {}
impl<B: Scalar> Fits<Option<B>> for Option<B> {}

/// The expression has a value for each row.
///
/// ```
/// use orm::expr::kind::{Const, Row};
/// use orm::write::PerRowValue;
/// fn can_be_assigned<K: PerRowValue>() {}
/// can_be_assigned::<Row>();
/// can_be_assigned::<Const>();
/// ```
#[diagnostic::on_unimplemented(
    message = "an aggregate cannot be assigned to a column",
    label = "this is one value for many rows",
    note = "read the aggregate first, or use a relation's `.count()`"
)]
pub trait PerRowValue {}
impl PerRowValue for Row {}
impl PerRowValue for Const {}

/// What `.set(column, …)` takes for a column of type `T` of the model `M`: a value, an `Option`, a column or an expression.
/// `I` is inferred.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::Assign;
/// async fn set_ages<I>(age: impl Assign<User, Option<i32>, I, N = ()>, db: &Sqlite) -> Result<u64> {
///     User::query().update().set(User::age, age).all_rows().exec(db).await
/// }
/// assert_eq!(set_ages(36, &db).await?, 3);
/// assert_eq!(set_ages(User::age + 1, &db).await?, 3);
/// assert_eq!(set_ages(None, &db).await?, 3);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be assigned to a column of type `{T}`",
    label = "expected `{T}`, or a column or expression of it",
    note = "a value that may be NULL cannot be assigned to a column that is not nullable: use `.coalesce(..)` first",
    note = "only columns of `{M}` itself can be used, and no aggregates"
)]
pub trait Assign<M, T, I> {
    /// The capabilities it needs.
    type N: Needs;
    /// The IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::ir;
    /// use orm::write::Assign;
    /// let value = Assign::<User, Option<i32>, _>::value(User::age + 1);
    /// assert!(matches!(value, ir::Expr::Binary(ir::BinaryOp::Add, ..)));
    /// ```
    fn value(self) -> ir::Expr;
}

#[diagnostic::do_not_recommend]
impl<M, T, I, V> Assign<M, T, (I,)> for V
where
    T: Value,
    V: Operand<T::Base>,
    V::T: Fits<T>,
    V::S: InScope<Only<M>, I>,
    V::K: PerRowValue,
{
    type N = V::N;
    fn value(self) -> ir::Expr {
        self.ir()
    }
}

/// The index under which a plain `Option` can be assigned.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // `None` is of the type `Option<i32>`, so `I` is `Optional` here.
/// let changed = User::find_many([1]).update().set(User::age, None).exec(&db).await?;
/// assert_eq!(changed, 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Optional;

impl<M, T, B> Assign<M, T, Optional> for Option<B>
where
    B: Scalar,
    T: Value<Base = B>,
    Option<B>: Fits<T>,
{
    type N = ();
    fn value(self) -> ir::Expr {
        ir::Expr::Value(Value::encode(self), B::TYPE)
    }
}

/// A column of the model `M`, or a tuple of up to twelve.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let row = User::create().email("ada@example.org").name("Ada L.").age(37);
/// let ada = User::upsert(row).on(User::email).update((User::name, User::age)).returning(&db).await?;
/// assert_eq!((ada.name.as_str(), ada.age), ("Ada L.", Some(37)));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name columns of `{M}`",
    label = "expected a column such as `User::email`, or a tuple of columns of one model"
)]
pub trait Columns<M> {
    /// Their types.
    type Types;
    /// Their indexes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::write::Columns;
    /// assert_eq!((User::id, User::name).indexes(), [0, 2]);
    /// ```
    fn indexes(self) -> Vec<u16>;
}

impl<M, T> Columns<M> for Column<M, T> {
    type Types = T;
    fn indexes(self) -> Vec<u16> {
        vec![self.index()]
    }
}

macro_rules! tuples {
    ($($($name:ident $fits:ident $var:ident),+;)*) => {$(
        impl<M, $($name),+> Columns<M> for ($(Column<M, $name>,)+) {
            type Types = ($($name,)+);
            fn indexes(self) -> Vec<u16> {
                let ($($var,)+) = self;
                vec![$($var.index()),+]
            }
        }

        impl<$($name: Fits<$fits>, $fits),+> Fits<($($fits,)+)> for ($($name,)+) {}
    )*};
}
tuples! {
    A1 B1 a1;
    A1 B1 a1, A2 B2 a2;
    A1 B1 a1, A2 B2 a2, A3 B3 a3;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7, A8 B8 a8;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7, A8 B8 a8, A9 B9 a9;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7, A8 B8 a8, A9 B9 a9, A10 B10 a10;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7, A8 B8 a8, A9 B9 a9, A10 B10 a10, A11 B11 a11;
    A1 B1 a1, A2 B2 a2, A3 B3 a3, A4 B4 a4, A5 B5 a5, A6 B6 a6, A7 B7 a7, A8 B8 a8, A9 B9 a9, A10 B10 a10, A11 B11 a11, A12 B12 a12;
}
