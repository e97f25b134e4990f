//! `rust_decimal::Decimal`.

use rust_decimal::Decimal;

use super::{Cell, CellError, CellResult, Datum, DbType, Number, Numeric, Scalar};

impl Scalar for Decimal {
    const TYPE: DbType = DbType::Decimal;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Decimal(Numeric { mantissa: self.mantissa(), scale: self.scale() })
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let Numeric { mantissa, scale } = cell.decimal()?;
        Decimal::try_from_i128_with_scale(mantissa, scale)
            .map_err(|_| CellError::invalid("the number has more digits than a Decimal holds"))
    }
}

impl Number for Decimal {
    type Sum = Decimal;
    type Avg = Decimal;
}
