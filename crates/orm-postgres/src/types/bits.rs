//! Bit strings: <https://www.postgresql.org/docs/current/datatype-bit.html>.

use std::fmt;
use std::str::FromStr;

use orm_core::Error;
use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, serde_as_text, text_error};

/// `varbit`: any number of bits. It reads `bit(n)` as well.
///
/// ```
/// use orm_postgres::types::BitString;
/// let mut bits: BitString = "1010".parse().unwrap();
/// bits.push(true);
/// assert_eq!((bits.len(), bits.get(1), bits.to_string().as_str()), (5, Some(false), "10101"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BitString {
    len: usize,
    /// The first bit is the highest of the first byte; the bits behind the last are zero.
    bytes: Vec<u8>,
}

impl BitString {
    /// No bits.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// assert!(BitString::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bits there are.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// let bits: BitString = "0010".parse()?;
    /// assert_eq!(bits.len(), 4);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// let bits: BitString = "0".parse()?;
    /// assert!(!bits.is_empty() && BitString::new().is_empty());
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bit at a place, counted from 0 at the left.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// let bits: BitString = "10".parse()?;
    /// assert_eq!((bits.get(0), bits.get(1), bits.get(2)), (Some(true), Some(false), None));
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn get(&self, place: usize) -> Option<bool> {
        (place < self.len).then(|| self.bytes[place / 8] & (0x80 >> (place % 8)) != 0)
    }

    /// Adds a bit at the right.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// let mut bits = BitString::new();
    /// bits.push(true);
    /// bits.push(false);
    /// assert_eq!(bits.to_string(), "10");
    /// ```
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let (true, Some(last)) = (bit, self.bytes.last_mut()) {
            *last |= 0x80 >> (self.len % 8);
        }
        self.len += 1;
    }

    /// The bits from left to right.
    ///
    /// ```
    /// use orm_postgres::types::BitString;
    /// let bits: BitString = "1011".parse()?;
    /// assert_eq!(bits.iter().filter(|bit| *bit).count(), 3);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len).filter_map(|place| self.get(place))
    }
}

impl FromIterator<bool> for BitString {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut string = BitString::new();
        bits.into_iter().for_each(|bit| string.push(bit));
        string
    }
}

impl fmt::Display for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|bit| f.write_str(if bit { "1" } else { "0" }))
    }
}

impl FromStr for BitString {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let bit = |c: char| match c {
            '0' => Some(false),
            '1' => Some(true),
            _ => None,
        };
        text.chars().map(bit).collect::<Option<_>>().ok_or_else(|| text_error("a string of 0 and 1", text))
    }
}

impl PgValue for BitString {
    const TYPE: NativeType = builtin("varbit");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        wire::varbit_to_sql(self.len, self.bytes.iter().copied(), out)
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let bits = wire::varbit_from_sql(bytes)?;
        Ok(BitString { len: bits.len(), bytes: bits.bytes().to_vec() })
    }
}
crate::pg_value!(BitString);
serde_as_text!(BitString);
