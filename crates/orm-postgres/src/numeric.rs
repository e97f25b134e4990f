//! The binary form of `numeric`: digits in base 10 000.
//!
//! Source: `src/backend/utils/adt/numeric.c` of PostgreSQL, `numeric_send` and `numeric_recv`.

use bytes::{BufMut, BytesMut};
use orm_core::value::{CellError, CellResult, Numeric};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;

pub fn write(number: Numeric, out: &mut BytesMut) {
    let Numeric { mantissa, scale } = number;
    // Whole groups of four digits on both sides of the point.
    let padding = (4 - scale % 4) % 4;
    let mut digits: Vec<u16> = Vec::with_capacity(12);
    let mut rest = mantissa.unsigned_abs();
    // The first group takes what is left of the fraction, padded with zeros.
    let first = 10_u128.pow(4 - padding);
    if padding > 0 && rest > 0 {
        digits.push((rest % first) as u16 * 10_u16.pow(padding));
        rest /= first;
    }
    while rest > 0 {
        digits.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    let fraction_groups = i32::try_from(scale.div_ceil(4)).unwrap_or(i32::MAX);
    let weight = digits.len() as i32 - fraction_groups - 1;
    digits.reverse();
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let weight = if digits.is_empty() { 0 } else { weight };
    out.put_u16(digits.len() as u16);
    out.put_i16(weight as i16);
    out.put_u16(if mantissa < 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(scale as u16);
    digits.into_iter().for_each(|digit| out.put_u16(digit));
}

fn word(bytes: &[u8], index: usize) -> CellResult<u16> {
    let slice =
        bytes.get(index * 2..index * 2 + 2).ok_or_else(|| CellError::invalid("a numeric is cut off"))?;
    Ok(u16::from_be_bytes([slice[0], slice[1]]))
}

pub fn read(bytes: &[u8]) -> CellResult<Numeric> {
    let word = |index: usize| word(bytes, index);
    let (count, weight, sign, scale) = (word(0)?, word(1)? as i16, word(2)?, u32::from(word(3)?));
    match sign {
        POSITIVE | NEGATIVE => {}
        NAN => return Err(CellError::invalid("it is NaN, which no decimal can hold")),
        _ => return Err(CellError::invalid("it is infinite, which no decimal can hold")),
    }
    // Zeros at the end, which a calculation leaves, have a scale and no digits: they may be what is too much.
    let shown = 4 * (i32::from(count) - 1 - i32::from(weight)).max(0) as u32;
    whole(bytes, count, weight, sign, scale)
        .or_else(|error| if shown < scale { whole(bytes, count, weight, sign, shown) } else { Err(error) })
}

/// The number with so many digits behind the point.
fn whole(bytes: &[u8], count: u16, weight: i16, sign: u16, scale: u32) -> CellResult<Numeric> {
    let too_large = || CellError::invalid("it has more digits than a decimal can hold");
    // The value is Σ digit·10000^(weight − i); wanted is that times 10^scale as a whole number.
    let mut mantissa: i128 = 0;
    for index in 0..usize::from(count) {
        let digit = i128::from(word(bytes, 4 + index)?);
        let power = 4 * (i32::from(weight) - index as i32) + scale as i32;
        let part = if power >= 0 {
            let factor = 10_i128.checked_pow(power as u32).ok_or_else(too_large)?;
            digit.checked_mul(factor).ok_or_else(too_large)?
        } else {
            // The last group may reach beyond the scale; what is cut off are its padding zeros.
            digit / 10_i128.checked_pow(power.unsigned_abs()).ok_or_else(too_large)?
        };
        mantissa = mantissa.checked_add(part).ok_or_else(too_large)?;
    }
    Ok(Numeric { mantissa: if sign == NEGATIVE { -mantissa } else { mantissa }, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        let mantissas = [0, 1, -1, 9_999, 10_000, 123_456_789, -79_228_162_514_264_337_593_543_950_335];
        for mantissa in mantissas {
            for scale in 0..=28 {
                let mut out = BytesMut::new();
                write(Numeric { mantissa, scale }, &mut out);
                let back = read(&out).unwrap();
                assert_eq!((back.mantissa, back.scale), (mantissa, scale));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let special = |sign: u16| [0, 0, 0, 0, (sign >> 8) as u8, sign as u8, 0, 0];
        assert!(read(&special(NAN)).is_err() && read(&special(0xD000)).is_err());
        let mut huge = vec![0, 1, 0, 30, 0, 0, 0, 0];
        huge.extend([0, 1]);
        assert!(read(&huge).is_err() && read(&huge[..6]).is_err());
    }
}
