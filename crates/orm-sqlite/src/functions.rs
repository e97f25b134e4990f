//! The functions that the SQL of the dialect calls: exact decimals.

pub mod casts;

use orm_core::value::{Cell, Numeric};
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::bind::numeric_text;
use crate::cell::{SqliteCell, parse_numeric};

mod text;

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

type Binary = fn(Decimal, Decimal) -> Option<Decimal>;
type Unary = fn(Decimal) -> Option<Decimal>;

pub fn register(connection: &Connection) -> Result<()> {
    connection.create_collation("orm_decimal", |left, right| {
        match (decimal_of(left), decimal_of(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            // Text that is no number sorts as text; the codec refuses to read it.
            _ => left.cmp(right),
        }
    })?;
    let binary: [(&str, Binary); 5] = [
        ("orm_decimal_add", Decimal::checked_add),
        ("orm_decimal_sub", Decimal::checked_sub),
        ("orm_decimal_mul", Decimal::checked_mul),
        ("orm_decimal_div", Decimal::checked_div),
        ("orm_decimal_rem", Decimal::checked_rem),
    ];
    for (name, operation) in binary {
        connection.create_scalar_function(name, 2, PURE, move |context| {
            let (Some(left), Some(right)) = (argument(context, 0)?, argument(context, 1)?) else {
                return Ok(None);
            };
            if right.is_zero() && matches!(name, "orm_decimal_div" | "orm_decimal_rem") {
                return Ok(None);
            }
            operation(left, right).map(|value| Some(text_of(value))).ok_or_else(overflow)
        })?;
    }
    let unary: [(&str, Unary); 3] = [
        ("orm_decimal_neg", |value| Some(-value)),
        ("orm_decimal_abs", |value| Some(value.abs())),
        ("orm_decimal_cast", Some),
    ];
    for (name, operation) in unary {
        connection.create_scalar_function(name, 1, PURE, move |context| {
            let Some(value) = argument(context, 0)? else { return Ok(None) };
            Ok(operation(value).map(text_of))
        })?;
    }
    connection.create_scalar_function("orm_decimal_round", -1, PURE, |context| {
        let Some(value) = argument(context, 0)? else { return Ok(None) };
        let digits: Option<i64> = if context.len() > 1 { context.get(1)? } else { Some(0) };
        let Some(digits) = digits else { return Ok(None) };
        let digits = u32::try_from(digits).unwrap_or(0).min(28);
        Ok(Some(text_of(value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero))))
    })?;
    connection.create_scalar_function("orm_float_rem", 2, PURE, |context| {
        let (left, right): (Option<f64>, Option<f64>) = (context.get(0)?, context.get(1)?);
        Ok(left.zip(right).filter(|(_, right)| *right != 0.0).map(|(left, right)| left % right))
    })?;
    connection.create_scalar_function("orm_same_form", 2, PURE, |context| {
        let raw = context.get_raw(0);
        let cell = SqliteCell(raw);
        let one_form = match context.get_raw(1) {
            _ if raw == ValueRef::Null => true,
            ValueRef::Text(b"date") => cell.date().is_ok(),
            ValueRef::Text(b"time") => cell.time().is_ok(),
            _ => cell.datetime().is_ok(),
        };
        if one_form { context.get::<Value>(0) } else { Err(Error::UserFunctionError(OTHER_FORM.into())) }
    })?;
    text::register(connection)?;
    casts::register(connection)?;
    connection.create_aggregate_function("orm_one", 1, PURE, One)?;
    connection.create_window_function("orm_decimal_sum", 1, PURE, Total { mean: false })?;
    connection.create_window_function("orm_decimal_avg", 1, PURE, Total { mean: true })
}

/// What is said of an operand that is no decimal.
pub const NO_DECIMAL: &str = "the operand is not an exact decimal";

/// What is said of a date or time that does not compare as a text.
pub const OTHER_FORM: &str =
    "a column of another program holds a date or a time in a form that does not compare";

fn overflow() -> Error {
    Error::UserFunctionError("the result has more digits than a decimal holds".into())
}

fn decimal_of(text: &str) -> Option<Decimal> {
    let Numeric { mantissa, scale } = parse_numeric(text).ok()?;
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

fn text_of(value: Decimal) -> String {
    numeric_text(Numeric { mantissa: value.mantissa(), scale: value.scale() })
}

fn argument(context: &Context<'_>, index: usize) -> Result<Option<Decimal>> {
    let raw = context.get_raw(index);
    if raw == ValueRef::Null {
        return Ok(None);
    }
    let number = SqliteCell(raw).decimal().ok().map(Numeric::normalized);
    let value =
        number.and_then(|number| Decimal::try_from_i128_with_scale(number.mantissa, number.scale).ok());
    value.map(Some).ok_or_else(|| Error::UserFunctionError(NO_DECIMAL.into()))
}

/// What `orm_one` says of a second row.
pub const SEVERAL_ROWS: &str = "a scalar subquery has more than one row";

/// The value of the only row.
struct One;

impl Aggregate<Option<Value>, Value> for One {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Value>> {
        Ok(None)
    }
    fn step(&self, context: &mut Context<'_>, row: &mut Option<Value>) -> Result<()> {
        match row.replace(context.get(0)?) {
            None => Ok(()),
            Some(_) => Err(Error::UserFunctionError(SEVERAL_ROWS.into())),
        }
    }
    fn finalize(&self, _: &mut Context<'_>, row: Option<Option<Value>>) -> Result<Value> {
        Ok(row.flatten().unwrap_or(Value::Null))
    }
}

/// `sum` and `avg`; NULLs are skipped, over no rows NULL.
struct Total {
    mean: bool,
}

impl Aggregate<(Decimal, u64), Option<String>> for Total {
    fn init(&self, _: &mut Context<'_>) -> Result<(Decimal, u64)> {
        Ok((Decimal::ZERO, 0))
    }
    fn step(&self, context: &mut Context<'_>, total: &mut (Decimal, u64)) -> Result<()> {
        if let Some(value) = argument(context, 0)? {
            total.0 = total.0.checked_add(value).ok_or_else(overflow)?;
            total.1 += 1;
        }
        Ok(())
    }
    fn finalize(&self, _: &mut Context<'_>, total: Option<(Decimal, u64)>) -> Result<Option<String>> {
        self.result(total)
    }
}

impl WindowAggregate<(Decimal, u64), Option<String>> for Total {
    fn value(&self, total: Option<&mut (Decimal, u64)>) -> Result<Option<String>> {
        self.result(total.copied())
    }
    fn inverse(&self, context: &mut Context<'_>, total: &mut (Decimal, u64)) -> Result<()> {
        if let Some(value) = argument(context, 0)? {
            total.0 = total.0.checked_sub(value).ok_or_else(overflow)?;
            total.1 -= 1;
        }
        Ok(())
    }
}

impl Total {
    fn result(&self, total: Option<(Decimal, u64)>) -> Result<Option<String>> {
        match total {
            None | Some((_, 0)) => Ok(None),
            Some((sum, _)) if !self.mean => Ok(Some(text_of(sum))),
            Some((sum, rows)) => {
                sum.checked_div(Decimal::from(rows)).map(|mean| Some(text_of(mean))).ok_or_else(overflow)
            }
        }
    }
}
