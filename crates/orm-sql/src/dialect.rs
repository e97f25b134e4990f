//! What databases disagree about.

use std::borrow::Cow;

use orm_core::ir::{AggFunc, BinaryOp, Direction, Func, LikeOp, Nulls, UnaryOp};
use orm_core::meta::ModelMeta;
use orm_core::schema::{Column, NameRules, Type};
use orm_core::value::{ColumnType, Datum};
use orm_core::{Error, ErrorKind};

use crate::scan::Lexer;

/// The SQL of one database. Operands come as finished SQL, in parentheses where they need them; a method
/// may use an operand more than once. The defaults are what SQLite and PostgreSQL agree about.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::Command;
/// use orm_sql::{Dialect, PostgresDialect, SqliteDialect, compile};
/// fn text(dialect: &impl Dialect, query: Query<User>) -> String {
///     compile(dialect, &Command::Select(Box::new(query.into_select())), 0).unwrap().sql
/// }
/// let query = || User::filter(User::id.in_([1, 2]));
/// assert!(text(&SqliteDialect, query()).ends_with(r#"WHERE "id" IN (SELECT value FROM rarray(?1))"#));
/// assert!(text(&PostgresDialect, query()).ends_with(r#"WHERE "id" = ANY($1::bigint[])"#));
/// ```
pub trait Dialect: Send + Sync {
    /// How texts, names and comments of a statement end, for those that the user writes.
    fn lexer(&self) -> Lexer;

    /// A name, quoted so that any name works.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.quote_ident("order"), r#""order""#);
    /// ```
    fn quote_ident(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// The table of a model.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.table(User::meta()), r#""users""#);
    /// ```
    fn table(&self, model: &ModelMeta) -> String {
        self.quote_ident(model.table)
    }

    /// The parameter of a number (from 1) whose value has this type.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.placeholder(3, ColumnType::I64), "?3");
    /// assert_eq!(PostgresDialect.placeholder(3, ColumnType::I64), "$3::bigint");
    /// ```
    fn placeholder(&self, number: usize, ty: ColumnType) -> String;

    /// A subquery in the place of a value, which fails if it has several rows.
    fn single(&self, select: &str) -> String {
        format!("({select})")
    }

    /// How many parameters a statement may have.
    fn max_parameters(&self) -> usize {
        // The number of parameters is 16 bits of PostgreSQL's protocol.
        65_535
    }

    /// `true` or `false` as a condition.
    ///
    /// ```
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.boolean(true), "TRUE");
    /// ```
    fn boolean(&self, value: bool) -> &'static str {
        if value { "TRUE" } else { "FALSE" }
    }

    /// A value written into the text, as DDL needs it; `None` for a datum that is no value.
    ///
    /// ```
    /// use orm_core::value::Datum;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.literal(&Datum::Bytes(vec![1, 255])).as_deref(), Some("X'01FF'"));
    /// assert_eq!(PostgresDialect.literal(&Datum::Bytes(vec![1, 255])).as_deref(), Some(r"'\x01FF'"));
    /// assert_eq!(SqliteDialect.literal(&Datum::Default), None);
    /// ```
    fn literal(&self, value: &Datum) -> Option<String>;

    /// Text written into the statement.
    ///
    /// ```
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.text_literal("it's"), "'it''s'");
    /// ```
    fn text_literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// Whether a value is NULL.
    fn is_null(&self, operand: &str, ty: Option<ColumnType>, negated: bool) -> String {
        let _ = ty;
        format!("{operand} IS {}NULL", if negated { "NOT " } else { "" })
    }

    /// `expr [NOT] IN` a list that is one parameter.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.in_list("id", 1, ColumnType::I64, true), "id <> ALL($1::bigint[])");
    /// ```
    fn in_list(&self, expr: &str, number: usize, ty: ColumnType, negated: bool) -> String;

    /// `(a, b) IN` a list of tuples, whose first parameter has this number.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect};
    /// let sql = PostgresDialect.in_tuples(&["a".to_owned(), "b".to_owned()], 1, &[ColumnType::I64, ColumnType::Text]);
    /// assert_eq!(sql, "(a, b) IN (SELECT * FROM UNNEST($1::bigint[], $2::text[]))");
    /// ```
    fn in_tuples(&self, exprs: &[String], number: usize, types: &[ColumnType]) -> String;

    /// How many parameters a list of tuples is.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// let types = [ColumnType::I64, ColumnType::Text];
    /// assert_eq!((SqliteDialect.tuple_parameters(&types), PostgresDialect.tuple_parameters(&types)), (1, 2));
    /// ```
    fn tuple_parameters(&self, types: &[ColumnType]) -> usize {
        let _ = types;
        1
    }

    /// The rows of an INSERT as one query over a parameter for each column, numbered from `first`. `None` if this database
    /// takes them as `VALUES`.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// let rows = PostgresDialect.bulk_rows(1, &[ColumnType::I64, ColumnType::Text]);
    /// assert_eq!(rows.as_deref(), Some("SELECT * FROM UNNEST($1::bigint[], $2::text[])"));
    /// assert_eq!(SqliteDialect.bulk_rows(1, &[ColumnType::I64]), None);
    /// ```
    fn bulk_rows(&self, first: usize, types: &[ColumnType]) -> Option<String> {
        let _ = (first, types);
        None
    }

    /// Whether a query without a limit has rows.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(PostgresDialect.exists("SELECT 1 FROM a"), "EXISTS (SELECT 1 FROM a)");
    /// assert_eq!(SqliteDialect.exists("SELECT 1 FROM a"), "EXISTS (SELECT 1 FROM a LIMIT 1)");
    /// ```
    fn exists(&self, select: &str) -> String {
        format!("EXISTS ({select})")
    }

    /// Whether an element is one of those of an array, whose elements are of type `ty`. NULL if it is not found and there is a
    /// NULL among them, or if the array is NULL, which `nullable` says to be possible.
    ///
    /// # Errors
    /// An element of a type that this database cannot compare in an array.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(PostgresDialect.element_of("$1", "a", ColumnType::Text, true)?, "$1 = ANY(a)");
    /// assert_eq!(SqliteDialect.element_of("?1", "a", ColumnType::I64, false)?, "?1 IN (SELECT value FROM json_each(a))");
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    fn element_of(&self, element: &str, array: &str, ty: ColumnType, nullable: bool)
    -> Result<String, Error>;

    /// As [`element_of`](Dialect::element_of) for keys, none of which is NULL, looked for by an index on the array.
    ///
    /// # Errors
    /// An element of a type that this database cannot compare in an array.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.held_by("k", "a", ColumnType::I64)?, "a @> ARRAY[k]::bigint[]");
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    fn held_by(&self, element: &str, array: &str, ty: ColumnType) -> Result<String, Error> {
        self.element_of(element, array, ty, false)
    }

    /// What kind of index serves columns of these types, where it is not the usual: `USING …` with a space behind.
    ///
    /// ```
    /// use orm_core::schema::Type;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// let array = Type::Array(Box::new(Type::I64));
    /// assert_eq!((PostgresDialect.index_kind(&[&array]), SqliteDialect.index_kind(&[&array])), ("USING gin ", ""));
    /// ```
    fn index_kind(&self, types: &[&Type]) -> &'static str {
        let _ = types;
        ""
    }

    /// Whether an array has an element in common with the list in parameter `number`; NULL if the array is, which `nullable` says to
    /// be possible.
    ///
    /// # Errors
    /// Elements of a type that this database cannot compare in an array.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.overlap("a", 1, ColumnType::I64, true)?, "a && $1::bigint[]");
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    fn overlap(&self, array: &str, number: usize, ty: ColumnType, nullable: bool) -> Result<String, Error>;

    /// A condition on text. `text` and `pattern` can stand as operands.
    ///
    /// ```
    /// use orm_core::ir::LikeOp;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.like(LikeOp::Contains, "name", "?1", false), "instr(name, ?1) > 0");
    /// ```
    fn like(&self, op: LikeOp, text: &str, pattern: &str, insensitive: bool) -> String;

    /// Equality for which NULL equals NULL, and its opposite.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.null_safe_equality(false), "IS");
    /// assert_eq!(PostgresDialect.null_safe_equality(false), "IS NOT DISTINCT FROM");
    /// ```
    fn null_safe_equality(&self, negated: bool) -> &'static str {
        if negated { "IS DISTINCT FROM" } else { "IS NOT DISTINCT FROM" }
    }

    /// Arithmetic on a type for which the plain operator is wrong; `None` means the plain operator.
    ///
    /// ```
    /// use orm_core::ir::BinaryOp;
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// let sum = SqliteDialect.arithmetic(BinaryOp::Add, "a", "b", ColumnType::Decimal);
    /// assert_eq!(sum.as_deref(), Some("orm_decimal_add(a, b)"));
    /// assert_eq!(SqliteDialect.arithmetic(BinaryOp::Add, "a", "b", ColumnType::I64), None);
    /// ```
    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: ColumnType) -> Option<String>;

    /// A unary operation on a type for which the plain operator is wrong; `None` means the plain operator.
    ///
    /// ```
    /// use orm_core::ir::UnaryOp;
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.unary(UnaryOp::Neg, "a", ColumnType::Decimal).as_deref(), Some("orm_decimal_neg(a)"));
    /// ```
    fn unary(&self, op: UnaryOp, operand: &str, ty: ColumnType) -> Option<String> {
        let _ = (op, operand, ty);
        None
    }

    /// An operand as it must stand where nothing around it tells its type.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.alone("$1".to_owned()), "$1::text");
    /// ```
    fn alone(&self, operand: String) -> String {
        operand
    }

    /// The columns that say where a row is kept, which together differ for each row of a table and of what belongs to it.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.place(), ["tableoid", "ctid"]);
    /// ```
    fn place(&self) -> &'static [&'static str] {
        &[]
    }

    /// An operand as it must stand where order matters (`<`, ORDER BY, MIN): with a collation, say.
    ///
    /// # Errors
    /// A type whose values have no order here.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.ordered("price".to_owned(), ColumnType::Decimal)?, "price COLLATE orm_decimal");
    /// assert!(SqliteDialect.ordered("list".to_owned(), ColumnType::Array(&ColumnType::I64)).is_err());
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    fn ordered(&self, operand: String, ty: ColumnType) -> Result<String, Error> {
        let _ = ty;
        Ok(operand)
    }

    /// Where this database puts NULLs if the query does not say.
    ///
    /// ```
    /// use orm_core::ir::{Direction, Nulls};
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.default_nulls(Direction::Asc), Nulls::First);
    /// assert_eq!(PostgresDialect.default_nulls(Direction::Asc), Nulls::Last);
    /// ```
    fn default_nulls(&self, direction: Direction) -> Nulls;

    /// An aggregate. `body` is what stands in the parentheses, `filter` is empty or ` FILTER (…)`.
    ///
    /// ```
    /// use orm_core::ir::AggFunc;
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.aggregate(AggFunc::Sum, "score", "", ColumnType::I32), "(SUM(score))::bigint");
    /// ```
    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: ColumnType) -> String;

    /// A function of fixed meaning. `ty` is the type of its first argument where it is known.
    ///
    /// ```
    /// use orm_core::ir::Func;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.function(Func::CharLength, &["name".to_owned()], None).unwrap(), "orm_char_length(name)");
    /// ```
    fn function(&self, func: Func, args: &[String], ty: Option<ColumnType>) -> Result<String, Error>;

    /// A conversion, one of those that [`castable`](orm_core::ir::castable) has.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.cast("age", ColumnType::I32, ColumnType::Text), "CAST(age AS TEXT)");
    /// assert_eq!(PostgresDialect.cast("price", ColumnType::Decimal, ColumnType::I64), "trunc(price)::bigint");
    /// ```
    fn cast(&self, operand: &str, from: ColumnType, to: ColumnType) -> String;

    /// The end of a SELECT, with a leading space if it is not empty.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert_eq!(PostgresDialect.limit_offset(None, Some("10")), " OFFSET 10");
    /// assert_eq!(SqliteDialect.limit_offset(None, Some("10")), " LIMIT -1 OFFSET 10");
    /// ```
    fn limit_offset(&self, limit: Option<&str>, offset: Option<&str>) -> String {
        let part =
            |word: &str, value: Option<&str>| value.map_or(String::new(), |value| format!(" {word} {value}"));
        part("LIMIT", limit) + &part("OFFSET", offset)
    }

    /// The clause of an INSERT that says what to do about a row that is there already, with a leading space.
    ///
    /// ```
    /// use orm_sql::{Dialect, SqliteDialect, Upsert};
    /// let upsert = Upsert { target: vec!["email".into()], set: vec!["name = excluded.name".into()], filter: None };
    /// let sql = SqliteDialect.upsert(&upsert).unwrap();
    /// assert_eq!(sql, " ON CONFLICT (email) DO UPDATE SET name = excluded.name");
    /// ```
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
    ///
    /// ```
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.excluded("\"name\""), "excluded.\"name\"");
    /// ```
    fn excluded(&self, column: &str) -> String {
        format!("excluded.{column}")
    }

    /// The clause of a write that gives rows back, with a leading space.
    ///
    /// ```
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.returning("\"id\"").unwrap(), " RETURNING \"id\"");
    /// ```
    fn returning(&self, list: &str) -> Result<String, Error> {
        Ok(format!(" RETURNING {list}"))
    }

    /// The type of a column.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// use orm_core::schema::Column;
    /// let email = Column::of(User::meta(), User::email.index());
    /// assert_eq!(SqliteDialect.column_type(&email), "TEXT");
    /// assert_eq!(PostgresDialect.column_type(&email), "text");
    /// ```
    fn column_type(&self, column: &Column) -> Cow<'static, str>;

    /// Type and constraint of a primary key that the database numbers.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// use orm_core::schema::Column;
    /// let id = Column::of(User::meta(), User::id.index());
    /// assert_eq!(SqliteDialect.auto_increment(&id), "INTEGER PRIMARY KEY AUTOINCREMENT");
    /// ```
    fn auto_increment(&self, column: &Column) -> String;

    /// Checks that stand in for what the column type does not enforce, as expressions.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// use orm_core::schema::Column;
    /// let email = Column::of(User::meta(), User::email.index());
    /// assert!(SqliteDialect.column_checks(&email)[0].starts_with(r#"length("email") <= 320"#));
    /// ```
    fn column_checks(&self, column: &Column) -> Vec<String>;

    /// Whether two names are one in the database.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert!(SqliteDialect.same_name("Users", "users") && !PostgresDialect.same_name("Users", "users"));
    /// ```
    fn same_name(&self, a: &str, b: &str) -> bool {
        a == b
    }

    /// Whether a column whose type the database writes as `found` keeps what the model's column does.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// use orm_core::schema::Column;
    /// let name = Column::of(User::meta(), User::name.index());
    /// assert!(SqliteDialect.same_type(&name, "VARCHAR(20)") && !SqliteDialect.same_type(&name, "INTEGER"));
    /// ```
    fn same_type(&self, column: &Column, found: &str) -> bool {
        self.column_type(column) == found
    }

    /// How the database takes names.
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect};
    /// assert_eq!(PostgresDialect.name_rules().longest, 63);
    /// ```
    fn name_rules(&self) -> NameRules {
        NameRules { folds_case: false, longest: usize::MAX, implicit: |_| Vec::new() }
    }

    /// Whether foreign keys are part of CREATE TABLE. A database that cannot name a table before it exists
    /// adds them afterwards, with [`foreign_key`](crate::foreign_key).
    ///
    /// ```
    /// use orm_sql::{Dialect, PostgresDialect, SqliteDialect};
    /// assert!(SqliteDialect.inline_foreign_keys() && !PostgresDialect.inline_foreign_keys());
    /// ```
    fn inline_foreign_keys(&self) -> bool {
        true
    }

    /// The error for a function that came with a later orm-core.
    ///
    /// ```
    /// use orm_core::ErrorKind;
    /// use orm_sql::{Dialect, SqliteDialect};
    /// assert_eq!(SqliteDialect.unknown("Soundex").kind(), ErrorKind::Unsupported);
    /// ```
    fn unknown(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unsupported, format!("this database has no SQL for {what}"))
    }
}

/// The parts of an upsert clause, rendered.
///
/// ```
/// use orm_sql::{Dialect, PostgresDialect, Upsert};
/// let nothing = Upsert { target: vec!["email".into()], ..Upsert::default() };
/// assert_eq!(PostgresDialect.upsert(&nothing).unwrap(), " ON CONFLICT (email) DO NOTHING");
/// ```
#[derive(Debug, Default)]
pub struct Upsert {
    /// The unique columns; empty means any conflict.
    pub target: Vec<String>,
    /// `column = value` of each change; empty means that the row is left alone.
    pub set: Vec<String>,
    /// Under which condition the row is changed.
    pub filter: Option<String>,
}
