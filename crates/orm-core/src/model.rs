//! What `#[derive(Model)]` makes of a struct.

use crate::backend::{Backend, BoxFuture, FromRow, Handle, Nullable, Row};
use crate::error::Result;
use crate::ir::Source;
use crate::meta::{ColumnMeta, ModelMeta};
use crate::relation::{Attach, IncludePlan, Siblings};
use crate::value::{Datum, Scalar, Value};
use crate::write::NewRow;

/// A struct whose values are rows of a table or documents of a collection. Implemented by `#[derive(Model)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// /// The names of the columns that hold something in a row.
/// fn given<M: orm::Model>(row: &M) -> Vec<&'static str> {
///     let columns = M::meta().columns.iter().zip(0..);
///     let given = columns.filter(|(_, index)| !row.datum(*index).is_null());
///     given.map(|(column, _)| column.name.as_str()).collect()
/// }
/// assert_eq!(given(&User::find(2).one(&db).await?), ["id", "email", "name", "active"]);
/// # Ok(()) }
/// ```
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
    /// The columns under the name `S`: of the model itself or of an [`alias!`](crate::alias!).
    type Columns<S: 'static>;
    /// The columns of the primary key.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::PRIMARY_KEY, [User::id.index()]);
    /// assert_eq!(PostTag::PRIMARY_KEY, [0, 1]);
    /// ```
    const PRIMARY_KEY: &'static [u16];

    /// The metadata.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::meta().table, "users");
    /// ```
    fn meta() -> &'static ModelMeta;

    /// The value of a column, encoded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::value::Datum;
    /// let bob = User::find(2).one(&db).await?;
    /// assert_eq!(bob.datum(User::name.index()), Datum::Text("Bob".to_owned()));
    /// assert_eq!(bob.datum(User::age.index()), Datum::Null);
    /// # Ok(()) }
    /// ```
    fn datum(&self, column: u16) -> Datum;

    /// A builder for a new row; `insert` exists once every required field is set.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let eve = User::create().email("eve@example.org").name("Eve").age(30).insert(&db).await?;
    /// assert_eq!((eve.id, eve.active), (4, true));
    /// # Ok(()) }
    /// ```
    fn create() -> Self::Create;

    /// A builder for changes to this row; only what is set is sent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?.update().age(37).save(&db).await?;
    /// assert_eq!((ada.name.as_str(), ada.age), ("Ada", Some(37)));
    /// # Ok(()) }
    /// ```
    fn update(&self) -> Self::Update;

    /// Fetches a relation for all rows; what comes back puts the children into their slots.
    #[doc(hidden)]
    fn fetch<'a, B: Backend>(
        rows: &'a [Self],
        plan: &'a IncludePlan,
        handle: &'a Handle<B>,
    ) -> BoxFuture<'a, Result<Attach<Self>>>;

    /// Loads relations of rows into their slots. Written out by the derive for each model, so that a function of the library never
    /// calls itself for the next model, and that for the one after it: the compiler stops at the 128th.
    #[doc(hidden)]
    fn attach<'a, B: Backend>(
        rows: &'a mut [Self],
        plans: &'a [IncludePlan],
        handle: &'a Handle<B>,
    ) -> BoxFuture<'a, Result<()>>;

    /// A new row of which nothing is given but what the program makes (`default_fn`).
    #[doc(hidden)]
    fn new_row() -> NewRow {
        NewRow::new(Self::meta())
    }

    /// Inserts the new children of these rows by a relation and puts them into the slots. Each list belongs to the row of that index.
    #[doc(hidden)]
    fn insert_children<'a, B: Backend>(
        parents: &'a mut [Self],
        relation: u16,
        children: Vec<(usize, Vec<NewRow>)>,
        handle: &'a Handle<B>,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (parents, relation, children, handle);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Inserts rows together with the children that they bring. Written out by the derive, as `attach` is.
    #[doc(hidden)]
    fn insert_level<B: Backend>(rows: Vec<NewRow>, handle: &Handle<B>) -> BoxFuture<'_, Result<Vec<Self>>>;

    /// Tells the row's relation slots which rows came from the same query.
    #[doc(hidden)]
    fn set_siblings(&mut self, siblings: &Siblings);
}

/// A primary key: a scalar or a tuple of scalars.
///
/// ```
/// use orm::model::ModelKey;
/// fn parts<K: ModelKey>(key: K) -> usize {
///     key.datums().len()
/// }
/// assert_eq!((parts(7_i64), parts((7_i64, "a".to_owned()))), (1, 2));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "a key is a column type that is not an `Option`, or a tuple of such"
)]
pub trait ModelKey: Clone + Send + Sync + 'static {
    /// The parts, encoded.
    ///
    /// ```
    /// use orm::model::ModelKey;
    /// use orm::value::Datum;
    /// assert_eq!((1_i64, 2_i64).datums(), [Datum::I64(1), Datum::I64(2)]);
    /// ```
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
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::model::Named;
/// fn called<A: Named>() -> (&'static str, &'static str) {
///     (A::source().model.name, A::source().alias)
/// }
/// orm::alias!(Author: User);
/// assert_eq!((called::<User>(), called::<Author>()), (("User", ""), ("User", "Author")));
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a model or an alias of one", label = "not a model")]
pub trait Named: 'static {
    /// The model.
    type Model;
    /// The source in the IR.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::model::Named;
    /// assert_eq!(User::source().model.table, "users");
    /// ```
    fn source() -> Source;
}

impl<M: Model> Named for M {
    type Model = M;
    fn source() -> Source {
        Source { model: M::meta(), alias: "" }
    }
}

/// `Self` has a `BelongsTo<Parent>` field. Emitted by the derive for it, required by `HasMany` and `HasOne` on the other side.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::model::Pair;
/// fn points_to<M: Pair<P>, P>() {}
/// points_to::<Post, User>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `BelongsTo<{Parent}>` field that pairs with this relation",
    label = "the other side of this relation is missing",
    note = "add `#[orm(foreign_key = …)] …: BelongsTo<{Parent}>` to `{Self}`; if it has several, name one here with `#[orm(pair = field)]`"
)]
pub trait Pair<Parent>: Model {
    /// The columns of `Self` that keep the key, and the columns of `Parent` that they refer to.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::model::Pair;
    /// assert_eq!(<Post as Pair<User>>::SIDES, Post::author.sides());
    /// ```
    const SIDES: (&'static [u16], &'static [u16]);
}

/// A foreign key of base type `Self` fits a key of type `K`.
///
/// ```
/// use orm::model::SameKey;
/// fn refers<F: SameKey<K>, K>() {}
/// refers::<i64, i64>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a foreign key of type `{Self}` cannot refer to a key of type `{K}`",
    label = "the types of the foreign key and of what it refers to differ"
)]
pub trait SameKey<K> {}
impl<K> SameKey<K> for K {}

/// The two sides of a pair, seen from the parent. Called by the derive.
#[doc(hidden)]
pub const fn swapped(sides: (&'static [u16], &'static [u16])) -> (&'static [u16], &'static [u16]) {
    (sides.1, sides.0)
}

/// A column of base type `Self` can name the variants of a polymorphic relation whose kinds are `K`.
///
/// ```
/// use orm::model::SameKind;
/// fn names_variants<F: SameKind<K>, K>() {}
/// names_variants::<String, String>();
/// ```
#[diagnostic::on_unimplemented(
    message = "the kind of a polymorphic relation is a column of type `{K}`, not `{Self}`",
    label = "expected `{K}`, which `#[derive(Morph)]` made"
)]
pub trait SameKind<K> {}
impl<K> SameKind<K> for K {}

/// Compile-time check of the columns of a polymorphic relation, called by the derive.
#[doc(hidden)]
pub const fn assert_morph<Kind: SameKind<EK>, EK, Key: SameKey<K>, K>() {}

/// A field with the keys of other rows, of type `K` each.
///
/// ```
/// use orm::model::KeyArray;
/// use orm::value::Array;
/// fn keeps_keys<F: KeyArray<K>, K>() {}
/// keeps_keys::<Array<i64>, i64>();
/// ```
#[diagnostic::on_unimplemented(
    message = "the keys of this relation are kept in an `Array<{K}>`, not in `{Self}`",
    label = "expected `Array<{K}>`"
)]
pub trait KeyArray<K> {}
impl<K> KeyArray<K> for crate::value::Array<K> {}

/// Compile-time check of an array of keys, called by the derive.
#[doc(hidden)]
pub const fn assert_keys<F: KeyArray<K>, K>() {}

/// Compile-time check of a foreign key, called by the derive.
#[doc(hidden)]
pub const fn assert_key<F: SameKey<K>, K>() {}

/// A struct whose fields are columns of the model that embeds it. Implemented by `#[derive(Embedded)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// #[derive(Debug, Clone, Embedded)]
/// pub struct Address { pub street: String, pub city: String }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Customer {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     #[orm(embed)]
///     pub address: Address,             // address_street, address_city
///     #[orm(embed(prefix = "bill_"))]
///     pub billing: Option<Address>,     // bill_street, bill_city, both nullable
/// }
/// # orm::schema!(Shops: Customer);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let db = Sqlite::memory().await?;
/// # Shops::create_all(&db).await?;
/// let address = Address { street: "Hafenbad 1".into(), city: "Ulm".into() };
/// Customer::create().address(address).insert(&db).await?;
/// let here = Customer::filter(Customer::address.city.eq("Ulm")).all(&db).await?;
/// assert_eq!(here.len(), 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded",
    label = "not an embedded struct",
    note = "add `#[derive(Embedded)]` to the struct, or store it as one column with `#[orm(json)]`"
)]
pub trait Embedded: Clone + Send + Sync + Sized + 'static {
    /// The columns under the name `S`.
    type Columns<S: 'static>;
    /// The columns where the whole struct is optional.
    type NullableColumns<S: 'static>;
    /// How many columns there are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// assert_eq!(Address::WIDTH, 2);
    /// ```
    const WIDTH: usize;
    /// Whether a column is never NULL, by which a present struct is told from an absent one.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// // A city is never NULL, so a missing address can be told from one that is there.
    /// assert!(Address::TELLING);
    /// ```
    const TELLING: bool;

    /// Appends the columns. `field` is the path of the embedded field, `prefix` what its columns' names begin with, `path` its
    /// place in a document.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// let mut columns = Vec::new();
    /// Address::columns(&mut columns, "billing", "bill_", "billing", true);
    /// assert_eq!((columns[1].field.as_str(), columns[1].name.as_str()), ("billing.city", "bill_city"));
    /// ```
    fn columns(out: &mut Vec<ColumnMeta>, field: &str, prefix: &str, path: &str, nullable: bool);
    /// The value of a column, counted from the first of the struct.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// use orm::value::Datum;
    /// let address = Address { street: "Hafenbad 1".into(), city: "Ulm".into() };
    /// assert_eq!(address.datum(1), Datum::Text("Ulm".into()));
    /// ```
    fn datum(&self, column: u16) -> Datum;
    /// Reads the struct from the columns that start at `index` of the model, the model's at `at` of the row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// use orm::backend::Row;
    /// /// Reads an address from the columns 3 and 4 of a model that starts the row.
    /// fn address<R: Row>(row: &R, meta: fn() -> &'static orm::meta::ModelMeta) -> Result<Address> {
    ///     Address::read(row, 0, 3, meta)
    /// }
    /// ```
    fn read<R: Row>(row: &R, at: usize, index: u16, meta: fn() -> &'static ModelMeta) -> Result<Self>;
    /// Whether all its columns are NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// use orm::backend::Row;
    /// fn homeless<R: Row>(row: &R) -> bool {
    ///     Address::is_absent(row, 3)
    /// }
    /// ```
    fn is_absent<R: Row>(row: &R, at: usize) -> bool;

    /// As [`read`](Embedded::read), `None` if all columns are NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Address { pub street: String, pub city: String }
    /// use orm::Embedded as _;
    /// use orm::backend::Row;
    /// fn address<R: Row>(row: &R, meta: fn() -> &'static orm::meta::ModelMeta) -> Result<Option<Address>> {
    ///     Address::read_opt(row, 0, 3, meta)
    /// }
    /// ```
    fn read_opt<R: Row>(
        row: &R,
        at: usize,
        index: u16,
        meta: fn() -> &'static ModelMeta,
    ) -> Result<Option<Self>> {
        if Self::is_absent(row, at + usize::from(index)) {
            return Ok(None);
        }
        Self::read(row, at, index, meta).map(Some)
    }
}

/// Compile-time check of an optional embedded struct, called by the derive.
#[doc(hidden)]
pub const fn assert_telling<E: Embedded>() {
    assert!(
        E::TELLING,
        "an optional embedded struct needs a field that is not an `Option`: otherwise an absent one and an empty one would look the same"
    );
}

/// Makes the columns of an optional embedded struct nullable, called by the derive.
#[doc(hidden)]
pub fn make_optional(columns: &mut [ColumnMeta], field: &str) {
    for column in columns.iter_mut().filter(|column| !column.nullable) {
        column.nullable = true;
        column.required_in = Some(field.to_owned());
    }
}

/// An embedded struct that a list can hold: emitted by `#[derive(Embedded)]`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Step { pub text: String, pub minutes: Option<i32> }
/// use orm::Element;
/// assert_eq!(Step::element().columns[1].name, "minutes");
/// ```
pub trait Element: Embedded + Named {
    /// Its columns, as those of a model without a table.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// use orm::Element;
    /// assert!(Step::element().columns[1].nullable);
    /// ```
    fn element() -> &'static ModelMeta;
}

/// The columns of an embedded struct on its own.
#[doc(hidden)]
pub fn element_meta<E: Embedded>(name: &'static str) -> ModelMeta {
    let mut columns = Vec::new();
    E::columns(&mut columns, "", "", "", false);
    for column in &mut columns {
        column.field = column.field.trim_start_matches('.').to_owned();
        let path = column.path.trim_start_matches('.').to_owned();
        column.path = if path.contains('.') { path } else { String::new() };
    }
    ModelMeta { name, columns, ..ModelMeta::default() }
}
