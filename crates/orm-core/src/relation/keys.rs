//! Keys that join parents and children: collected from the parents, sent as one list, looked up for each child.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet};

use super::mark::print;
use crate::backend::Row;
use crate::error::{Error, ErrorKind, Result};
use crate::meta::LinkMeta;
use crate::model::Model;
use crate::value::{Cell, CellError, CellResult, ColumnType, Datum, NativeKind, ReadElement};

/// The values of the columns of a relation in one row, none of them NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// One integer: by far the most common, and no allocation.
    Int(i64),
    One(Box<Datum>),
    Many(Box<[Datum]>),
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::Int(value) => state.write_i64(*value),
            Key::One(datum) => datum.hash(state),
            Key::Many(parts) => parts.iter().for_each(|part| part.hash(state)),
        }
    }
}

impl Key {
    #[inline]
    pub(super) fn one(datum: Datum) -> Option<Key> {
        match datum {
            Datum::Null => None,
            Datum::I64(value) => Some(Key::Int(value)),
            other => Some(Key::One(Box::new(other))),
        }
    }

    /// `None` if a part is NULL: such a row is related to nothing.
    #[inline]
    pub(super) fn of_row<M: Model>(row: &M, columns: &[u16]) -> Option<Key> {
        if let [column] = columns {
            return Key::one(row.datum(*column));
        }
        let parts = columns.iter().map(|column| Some(row.datum(*column)).filter(|datum| !datum.is_null()));
        Some(Key::Many(parts.collect::<Option<_>>()?))
    }

    /// Reads the key of a child from these columns.
    #[inline]
    pub(super) fn of_cells<R: Row>(row: &R, columns: &[(usize, ColumnType)]) -> Result<Option<Key>> {
        if let [(at, ty)] = columns {
            if ty.is_integer() {
                return present(row.cell(*at).i64(), *at).map(|value| value.map(Key::Int));
            }
            return Ok(present(datum_of(row.cell(*at), *ty), *at)?.and_then(Key::one));
        }
        let mut parts = Vec::with_capacity(columns.len());
        for (at, ty) in columns {
            match present(datum_of(row.cell(*at), *ty), *at)? {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        Ok(Some(Key::Many(parts.into())))
    }

    /// The distinct keys of an array of them.
    pub(super) fn parts(&self) -> Vec<Key> {
        let Key::One(datum) = self else { return Vec::new() };
        let Datum::Array(parts) = &**datum else { return Vec::new() };
        let mut seen = FxHashSet::default();
        parts.iter().filter(|part| seen.insert(*part)).filter_map(|part| Key::one(part.clone())).collect()
    }

    fn append_to(&self, list: &mut Vec<Datum>) {
        match self {
            Key::Int(value) => list.push(Datum::I64(*value)),
            Key::One(datum) => list.push((**datum).clone()),
            Key::Many(parts) => list.extend_from_slice(parts),
        }
    }
}

#[inline]
fn present<T>(value: CellResult<T>, at: usize) -> Result<Option<T>> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(CellError::Null) => Ok(None),
        Err(error) => Err(unreadable(error, at)),
    }
}

#[cold]
fn unreadable(error: CellError, at: usize) -> Error {
    let why = match error {
        CellError::Null => "it is NULL".to_owned(),
        CellError::Type { found, wanted } => format!("it holds {found} where {wanted} is needed"),
        CellError::Invalid(why) => why.into_owned(),
    };
    Error::new(ErrorKind::Decode, format!("column {at}, the key of a relation, cannot be read: {why}"))
        .with_hint("the columns on both sides of a relation must have the same type as the fields")
}

/// Reads a cell as the owned value that a field of this column type encodes to.
pub(crate) fn datum_of<'r, C: Cell<'r>>(cell: C, ty: ColumnType) -> CellResult<Datum> {
    use ColumnType::*;
    Ok(match ty {
        Bool => Datum::Bool(cell.bool()?),
        I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64 => Datum::I64(cell.i64()?),
        F32 | F64 => Datum::F64(cell.f64()?),
        Text | Char => Datum::Text(cell.text()?.to_owned()),
        Bytes => Datum::Bytes(cell.bytes()?.to_vec()),
        Uuid => Datum::Uuid(cell.uuid()?),
        Decimal => Datum::Decimal(cell.decimal()?),
        Date => Datum::Date(cell.date()?),
        Time => Datum::Time(cell.time()?),
        DateTime => Datum::DateTime(cell.datetime()?),
        Timestamp => Datum::Timestamp(cell.timestamp()?),
        Json => Datum::Json(cell.json()?.into_owned()),
        Enum(meta) if meta.integer => Datum::I64(cell.i64()?),
        Enum(_) => Datum::Text(cell.enum_name()?.to_owned()),
        Array(element) => Datum::Array(cell.elements(&AsDatum(*element))?),
        List(_) => return Err(CellError::invalid("a list cannot be the key of a relation")),
        Native(native) => match native.kind {
            NativeKind::Domain { base, .. } => return datum_of(cell, *base),
            NativeKind::Exact => Datum::Native(native, cell.native(native)?.into()),
            // Their bytes may differ where the database calls them equal.
            _ => {
                let text = format!("a column of type `{}` cannot be the key of a relation", native.name);
                return Err(CellError::invalid(text));
            }
        },
    })
}

/// An element of an array of keys.
struct AsDatum(ColumnType);

impl ReadElement for AsDatum {
    type Out = Datum;
    fn read<'r, C: Cell<'r>>(&self, cell: C) -> CellResult<Datum> {
        datum_of(cell, self.0)
    }
}

/// No group, or no further row.
const NONE: u32 = u32::MAX;

/// Which side keeps its keys in arrays.
#[derive(Debug, Default)]
enum Arrays {
    #[default]
    None,
    /// For each entry its row.
    OfRows(Vec<u32>),
    OfChildren,
}

impl Arrays {
    /// Adds an entry of a row.
    fn enter(&mut self, row: u32) {
        if let Arrays::OfRows(rows) = self {
            rows.push(row);
        }
    }
}

/// The distinct keys of some rows, and which rows have which key.
///
/// Rows of equal key form a group, groups being numbered in the order of their first row. A row has one entry, or one for each of
/// its keys if it keeps them in an array; entries are numbered by row and then by their place in the array.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    groups: FxHashMap<Key, u32>,
    /// For each group its last entry, for each entry the one before it in its group.
    last: Vec<u32>,
    before: Vec<u32>,
    /// For each row its group; without meaning for a row with an array.
    group_of: Vec<u32>,
    /// For each row what its slot remembers of its key.
    prints: Vec<u64>,
    arrays: Arrays,
    list: Vec<Datum>,
}

impl KeySet {
    /// Of the keys of rows; `None` for a row without a key.
    pub(super) fn of(keys: impl ExactSizeIterator<Item = Option<Key>>, link: &LinkMeta) -> Self {
        let rows = keys.len();
        let mut set = KeySet {
            before: Vec::with_capacity(rows),
            group_of: Vec::with_capacity(rows),
            prints: Vec::with_capacity(rows),
            list: Vec::with_capacity(rows),
            arrays: match link {
                LinkMeta::Columns | LinkMeta::Join(_) => Arrays::None,
                LinkMeta::KeysHere => Arrays::OfRows(Vec::with_capacity(rows)),
                LinkMeta::KeysThere => Arrays::OfChildren,
            },
            ..KeySet::default()
        };
        set.groups.reserve(rows);
        keys.for_each(|key| {
            set.prints.push(print(key.as_ref()));
            match key {
                Some(key) if matches!(set.arrays, Arrays::OfRows(_)) => set.add_all(key.parts()),
                Some(key) => {
                    let group = set.enter(key);
                    set.group_of.push(group);
                }
                None => {
                    let row = set.group_of.len() as u32;
                    set.before.push(NONE);
                    set.group_of.push(NONE);
                    set.arrays.enter(row);
                }
            }
        });
        set
    }

    /// Adds a row with an array of keys, each of which counts once.
    fn add_all(&mut self, keys: Vec<Key>) {
        let row = self.group_of.len() as u32;
        self.group_of.push(0);
        for key in keys {
            self.enter(key);
            self.arrays.enter(row);
        }
    }

    /// Adds an entry and returns its group.
    #[inline]
    fn enter(&mut self, key: Key) -> u32 {
        let entry = self.before.len() as u32;
        let next = self.last.len() as u32;
        let KeySet { groups, list, .. } = self;
        let group = *groups.entry(key).or_insert_with_key(|key| {
            key.append_to(list);
            next
        });
        if group == next {
            self.last.push(NONE);
        }
        self.before.push(std::mem::replace(&mut self.last[group as usize], entry));
        group
    }

    /// Whether the rows keep their keys in arrays.
    pub(super) fn has_arrays(&self) -> bool {
        matches!(self.arrays, Arrays::OfRows(_))
    }

    /// The row of an entry.
    pub(super) fn row_of(&self, entry: u32) -> u32 {
        match &self.arrays {
            Arrays::OfRows(rows) => rows.get(entry as usize).copied().unwrap_or(entry),
            Arrays::None | Arrays::OfChildren => entry,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// The distinct keys one after the other, for the query. Given away once.
    pub(super) fn take_list(&mut self) -> Vec<Datum> {
        std::mem::take(&mut self.list)
    }

    /// How many contents are needed: one for each group if they are shared, else one for each row.
    pub(super) fn places(&self, shared: bool) -> usize {
        if shared { self.last.len() } else { self.group_of.len() }
    }

    /// The keys for whose rows nothing was found, when something was found for these places.
    pub(super) fn unanswered(&self, places: &[u32], shared: bool) -> Vec<Key> {
        let mut answered = vec![false; self.last.len()];
        for place in places {
            let group = if shared { Some(place) } else { self.group_of.get(*place as usize) };
            if let Some(answered) = group.and_then(|group| answered.get_mut(*group as usize)) {
                *answered = true;
            }
        }
        let open = self.groups.iter().filter(|(_, group)| !answered[**group as usize]);
        open.map(|(key, _)| key.clone()).collect()
    }

    /// What a row's slot remembers of its key.
    pub(super) fn print_of(&self, row: usize) -> u64 {
        self.prints.get(row).copied().unwrap_or_default()
    }

    /// The place of a row's content, `None` for a row without a key.
    pub(super) fn place_of(&self, row: usize, shared: bool) -> Option<usize> {
        match self.group_of.get(row) {
            None | Some(&NONE) => None,
            Some(&group) => Some(if shared { group as usize } else { row }),
        }
    }

    /// Calls `each` for every place where a child of this key, or of this array of keys, belongs; where the rows have arrays, for
    /// their entries.
    #[inline]
    pub(super) fn for_each_place(
        &self,
        key: &Key,
        shared: bool,
        mut each: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        match self.arrays {
            Arrays::OfChildren => {
                key.parts().iter().try_for_each(|key| self.places_of(key, shared, &mut each))
            }
            Arrays::None | Arrays::OfRows(_) => self.places_of(key, shared, &mut each),
        }
    }

    #[inline]
    fn places_of(&self, key: &Key, shared: bool, each: &mut impl FnMut(u32) -> Result<()>) -> Result<()> {
        let Some(&group) = self.groups.get(key) else { return Ok(()) };
        if shared {
            return each(group);
        }
        let mut entry = self.last[group as usize];
        while entry != NONE {
            each(entry)?;
            entry = self.before[entry as usize];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(set: &KeySet, key: &Key, shared: bool) -> Vec<u32> {
        let mut places = Vec::new();
        set.for_each_place(key, shared, |place| {
            places.push(place);
            Ok(())
        })
        .unwrap();
        places.sort_unstable();
        places
    }

    #[test]
    fn equal_keys_are_sent_once_and_lead_to_every_row() {
        let text = |text: &str| Key::one(Datum::Text(text.into()));
        let mut set = KeySet::of([text("a"), None, text("b"), text("a")].into_iter(), &LinkMeta::Columns);
        assert_eq!(set.take_list(), [Datum::Text("a".into()), Datum::Text("b".into())]);
        let a = text("a").unwrap();
        assert_eq!(places(&set, &a, false), [0, 3]);
        assert_eq!(places(&set, &a, true), [0]);
        assert_eq!((set.places(false), set.places(true)), (4, 2));
        assert_eq!((set.place_of(3, true), set.place_of(3, false)), (Some(0), Some(3)));
        assert_eq!((set.place_of(1, true), set.place_of(1, false)), (None, None));
        assert!(places(&set, &Key::Int(9), false).is_empty());
    }

    #[test]
    fn a_row_with_an_array_has_each_of_its_keys_once_and_in_order() {
        let keys = |keys: &[i64]| {
            Key::one(Datum::Array(keys.iter().map(|key| Datum::I64(*key)).chain([Datum::Null]).collect()))
        };
        let mut set =
            KeySet::of([keys(&[7, 5, 7]), None, keys(&[]), keys(&[5, 9])].into_iter(), &LinkMeta::KeysHere);
        assert_eq!(set.take_list(), [7, 5, 9].map(Datum::I64));
        assert_eq!((set.places(false), set.has_arrays(), set.is_empty()), (4, true, false));
        let rows = |key: i64| places(&set, &Key::Int(key), false).into_iter().map(|entry| set.row_of(entry));
        assert_eq!(rows(5).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(rows(9).collect::<Vec<_>>(), [3]);
        assert!(places(&set, &Key::Int(7), false) < places(&set, &Key::Int(5), false)[..1].to_vec());
        assert_eq!((set.place_of(0, false), set.place_of(1, false)), (Some(0), None));
        let mut late = KeySet::of([None, keys(&[1])].into_iter(), &LinkMeta::KeysHere);
        let whole = KeySet::of([keys(&[1]), keys(&[1])].into_iter(), &LinkMeta::Columns);
        assert_eq!((whole.places(true), whole.has_arrays()), (1, false));
        assert_eq!((late.take_list(), late.row_of(1)), (vec![Datum::I64(1)], 1));
    }

    #[test]
    fn a_key_is_small() {
        assert!(size_of::<Key>() <= 24);
    }
}
