//! `uuid::Uuid`.

use super::{Cell, CellResult, ColumnType, Datum, Scalar};

impl Scalar for uuid::Uuid {
    const TYPE: ColumnType = ColumnType::Uuid;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Uuid(self.into_bytes())
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.uuid().map(uuid::Uuid::from_bytes)
    }
}
