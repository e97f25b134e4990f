//! Arrays of values.

use super::{Cell, CellResult, ColumnType, Datum, Scalar, Value};

/// A column that holds a list of values, or of `Option`s where elements may be NULL: `Array<i32>`, `Array<Option<String>>`.
///
/// An array on PostgreSQL and MongoDB, a JSON text on SQLite, which refuses bytes and infinite numbers in it. What every database
/// can ask of one and change in one is in [`ArrayExpr`](crate::expr::ArrayExpr).
///
/// ```
/// use orm_core::value::{Array, ColumnType, Scalar};
/// let sizes = Array::from([1_i64, 2, 3]);
/// assert_eq!(sizes.iter().sum::<i64>(), 6);
/// assert_eq!(<Array<i64> as Scalar>::TYPE, ColumnType::Array(&ColumnType::I64));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Array<T>(pub Vec<T>);

impl<T> Default for Array<T> {
    fn default() -> Self {
        Array(Vec::new())
    }
}

impl<T> std::ops::Deref for Array<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> From<Vec<T>> for Array<T> {
    fn from(values: Vec<T>) -> Self {
        Array(values)
    }
}

impl<T, const N: usize> From<[T; N]> for Array<T> {
    fn from(values: [T; N]) -> Self {
        Array(values.into())
    }
}

impl<T> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Array(values.into_iter().collect())
    }
}

impl<T: Value> Scalar for Array<T> {
    const TYPE: ColumnType = ColumnType::Array(&<T as Value>::TYPE);

    fn encode(self) -> Datum {
        Datum::Array(self.0.into_iter().map(Value::encode).collect())
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.array::<T>().map(Array)
    }
}

impl<T: serde::Serialize> serde::Serialize for Array<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Array<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Array)
    }
}
