//! What databases disagree about.

use std::borrow::Cow;

use orm_core::ir::{AggFunc, BinaryOp, Direction, Func, LikeOp, Nulls, UnaryOp};
use orm_core::meta::{ColumnMeta, ModelMeta};
use orm_core::value::{Datum, DbType};
use orm_core::{Error, ErrorKind};

/// The SQL of one database. Operands come as finished SQL, in parentheses where they need them; a method
/// may use an operand more than once. The defaults are what SQLite and PostgreSQL agree about.
pub trait Dialect: Send + Sync {
    /// A name, quoted so that any name works.
    fn quote_ident(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The table of a model.
    fn table(&self, model: &ModelMeta) -> String {
        self.quote_ident(model.table)
    }

    /// The parameter of a number (from 1) whose value has this type.
    fn placeholder(&self, number: usize, ty: DbType) -> String;

    /// `true` or `false` as a condition.
    fn boolean(&self, value: bool) -> &'static str {
        if value { "TRUE" } else { "FALSE" }
    }

    /// A value written into the text, as DDL needs it; `None` for a datum that is no value.
    fn literal(&self, value: &Datum) -> Option<String>;

    /// Text written into the statement.
    fn text_literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// `expr [NOT] IN` a list that is one parameter.
    fn in_list(&self, expr: &str, number: usize, ty: DbType, negated: bool) -> String;

    /// `(a, b) IN` a list of tuples, whose first parameter has this number.
    fn in_tuples(&self, exprs: &[String], number: usize, types: &[DbType]) -> String;

    /// How many parameters a list of tuples is.
    fn tuple_parameters(&self, types: &[DbType]) -> usize {
        let _ = types;
        1
    }

    /// The rows of an INSERT as one query over a parameter for each column, numbered from `first`. `None` if this database
    /// takes them as `VALUES`.
    fn bulk_rows(&self, first: usize, types: &[DbType]) -> Option<String> {
        let _ = (first, types);
        None
    }

    /// A condition on text. `text` and `pattern` can stand as operands.
    fn like(&self, op: LikeOp, text: &str, pattern: &str, insensitive: bool) -> String;

    /// Equality for which NULL equals NULL, and its opposite.
    fn null_safe_equality(&self, negated: bool) -> &'static str {
        if negated { "IS DISTINCT FROM" } else { "IS NOT DISTINCT FROM" }
    }

    /// Arithmetic on a type for which the plain operator is wrong; `None` means the plain operator.
    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: DbType) -> Option<String>;

    /// A unary operation on a type for which the plain operator is wrong; `None` means the plain operator.
    fn unary(&self, op: UnaryOp, operand: &str, ty: DbType) -> Option<String> {
        let _ = (op, operand, ty);
        None
    }

    /// An operand as it must stand where nothing around it tells its type.
    fn alone(&self, operand: String) -> String {
        operand
    }

    /// An operand as it must stand where order matters (`<`, ORDER BY, MIN): with a collation, say.
    fn ordered(&self, operand: String, ty: DbType) -> String {
        let _ = ty;
        operand
    }

    /// Where this database puts NULLs if the query does not say.
    fn default_nulls(&self, direction: Direction) -> Nulls;

    /// An aggregate. `body` is what stands in the parentheses, `filter` is empty or ` FILTER (…)`.
    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: DbType) -> String;

    /// A function of fixed meaning. `ty` is the type of its first argument where it is known.
    fn function(&self, func: Func, args: &[String], ty: Option<DbType>) -> Result<String, Error>;

    /// A conversion. `from` is the type of the operand where it is known.
    fn cast(&self, operand: &str, from: Option<DbType>, to: DbType) -> String;

    /// The end of a SELECT, with a leading space if it is not empty.
    fn limit_offset(&self, limit: Option<&str>, offset: Option<&str>) -> String {
        let part =
            |word: &str, value: Option<&str>| value.map_or(String::new(), |value| format!(" {word} {value}"));
        part("LIMIT", limit) + &part("OFFSET", offset)
    }

    /// The clause of an INSERT that says what to do about a row that is there already, with a leading space.
    fn upsert(&self, upsert: &Upsert) -> Result<String, Error> {
        let mut sql = String::from(" ON CONFLICT");
        if !upsert.target.is_empty() {
            sql += &format!(" ({})", upsert.target.join(", "));
        }
        if upsert.set.is_empty() {
            return Ok(sql + " DO NOTHING");
        }
        sql += &format!(" DO UPDATE SET {}", upsert.set.join(", "));
        if let Some(filter) = &upsert.filter {
            sql += &format!(" WHERE {filter}");
        }
        Ok(sql)
    }

    /// A column (quoted already) of the row that an upsert could not insert.
    fn excluded(&self, column: &str) -> String {
        format!("excluded.{column}")
    }

    /// The clause of a write that gives rows back, with a leading space.
    fn returning(&self, list: &str) -> Result<String, Error> {
        Ok(format!(" RETURNING {list}"))
    }

    /// The type of a column.
    fn column_type(&self, column: &ColumnMeta) -> Cow<'static, str>;

    /// Type and constraint of a primary key that the database numbers.
    fn auto_increment(&self, column: &ColumnMeta) -> String;

    /// Checks that stand in for what the column type does not enforce, as expressions.
    fn column_checks(&self, column: &ColumnMeta) -> Vec<String>;

    /// Whether foreign keys are part of CREATE TABLE. A database that cannot name a table before it exists
    /// adds them afterwards, with [`foreign_key`](crate::foreign_key).
    fn inline_foreign_keys(&self) -> bool {
        true
    }

    /// The error for a function that came with a later orm-core.
    fn unknown(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unsupported, format!("this database has no SQL for {what}"))
    }
}

/// The parts of an upsert clause, rendered.
#[derive(Debug, Default)]
pub struct Upsert {
    /// The unique columns; empty means any conflict.
    pub target: Vec<String>,
    /// `column = value` of each change; empty means that the row is left alone.
    pub set: Vec<String>,
    /// Under which condition the row is changed.
    pub filter: Option<String>,
}
