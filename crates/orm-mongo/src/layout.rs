//! Where the columns of a model stand in its documents.
//!
//! A primary key of one column is `_id`. One of several columns is kept in fields of their own, and once more together as
//! `_id`, which makes it unique. An embedded struct is an embedded document. Everything else is a field of the column's name.

use std::borrow::Cow;

use orm_core::meta::{ColumnMeta, ModelMeta};
use orm_core::{Error, ErrorKind, Result};

/// What a document holds for each column of a result.
#[derive(Debug, Default)]
pub struct Layout {
    pub entries: Vec<Entry>,
    pub width: usize,
}

/// A field.
#[derive(Debug)]
pub struct Entry {
    pub name: Box<str>,
    pub what: What,
}

/// What a field holds.
#[derive(Debug)]
pub enum What {
    /// The value of a column.
    Cell(usize),
    /// The fields of an embedded struct.
    Level(Vec<Entry>),
}

impl Layout {
    /// All columns of a model.
    pub fn of_model(model: &ModelMeta) -> Self {
        let paths = (0..model.columns.len()).map(|index| path(model, index as u16));
        Layout::of_paths(paths)
    }

    /// Columns at these dotted paths.
    pub fn of_paths<'p>(paths: impl Iterator<Item = Cow<'p, str>>) -> Self {
        let mut layout = Layout::default();
        for path in paths {
            let mut entries = &mut layout.entries;
            let mut names = path.split('.').peekable();
            while let Some(name) = names.next() {
                if names.peek().is_none() {
                    entries.push(Entry { name: name.into(), what: What::Cell(layout.width) });
                    break;
                }
                let at = entries
                    .iter()
                    .position(|entry| &*entry.name == name && matches!(entry.what, What::Level(_)));
                let at = at.unwrap_or_else(|| {
                    entries.push(Entry { name: name.into(), what: What::Level(Vec::new()) });
                    entries.len() - 1
                });
                let What::Level(inner) = &mut entries[at].what else { break };
                entries = inner;
            }
            layout.width += 1;
        }
        layout
    }

    /// So many computed values, called `c0`, `c1`, …
    pub fn of_values(count: usize) -> Self {
        let entry = |at: usize| Entry { name: format!("c{at}").into(), what: What::Cell(at) };
        Layout { entries: (0..count).map(entry).collect(), width: count }
    }
}

/// The path of a column in a document.
pub fn path(model: &ModelMeta, index: u16) -> Cow<'_, str> {
    if model.primary_key == [index] {
        return Cow::Borrowed("_id");
    }
    Cow::Borrowed(own_path(model.column(index)))
}

fn own_path(column: &ColumnMeta) -> &str {
    if column.path.is_empty() { &column.name } else { &column.path }
}

/// Refuses a model whose names no document can hold.
pub fn check_names(model: &ModelMeta) -> Result<()> {
    let fault = |text: String| Err(Error::new(ErrorKind::Schema, text).with_model(model.name));
    if model.table.is_empty() || model.table.contains(['$', '\0']) || model.table.starts_with("system.") {
        return fault(format!("MongoDB takes no collection of the name `{}`", model.table));
    }
    for (index, column) in model.columns.iter().enumerate() {
        let own = own_path(column);
        let dotted = column.path.is_empty() && own.contains('.');
        if dotted || own.contains('\0') || own.split('.').any(|name| name.is_empty() || name.starts_with('$'))
        {
            return fault(format!("MongoDB takes no field of the name `{}`", column.name));
        }
        if own == "_id" && model.primary_key != [index as u16] || own.starts_with("orm_") {
            return fault(format!("`{own}` has a meaning of its own here and can be no column"));
        }
    }
    let paths: Vec<_> = (0..model.columns.len() as u16).map(|index| path(model, index)).collect();
    for (at, own) in paths.iter().enumerate() {
        // The same field twice, or one that would hold both a value and the fields of an embedded struct.
        let clash = |other: &&Cow<'_, str>| {
            own == *other || other.strip_prefix(&**own).is_some_and(|rest| rest.starts_with('.'))
        };
        let clashing = paths.iter().enumerate().find(|(place, other)| *place != at && clash(other));
        if let Some((place, _)) = clashing {
            let [first, second] = [at.min(place), at.max(place)].map(|place| &model.columns[place].field);
            return Err(Error::new(
                ErrorKind::Schema,
                format!("the fields `{first}` and `{second}` stand in one place of the document, `{own}`"),
            )
            .with_model(model.name)
            .with_field(first.clone())
            .with_field(second.clone())
            .with_hint(
                "give one of them another name: `#[orm(column = \"…\")]`, or a prefix to what is embedded",
            ));
        }
    }
    if model.primary_key.len() > 1 {
        let names: Vec<String> =
            model.primary_key.iter().map(|index| path(model, *index).replace('.', "_")).collect();
        if let Some((_, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return fault(format!("two columns of the key are called `{name}` in `_id`"));
        }
    }
    Ok(())
}
