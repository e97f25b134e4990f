//! What a driver offers for one column of the current row.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::{Date, DateTime, FromFields, NativeType, Numeric, Time, Value};

/// The result of reading a cell.
///
/// ```
/// use orm::value::{Cell, CellError, CellResult};
/// fn percent<'r, C: Cell<'r>>(cell: C) -> CellResult<u8> {
///     let number = cell.i64()?;
///     u8::try_from(number).ok().filter(|number| *number <= 100).ok_or(CellError::invalid("not a percentage"))
/// }
/// ```
pub type CellResult<T> = std::result::Result<T, CellError>;

/// Why a cell could not be read as the wanted type.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // What a cell could not be read as becomes an error of kind `Decode`.
/// let error = sql::<i64>("SELECT 'one'").one(&db).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Decode);
/// let error = sql::<i64>("SELECT NULL").one(&db).await.unwrap_err();
/// assert!(error.message().contains("is NULL"));
/// # Ok(()) }
/// ```
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
    ///
    /// ```
    /// use orm::value::CellError;
    /// assert_eq!(CellError::invalid("not a percentage"), CellError::Invalid("not a percentage".into()));
    /// ```
    pub fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        CellError::Invalid(why.into())
    }
}

/// How one element of a list is read: for [`Cell::elements`].
///
/// ```
/// use orm::value::{Cell, CellResult, ReadElement};
/// struct Length;
/// impl ReadElement for Length {
///     type Out = usize;
///     fn read<'r, C: Cell<'r>>(&self, cell: C) -> CellResult<usize> {
///         Ok(cell.text()?.len())
///     }
/// }
/// fn lengths<'r, C: Cell<'r>>(cell: C) -> CellResult<Vec<usize>> {
///     cell.elements(&Length)
/// }
/// ```
pub trait ReadElement {
    /// What comes of it.
    type Out;
    /// Reads one element.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, ReadElement};
    /// fn first<'r, C: Cell<'r>, R: ReadElement>(cell: C, read: &R) -> CellResult<R::Out> {
    ///     read.read(cell)
    /// }
    /// ```
    fn read<'r, C: Cell<'r>>(&self, cell: C) -> CellResult<Self::Out>;
}

/// By the codec of a type.
struct Decode<T>(PhantomData<fn() -> T>);

impl<T: Value> ReadElement for Decode<T> {
    type Out = T;
    fn read<'r, C: Cell<'r>>(&self, cell: C) -> CellResult<T> {
        T::decode(cell)
    }
}

/// One column of the current row, read in place. Each method answers for one group of [`ColumnType`](super::ColumnType)s
/// and refuses what it would have to guess. NULL is [`CellError::Null`] in every one of them.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::{Cell, CellResult, Datum, ColumnType, Scalar};
///
/// #[derive(Debug, PartialEq)]
/// struct Celsius(f64);
/// impl Scalar for Celsius {
///     const TYPE: ColumnType = ColumnType::F64;
///     fn encode(self) -> Datum {
///         Datum::F64(self.0)
///     }
///     fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
///         cell.f64().map(Celsius)
///     }
/// }
/// assert_eq!(sql::<Celsius>("SELECT ?").bind(Celsius(21.5)).one(&db).await?, Celsius(21.5));
/// assert_eq!(sql::<Option<Celsius>>("SELECT NULL").one(&db).await?, None);
/// # Ok(()) }
/// ```
pub trait Cell<'r>: Copy {
    /// Whether the cell is NULL.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn length<'r, C: Cell<'r>>(cell: C) -> CellResult<usize> {
    ///     if cell.is_null() { Ok(0) } else { cell.text().map(str::len) }
    /// }
    /// ```
    fn is_null(self) -> bool;
    /// A truth value.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn yes_or_no<'r, C: Cell<'r>>(cell: C) -> CellResult<&'static str> {
    ///     Ok(if cell.bool()? { "yes" } else { "no" })
    /// }
    /// ```
    fn bool(self) -> CellResult<bool>;
    /// Any integer.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn cents<'r, C: Cell<'r>>(cell: C) -> CellResult<i64> {
    ///     cell.i64()
    /// }
    /// ```
    fn i64(self) -> CellResult<i64>;
    /// A floating-point number.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn kelvin<'r, C: Cell<'r>>(cell: C) -> CellResult<f64> {
    ///     Ok(cell.f64()? + 273.15)
    /// }
    /// ```
    fn f64(self) -> CellResult<f64>;
    /// Text.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn initial<'r, C: Cell<'r>>(cell: C) -> CellResult<Option<char>> {
    ///     Ok(cell.text()?.chars().next())
    /// }
    /// ```
    fn text(self) -> CellResult<&'r str>;
    /// Bytes.
    ///
    /// ```
    /// use orm::value::{Cell, CellError, CellResult};
    /// fn digest<'r, C: Cell<'r>>(cell: C) -> CellResult<[u8; 32]> {
    ///     cell.bytes()?.try_into().map_err(|_| CellError::invalid("a digest has 32 bytes"))
    /// }
    /// ```
    fn bytes(self) -> CellResult<&'r [u8]>;
    /// A UUID in network byte order.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn id<'r, C: Cell<'r>>(cell: C) -> CellResult<u128> {
    ///     cell.uuid().map(u128::from_be_bytes)
    /// }
    /// ```
    fn uuid(self) -> CellResult<[u8; 16]>;
    /// An exact decimal.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, Numeric};
    /// fn price<'r, C: Cell<'r>>(cell: C) -> CellResult<Numeric> {
    ///     cell.decimal().map(Numeric::normalized)
    /// }
    /// ```
    fn decimal(self) -> CellResult<Numeric>;
    /// A calendar date.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn year<'r, C: Cell<'r>>(cell: C) -> CellResult<i32> {
    ///     Ok(cell.date()?.civil().0)
    /// }
    /// ```
    fn date(self) -> CellResult<Date>;
    /// A time of day.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn hour<'r, C: Cell<'r>>(cell: C) -> CellResult<u32> {
    ///     Ok(cell.time()?.parts().0)
    /// }
    /// ```
    fn time(self) -> CellResult<Time>;
    /// A date and time without zone.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, Date};
    /// fn day<'r, C: Cell<'r>>(cell: C) -> CellResult<Option<Date>> {
    ///     Ok(cell.datetime()?.split().map(|(date, _)| date))
    /// }
    /// ```
    fn datetime(self) -> CellResult<DateTime>;
    /// An instant in UTC.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn unix_seconds<'r, C: Cell<'r>>(cell: C) -> CellResult<i64> {
    ///     Ok(cell.timestamp()?.secs)
    /// }
    /// ```
    fn timestamp(self) -> CellResult<DateTime>;
    /// A JSON document as text.
    ///
    /// ```
    /// use orm::value::{Cell, CellError, CellResult};
    /// fn document<'r, C: Cell<'r>>(cell: C) -> CellResult<serde_json::Value> {
    ///     serde_json::from_str(&cell.json()?).map_err(|error| CellError::invalid(error.to_string()))
    /// }
    /// ```
    fn json(self) -> CellResult<Cow<'r, str>>;
    /// A list of values of one type.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult};
    /// fn total<'r, C: Cell<'r>>(cell: C) -> CellResult<i64> {
    ///     Ok(cell.array::<i64>()?.iter().sum())
    /// }
    /// ```
    fn array<T: Value>(self) -> CellResult<Vec<T>> {
        self.elements(&Decode(PhantomData))
    }
    /// Each element of a list; drivers of databases with array columns override it, for the others it is JSON.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, ReadElement};
    /// struct IsNull;
    /// impl ReadElement for IsNull {
    ///     type Out = bool;
    ///     fn read<'r, C: Cell<'r>>(&self, cell: C) -> CellResult<bool> {
    ///         Ok(cell.is_null())
    ///     }
    /// }
    /// fn nulls<'r, C: Cell<'r>>(cell: C) -> CellResult<usize> {
    ///     Ok(cell.elements(&IsNull)?.into_iter().filter(|null| *null).count())
    /// }
    /// ```
    fn elements<R: ReadElement>(self, read: &R) -> CellResult<Vec<R::Out>> {
        #[cfg(feature = "json")]
        return super::list::array_from_json(&self.json()?, read);
        #[cfg(not(feature = "json"))]
        {
            let _ = read;
            Err(CellError::invalid("an array is JSON here, which needs the feature `json`"))
        }
    }
    /// A list of embedded structs; drivers of databases with documents override it.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::Element;
    /// use orm::value::{Cell, CellResult};
    /// fn read<'r, E: Element, C: Cell<'r>>(cell: C) -> CellResult<Vec<E>> {
    ///     cell.list::<E>()
    /// }
    /// ```
    #[cfg(feature = "json")]
    fn list<E: crate::model::Element>(self) -> CellResult<Vec<E>> {
        super::list::list_from_json(&self.json()?)
    }
    /// The bytes of a type that only one database has, in the form in which that database sends them; its driver overrides it.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, NativeType};
    /// static POINT: NativeType = NativeType::builtin("postgresql", "point");
    /// fn length<'r, C: Cell<'r>>(cell: C) -> CellResult<usize> {
    ///     Ok(cell.native(&POINT)?.len())
    /// }
    /// ```
    fn native(self, ty: &'static NativeType) -> CellResult<&'r [u8]> {
        Err(CellError::invalid(format!("this database has no type `{}`", ty.name)))
    }
    /// A composite of fields; drivers of databases with such types override it.
    ///
    /// ```
    /// use orm::value::{Cell, CellResult, FromFields};
    /// fn read<'r, T: FromFields, C: Cell<'r>>(cell: C) -> CellResult<T> {
    ///     cell.composite()
    /// }
    /// ```
    fn composite<F: FromFields>(self) -> CellResult<F> {
        Err(CellError::invalid("this database has no composite types"))
    }
    /// An enum stored by name; drivers with native enum types override it.
    ///
    /// ```
    /// use orm::value::{Cell, CellError, CellResult};
    /// fn is_draft<'r, C: Cell<'r>>(cell: C) -> CellResult<bool> {
    ///     match cell.enum_name()? {
    ///         "draft" => Ok(true),
    ///         "live" => Ok(false),
    ///         _ => Err(CellError::invalid("no such state")),
    ///     }
    /// }
    /// ```
    fn enum_name(self) -> CellResult<&'r str> {
        self.text()
    }
}
