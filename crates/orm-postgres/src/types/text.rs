//! Types whose values are text: `citext`, `ltree`, `xml`.

use std::fmt;
use std::ops::Deref;

use orm_core::value::{Cell, CellResult, ColumnType, Datum, Scalar, Textual};
use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, extension};

macro_rules! text {
    ($($name:ident),+) => {$(
        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl<T: Into<String>> From<T> for $name {
            fn from(text: T) -> Self {
                $name(text.into())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}
text!(Citext, Ltree, Xml);

/// `citext`: text whose comparisons on the server pass over the case of letters. Needs the extension `citext`.
///
/// In Rust, two are equal if their letters are, case included.
///
/// ```
/// use orm_postgres::types::Citext;
/// assert_eq!(Citext::from("Ada").len(), 3);
/// ```
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Citext(pub String);

/// `xml`: a document or a part of one. The server checks that it is well-formed; it has no equality for it.
///
/// ```
/// use orm_postgres::types::Xml;
/// assert_eq!(Xml::from("<a/>").0, "<a/>");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Xml(pub String);

/// `ltree`: the labels on the way to a place in a tree, with points between. Needs the extension `ltree`.
///
/// ```
/// use orm_postgres::types::Ltree;
/// assert_eq!(Ltree::from("top.science.astronomy").labels().count(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Ltree(pub String);

impl Ltree {
    /// The labels from the root on.
    ///
    /// ```
    /// use orm_postgres::types::Ltree;
    /// let path = Ltree::from("top.science.astronomy");
    /// assert_eq!(path.labels().last(), Some("astronomy"));
    /// ```
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| !label.is_empty())
    }
}

const CITEXT: &NativeType = &extension("citext", "citext");
const XML: &NativeType = &builtin("xml");

macro_rules! sent_as_text {
    ($name:ident $ty:ident) => {
        #[diagnostic::do_not_recommend]
        impl Scalar for $name {
            const TYPE: ColumnType = ColumnType::Native($ty);
            fn encode(self) -> Datum {
                Datum::Text(self.0)
            }
            fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
                cell.text().map($name::from)
            }
        }
    };
}
sent_as_text!(Citext CITEXT);
sent_as_text!(Xml XML);
#[diagnostic::do_not_recommend]
impl Textual for Citext {}

impl PgValue for Ltree {
    const TYPE: NativeType = extension("ltree", "ltree");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        if self.0.contains('\0') {
            return Err("a label cannot hold U+0000".into());
        }
        wire::ltree_to_sql(&self.0, out);
        Ok(())
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        wire::ltree_from_sql(bytes).map(Ltree::from)
    }
}
crate::pg_value!(Ltree);
