//! A list of embedded structs on its way to the database.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::Datum;
use crate::error::Result;
use crate::meta::ModelFn;

/// What a list holds: the columns of its embedded struct.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Step { pub text: String, pub minutes: Option<i32> }
/// use orm::value::{ColumnType, List, Scalar};
/// let ColumnType::List(element) = <List<Step> as Scalar>::TYPE else { unreachable!() };
/// assert_eq!((element.0)().name, "Step");
/// ```
#[derive(Clone, Copy)]
pub struct ElementMeta(pub ModelFn);

impl PartialEq for ElementMeta {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq((self.0)(), (other.0)())
    }
}

impl Eq for ElementMeta {}

impl Hash for ElementMeta {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref((self.0)()).hash(state);
    }
}

impl fmt::Debug for ElementMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((self.0)().name)
    }
}

/// The elements of a list, row by row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Embedded)]
/// # pub struct Step { pub text: String, pub minutes: Option<i32> }
/// use orm::value::{Datum, List, Scalar};
/// let Datum::List(list) = Scalar::encode(List(vec![Step { text: "boil".into(), minutes: Some(5) }])) else { unreachable!() };
/// assert_eq!(list.to_json()?, r#"[{"minutes":5,"text":"boil"}]"#);
/// # Ok::<(), orm::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListDatum {
    /// What an element is.
    pub element: ElementMeta,
    /// The values of all elements, row-major.
    pub values: Vec<Datum>,
}

impl ListDatum {
    /// The list as JSON text, for databases without documents.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for values that have no exact form in JSON: bytes, infinite numbers.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Blob { pub bytes: Vec<u8> }
    /// use orm::value::{Datum, List, Scalar};
    /// let Datum::List(list) = Scalar::encode(List(vec![Blob { bytes: vec![1] }])) else { unreachable!() };
    /// assert_eq!(list.to_json().unwrap_err().kind(), ErrorKind::Unsupported);
    /// ```
    pub fn to_json(&self) -> Result<String> {
        #[cfg(feature = "json")]
        return super::list::list_to_json(&self.values, (self.element.0)());
        // No field has such a type without the feature.
        #[cfg(not(feature = "json"))]
        Err(crate::Error::new(crate::ErrorKind::Unsupported, "lists need the feature `json`"))
    }
}

/// The values of an array as JSON text, for databases that have no arrays.
///
/// # Errors
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a value that JSON has no form for: bytes, an infinite number.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::{Datum, array_to_json};
/// assert_eq!(array_to_json(&[Datum::I64(3), Datum::Null])?, "[3,null]");
/// assert_eq!(array_to_json(&[Datum::Bytes(vec![1])]).unwrap_err().kind(), ErrorKind::Unsupported);
/// # Ok::<(), orm::Error>(())
/// ```
pub fn array_to_json(values: &[Datum]) -> Result<String> {
    #[cfg(feature = "json")]
    return super::list::array_to_json(values);
    #[cfg(not(feature = "json"))]
    {
        let _ = values;
        Err(crate::Error::new(
            crate::ErrorKind::Unsupported,
            "an array is JSON here, which needs the feature `json`",
        ))
    }
}
