//! From the query representation to aggregation pipelines.
//!
//! Two languages are spoken. [`matching`] writes the query language, which indexes serve and in which NULL matches nothing but
//! itself; it takes comparisons of a field with values, put together by and, or, not. Everything else is an expression of the
//! aggregation language ([`expr`], [`truth`], [`text`], [`temporal`]), in which NULL is a value smaller than all others: SQL's three-valued
//! logic is kept by asking of a condition either whether it is true or whether it is false, and by guarding operands.
//!
//! A [`Level`] is a pipeline under construction: that of the command, or of a `$lookup` within it. What an expression needs of
//! other collections ([`relation`]) becomes a `$lookup` in the level *before* the stage that holds the expression. A column of
//! an outer level is handed in by the `let` of the `$lookup`. Names that are made here begin with `orm_`, variables with `o`.
//!
//! [`select`] puts the stages of a query in order, [`group`] those of a grouping, [`window`] those of window functions, [`combine`] those of
//! set operations.

mod array;
mod combine;
mod element;
mod expr;
mod group;
mod matching;
mod relation;
mod select;
mod temporal;
mod text;
mod truth;
mod window;

use std::borrow::Cow;

use orm_core::ir::{ColumnRef, Expr, Source};
use orm_core::meta::ModelMeta;
use orm_core::value::Datum;
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Key, Writer};
use crate::layout;
use crate::value::MongoTimes;

pub(crate) use expr::{begin, end};
pub use select::{Read, read};

/// Turns expressions of one command into BSON.
pub struct Lower<'c> {
    pub times: MongoTimes,
    levels: Vec<Level>,
    /// Whether there was a `$unionWith`.
    combined: bool,
    /// How many names were given out.
    names: usize,
    /// The elements of lists that expressions are about, innermost last, and the variables that hold them.
    elements: Vec<(&'static ModelMeta, String)>,
    /// The row of an INSERT that met one that is there already, in the order of the columns.
    excluded: Option<&'c [Datum]>,
}

/// A pipeline under construction.
struct Level {
    root: Source,
    /// What was joined, and the field that holds it.
    joined: Vec<Joined>,
    /// The stages so far.
    stages: Vec<Vec<u8>>,
    /// What the `$lookup` around this level hands in: the variable and its value outside.
    lets: Vec<(String, String)>,
    group: Option<group::Group>,
    /// The keys of the grouping, while it is yet to come.
    keys: Vec<Expr>,
    /// Whether the documents have columns by their place: what came of other queries.
    places: bool,
    /// The window functions that were computed, by their address, and the fields that hold them.
    windows: Vec<(usize, String)>,
}

struct Joined {
    source: Source,
    field: String,
    /// Whether there may be none.
    optional: bool,
}

/// A column as an expression names it.
struct Place {
    text: String,
    nullable: bool,
}

impl<'c> Lower<'c> {
    pub fn new(times: MongoTimes) -> Self {
        Lower { times, levels: Vec::new(), combined: false, names: 0, elements: Vec::new(), excluded: None }
    }

    /// For the values of one collection, without stages: the updates of a command.
    pub fn on(times: MongoTimes, source: Source) -> Self {
        let mut lower = Lower::new(times);
        lower.enter(source);
        lower
    }

    pub fn with_excluded(mut self, row: Option<&'c [Datum]>) -> Self {
        self.excluded = row;
        self
    }

    /// The stages that expressions asked for since the last call.
    pub fn take_stages(&mut self) -> Vec<Vec<u8>> {
        self.levels.last_mut().map(|level| std::mem::take(&mut level.stages)).unwrap_or_default()
    }

    fn enter(&mut self, root: Source) {
        self.levels.push(Level::of(root));
    }

    /// The innermost level. There is one from the first call of `enter` on.
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            static NOTHING: std::sync::LazyLock<ModelMeta> = std::sync::LazyLock::new(ModelMeta::default);
            self.enter(Source { model: &NOTHING, alias: "" });
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// Adds a stage of one operator.
    fn stage(
        &mut self,
        operator: &str,
        write: impl FnOnce(&mut Self, &mut Writer, Key<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut writer = Writer::default();
        write(self, &mut writer, Key::Name(operator))?;
        self.level().stages.push(writer.finish());
        Ok(())
    }

    /// A column by its path, looked up from the innermost level outwards.
    fn place(&mut self, column: ColumnRef) -> Result<Place> {
        let model = column.source.model;
        if let Some((_, variable)) =
            self.elements.iter().rev().find(|(element, _)| std::ptr::eq(*element, model))
        {
            let nullable = model.columns.get(usize::from(column.index)).is_none_or(|column| column.nullable);
            return Ok(Place {
                text: format!("$${variable}.{}", layout::path(model, column.index)),
                nullable,
            });
        }
        let last = self.levels.len().saturating_sub(1);
        for at in (0..self.levels.len()).rev() {
            let level = &self.levels[at];
            let Some((path, optional)) = level.path_of(column) else { continue };
            if level.group.is_some() {
                return Err(unsupported("a column beside the groups of a query")
                    .with_hint("use a key of the grouping or an aggregate"));
            }
            let nullable = optional
                || column
                    .source
                    .model
                    .columns
                    .get(usize::from(column.index))
                    .is_none_or(|column| column.nullable);
            if at == last {
                return Ok(Place { text: format!("${path}"), nullable });
            }
            let value = format!("${path}");
            let known = self.levels[at + 1].lets.iter().find(|(_, known)| *known == value);
            let name = match known {
                Some((name, _)) => name.clone(),
                None => {
                    let name = self.name("o");
                    self.levels[at + 1].lets.push((name.clone(), value));
                    name
                }
            };
            return Ok(Place { text: format!("$${name}"), nullable });
        }
        Err(usage(format!("`{}` is not part of this query", column.source.model.name)))
    }
}

impl Level {
    fn of(root: Source) -> Self {
        Level {
            root,
            joined: Vec::new(),
            stages: Vec::new(),
            lets: Vec::new(),
            group: None,
            keys: Vec::new(),
            places: false,
            windows: Vec::new(),
        }
    }

    /// After a grouping, where a column stands that is one of its keys.
    fn key_of(&self, column: ColumnRef) -> Option<String> {
        self.group.as_ref()?;
        let same = |key: &Expr| matches!(key, Expr::Column(own) if *own == column);
        self.keys.iter().position(same).map(|place| format!("_id.k{place}"))
    }

    /// The path of a column in the documents of this level, and whether it may be absent with all its row.
    fn path_of(&self, column: ColumnRef) -> Option<(Cow<'static, str>, bool)> {
        let model = column.source.model;
        if usize::from(column.index) >= model.columns.len() {
            return None;
        }
        let own = layout::path(model, column.index);
        if self.root == column.source {
            return Some((own, false));
        }
        let joined = self.joined.iter().find(|joined| joined.source == column.source)?;
        Some((Cow::Owned(format!("{}.{own}", joined.field)), joined.optional))
    }
}

/// The feature is not there: the part that needs it has to go, or the database has to be another.
#[cold]
fn unsupported(what: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Unsupported, format!("MongoDB cannot do this: {}", what.as_ref()))
}

#[cold]
fn usage(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, what)
}
