//! `uuid::Uuid`.

use super::{Cell, CellResult, Datum, DbType, Scalar};

impl Scalar for uuid::Uuid {
    const TYPE: DbType = DbType::Uuid;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Uuid(self.into_bytes())
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        cell.uuid().map(uuid::Uuid::from_bytes)
    }
}
