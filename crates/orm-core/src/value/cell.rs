//! What a driver offers for one column of the current row.

use std::borrow::Cow;

use super::{Date, DateTime, FromFields, NativeType, Numeric, Time, Value};

/// The result of reading a cell.
pub type CellResult<T> = std::result::Result<T, CellError>;

/// Why a cell could not be read as the wanted type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellError {
    /// The cell is NULL and the type is not an `Option`.
    Null,
    /// The cell holds another kind of value.
    Type {
        /// What the cell holds, in the database's words.
        found: &'static str,
        /// What was wanted.
        wanted: &'static str,
    },
    /// The value is of the right kind and does not fit.
    Invalid(Cow<'static, str>),
}

impl CellError {
    /// The value is of the right kind and does not fit: `why` says it.
    pub fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        CellError::Invalid(why.into())
    }
}

/// One column of the current row, read in place. Each method answers for one group of [`DbType`](super::DbType)s
/// and refuses what it would have to guess. NULL is [`CellError::Null`] in every one of them.
pub trait Cell<'r>: Copy {
    /// Whether the cell is NULL.
    fn is_null(self) -> bool;
    /// A truth value.
    fn bool(self) -> CellResult<bool>;
    /// Any integer.
    fn i64(self) -> CellResult<i64>;
    /// A floating-point number.
    fn f64(self) -> CellResult<f64>;
    /// Text.
    fn text(self) -> CellResult<&'r str>;
    /// Bytes.
    fn bytes(self) -> CellResult<&'r [u8]>;
    /// A UUID in network byte order.
    fn uuid(self) -> CellResult<[u8; 16]>;
    /// An exact decimal.
    fn decimal(self) -> CellResult<Numeric>;
    /// A calendar date.
    fn date(self) -> CellResult<Date>;
    /// A time of day.
    fn time(self) -> CellResult<Time>;
    /// A date and time without zone.
    fn datetime(self) -> CellResult<DateTime>;
    /// An instant in UTC.
    fn timestamp(self) -> CellResult<DateTime>;
    /// A JSON document as text.
    fn json(self) -> CellResult<Cow<'r, str>>;
    /// A list; drivers of databases with array columns override it.
    fn array<T: Value>(self) -> CellResult<Vec<T>> {
        Err(CellError::invalid("this database has no arrays"))
    }
    /// The bytes of a type that only one database has, in the form in which that database sends them; its driver overrides it.
    fn native(self, ty: &'static NativeType) -> CellResult<&'r [u8]> {
        Err(CellError::invalid(format!("this database has no type `{}`", ty.name)))
    }
    /// A composite of fields; drivers of databases with such types override it.
    fn composite<F: FromFields>(self) -> CellResult<F> {
        Err(CellError::invalid("this database has no composite types"))
    }
    /// An enum stored by name; drivers with native enum types override it.
    fn enum_name(self) -> CellResult<&'r str> {
        self.text()
    }
}
