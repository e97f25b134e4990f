//! `numeric` with all its digits: <https://www.postgresql.org/docs/current/datatype-numeric.html>.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use bytes::BufMut;
use orm_core::Error;
use orm_core::value::Number;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, serde_as_text, take, text_error, whole};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;

/// `numeric` as the server has it, digit by digit: a number of any length, `NaN`, or infinite (PostgreSQL 14 and later).
///
/// It does not compute: let the server do that, or use a `Decimal` where 28 digits are enough. Trailing zeros are kept, and
/// `1.10` equals `1.1`.
///
/// ```
/// use orm_postgres::types::Numeric;
/// let long: Numeric = "-12345678901234567890123456789012345678901234567890.10".parse().unwrap();
/// assert_eq!(long.to_string(), "-12345678901234567890123456789012345678901234567890.10");
/// assert_eq!("1.10".parse::<Numeric>().unwrap(), "1.1".parse::<Numeric>().unwrap());
/// assert!(Numeric::nan().is_nan() && "Infinity".parse::<Numeric>().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Numeric(String);

impl Numeric {
    /// Not a number. It equals itself, as on the server.
    ///
    /// ```
    /// use orm_postgres::types::Numeric;
    /// assert_eq!(Numeric::nan(), Numeric::nan());
    /// ```
    pub fn nan() -> Self {
        Numeric("NaN".into())
    }

    /// Whether it is not a number.
    ///
    /// ```
    /// use orm_postgres::types::Numeric;
    /// assert!(Numeric::nan().is_nan() && !Numeric::from(7).is_nan());
    /// ```
    pub fn is_nan(&self) -> bool {
        self.0 == "NaN"
    }

    /// Whether it is a number and not infinite.
    ///
    /// ```
    /// use orm_postgres::types::Numeric;
    /// let endless: Numeric = "-Infinity".parse()?;
    /// assert!(Numeric::from(7).is_finite() && !endless.is_finite() && !Numeric::nan().is_finite());
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn is_finite(&self) -> bool {
        self.0.ends_with(|c: char| c.is_ascii_digit())
    }

    /// The digits, with their sign and point.
    ///
    /// ```
    /// use orm_postgres::types::Numeric;
    /// let price: Numeric = "+01.50".parse()?;
    /// assert_eq!(price.as_str(), "1.50");
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn canonical(&self) -> &str {
        let text =
            if self.0.contains('.') { self.0.trim_end_matches('0').trim_end_matches('.') } else { &self.0 };
        if text == "-0" { "0" } else { text }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}
impl Eq for Numeric {}
impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl From<i64> for Numeric {
    fn from(value: i64) -> Self {
        Numeric(value.to_string())
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Numeric {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "nan" => return Ok(Self::nan()),
            "infinity" | "+infinity" | "inf" => return Ok(Numeric("Infinity".into())),
            "-infinity" | "-inf" => return Ok(Numeric("-Infinity".into())),
            _ => {}
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer.len() + fraction.len() == 0 || !all(integer) || !all(fraction) {
            return Err(text_error("a decimal number", text));
        }
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let point = if fraction.is_empty() { "" } else { "." };
        Ok(Numeric(format!("{sign}{integer}{point}{fraction}")))
    }
}

impl PgValue for Numeric {
    const TYPE: NativeType = builtin("numeric");

    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        let special = match self.0.as_str() {
            "NaN" => Some(NAN),
            "Infinity" => Some(INFINITY),
            "-Infinity" => Some(NEG_INFINITY),
            _ => None,
        };
        if let Some(sign) = special {
            [0, 0, sign, 0].into_iter().for_each(|word| out.put_u16(word));
            return Ok(());
        }
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.0.as_str()),
        };
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.len() > 16_383 || integer.len() > 131_072 {
            return Err("PostgreSQL keeps 131072 digits before the point and 16383 behind it".into());
        }
        // Groups of four digits, counted from the point to both sides.
        let padded = format!("{}{integer}{fraction}{}", zeros(integer.len()), zeros(fraction.len()));
        let groups = padded.as_bytes().chunks(4);
        let groups: Vec<u16> = groups
            .map(|group| group.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
            .collect();
        let leading = groups.iter().take_while(|group| **group == 0).count();
        let trailing = groups[leading..].iter().rev().take_while(|group| **group == 0).count();
        let kept = &groups[leading..groups.len() - trailing];
        let weight = integer.len().div_ceil(4) as i32 - 1 - leading as i32;
        out.put_u16(u16::try_from(kept.len())?);
        out.put_i16(if kept.is_empty() { 0 } else { i16::try_from(weight)? });
        out.put_u16(if negative && !kept.is_empty() { NEGATIVE } else { 0 });
        out.put_u16(fraction.len() as u16);
        kept.iter().for_each(|group| out.put_u16(*group));
        Ok(())
    }

    fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
        let mut word = || take(&mut bytes).map(u16::from_be_bytes);
        let (count, weight, sign, scale) =
            (word()?, i32::from(word()? as i16), word()?, usize::from(word()?));
        let groups = (0..count).map(|_| word()).collect::<Result<Vec<u16>, _>>()?;
        whole(bytes)?;
        let negative = match sign {
            0 => false,
            NEGATIVE => true,
            NAN => return Ok(Self::nan()),
            INFINITY => return Ok(Numeric("Infinity".into())),
            NEG_INFINITY => return Ok(Numeric("-Infinity".into())),
            _ => return Err("a numeric of an unknown kind".into()),
        };
        let group = |place: i32| -> u16 {
            // The place is counted from the point to the left: 0 holds the units.
            usize::try_from(weight - place).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0)
        };
        let integer: String = (0..=weight.max(0)).rev().map(|place| format!("{:04}", group(place))).collect();
        let mut fraction: String =
            (1..=scale.div_ceil(4) as i32).map(|place| format!("{:04}", group(-place))).collect();
        fraction.truncate(scale);
        let sign = if negative { "-" } else { "" };
        let point = if scale > 0 { "." } else { "" };
        Ok(format!("{sign}{integer}{point}{fraction}").parse()?)
    }
}

/// The zeros that make a number of digits whole groups.
fn zeros(digits: usize) -> &'static str {
    &"000"[..(4 - digits % 4) % 4]
}

/// Sums and means are exact.
#[diagnostic::do_not_recommend]
impl orm_core::value::Exact for Numeric {}
impl Number for Numeric {
    type Sum = Numeric;
    type Avg = Numeric;
}

crate::pg_value!(Numeric);
serde_as_text!(Numeric);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_their_binary_form() {
        let long = "7".repeat(1000) + "." + &"1".repeat(500);
        for text in [
            "0",
            "0.000",
            "1",
            "-1",
            "9999",
            "10000",
            "100000000",
            "0.0001",
            "0.00001",
            "-12345.6789012",
            "1.10",
            &long,
        ] {
            let number: Numeric = text.parse().unwrap();
            let mut out = BytesMut::new();
            number.write(&mut out).unwrap();
            assert_eq!(Numeric::read(&out).unwrap().to_string(), text);
        }
        for text in ["NaN", "Infinity", "-Infinity"] {
            let mut out = BytesMut::new();
            text.parse::<Numeric>().unwrap().write(&mut out).unwrap();
            assert_eq!(Numeric::read(&out).unwrap().to_string(), text);
        }
        for text in ["", ".", "-", "1e5", "1_0", "one", "--1"] {
            assert!(text.parse::<Numeric>().is_err(), "{text}");
        }
    }
}
