//! Dates and times as text: `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS[.ffffff]`, as SQL's casts give them. Instants are in UTC.

use orm_core::Result;
use orm_core::ir::Expr;
use orm_core::value::ColumnType;

use super::Lower;
use super::expr::{begin, end};
use crate::bson::{Key, Writer};
use crate::value::MongoTimes;

/// The microseconds of a day.
const DAY: i64 = 86_400_000_000;

impl Lower<'_> {
    /// A date, or a date with a time of day, as text. NULL stays NULL.
    pub(super) fn temporal_text(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        operand: &Expr,
        from: ColumnType,
    ) -> Result<()> {
        if from == ColumnType::Date {
            return formatted(w, key, "%Y-%m-%d", |w, key| self.expr(w, key, operand));
        }
        // The zeros at the end of the fraction go, and then the point if nothing is behind it.
        let point = w.open(key);
        let outer = w.open("$rtrim");
        let zeros = w.open("input");
        let inner = w.open("$rtrim");
        let key = Key::Name("input");
        match self.times {
            MongoTimes::Millis => {
                formatted(w, key, "%Y-%m-%d %H:%M:%S.%L", |w, key| self.expr(w, key, operand))?;
            }
            MongoTimes::Micros => self.micros_text(w, key, operand)?,
        }
        w.str("chars", "0");
        w.close(inner);
        w.close(zeros);
        w.str("chars", ".");
        w.close(outer);
        w.close(point);
        Ok(())
    }

    /// Microseconds since 1970, with all six digits of the fraction.
    fn micros_text(&mut self, w: &mut Writer, key: Key<'_>, operand: &Expr) -> Result<()> {
        const SECOND: i64 = 1_000_000;
        self.with(w, key, [operand], |lower, w, key, [micros]| {
            let rest = lower.name("o");
            let open = w.open(key);
            let binding = w.open("$let");
            let vars = w.open("vars");
            // Not below zero, even before 1970.
            let (remainder, pair) = begin(w, Key::Name(&rest), "$mod");
            let (sum, terms) = begin(w, Key::At(0), "$add");
            let (signed, parts) = begin(w, Key::At(0), "$mod");
            lower.operand(w, Key::At(0), &micros)?;
            w.i64(1, SECOND);
            end(w, signed, parts);
            w.i64(1, SECOND);
            end(w, sum, terms);
            w.i64(1, SECOND);
            end(w, remainder, pair);
            w.close(vars);
            let rest = format!("$${rest}");
            let (concat, texts) = begin(w, Key::Name("in"), "$concat");
            formatted(w, Key::At(0), "%Y-%m-%d %H:%M:%S.", |w, key| {
                let date = w.open(key);
                let long = w.open("$toDate");
                let (millis, pair) = begin(w, Key::Name("$toLong"), "$divide");
                let (whole, terms) = begin(w, Key::At(0), "$subtract");
                lower.operand(w, Key::At(0), &micros)?;
                w.str(1, &rest);
                end(w, whole, terms);
                w.i64(1, 1000);
                end(w, millis, pair);
                w.close(long);
                w.close(date);
                Ok(())
            })?;
            // The one before the digits keeps their zeros.
            let (digits, parts) = begin(w, Key::At(1), "$substrCP");
            let text = w.open(0_usize);
            let (sum, terms) = begin(w, Key::Name("$toString"), "$add");
            w.str(0, &rest);
            w.i64(1, SECOND);
            end(w, sum, terms);
            w.close(text);
            w.i32(1, 1);
            w.i32(2, 6);
            end(w, digits, parts);
            end(w, concat, texts);
            w.close(binding);
            w.close(open);
            Ok(())
        })
    }

    /// The day of a date with a time of day, in UTC.
    pub(super) fn date_of(&mut self, w: &mut Writer, key: Key<'_>, operand: &Expr) -> Result<()> {
        if self.times == MongoTimes::Millis {
            let open = w.open(key);
            let cut = w.open("$dateTrunc");
            self.expr(w, Key::Name("date"), operand)?;
            w.str("unit", "day");
            w.close(cut);
            w.close(open);
            return Ok(());
        }
        self.with(w, key, [operand], |lower, w, key, [micros]| {
            let date = w.open(key);
            let long = w.open("$toDate");
            let (millis, pair) = begin(w, Key::Name("$toLong"), "$divide");
            let (whole, terms) = begin(w, Key::At(0), "$subtract");
            lower.operand(w, Key::At(0), &micros)?;
            // Not below zero, even before 1970.
            let (remainder, pair_of_days) = begin(w, Key::At(1), "$mod");
            let (sum, parts) = begin(w, Key::At(0), "$add");
            let (signed, signed_parts) = begin(w, Key::At(0), "$mod");
            lower.operand(w, Key::At(0), &micros)?;
            w.i64(1, DAY);
            end(w, signed, signed_parts);
            w.i64(1, DAY);
            end(w, sum, parts);
            w.i64(1, DAY);
            end(w, remainder, pair_of_days);
            end(w, whole, terms);
            w.i64(1, 1000);
            end(w, millis, pair);
            w.close(long);
            w.close(date);
            Ok(())
        })
    }

    /// The first instant of a day.
    pub(super) fn midnight_of(&mut self, w: &mut Writer, key: Key<'_>, operand: &Expr) -> Result<()> {
        if self.times == MongoTimes::Millis {
            return self.expr(w, key, operand);
        }
        let (open, list) = begin(w, key, "$multiply");
        let long = w.open(0_usize);
        self.expr(w, Key::Name("$toLong"), operand)?;
        w.close(long);
        w.i64(1, 1000);
        end(w, open, list);
        Ok(())
    }
}

/// `{$dateToString: {date, format}}`.
fn formatted(
    w: &mut Writer,
    key: Key<'_>,
    format: &str,
    date: impl FnOnce(&mut Writer, Key<'_>) -> Result<()>,
) -> Result<()> {
    let open = w.open(key);
    let parts = w.open("$dateToString");
    date(w, Key::Name("date"))?;
    w.str("format", format);
    w.close(parts);
    w.close(open);
    Ok(())
}
