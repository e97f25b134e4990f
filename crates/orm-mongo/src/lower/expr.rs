//! Expressions that are values.

use orm_core::Result;
use orm_core::ir::facts::{never_null, type_of};
use orm_core::ir::{BinaryOp, CastKind, Expr, Func, UnaryOp};
use orm_core::meta::ColumnMeta;
use orm_core::value::{ColumnType, Datum, Numeric};

use super::{Lower, unsupported, usage};
use crate::bson::{Key, Writer};
use crate::value;

/// An operand that stands in several places: itself where that costs nothing, a variable elsewhere.
pub(super) enum Operand<'e> {
    Plain(&'e Expr),
    Variable(String),
}

impl Lower<'_> {
    /// An expression. A boolean is NULL where SQL says so.
    pub fn expr(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr) -> Result<()> {
        match expr {
            Expr::Column(column) => {
                if let Some(key_path) = self.level().key_of(*column) {
                    w.str(key, &format!("${key_path}"));
                    return Ok(());
                }
                let place = self.place(*column)?;
                w.str(key, &place.text);
            }
            Expr::Place(_) => return Err(unsupported("the place of a row")),
            Expr::Excluded(column) => {
                let value = self.excluded.and_then(|row| row.get(usize::from(column.index)));
                let ty = column.source.model.column(column.index).ty();
                self.value(w, key, value.unwrap_or(&Datum::Null), ty)?;
            }
            Expr::Value(datum, ty) => self.value(w, key, datum, *ty)?,
            Expr::Unary(UnaryOp::Neg, operand, _) => {
                let (open, list) = begin(w, key, "$multiply");
                self.expr(w, Key::At(0), operand)?;
                w.i32(1, -1);
                end(w, open, list);
            }
            Expr::Binary(op, both, ty) if is_arithmetic(*op) => {
                self.arithmetic(w, key, *op, &both.0, &both.1, *ty)?
            }
            Expr::Func(func, args) => self.function(w, key, *func, args)?,
            Expr::Cast(operand, from, to) => self.cast(w, key, operand, *from, *to)?,
            Expr::Case(arms, otherwise) => self.case(w, key, arms, otherwise.as_deref())?,
            Expr::Aggregate { .. } => self.aggregate_result(w, key, expr)?,
            Expr::Window(_) => self.window_result(w, key, expr)?,
            Expr::Scalar(select) => {
                let one = select.is_one_row();
                let field = self.subquery(select, Some(if one { 1 } else { 2 }))?;
                if one {
                    self.first_of(w, key, &field, "c0");
                } else {
                    self.only_of(w, key, &field, "c0");
                }
            }
            Expr::Relation(test) if test.quantifier == orm_core::ir::Quantifier::Count => {
                let field = self.relation(test)?;
                let (open, list) = begin(w, key, "$ifNull");
                self.first_of(w, Key::At(0), &field, "n");
                w.i32(1, 0);
                end(w, open, list);
            }
            Expr::Key(place, _) => {
                if self.level().group.is_some() {
                    w.str(key, &format!("$_id.k{place}"));
                } else if self.level().places {
                    w.str(key, &format!("$c{place}"));
                } else {
                    let keys = self.level().keys.get(usize::from(*place)).cloned();
                    let own = keys.ok_or_else(|| usage("the query has no such key"))?;
                    self.expr(w, key, &own)?;
                }
            }
            Expr::Elements(test) if test.quantifier == orm_core::ir::Quantifier::Count => {
                self.element_count(w, key, test)?
            }
            Expr::ListChange(change) => self.list_change(w, key, change)?,
            Expr::Raw(..) => return Err(unsupported("SQL text")),
            // What remains is true, false or NULL.
            condition if never_null(condition) => self.truth(w, key, condition, true)?,
            condition => {
                let (open, list) = begin(w, key, "$cond");
                self.truth(w, Key::At(0), condition, true)?;
                w.bool(1, true);
                let (inner, branches) = begin(w, Key::At(2), "$cond");
                self.truth(w, Key::At(0), condition, false)?;
                w.bool(1, false);
                w.null(2);
                end(w, inner, branches);
                end(w, open, list);
            }
        }
        Ok(())
    }

    /// A value for a column, in a form that the column's type has.
    pub fn assigned(&mut self, w: &mut Writer, key: Key<'_>, column: &ColumnMeta, expr: &Expr) -> Result<()> {
        if column.ty() == ColumnType::F32 && !is_plain(expr) {
            return self.single(w, key, expr);
        }
        self.or_null(w, key, expr)
    }

    /// A number as 32 bits keep it: a double has 29 bits more in its fraction. Multiplied by 2²⁹ + 1 and taken apart again, it
    /// is rounded to the 24 that remain (T. J. Dekker, A floating-point technique for extending the available precision, 1971).
    fn single(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr) -> Result<()> {
        self.unless_null(w, key, [expr], |lower, w, key, [operand]| {
            let large = lower.name("o");
            let open = w.open(key);
            let binding = w.open("$let");
            let vars = w.open("vars");
            let (product, factors) = begin(w, Key::Name(&large), "$multiply");
            lower.operand(w, Key::At(0), &operand)?;
            w.f64(1, 536_870_913.0);
            end(w, product, factors);
            w.close(vars);
            // What is too large for 32 bits stays as it is, and the rules of the collection refuse it.
            let (cond, branches) = begin(w, Key::Name("in"), "$cond");
            let (test, pair) = begin(w, Key::At(0), "$lt");
            let magnitude = w.open(0_usize);
            lower.operand(w, Key::Name("$abs"), &operand)?;
            w.close(magnitude);
            w.f64(1, f64::from(f32::MAX) * 2.0);
            end(w, test, pair);
            let (difference, terms) = begin(w, Key::At(1), "$subtract");
            w.str(0, &format!("$${large}"));
            let (rest, inner) = begin(w, Key::At(1), "$subtract");
            w.str(0, &format!("$${large}"));
            lower.operand(w, Key::At(1), &operand)?;
            end(w, rest, inner);
            end(w, difference, terms);
            lower.operand(w, Key::At(2), &operand)?;
            end(w, cond, branches);
            w.close(binding);
            w.close(open);
            Ok(())
        })
    }

    /// A value, protected from being read as a path or an expression.
    pub(super) fn value(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        datum: &Datum,
        ty: ColumnType,
    ) -> Result<()> {
        match datum {
            Datum::Text(text) if text.starts_with('$') => self.literal(w, key, datum, ty),
            Datum::Json(_) | Datum::Array(_) | Datum::List(_) => self.literal(w, key, datum, ty),
            _ => value::write(w, key, datum, ty, self.times),
        }
    }

    fn literal(&mut self, w: &mut Writer, key: Key<'_>, datum: &Datum, ty: ColumnType) -> Result<()> {
        let open = w.open(key);
        value::write(w, Key::Name("$literal"), datum, ty, self.times)?;
        w.close(open);
        Ok(())
    }

    /// `{operator: [args]}`.
    pub(super) fn call(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        operator: &str,
        args: &[&Expr],
    ) -> Result<()> {
        let (open, list) = begin(w, key, operator);
        for (at, arg) in args.iter().enumerate() {
            self.expr(w, Key::At(at), arg)?;
        }
        end(w, open, list);
        Ok(())
    }

    pub(super) fn operand(&mut self, w: &mut Writer, key: Key<'_>, operand: &Operand<'_>) -> Result<()> {
        match operand {
            Operand::Plain(expr) => self.expr(w, key, expr),
            Operand::Variable(name) => {
                w.str(key, &format!("$${name}"));
                Ok(())
            }
        }
    }

    /// Writes something that mentions its operands more than once: those that are more than a column or a value become variables.
    pub(super) fn with<'e, const N: usize>(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        exprs: [&'e Expr; N],
        body: impl FnOnce(&mut Self, &mut Writer, Key<'_>, [Operand<'e>; N]) -> Result<()>,
    ) -> Result<()> {
        if exprs.iter().all(|expr| is_plain(expr)) {
            return body(self, w, key, exprs.map(Operand::Plain));
        }
        let open = w.open(key);
        let binding = w.open("$let");
        let vars = w.open("vars");
        let mut fault = None;
        let operands = exprs.map(|expr| {
            if is_plain(expr) {
                return Operand::Plain(expr);
            }
            let name = self.name("o");
            if let Err(error) = self.expr(w, Key::Name(&name), expr) {
                fault = Some(error);
            }
            Operand::Variable(name)
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        w.close(vars);
        body(self, w, Key::Name("in"), operands)?;
        w.close(binding);
        w.close(open);
        Ok(())
    }

    /// `x`, but NULL where one of the operands is: for operators that make something of NULL.
    pub(super) fn unless_null<'e, const N: usize>(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        exprs: [&'e Expr; N],
        body: impl FnOnce(&mut Self, &mut Writer, Key<'_>, [Operand<'e>; N]) -> Result<()>,
    ) -> Result<()> {
        let nullable = exprs.map(|expr| self.may_be_null(expr));
        self.with(w, key, exprs, |lower, w, key, operands| {
            if !nullable.contains(&true) {
                return body(lower, w, key, operands);
            }
            let (open, list) = begin(w, key, "$cond");
            let (either, tests) = begin(w, Key::At(0), "$or");
            let mut at = 0;
            for (operand, nullable) in operands.iter().zip(nullable) {
                if nullable {
                    lower.null_test(w, Key::At(at), operand, true)?;
                    at += 1;
                }
            }
            end(w, either, tests);
            w.null(1);
            body(lower, w, Key::At(2), operands)?;
            end(w, open, list);
            Ok(())
        })
    }

    /// Whether an operand is NULL (or missing), or is not.
    pub(super) fn null_test(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        operand: &Operand<'_>,
        null: bool,
    ) -> Result<()> {
        // Nothing but missing and MinKey is smaller than null.
        let (open, list) = begin(w, key, if null { "$lte" } else { "$gt" });
        self.operand(w, Key::At(0), operand)?;
        w.null(1);
        end(w, open, list);
        Ok(())
    }

    /// Whether an expression can be NULL, as far as this can be told at a glance.
    pub(super) fn may_be_null(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(column) => self.place(*column).map_or(true, |place| place.nullable),
            Expr::Value(datum, _) => datum.is_null(),
            other => !never_null(other),
        }
    }

    /// The value of a field in the only document of a list, an error if there are more.
    fn only_of(&mut self, w: &mut Writer, key: Key<'_>, list: &str, name: &str) {
        let size = |w: &mut Writer, key: Key<'_>| {
            let open = w.open(key);
            w.str("$size", &format!("${list}"));
            w.close(open);
        };
        let (choice, cases) = begin(w, key, "$cond");
        let (test, pair) = begin(w, Key::At(0), "$gt");
        size(w, Key::At(0));
        w.i32(1, 1);
        end(w, test, pair);
        // A text that depends on the document: of a constant one the server would complain before it looks at any.
        let fault = w.open(1_usize);
        let (text, parts) = begin(w, Key::Name("$toInt"), "$concat");
        w.str(0, crate::errors::SEVERAL_ROWS);
        let number = w.open(1_usize);
        size(w, Key::Name("$toString"));
        w.close(number);
        end(w, text, parts);
        w.close(fault);
        self.first_of(w, Key::At(2), list, name);
        end(w, choice, cases);
    }

    /// A field of the first document in a list.
    fn first_of(&mut self, w: &mut Writer, key: Key<'_>, list: &str, name: &str) {
        let variable = self.name("o");
        let open = w.open(key);
        let binding = w.open("$let");
        let vars = w.open("vars");
        let (first, pair) = begin(w, Key::Name(&variable), "$arrayElemAt");
        w.str(0, &format!("${list}"));
        w.i32(1, 0);
        end(w, first, pair);
        w.close(vars);
        w.str("in", &format!("$${variable}.{name}"));
        w.close(binding);
        w.close(open);
    }

    /// The values of a field in a list of documents.
    pub(super) fn each_of(&mut self, w: &mut Writer, key: Key<'_>, list: &str, name: &str) {
        let variable = self.name("o");
        let open = w.open(key);
        let map = w.open("$map");
        w.str("input", &format!("${list}"));
        w.str("as", &variable);
        w.str("in", &format!("$${variable}.{name}"));
        w.close(map);
        w.close(open);
    }

    fn arithmetic(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        ty: ColumnType,
    ) -> Result<()> {
        match op {
            BinaryOp::Add => self.call(w, key, "$add", &[left, right]),
            BinaryOp::Sub => self.call(w, key, "$subtract", &[left, right]),
            BinaryOp::Mul => self.call(w, key, "$multiply", &[left, right]),
            BinaryOp::Concat => self.call(w, key, "$concat", &[left, right]),
            _ => self.with(w, key, [left, right], |lower, w, key, [left, right]| {
                // Division by zero is NULL on every database.
                let (open, list) = begin(w, key, "$cond");
                let (test, pair) = begin(w, Key::At(0), "$eq");
                lower.operand(w, Key::At(0), &right)?;
                w.i32(1, 0);
                end(w, test, pair);
                w.null(1);
                match (op, ty) {
                    (BinaryOp::Rem, _) => {
                        let (open, list) = begin(w, Key::At(2), "$mod");
                        lower.operand(w, Key::At(0), &left)?;
                        lower.operand(w, Key::At(1), &right)?;
                        end(w, open, list);
                    }
                    (_, ty) if ty.is_integer() => {
                        // Through decimals: a double would not hold all digits of a long.
                        let long = w.open(2_usize);
                        let trunc = w.open("$toLong");
                        let divide = w.open("$trunc");
                        let pair = w.open_array("$divide");
                        let decimal = w.open(0_usize);
                        lower.operand(w, Key::Name("$toDecimal"), &left)?;
                        w.close(decimal);
                        lower.operand(w, Key::At(1), &right)?;
                        w.close(pair);
                        w.close(divide);
                        w.close(trunc);
                        w.close(long);
                    }
                    (_, ty) => {
                        // A quotient of decimals may have no end: 16 digits behind the point are kept.
                        let rounding = (ty == ColumnType::Decimal).then(|| begin(w, Key::At(2), "$round"));
                        let at = if rounding.is_some() { Key::At(0) } else { Key::At(2) };
                        let (open, list) = begin(w, at, "$divide");
                        lower.operand(w, Key::At(0), &left)?;
                        lower.operand(w, Key::At(1), &right)?;
                        end(w, open, list);
                        if let Some((open, list)) = rounding {
                            w.i32(1, 16);
                            end(w, open, list);
                        }
                    }
                }
                end(w, open, list);
                Ok(())
            }),
        }
    }

    fn case(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<()> {
        if arms.is_empty() {
            return match otherwise {
                Some(otherwise) => self.expr(w, key, otherwise),
                None => {
                    w.null(key);
                    Ok(())
                }
            };
        }
        let open = w.open(key);
        let switch = w.open("$switch");
        let branches = w.open_array("branches");
        for (at, (when, then)) in arms.iter().enumerate() {
            let branch = w.open(at);
            self.truth(w, Key::Name("case"), when, true)?;
            self.expr(w, Key::Name("then"), then)?;
            w.close(branch);
        }
        w.close(branches);
        match otherwise {
            Some(otherwise) => self.expr(w, Key::Name("default"), otherwise)?,
            None => w.null("default"),
        }
        w.close(switch);
        w.close(open);
        Ok(())
    }

    fn function(&mut self, w: &mut Writer, key: Key<'_>, func: Func, args: &[Expr]) -> Result<()> {
        let list: Vec<&Expr> = args.iter().collect();
        match (func, list.as_slice()) {
            (Func::Now, _) => self.now(w, key),
            (Func::Coalesce, [only]) => self.expr(w, key, only),
            (Func::Coalesce, all) => self.call(w, key, "$ifNull", all),
            (Func::NullIf, [left, right]) => {
                self.with(w, key, [left, right], |lower, w, key, [left, right]| {
                    let (open, list) = begin(w, key, "$cond");
                    let (test, pair) = begin(w, Key::At(0), "$eq");
                    lower.operand(w, Key::At(0), &left)?;
                    lower.operand(w, Key::At(1), &right)?;
                    end(w, test, pair);
                    w.null(1);
                    lower.operand(w, Key::At(2), &left)?;
                    end(w, open, list);
                    Ok(())
                })
            }
            (Func::Append, [array, element]) => self.call(w, key, "$concatArrays", &[array, element]),
            (Func::Without, [array, element]) => self.without(w, key, array, element),
            (Func::Abs, [value]) => self.call(w, key, "$abs", &[value]),
            (Func::Round, [value, digits @ ..]) => self.round(w, key, value, digits.first().copied()),
            (text, list) => self.text_function(w, key, text, list),
        }
    }

    fn now(&mut self, w: &mut Writer, key: Key<'_>) -> Result<()> {
        if self.times == value::MongoTimes::Millis {
            w.str(key, "$$NOW");
            return Ok(());
        }
        let (open, list) = begin(w, key, "$multiply");
        let long = w.open(0_usize);
        w.str("$toLong", "$$NOW");
        w.close(long);
        w.i64(1, 1000);
        end(w, open, list);
        Ok(())
    }

    /// Halves go away from zero; MongoDB's own operator sends them to the even neighbour.
    fn round(&mut self, w: &mut Writer, key: Key<'_>, value: &Expr, digits: Option<&Expr>) -> Result<()> {
        let ty = type_of(value).unwrap_or(ColumnType::F64);
        if ty.is_integer() {
            return self.expr(w, key, value);
        }
        let digits = match digits {
            None => 0,
            Some(Expr::Value(Datum::I64(digits), _)) if (0..=20).contains(digits) => *digits as u32,
            Some(_) => {
                return Err(unsupported("rounding to a number of digits that is no constant from 0 to 20"));
            }
        };
        if ty == ColumnType::Decimal {
            return self.with(w, key, [value], |lower, w, key, [operand]| {
                lower.round_decimal(w, key, digits, |lower, w, key| lower.operand(w, key, &operand))
            });
        }
        self.with(w, key, [value], |lower, w, key, [operand]| {
            // Beyond this there is no room for a fraction of so many digits.
            let bound = 2_f64.powi(52) / 10_f64.powi(digits as i32);
            let (choice, cases) = begin(w, key, "$cond");
            let (test, pair) = begin(w, Key::At(0), "$gte");
            let size = w.open(0_usize);
            lower.operand(w, Key::Name("$abs"), &operand)?;
            w.close(size);
            w.f64(1, bound);
            end(w, test, pair);
            lower.operand(w, Key::At(1), &operand)?;
            if digits == 0 {
                lower.round_whole(w, Key::At(2), &operand)?;
            } else {
                // The whole part is exact; of the fraction alone 15 digits are enough.
                let (sum, terms) = begin(w, Key::At(2), "$add");
                let whole = w.open(0_usize);
                lower.operand(w, Key::Name("$trunc"), &operand)?;
                w.close(whole);
                let back = w.open(1_usize);
                lower.round_decimal(w, Key::Name("$toDouble"), digits, |lower, w, key| {
                    let decimal = w.open(key);
                    let (fraction, parts) = begin(w, Key::Name("$toDecimal"), "$subtract");
                    lower.operand(w, Key::At(0), &operand)?;
                    let whole = w.open(1_usize);
                    lower.operand(w, Key::Name("$trunc"), &operand)?;
                    w.close(whole);
                    end(w, fraction, parts);
                    w.close(decimal);
                    Ok(())
                })?;
                w.close(back);
                end(w, sum, terms);
            }
            end(w, choice, cases);
            Ok(())
        })
    }

    /// The whole part, and twice the fraction without its own: one more where that is a half at least. Exact, where a conversion to
    /// a decimal would keep 15 digits.
    fn round_whole(&mut self, w: &mut Writer, key: Key<'_>, operand: &Operand<'_>) -> Result<()> {
        let whole = |lower: &mut Self, w: &mut Writer, key: Key<'_>| {
            let open = w.open(key);
            lower.operand(w, Key::Name("$trunc"), operand)?;
            w.close(open);
            Result::Ok(())
        };
        let (sum, terms) = begin(w, key, "$add");
        whole(self, w, Key::At(0))?;
        let carry = w.open(1_usize);
        let (twice, factors) = begin(w, Key::Name("$trunc"), "$multiply");
        w.i32(0, 2);
        let (rest, parts) = begin(w, Key::At(1), "$subtract");
        self.operand(w, Key::At(0), operand)?;
        whole(self, w, Key::At(1))?;
        end(w, rest, parts);
        end(w, twice, factors);
        w.close(carry);
        end(w, sum, terms);
        Ok(())
    }

    fn round_decimal(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        digits: u32,
        operand: impl Fn(&mut Self, &mut Writer, Key<'_>) -> Result<()>,
    ) -> Result<()> {
        let half = |sign: i128| Datum::Decimal(Numeric { mantissa: 5 * sign, scale: digits + 1 });
        let (open, list) = begin(w, key, "$trunc");
        let (sum, terms) = begin(w, Key::At(0), "$add");
        operand(self, w, Key::At(0))?;
        let (cond, branches) = begin(w, Key::At(1), "$cond");
        let (test, pair) = begin(w, Key::At(0), "$gte");
        operand(self, w, Key::At(0))?;
        w.i32(1, 0);
        end(w, test, pair);
        self.value(w, Key::At(1), &half(1), ColumnType::Decimal)?;
        self.value(w, Key::At(2), &half(-1), ColumnType::Decimal)?;
        end(w, cond, branches);
        end(w, sum, terms);
        w.i32(1, digits as i32);
        end(w, open, list);
        Ok(())
    }

    fn cast(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        operand: &Expr,
        from: ColumnType,
        to: ColumnType,
    ) -> Result<()> {
        use CastKind::{Bool, Date, DateTime, Decimal, Float, Integer, Text};
        let wrap = |lower: &mut Self, w: &mut Writer, key: Key<'_>, operator: &str| {
            let open = w.open(key);
            lower.expr(w, Key::Name(operator), operand)?;
            w.close(open);
            Ok(())
        };
        match (CastKind::of(from), CastKind::of(to)) {
            _ if from == to => self.expr(w, key, operand),
            (Integer, Integer) | (Text, Text) | (DateTime, DateTime) => self.expr(w, key, operand),
            (Float | Decimal, Integer) => {
                let open = w.open(key);
                let long = w.open("$toLong");
                self.expr(w, Key::Name("$trunc"), operand)?;
                w.close(long);
                w.close(open);
                Ok(())
            }
            (Bool | Text, Integer) => wrap(self, w, key, "$toLong"),
            (Bool | Integer | Decimal | Text, Float) if to == ColumnType::F64 => {
                wrap(self, w, key, "$toDouble")
            }
            (Float, Float) if to == ColumnType::F64 => self.expr(w, key, operand),
            (Bool | Integer | Text, Decimal) => wrap(self, w, key, "$toDecimal"),
            (Bool | Integer, Text) => wrap(self, w, key, "$toString"),
            (Date | DateTime, Text) => self.temporal_text(w, key, operand, from),
            (DateTime, Date) => self.date_of(w, key, operand),
            (Date, DateTime) => self.midnight_of(w, key, operand),
            (Integer | Float | Decimal, Bool) => {
                self.unless_null(w, key, [operand], |lower, w, key, [operand]| {
                    let (open, list) = begin(w, key, "$ne");
                    lower.operand(w, Key::At(0), &operand)?;
                    w.i32(1, 0);
                    end(w, open, list);
                    Ok(())
                })
            }
            _ => Err(unsupported(format!("a conversion from {from:?} to {to:?}"))),
        }
    }
}

/// Begins `{operator: [`.
pub(crate) fn begin(w: &mut Writer, key: Key<'_>, operator: &str) -> (crate::bson::Open, crate::bson::Open) {
    let open = w.open(key);
    let list = w.open_array(operator);
    (open, list)
}

/// Ends what `begin` began.
pub(crate) fn end(w: &mut Writer, open: crate::bson::Open, list: crate::bson::Open) {
    w.close(list);
    w.close(open);
}

fn is_plain(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::Value(..) | Expr::Excluded(_) | Expr::Key(..))
}

fn is_arithmetic(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Add | Sub | Mul | Div | Rem | Concat)
}
