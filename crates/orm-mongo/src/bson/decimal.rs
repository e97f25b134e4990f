//! Decimal128, in the binary encoding of IEEE 754-2008: a sign, a biased exponent of 14 bits, a coefficient of 113.

use orm_core::value::Numeric;

const BIAS: i32 = 6176;
const MAX_COEFFICIENT: u128 = 10_u128.pow(34) - 1;

/// The bytes of a number; `None` if it has more than 34 digits.
pub fn to_decimal128(value: Numeric) -> Option<[u8; 16]> {
    let (mut coefficient, mut scale) = ({ value.mantissa }.unsigned_abs(), i32::try_from(value.scale).ok()?);
    while coefficient > MAX_COEFFICIENT {
        if coefficient % 10 != 0 {
            return None;
        }
        coefficient /= 10;
        scale -= 1;
    }
    let exponent = u128::try_from(BIAS - scale).ok().filter(|exponent| *exponent < 12_288)?;
    let sign = u128::from(value.mantissa < 0) << 127;
    Some((sign | exponent << 113 | coefficient).to_le_bytes())
}

/// The number of some bytes, without a change of its digits.
pub fn from_decimal128(bytes: [u8; 16]) -> Result<Numeric, &'static str> {
    let bits = u128::from_le_bytes(bytes);
    // Two set bits after the sign mark infinities, NaN and coefficients that are out of range and count as 0.
    if bits >> 125 & 0b11 == 0b11 {
        return match bits >> 122 & 0b11111 {
            0b11110 => Err("it is infinite"),
            0b11111 => Err("it is not a number"),
            _ => Ok(Numeric { mantissa: 0, scale: 0 }),
        };
    }
    let exponent = (bits >> 113 & 0x3FFF) as i32 - BIAS;
    let mut coefficient = bits & ((1 << 113) - 1);
    if coefficient > MAX_COEFFICIENT {
        coefficient = 0;
    }
    if coefficient == 0 {
        return Ok(Numeric { mantissa: 0, scale: exponent.min(0).unsigned_abs().min(28) });
    }
    let (mut mantissa, mut scale) = (coefficient as i128, -exponent);
    // More digits behind the point than 28 are kept only if they say something.
    while scale > 28 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10).ok_or("it has too many digits")?;
        scale += 1;
    }
    if bits >> 127 == 1 {
        mantissa = -mantissa;
    }
    Ok(Numeric { mantissa, scale: scale as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(mantissa: i128, scale: u32) -> Numeric {
        from_decimal128(to_decimal128(Numeric { mantissa, scale }).unwrap()).unwrap()
    }

    #[test]
    fn numbers_survive_with_their_zeros() {
        let limits = (1_i128 << 96) - 1;
        for (mantissa, scale) in [(0, 0), (0, 2), (1, 0), (-1, 28), (1000, 2), (limits, 0), (-limits, 28)] {
            assert_eq!(round_trip(mantissa, scale), Numeric { mantissa, scale });
        }
    }

    #[test]
    fn too_many_digits_are_refused() {
        assert_eq!(to_decimal128(Numeric { mantissa: i128::MAX, scale: 0 }), None);
        let zeros = Numeric { mantissa: 10_i128.pow(36), scale: 2 };
        assert_eq!(
            from_decimal128(to_decimal128(zeros).unwrap()),
            Ok(Numeric { mantissa: 10_i128.pow(34), scale: 0 })
        );
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        // https://github.com/mongodb/specifications/blob/master/source/bson-decimal128: 1 is 0x3040 in the upper half.
        let one = to_decimal128(Numeric { mantissa: 1, scale: 0 }).unwrap();
        assert_eq!((one[0], one[15], one[14]), (1, 0x30, 0x40));
        let infinite = (0b11110_u128 << 122).to_le_bytes();
        assert_eq!(from_decimal128(infinite), Err("it is infinite"));
    }
}
