//! MongoDB's own keys.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use orm_core::value::{Cell, CellError, CellResult, ColumnType, Datum, NativeKind, NativeType, Scalar};
use orm_core::{Error, ErrorKind};

static TYPE: NativeType = NativeType { database: "mongodb", name: "objectId", kind: NativeKind::Exact };

/// A key of 12 bytes that any program can make: seconds since 1970, a number of the process, a counter. Later ones are larger,
/// as far as the clocks of those who make them agree.
///
/// Only MongoDB stores it; as a key of a model: `#[orm(primary_key, default_fn = ObjectId::new)] id: ObjectId`.
///
/// ```
/// use orm_mongo::types::ObjectId;
/// let id: ObjectId = "65f1c0ffee0123456789abcd".parse()?;
/// assert_eq!(id.to_string(), "65f1c0ffee0123456789abcd");
/// assert_eq!(id.seconds(), 0x65f1_c0ff);
/// assert!(ObjectId::new() < ObjectId::new());
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 12]);

impl ObjectId {
    /// One that is not yet in use.
    ///
    /// ```
    /// use orm_mongo::types::ObjectId;
    /// assert_ne!(ObjectId::new(), ObjectId::new());
    /// ```
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // https://www.mongodb.com/docs/manual/reference/bson-types/#objectid
        static PROCESS: LazyLock<u64> = LazyLock::new(random);
        static COUNTER: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(random() as u32 & 0x7F_FFFF));
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as u32);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&PROCESS.to_be_bytes()[..5]);
        bytes[9..].copy_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes()[1..]);
        ObjectId(bytes)
    }

    /// When it was made: seconds since 1970.
    ///
    /// ```
    /// let id = orm_mongo::types::ObjectId([0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    /// assert_eq!(id.seconds(), 7);
    /// ```
    pub fn seconds(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

fn random() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id())
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorKind::Usage, "an ObjectId has 24 hexadecimal digits");
        if text.len() != 24 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 12];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(ObjectId(bytes))
    }
}

impl Scalar for ObjectId {
    const TYPE: ColumnType =
        ColumnType::Native(&NativeType { database: "mongodb", name: "objectId", kind: NativeKind::Exact });

    fn encode(self) -> Datum {
        Datum::Native(&TYPE, self.0.into())
    }

    fn decode<'r, C: Cell<'r>>(cell: C) -> CellResult<Self> {
        let bytes =
            cell.native(&TYPE)?.try_into().map_err(|_| CellError::invalid("an ObjectId has 12 bytes"))?;
        Ok(ObjectId(bytes))
    }
}
