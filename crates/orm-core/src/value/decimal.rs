//! `rust_decimal::Decimal`.

use rust_decimal::Decimal;

use super::{Cell, CellError, CellResult, ColumnType, Datum, Exact, Number, Numeric, Scalar};

impl Scalar for Decimal {
    const TYPE: ColumnType = ColumnType::Decimal;
    #[inline]
    fn encode(self) -> Datum {
        Datum::Decimal(Numeric { mantissa: self.mantissa(), scale: self.scale() })
    }
    #[inline]
    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let number = cell.decimal()?;
        let decimal = |Numeric { mantissa, scale }| Decimal::try_from_i128_with_scale(mantissa, scale);
        // Zeros at the end, as `numeric(40, 30)` has them, may be what is too much.
        decimal(number)
            .or_else(|_| decimal(number.normalized()))
            .map_err(|_| CellError::invalid("the number has more digits than a Decimal holds"))
    }
}

impl Number for Decimal {
    type Sum = Decimal;
    type Avg = Decimal;
}
impl Exact for Decimal {}
