//! Numbers that the server gives out itself: `oid`, `pg_lsn`.

use std::fmt;
use std::str::FromStr;

use orm_core::Error;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, serde_as_text, take, text_error, whole};

/// `oid`: the number of a thing in the catalogue.
///
/// ```
/// assert_eq!(orm_postgres::types::Oid(16).0, 16);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

/// `pg_lsn`: a place in the write-ahead log.
///
/// ```
/// use orm_postgres::types::PgLsn;
/// let place: PgLsn = "16/B374D848".parse().unwrap();
/// assert_eq!((place.0, place.to_string().as_str()), (0x16_B374_D848, "16/B374D848"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PgLsn(pub u64);

impl fmt::Display for PgLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for PgLsn {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let half = |text: &str| {
            let hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            u32::from_str_radix(text, 16).ok().filter(|_| hex).map(u64::from)
        };
        let whole = text.split_once('/').and_then(|(high, low)| Some(half(high)? << 32 | half(low)?));
        whole.map(PgLsn).ok_or_else(|| text_error("a place in the write-ahead log", text))
    }
}

macro_rules! number {
    ($name:ident $ty:literal $int:ty) => {
        impl PgValue for $name {
            const TYPE: NativeType = builtin($ty);
            fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
                out.extend_from_slice(&self.0.to_be_bytes());
                Ok(())
            }
            fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
                let number = <$int>::from_be_bytes(take(&mut bytes)?);
                whole(bytes)?;
                Ok($name(number))
            }
        }
    };
}
number!(Oid "oid" u32);
number!(PgLsn "pg_lsn" u64);
crate::pg_value!(Oid, PgLsn);
serde_as_text!(PgLsn);
