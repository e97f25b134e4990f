//! `time with time zone`: <https://www.postgresql.org/docs/current/datatype-datetime.html>.

use std::fmt;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, take, whole};

/// `timetz`: a time of day and its distance from UTC.
///
/// ```
/// use orm_postgres::types::TimeTz;
/// let time = TimeTz { micros: 45_000_500_000, offset_secs: -3600 };
/// assert_eq!(time.to_string(), "12:30:00.500000-01:00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TimeTz {
    /// Microseconds since midnight, up to 86 400 000 000, which the server writes 24:00:00.
    pub micros: i64,
    /// Seconds east of UTC.
    pub offset_secs: i32,
}

impl fmt::Display for TimeTz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        let (sign, offset) =
            if self.offset_secs < 0 { ('-', -self.offset_secs) } else { ('+', self.offset_secs) };
        write!(f, "{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)?;
        if micros > 0 {
            write!(f, ".{micros:06}")?;
        }
        write!(f, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60)?;
        if offset % 60 > 0 { write!(f, ":{:02}", offset % 60) } else { Ok(()) }
    }
}

impl PgValue for TimeTz {
    const TYPE: NativeType = builtin("timetz");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        if !(0..=86_400_000_000).contains(&self.micros) || self.offset_secs.abs() >= 16 * 3600 {
            return Err("the time is beyond 24:00:00, or its zone 16 hours from UTC".into());
        }
        out.extend_from_slice(&self.micros.to_be_bytes());
        // The server counts seconds west of UTC.
        out.extend_from_slice(&(-self.offset_secs).to_be_bytes());
        Ok(())
    }
    fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
        let micros = i64::from_be_bytes(take(&mut bytes)?);
        let west = i32::from_be_bytes(take(&mut bytes)?);
        whole(bytes)?;
        Ok(TimeTz { micros, offset_secs: west.checked_neg().ok_or("the zone is out of range")? })
    }
}
crate::pg_value!(TimeTz);
