//! `hstore`: <https://www.postgresql.org/docs/current/hstore.html>.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use fallible_iterator::FallibleIterator;
use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, NativeType, PgValue, extension};

/// `hstore`: texts by their keys, each of which may be NULL. Needs the extension `hstore`.
///
/// ```
/// use orm_postgres::types::Hstore;
/// let tags = Hstore::from([("colour", Some("red")), ("size", None)]);
/// assert_eq!(tags["colour"].as_deref(), Some("red"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hstore(pub BTreeMap<String, Option<String>>);

impl Deref for Hstore {
    type Target = BTreeMap<String, Option<String>>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Hstore {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, Option<V>)> for Hstore {
    fn from_iter<I: IntoIterator<Item = (K, Option<V>)>>(pairs: I) -> Self {
        Hstore(pairs.into_iter().map(|(key, value)| (key.into(), value.map(Into::into))).collect())
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, Option<V>); N]> for Hstore {
    fn from(pairs: [(K, Option<V>); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl PgValue for Hstore {
    const TYPE: NativeType = extension("hstore", "hstore");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        let texts = self.0.iter().flat_map(|(key, value)| std::iter::once(key).chain(value));
        if texts.into_iter().any(|text| text.contains('\0')) {
            return Err("no text can hold U+0000".into());
        }
        wire::hstore_to_sql(self.0.iter().map(|(key, value)| (key.as_str(), value.as_deref())), out)
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let pairs = wire::hstore_from_sql(bytes)?;
        let pairs = pairs.map(|(key, value)| Ok((key.to_owned(), value.map(str::to_owned))));
        Ok(Hstore(pairs.collect()?))
    }
}
crate::pg_value!(Hstore);
