//! PostgreSQL.
//!
//! Parameters say their type (`$1::bigint`), so that a statement means the same wherever its values stand. Text and enums by name
//! are the exception: there the server decides by the context, which lets a column of a native enum or of `citext` keep its own
//! rules. A list is one array for `= ANY`, the rows of an INSERT are one array for each column through `UNNEST`: neither
//! the text nor the plan depends on how many there are.

use std::borrow::Cow;
use std::fmt::Write as _;

use orm_core::Error;
use orm_core::ir::{AggFunc, BinaryOp, CastKind, Direction, Func, LikeOp, Nulls};
use orm_core::meta::ModelMeta;
use orm_core::schema::{Column, NameRules, Origin, Type, digits};
use orm_core::value::{ColumnType, Datum, NativeKind, NativeType};

use crate::Dialect;
use crate::scan::Lexer;
use crate::sqlite::{datetime_text, decimal_text, hex};

/// The SQL of PostgreSQL 13 and later.
///
/// ```
/// use orm_core::value::ColumnType;
/// use orm_sql::{Dialect, PostgresDialect};
/// assert_eq!(PostgresDialect.placeholder(1, ColumnType::I64), "$1::bigint");
/// assert_eq!(PostgresDialect.in_list("id", 2, ColumnType::I64, false), "id = ANY($2::bigint[])");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresDialect;

/// The name of a type as a cast takes it.
fn type_name(ty: ColumnType) -> Cow<'static, str> {
    match ty {
        ColumnType::Array(element) => format!("{}[]", declared_name(*element)).into(),
        ColumnType::Native(native) => match native.kind {
            NativeKind::Builtin | NativeKind::Exact | NativeKind::Extension(_) => native.name.into(),
            NativeKind::Composite(_) => quoted(native.name).into(),
            // A value to compare with need not meet the condition of the domain; one to store is checked on its way in.
            NativeKind::Domain { base, .. } => type_name(*base),
        },
        ColumnType::Enum(meta) if meta.native && !meta.integer => quoted(meta.name).into(),
        _ => scalar_name(ty).into(),
    }
}

/// The name of a type as a column has it.
fn declared_name(ty: ColumnType) -> Cow<'static, str> {
    match ty {
        ColumnType::Native(NativeType { name, kind: NativeKind::Domain { .. }, .. }) => quoted(name).into(),
        ty => type_name(ty),
    }
}

/// The name of a type of a schema, as a column has it.
fn column_name(ty: &Type) -> Cow<'static, str> {
    match ty {
        Type::Array(element) => format!("{}[]", column_name(element)).into(),
        Type::Native(native) => match native.origin {
            Origin::Builtin | Origin::Extension(_) => native.name.clone().into(),
            Origin::Composite(_) | Origin::Domain { .. } => quoted(&native.name).into(),
        },
        Type::Enum(meta) if meta.is_declared() => quoted(&meta.name).into(),
        Type::Enum(meta) if meta.integer => "bigint".into(),
        Type::List(_) => "jsonb".into(),
        other => other.scalar().map_or("text", scalar_name).into(),
    }
}

/// Whether a type is one of PostgreSQL's own, or a list of them.
fn native(ty: &Type) -> bool {
    match ty {
        Type::Array(element) => native(element),
        ty => matches!(ty, Type::Native(_)),
    }
}

fn quoted(name: &str) -> String {
    PostgresDialect.quote_ident(name)
}

/// A date with a time of day, of an instant the one in UTC.
fn local(operand: &str, ty: ColumnType) -> String {
    if ty == ColumnType::Timestamp { format!("(({operand}) AT TIME ZONE 'UTC')") } else { operand.to_owned() }
}

fn scalar_name(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Bool => "boolean",
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => "smallint",
        ColumnType::I32 | ColumnType::U16 => "integer",
        ColumnType::I64 | ColumnType::U32 | ColumnType::U64 => "bigint",
        ColumnType::F32 => "real",
        ColumnType::F64 => "double precision",
        ColumnType::Bytes => "bytea",
        ColumnType::Uuid => "uuid",
        ColumnType::Decimal => "numeric",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::DateTime => "timestamp",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Json | ColumnType::List(_) => "jsonb",
        ColumnType::Enum(meta) if meta.integer => "bigint",
        _ => "text",
    }
}

/// Whether the server finds the type of a parameter by its context.
fn by_context(ty: ColumnType) -> bool {
    type_name(ty) == "text"
}

/// A parameter that is an array of values.
fn list_parameter(number: usize, ty: ColumnType) -> String {
    if by_context(ty) { format!("${number}") } else { format!("${number}::{}[]", type_name(ty)) }
}

impl PostgresDialect {
    /// Whether a list of such values comes out of UNNEST as it went in, arrays as texts. Arrays of arrays are taken apart to the last
    /// element, and composites to their fields.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::PostgresDialect;
    /// assert!(PostgresDialect::unnests(ColumnType::Text));
    /// assert!(PostgresDialect::unnests(ColumnType::Array(&ColumnType::Text)));
    /// assert!(!PostgresDialect::unnests(ColumnType::Array(&ColumnType::Array(&ColumnType::Text))));
    /// ```
    pub fn unnests(ty: ColumnType) -> bool {
        match ty {
            // Each array is a text, which the query casts.
            ColumnType::Array(element) => {
                !matches!(element, ColumnType::Array(_) | ColumnType::List(_) | ColumnType::Native(_))
            }
            ColumnType::Native(native) => !matches!(native.kind, NativeKind::Composite(_)),
            _ => true,
        }
    }

    /// The name of a type as a column, or a field of a composite, has it.
    ///
    /// ```
    /// use orm_core::value::ColumnType;
    /// use orm_sql::PostgresDialect;
    /// assert_eq!(PostgresDialect::type_name(ColumnType::I64), "bigint");
    /// assert_eq!(PostgresDialect::type_name(ColumnType::Array(&ColumnType::Text)), "text[]");
    /// ```
    pub fn type_name(ty: ColumnType) -> Cow<'static, str> {
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
    fn lexer(&self) -> Lexer {
        Lexer {
            other_names: false,
            escapes: true,
            dollar_quotes: true,
            nested_comments: true,
            question_operators: true,
            parameters: b"",
        }
    }

    fn placeholder(&self, number: usize, ty: ColumnType) -> String {
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

    fn is_null(&self, operand: &str, ty: Option<ColumnType>, negated: bool) -> String {
        let composite = |native: &NativeType| matches!(native.kind, NativeKind::Composite(_));
        match ty {
            // A row whose fields are all NULL `IS NULL`, and one with one of them is neither that nor not:
            // https://www.postgresql.org/docs/current/functions-comparison.html
            Some(ColumnType::Native(native)) if composite(native) => {
                format!("{operand} IS {}DISTINCT FROM NULL", if negated { "" } else { "NOT " })
            }
            _ => format!("{operand} IS {}NULL", if negated { "NOT " } else { "" }),
        }
    }

    fn in_list(&self, expr: &str, number: usize, ty: ColumnType, negated: bool) -> String {
        if matches!(ty, ColumnType::Array(_)) {
            // An array of arrays is a rectangle, which is compared element by element: each is a text here.
            let list = format!("SELECT r.a::{} FROM UNNEST(${number}::text[]) AS r(a)", type_name(ty));
            return format!("{expr} {} ({list})", if negated { "<> ALL" } else { "= ANY" });
        }
        let list = list_parameter(number, ty);
        if negated { format!("{expr} <> ALL({list})") } else { format!("{expr} = ANY({list})") }
    }

    fn in_tuples(&self, exprs: &[String], numbers: usize, types: &[ColumnType]) -> String {
        let arrays: Vec<String> = types
            .iter()
            .enumerate()
            .map(|(part, ty)| format!("${}::{}[]", numbers + part, type_name(*ty)))
            .collect();
        format!("({}) IN (SELECT * FROM UNNEST({}))", exprs.join(", "), arrays.join(", "))
    }

    fn tuple_parameters(&self, types: &[ColumnType]) -> usize {
        types.len()
    }

    fn bulk_rows(&self, first: usize, types: &[ColumnType]) -> Option<String> {
        if !types.iter().all(|ty| Self::unnests(*ty)) {
            return None;
        }
        let array = |(part, ty): (usize, &ColumnType)| match ty {
            ColumnType::Array(_) => format!("${}::text[]", first + part),
            ty => format!("${}::{}[]", first + part, type_name(*ty)),
        };
        let arrays: Vec<String> = types.iter().enumerate().map(array).collect();
        if !types.iter().any(|ty| matches!(ty, ColumnType::Array(_))) {
            return Some(format!("SELECT * FROM UNNEST({})", arrays.join(", ")));
        }
        // UNNEST takes arrays of arrays apart to their last elements.
        let names: Vec<String> = (0..types.len()).map(|part| format!("c{part}")).collect();
        let column = |(name, ty): (&String, &ColumnType)| match ty {
            ColumnType::Array(_) => format!("r.{name}::{}", type_name(*ty)),
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

    fn element_of(&self, element: &str, array: &str, ty: ColumnType, _: bool) -> Result<String, Error> {
        // A query in double parentheses would be one of rows.
        if array.starts_with('(') {
            return Ok(format!("{element} = ANY(({array})::{}[])", type_name(ty)));
        }
        Ok(format!("{element} = ANY({array})"))
    }

    fn held_by(&self, element: &str, array: &str, ty: ColumnType) -> Result<String, Error> {
        // https://www.postgresql.org/docs/current/gin.html: an index serves `@>` and not `= ANY`.
        Ok(format!("{array} @> ARRAY[{element}]::{}[]", type_name(ty)))
    }

    fn index_kind(&self, types: &[&Type]) -> &'static str {
        if matches!(types, [Type::Array(_)]) { "USING gin " } else { "" }
    }

    fn overlap(&self, array: &str, number: usize, ty: ColumnType, _: bool) -> Result<String, Error> {
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

    fn arithmetic(&self, op: BinaryOp, left: &str, right: &str, ty: ColumnType) -> Option<String> {
        match op {
            // A server error otherwise: https://www.postgresql.org/docs/current/functions-math.html
            BinaryOp::Div => Some(format!("({left} / NULLIF({right}, 0))")),
            BinaryOp::Rem if matches!(ty, ColumnType::F32 | ColumnType::F64) => {
                Some(format!("({left} - NULLIF({right}, 0) * trunc({left} / NULLIF({right}, 0)))"))
            }
            BinaryOp::Rem => Some(format!("({left} % NULLIF({right}, 0))")),
            BinaryOp::Concat => Some(format!("({} || {})", Self::as_text(left), Self::as_text(right))),
            _ => None,
        }
    }

    fn place(&self) -> &'static [&'static str] {
        // https://www.postgresql.org/docs/current/ddl-system-columns.html: a place counts within one table, and children are tables.
        &["tableoid", "ctid"]
    }

    fn alone(&self, operand: String) -> String {
        Self::as_text(&operand)
    }

    fn default_nulls(&self, direction: Direction) -> Nulls {
        // https://www.postgresql.org/docs/current/queries-order.html: NULLs are larger than any other value.
        if direction == Direction::Asc { Nulls::Last } else { Nulls::First }
    }

    fn aggregate(&self, func: AggFunc, body: &str, filter: &str, ty: ColumnType) -> String {
        let (name, cast) = match func {
            // numeric for bigint, bigint for the smaller ones
            AggFunc::Sum if ty.is_integer() => ("SUM", "::bigint"),
            AggFunc::Sum if matches!(ty, ColumnType::F32) => {
                return format!("SUM({body}::double precision){filter}");
            }
            AggFunc::Sum => ("SUM", ""),
            AggFunc::Avg if matches!(ty, ColumnType::Decimal | ColumnType::Native(_)) => ("AVG", ""),
            AggFunc::Avg => ("AVG", "::double precision"),
            // There is no min(boolean) and no min(uuid) before version 18.
            AggFunc::Min if ty == ColumnType::Bool => ("bool_and", ""),
            AggFunc::Max if ty == ColumnType::Bool => ("bool_or", ""),
            AggFunc::Min if ty == ColumnType::Uuid => return format!("MIN({body}::text){filter}::uuid"),
            AggFunc::Max if ty == ColumnType::Uuid => return format!("MAX({body}::text){filter}::uuid"),
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

    fn function(&self, func: Func, args: &[String], ty: Option<ColumnType>) -> Result<String, Error> {
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
            Func::Round if ty.is_some_and(ColumnType::is_integer) => match args {
                [value, ..] => value.clone(),
                [] => return Err(self.unknown("round of nothing")),
            },
            Func::Round => {
                let value = args.first().map(String::as_str).unwrap_or_default();
                let digits = args.get(1).map_or("0", String::as_str);
                // round(double precision) rounds to even.
                let back = match ty {
                    Some(ColumnType::F32) => "::real",
                    Some(ColumnType::F64) => "::double precision",
                    _ => "",
                };
                // A cast of a floating-point number to numeric keeps 15 digits, the one to text all of them.
                let exact = if back.is_empty() { "" } else { "::text" };
                format!("round(({value}){exact}::numeric, ({digits})::int){back}")
            }
            other => return Err(self.unknown(&format!("{other:?}"))),
        })
    }

    fn cast(&self, operand: &str, from: ColumnType, to: ColumnType) -> String {
        use CastKind::{Bool, Date, DateTime, Decimal, Float, Integer, Text};
        let (name, operand) = (type_name(to), Self::as_text(operand));
        match (CastKind::of(from), CastKind::of(to)) {
            // A cast would round.
            (Float | Decimal, Integer) => format!("trunc({operand})::{name}"),
            (Bool, Integer | Float | Decimal) => format!("({operand})::int::{name}"),
            (Integer | Float | Decimal, Bool) => format!("(({operand}) <> 0)"),
            // The cast to numeric keeps 15 digits, the one to text all of them.
            (Float, Decimal) => format!("({operand})::text::{name}"),
            (Decimal, Text) => format!("trim_scale({operand})::{name}"),
            // A cast of its own would go by the zone and the style of the session.
            (Date, Text) => format!("to_char(({operand})::timestamp, 'YYYY-MM-DD')"),
            (DateTime, Text) => {
                let local = local(&operand, from);
                format!("rtrim(rtrim(to_char({local}, 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.')")
            }
            (Date, DateTime) if to == ColumnType::Timestamp => {
                format!("(({operand})::timestamp AT TIME ZONE 'UTC')")
            }
            (DateTime, DateTime) if from != to => format!("(({operand}) AT TIME ZONE 'UTC')"),
            (DateTime, CastKind::Date | CastKind::Time) => format!("({})::{name}", local(&operand, from)),
            _ => format!("({operand})::{name}"),
        }
    }

    fn column_type(&self, column: &Column) -> Cow<'static, str> {
        // `varchar(n)` cuts blanks off and `numeric(p, s)` rounds before any check is asked: limits are checks instead.
        column_name(&column.ty)
    }

    fn auto_increment(&self, column: &Column) -> String {
        format!("{} GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", column_name(&column.ty))
    }

    fn column_checks(&self, column: &Column) -> Vec<String> {
        let name = self.quote_ident(&column.name);
        let mut checks = Vec::new();
        match (column.ty.stored(), column.max_len) {
            (Type::Text, Some(max)) => checks.push(format!("char_length({name}) <= {max}")),
            (Type::Bytes, Some(max)) => checks.push(format!("octet_length({name}) <= {max}")),
            _ => {}
        }
        match &column.ty {
            Type::I8 => checks.push(format!("{name} BETWEEN -128 AND 127")),
            Type::U8 => checks.push(format!("{name} BETWEEN 0 AND 255")),
            Type::U16 => checks.push(format!("{name} BETWEEN 0 AND 65535")),
            Type::U32 => checks.push(format!("{name} BETWEEN 0 AND 4294967295")),
            Type::U64 => checks.push(format!("{name} >= 0")),
            Type::Char => checks.push(format!("char_length({name}) = 1")),
            Type::Decimal => {
                let (whole, scale) = digits(column.precision, column.scale).unwrap_or((None, MOST_DIGITS));
                // NaN and infinity are larger than any number.
                let limit =
                    whole.map_or_else(|| LARGEST_MANTISSA.to_owned(), |whole| format!("1e{whole}::numeric"));
                checks.push(format!("abs({name}) < {limit} AND min_scale({name}) <= {scale}"));
                if whole.is_none_or(|whole| whole + scale > MOST_DIGITS) {
                    let digits = format!("abs({name}) * 10::numeric ^ min_scale({name})");
                    checks.push(format!("{digits} < {LARGEST_MANTISSA}"));
                }
            }
            Type::Enum(meta) if meta.integer || !meta.native => {
                let values = meta.variants.iter().map(|(variant, number)| {
                    if meta.integer { number.to_string() } else { self.text_literal(variant) }
                });
                checks.push(format!("{name} IN ({})", values.collect::<Vec<_>>().join(", ")));
            }
            _ => {}
        }
        checks
    }

    fn same_type(&self, column: &Column, found: &str) -> bool {
        let ty = &column.ty;
        if native(ty) {
            // The server has several names for its types, and schemas before those of extensions.
            return true;
        }
        let base = found.split('(').next().unwrap_or(found);
        match self.column_type(column).as_ref() {
            "text" => matches!(base, "text" | "character varying" | "character" | "citext" | "name"),
            "timestamp" => found.starts_with("timestamp") && !found.ends_with("with time zone"),
            "timestamptz" => found.starts_with("timestamp") && found.ends_with("with time zone"),
            "time" => found.starts_with("time") && !found.ends_with("with time zone"),
            "jsonb" => matches!(base, "jsonb" | "json"),
            wanted if matches!(ty, Type::Enum(_)) => unquoted(wanted) == unquoted(found),
            wanted if matches!(ty, Type::Array(_)) => {
                // Elements by name, as above: their own types are in the arrays' names.
                found.ends_with("[]")
                    && (wanted.starts_with("timestamp")
                        || wanted.starts_with("time")
                        || unquoted(wanted) == unquoted(found))
            }
            wanted => base == wanted,
        }
    }

    fn name_rules(&self) -> NameRules {
        // https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
        NameRules { folds_case: false, longest: 63, implicit }
    }

    fn inline_foreign_keys(&self) -> bool {
        false
    }
}

/// A decimal has 96 bits, which is 28 digits and most numbers of 29.
const MOST_DIGITS: u32 = 28;
const LARGEST_MANTISSA: &str = "79228162514264337593543950336";

fn unquoted(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).replace('"', "")
}

/// The index of the primary key and the sequences of a table, which stand among tables and indexes.
fn implicit(model: &ModelMeta) -> Vec<String> {
    let key = (!model.primary_key.is_empty()).then(|| format!("{}_pkey", model.table));
    let sequences = model.columns.iter().filter(|column| column.auto);
    let sequences = sequences.map(|column| format!("{}_{}_seq", model.table, column.name));
    // The server shortens what is too long by itself, to what is free.
    key.into_iter().chain(sequences).filter(|name| name.len() <= 63).collect()
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
