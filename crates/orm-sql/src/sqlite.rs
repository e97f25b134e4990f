//! SQLite.
//!
//! SQLite has five storage classes, so some types live in one of them under a convention, and the driver registers
//! what SQLite lacks on every connection:
//!
//! | name | kind | meaning |
//! |---|---|---|
//! | `orm_decimal` | collation | numeric order of two canonical decimals |
//! | `orm_decimal_add`, `_sub`, `_mul`, `_div`, `_rem` | function of 2 | arithmetic; NULL in, NULL out |
//! | `orm_decimal_neg`, `_abs`, `_cast` | function of 1 | minus, absolute value, any number or numeric text to a decimal |
//! | `orm_decimal_round` | function of 1 or 2 | rounding, halves away from zero |
//! | `orm_decimal_sum`, `_avg` | aggregate of 1 | over no rows NULL |
//! | `orm_float_rem` | function of 2 | remainder of floating-point numbers |
//! | `orm_like(pattern, text)` | function of 2 | case-sensitive LIKE with `\` as escape |
//!
//! Decimals are canonical text (`-12.5`, no trailing zeros, no `-0`), so equality is equality of text. Dates are
//! `YYYY-MM-DD`, times `HH:MM:SS[.fffffffff]` without trailing zeros, both with one space between for date-times and (UTC)
//! timestamps, which makes text order time order. A list is an array for `rarray`, a list of tuples is a
//! JSON array of arrays for `json_each`, bytes and UUIDs in it being hexadecimal text.

use std::borrow::Cow;
use std::fmt::Write as _;

use orm_core::Error;
use orm_core::ir::{AggFunc, BinaryOp, Direction, Func, LikeOp, Nulls, UnaryOp};
use orm_core::meta::ColumnMeta;
use orm_core::value::{DateTime, Datum, DbType, Numeric};

use crate::Dialect;

/// The SQL of SQLite 3.41 and later.
///
/// ```
/// use orm_sql::{Dialect, SqliteDialect};
/// assert_eq!(SqliteDialect.quote_ident("say \"hi\""), "\"say \"\"hi\"\"\"");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteDialect;

/// The current instant in the text form of a timestamp.
const NOW: &str = "rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')";

impl Dialect for SqliteDialect {
    fn placeholder(&self, number: usize, _ty: DbType) -> String {
        format!("?{number}")
    }

    fn literal(&self, value: &Datum) -> Option<String> {
        Some(match value {
            Datum::Null => "NULL".into(),
            Datum::Bool(value) => self.boolean(*value).into(),
            Datum::I64(value) => value.to_string(),
            Datum::F64(value) if value.is_infinite() => if *value > 0.0 { "9e999" } else { "-9e999" }.into(),
            Datum::F64(value) => format!("{value:?}"),
            Datum::Text(value) | Datum::Json(value) => self.text_literal(value),
            Datum::Bytes(value) => format!("X'{}'", hex(value)),
            Datum::Uuid(value) => format!("X'{}'", hex(value)),
            Datum::Decimal(value) => self.text_literal(&decimal_text(*value)),
            Datum::Date(value) => format!("'{value}'"),
            Datum::Time(value) => format!("'{value}'"),
            Datum::DateTime(value) | Datum::Timestamp(value) => format!("'{}'", datetime_text(*value)?),
            _ => return None,
        })
    }

    fn in_list(&self, expr: &str, number: usize, _ty: DbType, negated: bool) -> String {
        let not = if negated { "NOT " } else { "" };
        format!("{expr} {not}IN (SELECT value FROM rarray(?{number}))")
    }

    fn in_tuples(&self, exprs: &[String], number: usize, types: &[DbType]) -> String {
        let parts: Vec<String> = types.iter().enumerate().map(|(index, ty)| tuple_part(index, *ty)).collect();
        format!("({}) IN (SELECT {} FROM json_each(?{number}))", exprs.join(", "), parts.join(", "))
    }

    fn exists(&self, select: &str) -> String {
        // SQLite 3.51 turns EXISTS into a join that is to stop at its first row. Where an IN leads to the rows it does not (3.51.1:
        // `WHERE EXISTS (SELECT 1 FROM p WHERE p.id IN (1, 2))` gives each row twice). With a limit it stays a subquery.
        format!("EXISTS ({select} LIMIT 1)")
    }

    fn element_of(&self, element: &str, array: &str, ty: DbType, nullable: bool) -> Result<String, Error> {
        let array = if nullable { format!("coalesce({array}, '[null]')") } else { array.to_owned() };
        Ok(format!("{element} IN (SELECT {} FROM json_each({array}))", self.array_element(ty)?))
    }

    fn overlap(&self, array: &str, number: usize, ty: DbType, nullable: bool) -> Result<String, Error> {
        let element = self.array_element(ty)?;
        let list = format!("SELECT value FROM rarray(?{number})");
        let found = self.exists(&format!("SELECT 1 FROM json_each({array}) WHERE {element} IN ({list})"));
        Ok(if nullable { format!("iif({array} IS NULL, NULL, {found})") } else { found })
    }

    fn like(&self, op: LikeOp, text: &str, pattern: &str, insensitive: bool) -> String {
        if op == LikeOp::Pattern {
            return if insensitive {
                format!("{text} LIKE {pattern} ESCAPE '\\'")
            } else {
                format!("orm_like({pattern}, {text})")
            };
        }
        let folded = |sql: &str| if insensitive { format!("lower({sql})") } else { sql.to_owned() };
        let (text, pattern) = (folded(text), folded(pattern));
        match op {
            // No query reaches this: the driver does not offer the capability.
            LikeOp::Regex => format!("{text} REGEXP {pattern}"),
            LikeOp::StartsWith => format!("substr({text}, 1, length({pattern})) = {pattern}"),
            // A start below 1 counts from the end and gives a text that is too short, never an equal one.
            LikeOp::EndsWith => format!("substr({text}, length({text}) - length({pattern}) + 1) = {pattern}"),
            _ => format!("instr({text}, {pattern}) > 0"),
        }
    }

    fn null_safe_equality(&self, negated: bool) -> &'static str {
        if negated { "IS NOT" } else { "IS" }
    }

    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: DbType) -> Option<String> {
        let name = match (op, ty) {
            (BinaryOp::Add, DbType::Decimal) => "orm_decimal_add",
            (BinaryOp::Sub, DbType::Decimal) => "orm_decimal_sub",
            (BinaryOp::Mul, DbType::Decimal) => "orm_decimal_mul",
            (BinaryOp::Div, DbType::Decimal) => "orm_decimal_div",
            (BinaryOp::Rem, DbType::Decimal) => "orm_decimal_rem",
            // SQLite's % turns both operands into integers first.
            (BinaryOp::Rem, DbType::F32 | DbType::F64) => "orm_float_rem",
            _ => return None,
        };
        Some(format!("{name}({left}, {right})"))
    }

    fn unary(&self, op: UnaryOp, operand: &str, ty: DbType) -> Option<String> {
        (op == UnaryOp::Neg && ty == DbType::Decimal).then(|| format!("orm_decimal_neg({operand})"))
    }

    fn ordered(&self, operand: String, ty: DbType) -> Result<String, Error> {
        match ty {
            DbType::Decimal => Ok(operand + " COLLATE orm_decimal"),
            // The order of their texts is not that of their elements.
            DbType::Array(_) => Err(self.unknown("an order of arrays")),
            _ => Ok(operand),
        }
    }

    fn default_nulls(&self, direction: Direction) -> Nulls {
        // https://sqlite.org/lang_select.html#orderby: NULLs are smaller than any other value.
        if direction == Direction::Asc { Nulls::First } else { Nulls::Last }
    }

    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: DbType) -> String {
        let name = match (func, ty) {
            (AggFunc::Sum, DbType::Decimal) => "orm_decimal_sum",
            (AggFunc::Avg, DbType::Decimal) => "orm_decimal_avg",
            (AggFunc::Sum, _) => "SUM",
            (AggFunc::Avg, _) => "AVG",
            (AggFunc::Min, _) => "MIN",
            (AggFunc::Max, _) => "MAX",
            _ => "COUNT",
        };
        format!("{name}({body}){filter}")
    }

    fn function(&self, func: Func, args: &[String], ty: Option<DbType>) -> Result<String, Error> {
        let decimal = ty == Some(DbType::Decimal);
        let name = match func {
            Func::Now => return Ok(NOW.into()),
            Func::Append | Func::Without => {
                let (Some(DbType::Array(element)), [array, value]) = (ty, args) else {
                    return Err(self.unknown("a change of this array"));
                };
                return self.array_change(func, array, value, *element);
            }
            // Both need two arguments at least; one is itself.
            Func::Coalesce if args.len() == 1 => return Ok(args.concat()),
            // SQLite's round gives a REAL whatever it is given.
            Func::Round if args.len() == 1 && ty.is_some_and(DbType::is_integer) => return Ok(args.concat()),
            Func::Round if ty.is_some_and(DbType::is_integer) => {
                return Ok(format!("CAST(round({}) AS INTEGER)", args.join(", ")));
            }
            Func::Round if decimal => "orm_decimal_round",
            Func::Abs if decimal => "orm_decimal_abs",
            Func::Lower => "lower",
            Func::Upper => "upper",
            Func::CharLength => "length",
            Func::Trim => "trim",
            Func::Substring => "substr",
            Func::Replace => "replace",
            Func::Coalesce => "coalesce",
            Func::NullIf => "nullif",
            Func::Abs => "abs",
            Func::Round => "round",
            other => return Err(self.unknown(&format!("{other:?}"))),
        };
        Ok(format!("{name}({})", args.join(", ")))
    }

    fn cast(&self, operand: &str, from: Option<DbType>, to: DbType) -> String {
        match to {
            DbType::Decimal if from == Some(DbType::Decimal) => operand.to_owned(),
            DbType::Decimal => format!("orm_decimal_cast({operand})"),
            DbType::Bool => format!("(CAST({operand} AS NUMERIC) <> 0)"),
            other => format!("CAST({operand} AS {})", storage_class(other)),
        }
    }

    fn limit_offset(&self, limit: Option<&str>, offset: Option<&str>) -> String {
        match (limit, offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => format!(" LIMIT {} OFFSET {offset}", limit.unwrap_or("-1")),
        }
    }

    fn column_type(&self, column: &ColumnMeta) -> Cow<'static, str> {
        // Only the substring that decides on the affinity matters to SQLite
        // (https://sqlite.org/datatype3.html#determination_of_column_affinity); the rest is for introspection.
        match column.ty() {
            DbType::Bool => "BOOLEAN",
            DbType::Decimal => "DECIMAL_TEXT",
            DbType::Date => "DATE_TEXT",
            DbType::Time => "TIME_TEXT",
            DbType::DateTime => "DATETIME_TEXT",
            DbType::Timestamp => "TIMESTAMP_TEXT",
            DbType::Json | DbType::List(_) | DbType::Array(_) => "JSON_TEXT",
            other => storage_class(other),
        }
        .into()
    }

    fn auto_increment(&self, _column: &ColumnMeta) -> String {
        "INTEGER PRIMARY KEY AUTOINCREMENT".into()
    }

    fn column_checks(&self, column: &ColumnMeta) -> Vec<String> {
        let name = self.quote_ident(&column.name);
        let mut checks = Vec::new();
        if let Some(max) = column.max_len {
            checks.push(format!("length({name}) <= {max}"));
        }
        if let DbType::Enum(meta) = column.ty() {
            let values = meta.variants.iter().map(|(variant, number)| {
                if meta.integer { number.to_string() } else { self.text_literal(variant) }
            });
            checks.push(format!("{name} IN ({})", values.collect::<Vec<_>>().join(", ")));
        }
        checks
    }
}

/// Integers go in as integers, so `CAST` and affinity have nothing to change but for bytes.
impl SqliteDialect {
    /// An element of an array, `value` of `json_each`, as a column of its type would have it.
    fn array_element(&self, ty: DbType) -> Result<&'static str, Error> {
        match ty {
            DbType::Uuid => Ok("unhex(value)"),
            // Not every number is read back from JSON as the same one, and documents have no one text.
            DbType::F32 | DbType::F64 => Err(self.unknown("looking for a floating-point number in an array")),
            DbType::Bytes | DbType::Json | DbType::Array(_) | DbType::List(_) | DbType::Native(_) => {
                Err(self.unknown("looking for an element of this type in an array"))
            }
            _ => Ok("value"),
        }
    }

    fn array_change(&self, func: Func, array: &str, value: &str, ty: DbType) -> Result<String, Error> {
        // `->` gives an element as it is written, which a value of SQL does not. `json` is what `json_each` was given.
        if func == Func::Append {
            return Ok(format!("json_insert({array}, '$[#]', {value} -> '$[0]')"));
        }
        let element = self.array_element(ty)?;
        Ok(format!(
            "(SELECT json_group_array(json(json -> fullkey) ORDER BY key) FROM json_each({array}) \
             WHERE {element} IS NOT {value})"
        ))
    }
}

fn tuple_part(index: usize, ty: DbType) -> String {
    match ty {
        DbType::Bytes | DbType::Uuid => format!("unhex(value ->> {index})"),
        DbType::Enum(meta) if !meta.integer => format!("CAST(value ->> {index} AS TEXT)"),
        other => format!("CAST(value ->> {index} AS {})", storage_class(other)),
    }
}

fn storage_class(ty: DbType) -> &'static str {
    match ty {
        DbType::F32 | DbType::F64 => "REAL",
        DbType::Bytes | DbType::Uuid => "BLOB",
        DbType::Bool => "INTEGER",
        DbType::Enum(meta) if meta.integer => "INTEGER",
        other if other.is_integer() => "INTEGER",
        _ => "TEXT",
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

pub(crate) fn decimal_text(value: Numeric) -> String {
    let Numeric { mantissa, scale } = value.normalized();
    let scale = scale as usize;
    let digits = format!("{:0width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let (sign, point) = (if mantissa < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" });
    format!("{sign}{whole}{point}{fraction}")
}

pub(crate) fn datetime_text(value: DateTime) -> Option<String> {
    let (date, time) = value.split()?;
    Some(format!("{date} {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_read_back_as_the_same_value() {
        let literal = |datum: Datum| SqliteDialect.literal(&datum).unwrap_or_default();
        assert_eq!(literal(Datum::Text("it's".into())), "'it''s'");
        assert_eq!(literal(Datum::F64(1e300)), "1e300");
        assert_eq!(literal(Datum::Bytes(vec![0, 255])), "X'00FF'");
        assert_eq!(literal(Datum::Decimal(Numeric { mantissa: -1250, scale: 3 })), "'-1.25'");
        assert_eq!(literal(Datum::Decimal(Numeric { mantissa: 5, scale: 2 })), "'0.05'");
        assert_eq!(
            literal(Datum::Timestamp(DateTime { secs: 1, nanos: 500_000_000 })),
            "'1970-01-01 00:00:01.5'"
        );
    }
}
