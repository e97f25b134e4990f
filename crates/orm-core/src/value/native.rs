//! Types that one database has and the others have not.

use std::marker::PhantomData;

use super::{Cell, CellResult, ColumnType};

/// A column type of one database: `inet`, a range, an enum or composite that the program declares.
///
/// A driver whose database is not [`database`](NativeType::database) refuses a model with such a column when its table is created.
///
/// ```
/// use orm_core::value::{ColumnType, NativeKind, NativeType};
/// static INET: NativeType = NativeType::builtin("postgresql", "inet");
/// assert_eq!(INET.kind, NativeKind::Builtin);
/// assert_eq!(ColumnType::Native(&INET).native(), Some(&INET));
/// assert_eq!(ColumnType::I64.native(), None);
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NativeType {
    /// The database, by the name of its backend: `postgresql`.
    pub database: &'static str,
    /// The name of the type in the database's catalogue.
    pub name: &'static str,
    /// Where the type comes from.
    pub kind: NativeKind,
}

/// Where a type of one database comes from.
///
/// ```
/// use orm_core::value::{NativeKind, NativeType};
/// static LTREE: NativeType = NativeType::extension("postgresql", "ltree", "ltree");
/// assert_eq!(LTREE.kind, NativeKind::Extension("ltree"));
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum NativeKind {
    /// It is part of the database.
    Builtin,
    /// As [`Builtin`](NativeKind::Builtin), and two values are equal exactly if their bytes are: it can be a key of relations.
    Exact,
    /// It is there once this extension is.
    Extension(&'static str),
    /// The program declares it: fields by name and type.
    Composite(&'static [(&'static str, ColumnType)]),
    /// The program declares it: another type and a condition on its `VALUE`.
    Domain {
        /// The type that is narrowed down.
        base: &'static ColumnType,
        /// The condition, as SQL.
        check: Option<&'static str>,
    },
}

impl NativeType {
    /// A type that is part of a database.
    ///
    /// ```
    /// use orm_core::value::NativeType;
    /// static INET: NativeType = NativeType::builtin("postgresql", "inet");
    /// assert_eq!((INET.database, INET.name), ("postgresql", "inet"));
    /// ```
    pub const fn builtin(database: &'static str, name: &'static str) -> Self {
        NativeType { database, name, kind: NativeKind::Builtin }
    }

    /// A type of an extension.
    ///
    /// ```
    /// use orm_core::value::{NativeKind, NativeType};
    /// static CITEXT: NativeType = NativeType::extension("postgresql", "citext", "citext");
    /// assert_eq!(CITEXT.kind, NativeKind::Extension("citext"));
    /// ```
    pub const fn extension(database: &'static str, name: &'static str, extension: &'static str) -> Self {
        NativeType { database, name, kind: NativeKind::Extension(extension) }
    }
}

impl ColumnType {
    /// The type of one database that this is, or is a list of.
    ///
    /// ```
    /// use orm_core::value::{ColumnType, NativeType};
    /// static INET: NativeType = NativeType::builtin("postgresql", "inet");
    /// static OF_INET: ColumnType = ColumnType::Native(&INET);
    /// assert_eq!(ColumnType::Array(&OF_INET).native(), Some(&INET));
    /// ```
    pub fn native(self) -> Option<&'static NativeType> {
        match self {
            ColumnType::Native(native) => Some(native),
            ColumnType::Array(element) => element.native(),
            _ => None,
        }
    }
}

/// A field of a composite, of type `T`: the constants that `#[derive(Composite)]` makes.
///
/// ```
/// use orm::value::CompositeField;
/// use orm::Composite;
/// #[derive(Debug, Clone, PartialEq, Composite)]
/// pub struct Address { pub street: String, pub zip: Option<String> }
/// let street: CompositeField<Address, String> = Address::street;
/// assert_eq!(street.access(), ").\"street\"");
/// ```
#[derive(Debug)]
pub struct CompositeField<C, T> {
    access: &'static str,
    marker: PhantomData<fn() -> (C, T)>,
}

impl<C, T> Clone for CompositeField<C, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C, T> Copy for CompositeField<C, T> {}

impl<C, T> CompositeField<C, T> {
    /// Called by the derive: `access` is what stands behind the composite, such as `)."street"`.
    ///
    /// ```
    /// use orm::value::CompositeField;
    /// struct Address;
    /// const ZIP: CompositeField<Address, String> = CompositeField::new(").\"zip\"");
    /// # let _ = ZIP;
    /// ```
    pub const fn new(access: &'static str) -> Self {
        CompositeField { access, marker: PhantomData }
    }

    /// What stands behind the composite in SQL.
    ///
    /// ```
    /// use orm::value::CompositeField;
    /// struct Address;
    /// const ZIP: CompositeField<Address, String> = CompositeField::new(").\"zip\"");
    /// assert_eq!(ZIP.access(), ").\"zip\"");
    /// ```
    pub const fn access(self) -> &'static str {
        self.access
    }
}

/// What is read from the fields of a composite: made by `#[derive(Composite)]`.
///
/// ```
/// use orm::Composite;
/// use orm::value::FromFields;
/// #[derive(Debug, Clone, PartialEq, Composite)]
/// pub struct Address { pub street: String, pub zip: Option<String> }
/// assert_eq!(<Address as FromFields>::FIELDS, 2);
/// ```
pub trait FromFields: Sized {
    /// How many fields there are.
    const FIELDS: usize;
    /// Their names in the database, in order.
    const NAMES: &'static [&'static str];
    /// Reads the fields, of which there are [`FIELDS`](FromFields::FIELDS), in order.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, FromFields};
    /// fn read<'r, T: FromFields, C: Cell<'r>>(fields: &[C]) -> CellResult<T> {
    ///     T::from_fields(fields)
    /// }
    /// ```
    fn from_fields<'r, C: Cell<'r>>(fields: &[C]) -> CellResult<Self>;
}
