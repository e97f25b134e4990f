//! What full-text search works on: <https://www.postgresql.org/docs/current/datatype-textsearch.html>.

use std::fmt;

use bytes::BufMut;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin, take, whole};

/// How much a place of a lexeme counts.
///
/// ```
/// use orm_postgres::types::Weight;
/// assert!(Weight::A > Weight::B && Weight::C > Weight::D);
/// assert_eq!(Weight::default(), Weight::D);
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Weight {
    /// The least, which is the default.
    #[default]
    D,
    /// More than `D`.
    C,
    /// More than `C`.
    B,
    /// The most.
    A,
}

impl Weight {
    const ALL: [Weight; 4] = [Weight::D, Weight::C, Weight::B, Weight::A];
}

/// A word of a [`TsVector`] and where it stands.
///
/// ```
/// use orm_postgres::types::{Lexeme, TsVector, Weight};
/// let rat = Lexeme { word: "rat".into(), places: vec![(4, Weight::B), (9, Weight::D)] };
/// assert_eq!(TsVector(vec![rat]).to_string(), "'rat':4B,9");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Lexeme {
    /// The word, as the dictionary reduced it.
    pub word: String,
    /// Its places, from 1 to 16383, and how much each counts.
    pub places: Vec<(u16, Weight)>,
}

/// `tsvector`: the words of a document. Mostly the server makes it:
/// `#[orm(generated = "to_tsvector('english', body)")] words: TsVector`.
///
/// ```
/// use orm_postgres::types::{Lexeme, TsVector, Weight};
/// let words = TsVector(vec![Lexeme { word: "cat".into(), places: vec![(3, Weight::A)] }]);
/// assert_eq!(words.to_string(), "'cat':3A");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct TsVector(pub Vec<Lexeme>);

impl fmt::Display for TsVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, lexeme) in self.0.iter().enumerate() {
            write!(f, "{}{}", if number > 0 { " " } else { "" }, quoted(&lexeme.word))?;
            for (number, (place, weight)) in lexeme.places.iter().enumerate() {
                write!(f, "{}{place}", if number > 0 { "," } else { ":" })?;
                if *weight != Weight::D {
                    write!(f, "{weight:?}")?;
                }
            }
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

fn put_word(word: &str, out: &mut BytesMut) -> Result<(), BoxError> {
    if word.contains('\0') {
        return Err("no word can hold U+0000".into());
    }
    out.put_slice(word.as_bytes());
    out.put_u8(0);
    Ok(())
}

fn take_word(bytes: &mut &[u8]) -> Result<String, BoxError> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or("a word is cut off")?;
    let word = std::str::from_utf8(&bytes[..end])?.to_owned();
    *bytes = &bytes[end + 1..];
    Ok(word)
}

impl PgValue for TsVector {
    const TYPE: NativeType = builtin("tsvector");

    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        out.put_i32(i32::try_from(self.0.len())?);
        for lexeme in &self.0 {
            put_word(&lexeme.word, out)?;
            out.put_u16(u16::try_from(lexeme.places.len())?);
            for (place, weight) in &lexeme.places {
                if !(1..=16_383).contains(place) {
                    return Err("a place is outside of 1 to 16383".into());
                }
                out.put_u16(place | (*weight as u16) << 14);
            }
        }
        Ok(())
    }

    fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
        let count = i32::from_be_bytes(take(&mut bytes)?);
        let mut lexemes = Vec::new();
        for _ in 0..count {
            let word = take_word(&mut bytes)?;
            let places = (0..u16::from_be_bytes(take(&mut bytes)?)).map(|_| {
                let place = u16::from_be_bytes(take(&mut bytes)?);
                Ok((place & 0x3FFF, Weight::ALL[usize::from(place >> 14)]))
            });
            let places = places.collect::<Result<Vec<_>, BoxError>>()?;
            lexemes.push(Lexeme { word, places });
        }
        whole(bytes)?;
        Ok(TsVector(lexemes))
    }
}

/// `tsquery`: what to look for in a [`TsVector`].
///
/// ```
/// use orm_postgres::types::TsQuery;
/// let query = TsQuery::word("fat") & (TsQuery::word("rat") | !TsQuery::word("cat"));
/// assert_eq!(query.to_string(), "'fat' & ( 'rat' | !'cat' )");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum TsQuery {
    /// Nothing, which matches nothing. It can be read and not written.
    Empty,
    /// A word, or the words that begin with it; weights other than these do not count, unless there are none.
    Word {
        /// The word, reduced already.
        word: String,
        /// Whether longer words count.
        prefix: bool,
        /// Which weights count; empty means all.
        weights: Vec<Weight>,
    },
    /// Not this.
    Not(Box<TsQuery>),
    /// Both.
    And(Box<TsQuery>, Box<TsQuery>),
    /// One of them.
    Or(Box<TsQuery>, Box<TsQuery>),
    /// The second this many words behind the first.
    Phrase(Box<TsQuery>, Box<TsQuery>, u16),
}

impl TsQuery {
    /// A word.
    ///
    /// ```
    /// use orm_postgres::types::TsQuery;
    /// assert_eq!(TsQuery::word("cat").to_string(), "'cat'");
    /// ```
    pub fn word(word: impl Into<String>) -> Self {
        TsQuery::Word { word: word.into(), prefix: false, weights: Vec::new() }
    }

    /// The words that begin so.
    ///
    /// ```
    /// use orm_postgres::types::TsQuery;
    /// assert_eq!(TsQuery::prefix("cat").to_string(), "'cat':*");
    /// ```
    pub fn prefix(word: impl Into<String>) -> Self {
        TsQuery::Word { word: word.into(), prefix: true, weights: Vec::new() }
    }

    /// This, with the other right behind it.
    ///
    /// ```
    /// use orm_postgres::types::TsQuery;
    /// let phrase = TsQuery::word("fat").followed_by(TsQuery::word("cat"));
    /// assert_eq!(phrase.to_string(), "'fat' <-> 'cat'");
    /// ```
    pub fn followed_by(self, next: TsQuery) -> Self {
        TsQuery::Phrase(Box::new(self), Box::new(next), 1)
    }

    fn level(&self) -> u8 {
        match self {
            TsQuery::Or(..) => 0,
            TsQuery::And(..) => 1,
            TsQuery::Phrase(..) => 2,
            _ => 3,
        }
    }

    fn at(&self, level: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level() < level { write!(f, "( {self} )") } else { write!(f, "{self}") }
    }
}

impl std::ops::BitAnd for TsQuery {
    type Output = TsQuery;
    fn bitand(self, other: TsQuery) -> TsQuery {
        TsQuery::And(Box::new(self), Box::new(other))
    }
}

impl std::ops::BitOr for TsQuery {
    type Output = TsQuery;
    fn bitor(self, other: TsQuery) -> TsQuery {
        TsQuery::Or(Box::new(self), Box::new(other))
    }
}

impl std::ops::Not for TsQuery {
    type Output = TsQuery;
    fn not(self) -> TsQuery {
        TsQuery::Not(Box::new(self))
    }
}

impl fmt::Display for TsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut both = |left: &TsQuery, right: &TsQuery, word: &str, level: u8| {
            left.at(level, f)?;
            write!(f, " {word} ")?;
            // Phrases hold together from the left.
            right.at(if level == 2 { 3 } else { level }, f)
        };
        match self {
            TsQuery::Empty => Ok(()),
            TsQuery::And(left, right) => both(left, right, "&", 1),
            TsQuery::Or(left, right) => both(left, right, "|", 0),
            TsQuery::Phrase(left, right, 1) => both(left, right, "<->", 2),
            TsQuery::Phrase(left, right, words) => both(left, right, &format!("<{words}>"), 2),
            TsQuery::Not(inner) => {
                f.write_str("!")?;
                inner.at(3, f)
            }
            TsQuery::Word { word, prefix, weights } => {
                f.write_str(&quoted(word))?;
                if *prefix || !weights.is_empty() {
                    f.write_str(if *prefix { ":*" } else { ":" })?;
                }
                weights.iter().try_for_each(|weight| write!(f, "{weight:?}"))
            }
        }
    }
}

// https://git.postgresql.org: src/backend/utils/adt/tsquery.c, tsqueryrecv: operators stand before their operands, the right one
// first.
const VALUE: u8 = 1;
const OPERATOR: u8 = 2;

fn put(query: &TsQuery, out: &mut BytesMut) -> Result<i32, BoxError> {
    let mut operator = |number: u8| {
        out.put_u8(OPERATOR);
        out.put_u8(number);
    };
    Ok(match query {
        TsQuery::Empty => return Err("an empty query cannot be part of another".into()),
        TsQuery::Word { word, prefix, weights } => {
            out.put_u8(VALUE);
            out.put_u8(weights.iter().fold(0, |bits, weight| bits | 1 << *weight as u8));
            out.put_u8(u8::from(*prefix));
            put_word(word, out)?;
            1
        }
        TsQuery::Not(inner) => {
            operator(1);
            1 + put(inner, out)?
        }
        TsQuery::And(left, right) => {
            operator(2);
            1 + put(right, out)? + put(left, out)?
        }
        TsQuery::Or(left, right) => {
            operator(3);
            1 + put(right, out)? + put(left, out)?
        }
        TsQuery::Phrase(left, right, words) => {
            operator(4);
            out.put_u16(*words);
            1 + put(right, out)? + put(left, out)?
        }
    })
}

fn get(bytes: &mut &[u8], depth: u32) -> Result<TsQuery, BoxError> {
    if depth > 1000 {
        return Err("the query is nested too deeply".into());
    }
    let [kind] = take(bytes)?;
    if kind == VALUE {
        let [weights, prefix] = take(bytes)?;
        let weights = Weight::ALL.into_iter().filter(|weight| weights & (1 << *weight as u8) != 0).collect();
        return Ok(TsQuery::Word { word: take_word(bytes)?, prefix: prefix != 0, weights });
    }
    let [operator] = take(bytes)?;
    let words = if operator == 4 { u16::from_be_bytes(take(bytes)?) } else { 0 };
    let right = Box::new(get(bytes, depth + 1)?);
    if operator == 1 {
        return Ok(TsQuery::Not(right));
    }
    let left = Box::new(get(bytes, depth + 1)?);
    match operator {
        2 => Ok(TsQuery::And(left, right)),
        3 => Ok(TsQuery::Or(left, right)),
        4 => Ok(TsQuery::Phrase(left, right, words)),
        _ => Err("an operator of an unknown kind".into()),
    }
}

impl PgValue for TsQuery {
    const TYPE: NativeType = builtin("tsquery");

    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        if *self == TsQuery::Empty {
            // tsqueryrecv calls it malformed.
            return Err("the server sends empty queries and does not take them: use an Option".into());
        }
        let start = out.len();
        out.put_i32(0);
        let count = put(self, out)?;
        out[start..start + 4].copy_from_slice(&count.to_be_bytes());
        Ok(())
    }

    fn read(mut bytes: &[u8]) -> Result<Self, BoxError> {
        if i32::from_be_bytes(take(&mut bytes)?) == 0 {
            return Ok(TsQuery::Empty);
        }
        let query = get(&mut bytes, 0)?;
        whole(bytes)?;
        Ok(query)
    }
}
crate::pg_value!(TsVector, TsQuery);
