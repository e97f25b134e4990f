//! The functions that the SQL of the dialect calls: exact decimals, and LIKE that minds the case.

use orm_core::value::{Cell, Numeric};
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::bind::numeric_text;
use crate::cell::{SqliteCell, parse_numeric};

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
            operation(left, right).map(|value| Some(text(value))).ok_or_else(overflow)
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
            Ok(operation(value).map(text))
        })?;
    }
    connection.create_scalar_function("orm_decimal_round", -1, PURE, |context| {
        let Some(value) = argument(context, 0)? else { return Ok(None) };
        let digits: Option<i64> = if context.len() > 1 { context.get(1)? } else { Some(0) };
        let Some(digits) = digits else { return Ok(None) };
        let digits = u32::try_from(digits).unwrap_or(0).min(28);
        Ok(Some(text(value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero))))
    })?;
    connection.create_scalar_function("orm_float_rem", 2, PURE, |context| {
        let (left, right): (Option<f64>, Option<f64>) = (context.get(0)?, context.get(1)?);
        Ok(left.zip(right).filter(|(_, right)| *right != 0.0).map(|(left, right)| left % right))
    })?;
    connection.create_scalar_function("orm_like", 2, PURE, |context| {
        let (pattern, value): (Option<String>, Option<String>) = (context.get(0)?, context.get(1)?);
        Ok(pattern.zip(value).map(|(pattern, value)| {
            like(&pattern.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>())
        }))
    })?;
    connection.create_window_function("orm_decimal_sum", 1, PURE, Total { mean: false })?;
    connection.create_window_function("orm_decimal_avg", 1, PURE, Total { mean: true })
}

fn overflow() -> Error {
    Error::UserFunctionError("the result has more digits than a decimal holds".into())
}

fn decimal_of(text: &str) -> Option<Decimal> {
    let Numeric { mantissa, scale } = parse_numeric(text).ok()?;
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

fn text(value: Decimal) -> String {
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
    value.map(Some).ok_or_else(|| Error::UserFunctionError("the operand is not an exact decimal".into()))
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
            Some((sum, _)) if !self.mean => Ok(Some(text(sum))),
            Some((sum, rows)) => {
                sum.checked_div(Decimal::from(rows)).map(|mean| Some(text(mean))).ok_or_else(overflow)
            }
        }
    }
}

/// LIKE with `%`, `_` and `\`, by character, in time proportional to pattern × text.
fn like(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let (matches, width) = match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('_') => (true, 1),
            Some('\\') if p + 1 < pattern.len() => (pattern[p + 1] == text[t], 2),
            Some(c) => (*c == text[t], 1),
            None => (false, 0),
        };
        if matches {
            p += width;
            t += 1;
        } else if let Some((after, from)) = retry {
            retry = Some((after, from + 1));
            p = after;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    #[test]
    fn like_minds_case_and_escapes() {
        let like = |pattern: &str, text: &str| {
            super::like(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
        };
        assert!(like("A%a", "Ada") && like("%", "") && like("_é_", "aéb") && like(r"100\%", "100%"));
        assert!(!like("a%", "Ada") && !like(r"100\%", "1000") && !like("_", "") && !like("%b", "bc"));
    }
}
