//! `ulid::Ulid`, stored as a UUID of the same 128 bits, so it sorts by time everywhere.

use super::{Cell, CellResult, ColumnType, Datum, Scalar};

impl Scalar for ulid::Ulid {
    const TYPE: ColumnType = ColumnType::Uuid;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Uuid(self.to_bytes())
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.uuid().map(ulid::Ulid::from_bytes)
    }
}
