//! What `#[derive(Model)]` makes of a struct.

use crate::backend::{Backend, BoxFuture, FromRow, Nullable};
use crate::error::Result;
use crate::ir::Source;
use crate::meta::ModelMeta;
use crate::relation::{Attach, IncludePlan, Siblings};
use crate::value::{Datum, Scalar, Value};

/// A struct whose values are rows of a table or documents of a collection. Implemented by `#[derive(Model)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not a model",
    note = "add `#[derive(Model)]` to the struct"
)]
pub trait Model: FromRow + Nullable + Send + Sync + 'static {
    /// The type of the primary key: of the field, or a tuple of the fields.
    type Key: ModelKey;
    /// The builder behind `Self::create()`.
    type Create;
    /// The builder behind `row.update()`.
    type Update;
    /// The columns of the primary key.
    const PRIMARY_KEY: &'static [u16];

    /// The metadata.
    fn meta() -> &'static ModelMeta;

    /// The value of a column, encoded.
    fn datum(&self, column: u16) -> Datum;

    /// A builder for a new row; `insert` exists once every required field is set.
    fn create() -> Self::Create;

    /// A builder for changes to this row; only what is set is sent.
    fn update(&self) -> Self::Update;

    /// Fetches a relation for all rows; what comes back puts the children into their slots.
    #[doc(hidden)]
    fn fetch<'a, B: Backend>(
        rows: &'a [Self],
        plan: &'a IncludePlan,
        session: &'a B::Session,
    ) -> BoxFuture<'a, Result<Attach<Self>>>;

    /// Tells the row's relation slots which rows came from the same query.
    #[doc(hidden)]
    fn set_siblings(&mut self, siblings: &Siblings);
}

/// A primary key: a scalar or a tuple of scalars.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "a key is a column type that is not an `Option`, or a tuple of such"
)]
pub trait ModelKey: Clone + Send + Sync + 'static {
    /// The parts, encoded.
    fn datums(self) -> Vec<Datum>;
}

impl<T: Scalar + Clone> ModelKey for T {
    fn datums(self) -> Vec<Datum> {
        vec![Value::encode(self)]
    }
}

macro_rules! key_tuples {
    ($($($name:ident $var:ident),+;)*) => {$(
        impl<$($name: Scalar + Clone),+> ModelKey for ($($name,)+) {
            fn datums(self) -> Vec<Datum> {
                let ($($var,)+) = self;
                vec![$(Value::encode($var)),+]
            }
        }
    )*};
}
key_tuples! {
    A a, B b;
    A a, B b, C c;
    A a, B b, C c, D d;
}

/// A model or an alias of one, as it stands in a FROM clause.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a model or an alias of one", label = "not a model")]
pub trait Named: 'static {
    /// The model.
    type Model: Model;
    /// The source in the IR.
    fn source() -> Source;
}

impl<M: Model> Named for M {
    type Model = M;
    fn source() -> Source {
        Source { model: M::meta(), alias: "" }
    }
}

/// `Self` has a `BelongsTo<Parent>` field. Emitted by the derive for it, required by `HasMany` and `HasOne` on the other side.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `BelongsTo<{Parent}>` field that pairs with this relation",
    label = "the other side of this relation is missing",
    note = "add `#[orm(foreign_key = …)] …: BelongsTo<{Parent}>` to `{Self}`; if it has several, name one here with `#[orm(pair = field)]`"
)]
pub trait Pair<Parent>: Model {
    /// The columns of `Self` that keep the key.
    const COLUMNS: &'static [u16];
    /// The columns of `Parent` that they refer to.
    const TARGET: &'static [u16];
}

/// A foreign key of base type `Self` fits a primary key of type `K`.
#[diagnostic::on_unimplemented(
    message = "a foreign key of type `{Self}` cannot refer to a primary key of type `{K}`",
    label = "the types of the foreign key and of the primary key differ"
)]
pub trait SameKey<K> {}
impl<K> SameKey<K> for K {}

/// Compile-time check of a foreign key, called by the derive.
#[doc(hidden)]
pub const fn assert_key<F: SameKey<K>, K>() {}
