//! PostgreSQL.
//!
//! Parameters say their type (`$1::bigint`), so that a statement means the same wherever its values stand. Text and enums by name
//! are the exception: there the server decides by the context, which lets a column of a native enum or of `citext` keep its own
//! rules. A list is one array for `= ANY`, the rows of an INSERT are one array for each column through `UNNEST`: neither
//! the text nor the plan depends on how many there are.

use std::borrow::Cow;
use std::fmt::Write as _;

use orm_core::Error;
use orm_core::ir::{AggFunc, BinaryOp, Direction, Func, LikeOp, Nulls};
use orm_core::meta::ColumnMeta;
use orm_core::value::{Datum, DbType, NativeKind, NativeType};

use crate::Dialect;
use crate::sqlite::{datetime_text, decimal_text, hex};

/// The SQL of PostgreSQL 13 and later.
///
/// ```
/// use orm_core::value::DbType;
/// use orm_sql::{Dialect, PostgresDialect};
/// assert_eq!(PostgresDialect.placeholder(1, DbType::I64), "$1::bigint");
/// assert_eq!(PostgresDialect.in_list("id", 2, DbType::I64, false), "id = ANY($2::bigint[])");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresDialect;

/// The name of a type as a cast takes it.
fn type_name(ty: DbType) -> Cow<'static, str> {
    match ty {
        DbType::Array(element) => format!("{}[]", declared_name(*element)).into(),
        DbType::Native(native) => match native.kind {
            NativeKind::Builtin | NativeKind::Exact | NativeKind::Extension(_) => native.name.into(),
            NativeKind::Composite(_) => quoted(native.name).into(),
            // A value to compare with need not meet the condition of the domain; one to store is checked on its way in.
            NativeKind::Domain { base, .. } => type_name(*base),
        },
        DbType::Enum(meta) if meta.native && !meta.integer => quoted(meta.name).into(),
        _ => scalar_name(ty).into(),
    }
}

/// The name of a type as a column has it.
fn declared_name(ty: DbType) -> Cow<'static, str> {
    match ty {
        DbType::Native(NativeType { name, kind: NativeKind::Domain { .. }, .. }) => quoted(name).into(),
        ty => type_name(ty),
    }
}

fn quoted(name: &str) -> String {
    PostgresDialect.quote_ident(name)
}

fn scalar_name(ty: DbType) -> &'static str {
    match ty {
        DbType::Bool => "boolean",
        DbType::I8 | DbType::I16 | DbType::U8 => "smallint",
        DbType::I32 | DbType::U16 => "integer",
        DbType::I64 | DbType::U32 | DbType::U64 => "bigint",
        DbType::F32 => "real",
        DbType::F64 => "double precision",
        DbType::Bytes => "bytea",
        DbType::Uuid => "uuid",
        DbType::Decimal => "numeric",
        DbType::Date => "date",
        DbType::Time => "time",
        DbType::DateTime => "timestamp",
        DbType::Timestamp => "timestamptz",
        DbType::Json | DbType::List(_) => "jsonb",
        DbType::Enum(meta) if meta.integer => "bigint",
        _ => "text",
    }
}

/// Whether the server finds the type of a parameter by its context.
fn by_context(ty: DbType) -> bool {
    type_name(ty) == "text"
}

/// A parameter that is an array of values.
fn list_parameter(number: usize, ty: DbType) -> String {
    if by_context(ty) { format!("${number}") } else { format!("${number}::{}[]", type_name(ty)) }
}

impl PostgresDialect {
    /// Whether a list of such values comes out of UNNEST as it went in, arrays as texts. Arrays of arrays are taken apart to the last
    /// element, and composites to their fields.
    ///
    /// ```
    /// use orm_core::value::DbType;
    /// use orm_sql::PostgresDialect;
    /// assert!(PostgresDialect::unnests(DbType::Text));
    /// assert!(PostgresDialect::unnests(DbType::Array(&DbType::Text)));
    /// assert!(!PostgresDialect::unnests(DbType::Array(&DbType::Array(&DbType::Text))));
    /// ```
    pub fn unnests(ty: DbType) -> bool {
        match ty {
            // Each array is a text, which the query casts.
            DbType::Array(element) => {
                !matches!(element, DbType::Array(_) | DbType::List(_) | DbType::Native(_))
            }
            DbType::Native(native) => !matches!(native.kind, NativeKind::Composite(_)),
            _ => true,
        }
    }

    /// The name of a type as a column, or a field of a composite, has it.
    ///
    /// ```
    /// use orm_core::value::DbType;
    /// use orm_sql::PostgresDialect;
    /// assert_eq!(PostgresDialect::type_name(DbType::I64), "bigint");
    /// assert_eq!(PostgresDialect::type_name(DbType::Array(&DbType::Text)), "text[]");
    /// ```
    pub fn type_name(ty: DbType) -> Cow<'static, str> {
        declared_name(ty)
    }

    fn as_text(sql: &str) -> String {
        // A parameter alone has no type yet.
        let bare =
            sql.strip_prefix('$').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        if bare { format!("{sql}::text") } else { sql.to_owned() }
    }
}

impl Dialect for PostgresDialect {
    fn placeholder(&self, number: usize, ty: DbType) -> String {
        if by_context(ty) { format!("${number}") } else { format!("${number}::{}", type_name(ty)) }
    }

    fn literal(&self, value: &Datum) -> Option<String> {
        Some(match value {
            Datum::Null => "NULL".into(),
            Datum::Bool(value) => self.boolean(*value).into(),
            Datum::I64(value) => value.to_string(),
            Datum::F64(value) if value.is_nan() => "'NaN'::double precision".into(),
            Datum::F64(value) if value.is_infinite() => {
                if *value > 0.0 { "'Infinity'::double precision" } else { "'-Infinity'::double precision" }
                    .into()
            }
            Datum::F64(value) => format!("{value:?}"),
            Datum::Text(value) | Datum::Json(value) => self.text_literal(value),
            Datum::Bytes(value) => format!("'\\x{}'", hex(value)),
            Datum::Uuid(value) => {
                let mut text = String::with_capacity(34);
                let _ = write!(text, "'{}'", hex(value));
                text
            }
            Datum::Decimal(value) => decimal_text(*value),
            Datum::Date(value) => format!("'{value}'"),
            Datum::Time(value) => format!("'{value}'"),
            Datum::DateTime(value) => format!("'{}'", datetime_text(*value)?),
            Datum::Timestamp(value) => format!("'{}+00'", datetime_text(*value)?),
            _ => return None,
        })
    }

    fn text_literal(&self, text: &str) -> String {
        // Without escapes whatever standard_conforming_strings says.
        if text.contains('\\') {
            return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
        }
        format!("'{}'", text.replace('\'', "''"))
    }

    fn in_list(&self, expr: &str, number: usize, ty: DbType, negated: bool) -> String {
        let list = list_parameter(number, ty);
        if negated { format!("{expr} <> ALL({list})") } else { format!("{expr} = ANY({list})") }
    }

    fn in_tuples(&self, exprs: &[String], numbers: usize, types: &[DbType]) -> String {
        let arrays: Vec<String> = types
            .iter()
            .enumerate()
            .map(|(part, ty)| format!("${}::{}[]", numbers + part, type_name(*ty)))
            .collect();
        format!("({}) IN (SELECT * FROM UNNEST({}))", exprs.join(", "), arrays.join(", "))
    }

    fn tuple_parameters(&self, types: &[DbType]) -> usize {
        types.len()
    }

    fn bulk_rows(&self, first: usize, types: &[DbType]) -> Option<String> {
        if !types.iter().all(|ty| Self::unnests(*ty)) {
            return None;
        }
        let array = |(part, ty): (usize, &DbType)| match ty {
            DbType::Array(_) => format!("${}::text[]", first + part),
            ty => format!("${}::{}[]", first + part, type_name(*ty)),
        };
        let arrays: Vec<String> = types.iter().enumerate().map(array).collect();
        if !types.iter().any(|ty| matches!(ty, DbType::Array(_))) {
            return Some(format!("SELECT * FROM UNNEST({})", arrays.join(", ")));
        }
        // UNNEST takes arrays of arrays apart to their last elements.
        let names: Vec<String> = (0..types.len()).map(|part| format!("c{part}")).collect();
        let column = |(name, ty): (&String, &DbType)| match ty {
            DbType::Array(_) => format!("r.{name}::{}", type_name(*ty)),
            _ => format!("r.{name}"),
        };
        let columns: Vec<String> = names.iter().zip(types).map(column).collect();
        Some(format!(
            "SELECT {} FROM UNNEST({}) AS r({})",
            columns.join(", "),
            arrays.join(", "),
            names.join(", ")
        ))
    }

    fn element_of(&self, element: &str, array: &str, ty: DbType, _: bool) -> Result<String, Error> {
        // A query in double parentheses would be one of rows.
        if array.starts_with('(') {
            return Ok(format!("{element} = ANY(({array})::{}[])", type_name(ty)));
        }
        Ok(format!("{element} = ANY({array})"))
    }

    fn held_by(&self, element: &str, array: &str, ty: DbType) -> Result<String, Error> {
        // https://www.postgresql.org/docs/current/gin.html: an index serves `@>` and not `= ANY`.
        Ok(format!("{array} @> ARRAY[{element}]::{}[]", type_name(ty)))
    }

    fn index_kind(&self, types: &[DbType]) -> &'static str {
        if matches!(types, [DbType::Array(_)]) { "USING gin " } else { "" }
    }

    fn overlap(&self, array: &str, number: usize, ty: DbType, _: bool) -> Result<String, Error> {
        Ok(format!("{array} && {}", list_parameter(number, ty)))
    }

    fn like(&self, op: LikeOp, text: &str, pattern: &str, insensitive: bool) -> String {
        // The C collation folds ASCII letters and no others.
        let folded = |sql: &str| {
            let sql = Self::as_text(sql);
            if insensitive { format!("lower({sql} COLLATE \"C\")") } else { sql }
        };
        let (text, pattern) = (folded(text), folded(pattern));
        match op {
            LikeOp::Pattern => format!("{text} LIKE {pattern}"),
            LikeOp::Regex => format!("{text} ~ {pattern}"),
            LikeOp::StartsWith => format!("starts_with({text}, {pattern})"),
            LikeOp::EndsWith => format!("right({text}, char_length({pattern})) = {pattern}"),
            LikeOp::Contains => format!("strpos({text}, {pattern}) > 0"),
        }
    }

    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: DbType) -> Option<String> {
        match op {
            // A server error otherwise: https://www.postgresql.org/docs/current/functions-math.html
            BinaryOp::Div => Some(format!("({left} / NULLIF({right}, 0))")),
            BinaryOp::Rem if matches!(ty, DbType::F32 | DbType::F64) => {
                Some(format!("({left} - NULLIF({right}, 0) * trunc({left} / NULLIF({right}, 0)))"))
            }
            BinaryOp::Rem => Some(format!("({left} % NULLIF({right}, 0))")),
            BinaryOp::Concat => Some(format!("({} || {})", Self::as_text(left), Self::as_text(right))),
            _ => None,
        }
    }

    fn alone(&self, operand: String) -> String {
        Self::as_text(&operand)
    }

    fn default_nulls(&self, direction: Direction) -> Nulls {
        // https://www.postgresql.org/docs/current/queries-order.html: NULLs are larger than any other value.
        if direction == Direction::Asc { Nulls::Last } else { Nulls::First }
    }

    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: DbType) -> String {
        let (name, cast) = match func {
            // numeric for bigint, bigint for the smaller ones
            AggFunc::Sum if ty.is_integer() => ("SUM", "::bigint"),
            AggFunc::Sum if matches!(ty, DbType::F32) => {
                return format!("SUM({body}::double precision){filter}");
            }
            AggFunc::Sum => ("SUM", ""),
            AggFunc::Avg if matches!(ty, DbType::Decimal | DbType::Native(_)) => ("AVG", ""),
            AggFunc::Avg => ("AVG", "::double precision"),
            // There is no min(boolean) and no min(uuid) before version 18.
            AggFunc::Min if ty == DbType::Bool => ("bool_and", ""),
            AggFunc::Max if ty == DbType::Bool => ("bool_or", ""),
            AggFunc::Min if ty == DbType::Uuid => return format!("MIN({body}::text){filter}::uuid"),
            AggFunc::Max if ty == DbType::Uuid => return format!("MAX({body}::text){filter}::uuid"),
            AggFunc::Min => ("MIN", ""),
            AggFunc::Max => ("MAX", ""),
            _ => ("COUNT", ""),
        };
        if cast.is_empty() {
            format!("{name}({body}){filter}")
        } else {
            format!("({name}({body}){filter}){cast}")
        }
    }

    fn function(&self, func: Func, args: &[String], ty: Option<DbType>) -> Result<String, Error> {
        let texts: Vec<String> = args.iter().map(|arg| Self::as_text(arg)).collect();
        let list = texts.join(", ");
        Ok(match func {
            Func::Now => "now()".into(),
            Func::Lower => format!("lower({list})"),
            Func::Upper => format!("upper({list})"),
            Func::CharLength => format!("char_length({list})::bigint"),
            Func::Trim => format!("btrim({list}, ' ')"),
            Func::Substring => match texts.as_slice() {
                [text, start, length] => format!("substr({text}, ({start})::int, ({length})::int)"),
                [text, start] => format!("substr({text}, ({start})::int)"),
                _ => return Err(self.unknown("this form of substring")),
            },
            Func::Replace => format!("replace({list})"),
            Func::Append => format!("array_cat({list})"),
            Func::Without => format!("array_remove({list})"),
            Func::Coalesce => format!("COALESCE({})", args.join(", ")),
            Func::NullIf => format!("NULLIF({})", args.join(", ")),
            Func::Abs => format!("abs({})", args.join(", ")),
            Func::Round if ty.is_some_and(DbType::is_integer) => match args {
                [value, ..] => value.clone(),
                [] => return Err(self.unknown("round of nothing")),
            },
            Func::Round => {
                let value = args.first().map(String::as_str).unwrap_or_default();
                let digits = args.get(1).map_or("0", String::as_str);
                // round(double precision) rounds to even.
                let back = match ty {
                    Some(DbType::F32) => "::real",
                    Some(DbType::F64) => "::double precision",
                    _ => "",
                };
                format!("round(({value})::numeric, ({digits})::int){back}")
            }
            other => return Err(self.unknown(&format!("{other:?}"))),
        })
    }

    fn cast(&self, operand: &str, from: Option<DbType>, to: DbType) -> String {
        let fraction = matches!(from, Some(DbType::F32 | DbType::F64 | DbType::Decimal));
        match (from, to) {
            // A cast would round.
            (_, to) if to.is_integer() && fraction => format!("trunc({operand})::{}", type_name(to)),
            (Some(DbType::Bool), to) if to.is_integer() => format!("({operand})::int::{}", type_name(to)),
            (Some(DbType::Bool), to) if to.is_number() => format!("({operand})::int::{}", type_name(to)),
            (Some(from), DbType::Bool) if from.is_number() => format!("(({operand}) <> 0)"),
            (_, to) => format!("({operand})::{}", type_name(to)),
        }
    }

    fn column_type(&self, column: &ColumnMeta) -> Cow<'static, str> {
        match (column.ty(), column.max_len) {
            (DbType::Text, Some(max)) => format!("varchar({max})").into(),
            (DbType::Decimal, _) => match (column.precision, column.scale) {
                (Some(precision), scale) => format!("numeric({precision}, {})", scale.unwrap_or(0)).into(),
                (None, _) => "numeric".into(),
            },
            (ty, _) => declared_name(ty),
        }
    }

    fn auto_increment(&self, column: &ColumnMeta) -> String {
        format!("{} GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", type_name(column.ty()))
    }

    fn column_checks(&self, column: &ColumnMeta) -> Vec<String> {
        let name = self.quote_ident(&column.name);
        let mut checks = Vec::new();
        if let (DbType::Bytes, Some(max)) = (column.ty(), column.max_len) {
            checks.push(format!("octet_length({name}) <= {max}"));
        }
        match column.ty() {
            DbType::I8 => checks.push(format!("{name} BETWEEN -128 AND 127")),
            DbType::U8 => checks.push(format!("{name} BETWEEN 0 AND 255")),
            DbType::U16 => checks.push(format!("{name} BETWEEN 0 AND 65535")),
            DbType::U32 => checks.push(format!("{name} BETWEEN 0 AND 4294967295")),
            DbType::U64 => checks.push(format!("{name} >= 0")),
            DbType::Char => checks.push(format!("char_length({name}) = 1")),
            DbType::Enum(meta) if meta.integer || !meta.native => {
                let values = meta.variants.iter().map(|(variant, number)| {
                    if meta.integer { number.to_string() } else { self.text_literal(variant) }
                });
                checks.push(format!("{name} IN ({})", values.collect::<Vec<_>>().join(", ")));
            }
            _ => {}
        }
        checks
    }

    fn inline_foreign_keys(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_read_back_as_the_same_value() {
        let literal = |datum: Datum| PostgresDialect.literal(&datum).unwrap_or_default();
        assert_eq!(literal(Datum::Text("it's \\ so".into())), "E'it''s \\\\ so'");
        assert_eq!(literal(Datum::Bytes(vec![0, 255])), "'\\x00FF'");
        assert_eq!(literal(Datum::F64(f64::NEG_INFINITY)), "'-Infinity'::double precision");
    }
}
