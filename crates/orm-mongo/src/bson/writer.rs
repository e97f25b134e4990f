//! Appending elements to a document.

use super::tag;

/// The name of an element: a field, or a place in an array.
#[derive(Debug, Clone, Copy)]
pub enum Key<'k> {
    Name(&'k str),
    At(usize),
}

impl<'k> From<&'k str> for Key<'k> {
    fn from(name: &'k str) -> Self {
        Key::Name(name)
    }
}

impl<'k> From<&'k String> for Key<'k> {
    fn from(name: &'k String) -> Self {
        Key::Name(name)
    }
}

impl From<usize> for Key<'_> {
    fn from(place: usize) -> Self {
        Key::At(place)
    }
}

/// A document or an array that is not yet [`close`](Writer::close)d.
#[must_use]
pub struct Open(usize);

/// A document that grows at its end.
#[derive(Debug, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Writer::with_capacity(256)
    }
}

impl Writer {
    /// A document with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes);
        buffer.extend_from_slice(&[0; 4]);
        Writer { bytes: buffer }
    }

    /// Names may not hold a zero byte; the callers see to it (see `layout`).
    #[inline]
    fn key(&mut self, ty: u8, key: Key<'_>) {
        self.bytes.push(ty);
        match key {
            Key::Name(name) => self.bytes.extend_from_slice(name.as_bytes()),
            Key::At(place) => self.number(place),
        }
        self.bytes.push(0);
    }

    fn number(&mut self, mut number: usize) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(&digits[at..]);
    }

    /// Begins a document.
    pub fn open<'k>(&mut self, key: impl Into<Key<'k>>) -> Open {
        self.begin(tag::DOCUMENT, key.into())
    }

    /// Begins an array.
    pub fn open_array<'k>(&mut self, key: impl Into<Key<'k>>) -> Open {
        self.begin(tag::ARRAY, key.into())
    }

    fn begin(&mut self, ty: u8, key: Key<'_>) -> Open {
        self.key(ty, key);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        Open(at)
    }

    /// Ends what `open` began.
    pub fn close(&mut self, open: Open) {
        self.bytes.push(0);
        self.length(open.0);
    }

    fn length(&mut self, at: usize) {
        let length = (self.bytes.len() - at) as u32;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub fn str<'k>(&mut self, key: impl Into<Key<'k>>, value: &str) {
        self.key(tag::STRING, key.into());
        self.bytes.extend_from_slice(&(value.len() as u32 + 1).to_le_bytes());
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
    }

    pub fn i32<'k>(&mut self, key: impl Into<Key<'k>>, value: i32) {
        self.key(tag::INT32, key.into());
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn i64<'k>(&mut self, key: impl Into<Key<'k>>, value: i64) {
        self.key(tag::INT64, key.into());
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn f64<'k>(&mut self, key: impl Into<Key<'k>>, value: f64) {
        self.key(tag::DOUBLE, key.into());
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn bool<'k>(&mut self, key: impl Into<Key<'k>>, value: bool) {
        self.key(tag::BOOL, key.into());
        self.bytes.push(u8::from(value));
    }

    pub fn null<'k>(&mut self, key: impl Into<Key<'k>>) {
        self.key(tag::NULL, key.into());
    }

    /// Milliseconds since 1970.
    pub fn date<'k>(&mut self, key: impl Into<Key<'k>>, millis: i64) {
        self.key(tag::DATE, key.into());
        self.bytes.extend_from_slice(&millis.to_le_bytes());
    }

    pub fn binary<'k>(&mut self, key: impl Into<Key<'k>>, subtype: u8, value: &[u8]) {
        self.key(tag::BINARY, key.into());
        self.bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.bytes.push(subtype);
        self.bytes.extend_from_slice(value);
    }

    pub fn decimal<'k>(&mut self, key: impl Into<Key<'k>>, value: [u8; 16]) {
        self.key(tag::DECIMAL, key.into());
        self.bytes.extend_from_slice(&value);
    }

    /// An element as it stands in another document.
    pub fn raw<'k>(&mut self, key: impl Into<Key<'k>>, ty: u8, value: &[u8]) {
        self.key(ty, key.into());
        self.bytes.extend_from_slice(value);
    }

    /// A whole document.
    pub fn document<'k>(&mut self, key: impl Into<Key<'k>>, document: &[u8]) {
        self.raw(key, tag::DOCUMENT, document);
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == 4
    }

    /// The document.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.length(0);
        self.bytes
    }
}
