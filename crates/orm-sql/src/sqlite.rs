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
//! | `orm_one` | aggregate of 1 | the value of the only row; an error with several, NULL without one |
//! | `orm_float_rem` | function of 2 | remainder of floating-point numbers |
//! | `orm_integer`, `orm_parse_integer` | function of 2 | a number without its fraction, a text that is an integer, of 16, 32 or 64 bits; an error beyond |
//! | `orm_parse_real`, `orm_single` | function of 1 | a text or decimal as REAL; a REAL rounded to 32 bits |
//! | `orm_real_text`, `orm_decimal_of_real` | function of 2 | a REAL, or (1) one of 32 bits, in its shortest digits |
//! | `orm_real_round` | function of 3 | a REAL rounded to digits, halves of its shortest digits away from zero |
//! | `orm_parse_bool`, `orm_parse_uuid`, `orm_uuid_text` | function of 1 | what texts of these types mean, and the text of a UUID |
//! | `orm_like`, `orm_ilike` | function of 2 | whether the text is LIKE the pattern, with `\` as escape; the second takes A for a |
//! | `orm_starts_with`, `orm_ends_with` | function of 2 | whether the text starts or ends with another |
//! | `orm_char_length`, `orm_substring`, `orm_replace` | function of 1, 3, 3 | as SQLite's own, past U+0000 as well |
//!
//! Decimals are canonical text (`-12.5`, no trailing zeros, no `-0`), so equality is equality of text. Dates are
//! `YYYY-MM-DD`, times `HH:MM:SS[.fffffffff]` without trailing zeros, both with one space between for date-times and (UTC)
//! timestamps, which makes text order time order. A list is an array for `rarray`, a list of tuples is a
//! JSON array of arrays for `json_each`, bytes and UUIDs in it being hexadecimal text.

use std::borrow::Cow;
use std::fmt::Write as _;

use orm_core::Error;
use orm_core::ir::{AggFunc, BinaryOp, CastKind, Direction, Func, LikeOp, Nulls, UnaryOp};
use orm_core::schema::{Column, NameRules, Type, digits};
use orm_core::value::{ColumnType, DateTime, Datum, Numeric};

use crate::Dialect;
use crate::scan::Lexer;

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
    fn lexer(&self) -> Lexer {
        Lexer {
            other_names: true,
            escapes: false,
            dollar_quotes: false,
            nested_comments: false,
            question_operators: false,
            parameters: b":@$",
        }
    }

    fn placeholder(&self, number: usize, _ty: ColumnType) -> String {
        format!("?{number}")
    }

    fn single(&self, select: &str) -> String {
        // SQLite itself takes the first of several rows.
        format!("(WITH orm_s(v) AS ({select}) SELECT orm_one(v) FROM orm_s)")
    }

    fn max_parameters(&self) -> usize {
        // https://sqlite.org/limits.html#max_variable_number
        32_766
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

    fn in_list(&self, expr: &str, number: usize, _ty: ColumnType, negated: bool) -> String {
        let not = if negated { "NOT " } else { "" };
        format!("{expr} {not}IN (SELECT value FROM rarray(?{number}))")
    }

    fn in_tuples(&self, exprs: &[String], number: usize, types: &[ColumnType]) -> String {
        let parts: Vec<String> = types.iter().enumerate().map(|(index, ty)| tuple_part(index, *ty)).collect();
        format!("({}) IN (SELECT {} FROM json_each(?{number}))", exprs.join(", "), parts.join(", "))
    }

    fn exists(&self, select: &str) -> String {
        // SQLite 3.51 turns EXISTS into a join that is to stop at its first row. Where an IN leads to the rows it does not (3.51.1:
        // `WHERE EXISTS (SELECT 1 FROM p WHERE p.id IN (1, 2))` gives each row twice). With a limit it stays a subquery.
        format!("EXISTS ({select} LIMIT 1)")
    }

    fn element_of(
        &self,
        element: &str,
        array: &str,
        ty: ColumnType,
        nullable: bool,
    ) -> Result<String, Error> {
        let array = if nullable { format!("coalesce({array}, '[null]')") } else { array.to_owned() };
        Ok(format!("{element} IN (SELECT {} FROM json_each({array}))", self.array_element(ty)?))
    }

    fn overlap(&self, array: &str, number: usize, ty: ColumnType, nullable: bool) -> Result<String, Error> {
        let element = self.array_element(ty)?;
        let list = format!("SELECT value FROM rarray(?{number})");
        let found = self.exists(&format!("SELECT 1 FROM json_each({array}) WHERE {element} IN ({list})"));
        Ok(if nullable { format!("iif({array} IS NULL, NULL, {found})") } else { found })
    }

    fn like(&self, op: LikeOp, text: &str, pattern: &str, insensitive: bool) -> String {
        if op == LikeOp::Pattern {
            return if insensitive {
                format!("orm_ilike({text}, {pattern})")
            } else {
                format!("orm_like({text}, {pattern})")
            };
        }
        let folded = |sql: &str| if insensitive { format!("lower({sql})") } else { sql.to_owned() };
        let (text, pattern) = (folded(text), folded(pattern));
        match op {
            // No query reaches this: the driver does not offer the capability.
            LikeOp::Regex => format!("{text} REGEXP {pattern}"),
            LikeOp::StartsWith => format!("orm_starts_with({text}, {pattern})"),
            LikeOp::EndsWith => format!("orm_ends_with({text}, {pattern})"),
            _ => format!("instr({text}, {pattern}) > 0"),
        }
    }

    fn null_safe_equality(&self, negated: bool) -> &'static str {
        if negated { "IS NOT" } else { "IS" }
    }

    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: ColumnType) -> Option<String> {
        let name = match (op, ty) {
            (BinaryOp::Add, ColumnType::Decimal) => "orm_decimal_add",
            (BinaryOp::Sub, ColumnType::Decimal) => "orm_decimal_sub",
            (BinaryOp::Mul, ColumnType::Decimal) => "orm_decimal_mul",
            (BinaryOp::Div, ColumnType::Decimal) => "orm_decimal_div",
            (BinaryOp::Rem, ColumnType::Decimal) => "orm_decimal_rem",
            // SQLite's % turns both operands into integers first.
            (BinaryOp::Rem, ColumnType::F32 | ColumnType::F64) => "orm_float_rem",
            _ => return None,
        };
        Some(format!("{name}({left}, {right})"))
    }

    fn unary(&self, op: UnaryOp, operand: &str, ty: ColumnType) -> Option<String> {
        (op == UnaryOp::Neg && ty == ColumnType::Decimal).then(|| format!("orm_decimal_neg({operand})"))
    }

    fn ordered(&self, operand: String, ty: ColumnType) -> Result<String, Error> {
        match ty {
            ColumnType::Decimal => Ok(operand + " COLLATE orm_decimal"),
            // The order of their texts is not that of their elements.
            ColumnType::Array(_) => Err(self.unknown("an order of arrays")),
            _ => Ok(operand),
        }
    }

    fn default_nulls(&self, direction: Direction) -> Nulls {
        // https://sqlite.org/lang_select.html#orderby: NULLs are smaller than any other value.
        if direction == Direction::Asc { Nulls::First } else { Nulls::Last }
    }

    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: ColumnType) -> String {
        let name = match (func, ty) {
            (AggFunc::Sum, ColumnType::Decimal) => "orm_decimal_sum",
            (AggFunc::Avg, ColumnType::Decimal) => "orm_decimal_avg",
            (AggFunc::Sum, _) => "SUM",
            (AggFunc::Avg, _) => "AVG",
            (AggFunc::Min, _) => "MIN",
            (AggFunc::Max, _) => "MAX",
            _ => "COUNT",
        };
        format!("{name}({body}){filter}")
    }

    fn function(&self, func: Func, args: &[String], ty: Option<ColumnType>) -> Result<String, Error> {
        let decimal = ty == Some(ColumnType::Decimal);
        let name = match func {
            Func::Now => return Ok(NOW.into()),
            Func::Append | Func::Without => {
                let (Some(ColumnType::Array(element)), [array, value]) = (ty, args) else {
                    return Err(self.unknown("a change of this array"));
                };
                return self.array_change(func, array, value, *element);
            }
            // Both need two arguments at least; one is itself.
            Func::Coalesce if args.len() == 1 => return Ok(args.concat()),
            // SQLite's round gives a REAL whatever it is given.
            Func::Round if args.len() == 1 && ty.is_some_and(ColumnType::is_integer) => {
                return Ok(args.concat());
            }
            Func::Round if ty.is_some_and(ColumnType::is_integer) => {
                return Ok(format!("CAST(round({}) AS INTEGER)", args.join(", ")));
            }
            Func::Round if decimal => "orm_decimal_round",
            Func::Round if matches!(ty, Some(ColumnType::F32 | ColumnType::F64)) => {
                let (value, digits) =
                    (args.first().map_or("NULL", String::as_str), args.get(1).map_or("0", String::as_str));
                return Ok(format!(
                    "orm_real_round({value}, {digits}, {})",
                    u8::from(ty == Some(ColumnType::F32))
                ));
            }
            Func::Abs if decimal => "orm_decimal_abs",
            Func::Lower => "lower",
            Func::Upper => "upper",
            Func::CharLength => "orm_char_length",
            Func::Trim => "trim",
            Func::Substring => "orm_substring",
            Func::Replace => "orm_replace",
            Func::Coalesce => "coalesce",
            Func::NullIf => "nullif",
            Func::Abs => "abs",
            Func::Round => "round",
            other => return Err(self.unknown(&format!("{other:?}"))),
        };
        Ok(format!("{name}({})", args.join(", ")))
    }

    fn cast(&self, operand: &str, from: ColumnType, to: ColumnType) -> String {
        use CastKind::{Bool, Date, DateTime, Decimal, Float, Integer, Text, Time, Uuid};
        let single = u8::from(from == ColumnType::F32);
        let cast = match (CastKind::of(from), CastKind::of(to)) {
            (Bool, Bool) | (Bool, Integer) | (DateTime, DateTime) => operand.to_owned(),
            (Integer, Integer) if bits(from) <= bits(to) => operand.to_owned(),
            (Integer | Float | Decimal, Integer) => format!("orm_integer({operand}, {})", bits(to)),
            (Text, Integer) => format!("orm_parse_integer({operand}, {})", bits(to)),
            (Text | Decimal, Float) => format!("orm_parse_real({operand})"),
            (Decimal, Decimal) => operand.to_owned(),
            (Float, Decimal) => format!("orm_decimal_of_real({operand}, {single})"),
            (_, Decimal) => format!("orm_decimal_cast({operand})"),
            (Integer | Float, Bool) => format!("({operand} <> 0)"),
            (Decimal, Bool) => format!("({operand} <> '0')"),
            (Text, Bool) => format!("orm_parse_bool({operand})"),
            (Bool, Text) => format!("CASE {operand} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
            (Float, Text) => format!("orm_real_text({operand}, {single})"),
            (Uuid, Text) => format!("orm_uuid_text({operand})"),
            (Text, Uuid) => format!("orm_parse_uuid({operand})"),
            (Date, DateTime) => format!("({operand} || ' 00:00:00')"),
            (DateTime, Date) => format!("substr({operand}, 1, 10)"),
            (DateTime, Time) => format!("substr({operand}, 12)"),
            _ => format!("CAST({operand} AS {})", storage_class(to)),
        };
        if to == ColumnType::F32 && from != to { format!("orm_single({cast})") } else { cast }
    }

    fn limit_offset(&self, limit: Option<&str>, offset: Option<&str>) -> String {
        // The planner looks at the value of a parameter that is the limit, and the statement is prepared again for each value: in a
        // sum it does not.
        let limit =
            limit.map(|limit| if limit.starts_with('?') { format!("{limit} + 0") } else { limit.to_owned() });
        match (limit, offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => format!(" LIMIT {} OFFSET {offset}", limit.as_deref().unwrap_or("-1")),
        }
    }

    fn column_type(&self, column: &Column) -> Cow<'static, str> {
        // Only the substring that decides on the affinity matters to SQLite
        // (https://sqlite.org/datatype3.html#determination_of_column_affinity); the rest is for introspection.
        match &column.ty {
            Type::Bool => "BOOLEAN",
            Type::Decimal => "DECIMAL_TEXT",
            Type::Date => "DATE_TEXT",
            Type::Time => "TIME_TEXT",
            Type::DateTime => "DATETIME_TEXT",
            Type::Timestamp => "TIMESTAMP_TEXT",
            Type::Json | Type::List(_) | Type::Array(_) => "JSON_TEXT",
            Type::Enum(meta) => storage_class(if meta.integer { ColumnType::I64 } else { ColumnType::Text }),
            other => other.scalar().map_or("BLOB", storage_class),
        }
        .into()
    }

    fn auto_increment(&self, _column: &Column) -> String {
        "INTEGER PRIMARY KEY AUTOINCREMENT".into()
    }

    fn column_checks(&self, column: &Column) -> Vec<String> {
        let name = self.quote_ident(&column.name);
        let mut checks = Vec::new();
        if let Some(max) = column.max_len {
            // `length` counts up to U+0000, and a CHECK calls no function that other programs lack: such a text has its bytes counted.
            checks.push(format!(
                "length({name}) <= {max} AND (instr({name}, char(0)) = 0 OR length(CAST({name} AS BLOB)) <= {max})"
            ));
        }
        // An integer that overflows becomes a REAL. A range refuses that by itself, but for the lowest number of 64 bits.
        let between = |low: i64, high: i64| format!("{name} BETWEEN {low} AND {high}");
        match &column.ty {
            Type::Bool => checks.push(between(0, 1)),
            Type::I8 => checks.push(between(i8::MIN.into(), i8::MAX.into())),
            Type::I16 => checks.push(between(i16::MIN.into(), i16::MAX.into())),
            Type::I32 => checks.push(between(i32::MIN.into(), i32::MAX.into())),
            // A key that is the row's number takes nothing else.
            Type::I64 if column.auto => {}
            Type::I64 => checks.push(format!("typeof({name}) <> 'real'")),
            Type::U8 => checks.push(between(0, u8::MAX.into())),
            Type::U16 => checks.push(between(0, u16::MAX.into())),
            Type::U32 => checks.push(between(0, u32::MAX.into())),
            Type::U64 => checks.push(between(0, i64::MAX)),
            // The first number that rounds to infinity is half a step above the largest.
            Type::F32 => checks.push(format!("(abs({name}) < 3.4028235677973366e38 OR abs({name}) = 9e999)")),
            // The length ends at the first U+0000.
            Type::Char => checks.push(format!("(length({name}) = 1 OR {name} = char(0))")),
            Type::Decimal => {
                if let Some((whole, scale)) = digits(column.precision, column.scale) {
                    // Canonical text: no zeros at either end, one point at most.
                    checks.push(format!("length({name}) - instr({name} || '.', '.') <= {scale}"));
                    if let Some(whole) = whole {
                        let before = format!("substr({name}, 1, instr({name} || '.', '.') - 1)");
                        checks.push(format!("length(ltrim({before}, '-0')) <= {whole}"));
                    }
                }
            }
            Type::Enum(meta) => {
                let values = meta.variants.iter().map(|(variant, number)| {
                    if meta.integer { number.to_string() } else { self.text_literal(variant) }
                });
                checks.push(format!("{name} IN ({})", values.collect::<Vec<_>>().join(", ")));
            }
            _ => {}
        }
        checks
    }

    fn same_name(&self, a: &str, b: &str) -> bool {
        a.eq_ignore_ascii_case(b)
    }

    fn same_type(&self, column: &Column, found: &str) -> bool {
        affinity(&self.column_type(column)) == affinity(found)
    }

    fn name_rules(&self) -> NameRules {
        NameRules { folds_case: true, longest: usize::MAX, implicit: |_| Vec::new() }
    }
}

/// What a declared type makes of the values of a column:
/// <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
fn affinity(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["INT"]) {
        "INTEGER"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "TEXT"
    } else if declared.is_empty() || has(&["BLOB"]) {
        "BLOB"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "REAL"
    } else if has(&["BOOL"]) {
        // NUMERIC to SQLite, which keeps 0 and 1 as INTEGER does.
        "INTEGER"
    } else {
        "NUMERIC"
    }
}

/// Integers go in as integers, so `CAST` and affinity have nothing to change but for bytes.
impl SqliteDialect {
    /// An element of an array, `value` of `json_each`, as a column of its type would have it.
    fn array_element(&self, ty: ColumnType) -> Result<&'static str, Error> {
        match ty {
            ColumnType::Uuid => Ok("unhex(value)"),
            // Not every number is read back from JSON as the same one, and documents have no one text.
            ColumnType::F32 | ColumnType::F64 => {
                Err(self.unknown("looking for a floating-point number in an array"))
            }
            ColumnType::Bytes
            | ColumnType::Json
            | ColumnType::Array(_)
            | ColumnType::List(_)
            | ColumnType::Native(_) => Err(self.unknown("looking for an element of this type in an array")),
            _ => Ok("value"),
        }
    }

    fn array_change(&self, func: Func, array: &str, value: &str, ty: ColumnType) -> Result<String, Error> {
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

fn tuple_part(index: usize, ty: ColumnType) -> String {
    match ty {
        ColumnType::Bytes | ColumnType::Uuid => format!("unhex(value ->> {index})"),
        ColumnType::Enum(meta) if !meta.integer => format!("CAST(value ->> {index} AS TEXT)"),
        other => format!("CAST(value ->> {index} AS {})", storage_class(other)),
    }
}

/// The width of an integer as other databases have it: the smallest of theirs that holds it.
fn bits(ty: ColumnType) -> u8 {
    match ty {
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => 16,
        ColumnType::I32 | ColumnType::U16 => 32,
        _ => 64,
    }
}

fn storage_class(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::F32 | ColumnType::F64 => "REAL",
        ColumnType::Bytes | ColumnType::Uuid => "BLOB",
        ColumnType::Bool => "INTEGER",
        ColumnType::Enum(meta) if meta.integer => "INTEGER",
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
