//! Rendering: the state of one statement, and the door to its parts.

mod combine;
mod expr;
mod operand;
mod predicate;
mod relation;
mod select;
mod window;
mod write;

use orm_core::ir::{ColumnRef, Command, RawSql, Source};
use orm_core::meta::ModelMeta;
use orm_core::value::ColumnType;
use orm_core::{Error, ErrorKind};

use crate::Dialect;
use crate::scan::{Piece, scan};

/// A command as SQL.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Command;
/// use orm_sql::{Compiled, SqliteDialect, compile};
/// let query = User::filter(User::name.eq("Ada")).select((User::id, User::age));
/// let Compiled { sql, columns, parameters } =
///     compile(&SqliteDialect, &Command::Select(Box::new(query.into_select())), 0).unwrap();
/// assert_eq!(sql, r#"SELECT "id", "age" FROM "users" WHERE "name" = ?1"#);
/// assert_eq!((columns, parameters), (2, 1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// The text.
    pub sql: String,
    /// How many columns come back; 0 for a write that returns nothing and for raw SQL, whose columns
    /// only the database knows.
    pub columns: usize,
    /// How many parameters were numbered.
    pub parameters: usize,
}

/// Renders a command. `rows` is the number of rows of an INSERT of values that the text has room for; other
/// commands ignore it. Columns whose values are `Datum::Default` must have been taken out of the INSERT before.
///
/// Fails with [`ErrorKind::Usage`] for a command that names what is not in scope, and with
/// [`ErrorKind::Unsupported`] for what the dialect lacks.
///
/// ```
/// use orm_core::ir::{Command, Select, Source};
/// use orm_core::meta::{ColumnMeta, ModelMeta};
/// use orm_sql::{SqliteDialect, compile};
///
/// let id = ColumnMeta { field: "id".into(), name: "id".into(), ..Default::default() };
/// let model: &'static ModelMeta = Box::leak(Box::new(ModelMeta { table: "users", columns: vec![id], ..Default::default() }));
/// let select = Command::Select(Box::new(Select::new(Source { model, alias: "" })));
/// assert_eq!(compile(&SqliteDialect, &select, 0)?.sql, r#"SELECT "id" FROM "users""#);
/// # Ok::<(), orm_core::Error>(())
/// ```
pub fn compile<D: Dialect>(dialect: &D, command: &Command, rows: usize) -> Result<Compiled, Error> {
    orm_core::ir::check(command)?;
    let mut render = Render::new(dialect, rows, true);
    let mut compiled = render.command(command)?;
    // Bare columns are wrong once a subquery has columns of its own; nobody knew until it was rendered.
    if render.bare && render.nested {
        compiled = Render::new(dialect, rows, false).command(command)?;
    }
    if compiled.parameters > dialect.max_parameters() {
        return Err(too_many(compiled.parameters, dialect.max_parameters()));
    }
    Ok(compiled)
}

#[cold]
fn too_many(parameters: usize, most: usize) -> Error {
    usage(format!("the statement has {parameters} values, and the database takes {most} at most"))
        .with_hint("look for many values with `.in_(list)`, which is one value, or send several statements")
}

/// The state of one rendering.
struct Render<'d> {
    dialect: &'d dyn Dialect,
    rows: usize,
    /// The number of the last parameter.
    parameters: usize,
    /// The number of aliases given out.
    aliases: usize,
    /// The tables in sight, innermost query last.
    scopes: Vec<Vec<Entry>>,
    /// The keys of the groupings of the queries around, innermost last.
    groups: Vec<Vec<String>>,
    /// Whether the outermost statement may leave its columns unqualified.
    bare: bool,
    /// Whether there was a subquery.
    nested: bool,
    /// Whether there was an aggregate.
    aggregated: bool,
}

/// A table in a scope.
struct Entry {
    source: Source,
    /// What its columns are qualified with; `None` leaves them bare.
    qualifier: Option<String>,
    /// Whether all its columns may be NULL: the right side of a left join.
    optional: bool,
}

impl<'d> Render<'d> {
    fn new(dialect: &'d dyn Dialect, rows: usize, bare: bool) -> Self {
        Render {
            dialect,
            rows,
            parameters: 0,
            aliases: 0,
            scopes: Vec::new(),
            groups: Vec::new(),
            bare,
            nested: false,
            aggregated: false,
        }
    }

    fn command(&mut self, command: &Command) -> Result<Compiled, Error> {
        let (sql, columns) = match command {
            Command::Select(select) => self.select(select)?,
            Command::Insert(insert) => self.insert(insert)?,
            Command::Update(update) => self.update(update)?,
            Command::UpdateRows(update) => self.update_rows(update)?,
            Command::Delete(delete) => self.delete(delete)?,
            Command::Raw(raw) => (self.raw_sql(raw)?, 0),
        };
        Ok(Compiled { sql, columns, parameters: self.parameters })
    }

    fn parameter(&mut self, ty: ColumnType) -> String {
        let number = self.number();
        self.dialect.placeholder(number, ty)
    }

    fn number(&mut self) -> usize {
        self.parameters += 1;
        self.parameters
    }

    /// An alias that no table in sight has.
    fn alias(&mut self) -> String {
        loop {
            let alias = format!("t{}", self.aliases);
            self.aliases += 1;
            // A table may be called t0, and UPDATE and DELETE go by the name of the table.
            let quoted = self.dialect.quote_ident(&alias);
            let taken = |entry: &Entry| {
                entry.qualifier.as_deref().is_some_and(|name| name == alias || name == quoted)
            };
            if !self.scopes.iter().flatten().any(taken) {
                return alias;
            }
        }
    }

    /// Adds a table to the innermost scope.
    fn enter(&mut self, source: Source, qualifier: Option<String>, optional: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Entry { source, qualifier, optional });
        }
    }

    fn entry(&self, source: Source) -> Result<&Entry, Error> {
        self.scopes.iter().rev().flatten().find(|entry| entry.source == source).ok_or_else(|| {
            let name = if source.alias.is_empty() { source.model.name } else { source.alias };
            usage(format!("`{name}` is not part of this query"))
                .with_model(source.model.name)
                .with_hint("join it, or test it through a relation")
        })
    }

    fn column(&self, column: ColumnRef) -> Result<String, Error> {
        let qualifier = self.entry(column.source)?.qualifier.as_deref();
        let name = self.column_name(column.source.model, column.index)?;
        Ok(qualified(qualifier, &name))
    }

    /// The quoted name of a column.
    fn column_name(&self, model: &ModelMeta, index: u16) -> Result<String, Error> {
        let column = model.columns.get(usize::from(index));
        let column = column.ok_or_else(|| usage(format!("`{}` has no column {index}", model.name)))?;
        Ok(self.dialect.quote_ident(&column.name))
    }

    fn column_names(&self, model: &ModelMeta, columns: &[u16]) -> Result<Vec<String>, Error> {
        columns.iter().map(|index| self.column_name(model, *index)).collect()
    }

    /// A statement of the user, its placeholders numbered.
    fn raw_sql(&mut self, raw: &RawSql) -> Result<String, Error> {
        let pieces = scan(&raw.sql, &self.dialect.lexer());
        let parameters: Vec<String> = raw.binds.iter().map(|(_, ty)| self.parameter(*ty)).collect();
        let mut used = vec![false; parameters.len()];
        let (mut bare, mut highest) = (0, 0);
        let mut sql = String::with_capacity(raw.sql.len() + raw.binds.len());
        for piece in pieces {
            let number = match piece {
                Piece::Text(range) => {
                    sql.push_str(&raw.sql[range]);
                    continue;
                }
                Piece::Mark => {
                    sql.push('?');
                    continue;
                }
                Piece::Foreign(range) => {
                    let text = format!("nothing is bound to the parameter `{}`", &raw.sql[range]);
                    return Err(usage(text).with_hint("write `?` or `?1` for a value, on every database"));
                }
                Piece::Next => {
                    bare += 1;
                    bare
                }
                Piece::Numbered(0) => {
                    return Err(usage("the statement has a `?0`").with_hint("the first value is `?1`"));
                }
                Piece::Numbered(number) => {
                    highest = highest.max(number);
                    number
                }
            };
            if let Some(place) = number.checked_sub(1).filter(|place| *place < parameters.len()) {
                sql.push_str(&parameters[place]);
                used[place] = true;
            }
        }
        match () {
            () if bare > 0 && highest > 0 => {
                Err(usage("a statement has either `?` or numbered placeholders").with_hint("number them all"))
            }
            () if bare.max(highest) != parameters.len() => {
                Err(self.miscounted(bare, highest, parameters.len()))
            }
            () => match used.iter().position(|used| !used) {
                None => Ok(sql),
                Some(place) => Err(usage(format!("the statement has no `?{}`", place + 1))
                    .with_hint("number the values without a gap, in the order of `.bind(..)`")),
            },
        }
    }

    #[cold]
    fn miscounted(&self, bare: usize, highest: usize, values: usize) -> Error {
        let places = match highest {
            0 => format!("{bare} `?`"),
            number => format!("placeholders up to `?{number}`"),
        };
        let error = usage(format!("the statement has {places} and values for {values}"));
        match self.dialect.lexer().question_operators {
            true => error
                .with_hint("call `.bind(..)` once for each `?`; an operator's question mark is written `??`"),
            false => error.with_hint("call `.bind(..)` once for each `?`"),
        }
    }
}

fn qualified(qualifier: Option<&str>, name: &str) -> String {
    qualifier.map_or_else(|| name.to_owned(), |qualifier| format!("{qualifier}.{name}"))
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}
