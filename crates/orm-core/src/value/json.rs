//! JSON documents: `serde_json::Value` and any serde type in [`Json`].

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Cell, CellError, CellResult, Datum, DbType, Scalar};
use crate::error::{Error, ErrorKind};

/// A serde type stored as a JSON document.
///
/// `#[orm(json)]` on a field does the same without the wrapper.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::value::{Datum, Json, Value};
/// let words = Json(vec!["a".to_owned(), "b".to_owned()]);
/// assert_eq!(words.len(), 2);
/// assert_eq!(words.encode(), Datum::Json(r#"["a","b"]"#.to_owned()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T> std::ops::Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Json(value)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Scalar for Json<T> {
    const TYPE: DbType = DbType::Json;
    fn encode(self) -> Datum {
        encode(&self.0)
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        decode(cell).map(Json)
    }
}

impl Scalar for serde_json::Value {
    const TYPE: DbType = DbType::Json;
    fn encode(self) -> Datum {
        encode(&self)
    }
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        decode(cell)
    }
}

impl super::JsonDocument for serde_json::Value {}
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> super::JsonDocument for Json<T> {}

fn encode(value: &impl Serialize) -> Datum {
    match serde_json::to_string(value) {
        Ok(text) => Datum::Json(text),
        Err(error) => Datum::invalid(
            Error::new(ErrorKind::Encode, "the value cannot be written as JSON").with_source(error),
        ),
    }
}

fn decode<'r, T: DeserializeOwned, C: Cell<'r>>(cell: C) -> CellResult<T> {
    let text = cell.json()?;
    serde_json::from_str(&text)
        .map_err(|error| CellError::invalid(format!("the JSON does not fit the type: {error}")))
}
