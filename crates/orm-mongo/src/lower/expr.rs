//! Expressions that are values.

use orm_core::Result;
use orm_core::ir::{BinaryOp, Expr, Func, UnaryOp};
use orm_core::value::{Datum, DbType, Numeric};

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
            Expr::Excluded(column) => {
                let value = self.excluded.and_then(|(columns, row)| {
                    let at = columns.iter().position(|index| *index == column.index)?;
                    row.get(at)
                });
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
            Expr::Cast(operand, ty) => self.cast(w, key, operand, *ty)?,
            Expr::Case(arms, otherwise) => self.case(w, key, arms, otherwise.as_deref())?,
            Expr::Aggregate { .. } => self.aggregate_result(w, key, expr)?,
            Expr::Window(_) => self.window_result(w, key, expr)?,
            Expr::Scalar(select) => {
                let field = self.subquery(select, Some(1))?;
                self.first_of(w, key, &field, "c0");
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

    /// A value, protected from being read as a path or an expression.
    pub(super) fn value(&mut self, w: &mut Writer, key: Key<'_>, datum: &Datum, ty: DbType) -> Result<()> {
        match datum {
            Datum::Text(text) if text.starts_with('$') => self.literal(w, key, datum, ty),
            Datum::Json(_) | Datum::Array(_) | Datum::List(_) => self.literal(w, key, datum, ty),
            _ => value::write(w, key, datum, ty, self.times),
        }
    }

    fn literal(&mut self, w: &mut Writer, key: Key<'_>, datum: &Datum, ty: DbType) -> Result<()> {
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
        ty: DbType,
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
                        let rounding = (ty == DbType::Decimal).then(|| begin(w, Key::At(2), "$round"));
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
        if self.times == value::Times::Millis {
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
        let ty = type_of(value).unwrap_or(DbType::F64);
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
        let half = |sign: i128| Datum::Decimal(Numeric { mantissa: 5 * sign, scale: digits + 1 });
        let back = (ty != DbType::Decimal).then(|| w.open(key));
        let inner = if back.is_some() { Key::Name("$toDouble") } else { key };
        self.with(w, inner, [value], |lower, w, key, [operand]| {
            let (open, list) = begin(w, key, "$trunc");
            let (sum, terms) = begin(w, Key::At(0), "$add");
            let decimal = w.open(0_usize);
            lower.operand(w, Key::Name("$toDecimal"), &operand)?;
            w.close(decimal);
            let (cond, branches) = begin(w, Key::At(1), "$cond");
            let (test, pair) = begin(w, Key::At(0), "$gte");
            lower.operand(w, Key::At(0), &operand)?;
            w.i32(1, 0);
            end(w, test, pair);
            lower.value(w, Key::At(1), &half(1), DbType::Decimal)?;
            lower.value(w, Key::At(2), &half(-1), DbType::Decimal)?;
            end(w, cond, branches);
            end(w, sum, terms);
            w.i32(1, digits as i32);
            end(w, open, list);
            Ok(())
        })?;
        if let Some(back) = back {
            w.close(back);
        }
        Ok(())
    }

    fn cast(&mut self, w: &mut Writer, key: Key<'_>, operand: &Expr, to: DbType) -> Result<()> {
        let from = type_of(operand);
        let to_integer = to.is_integer() || matches!(to, DbType::Enum(meta) if meta.integer);
        let integer = |ty: DbType| ty.is_integer() || matches!(ty, DbType::Enum(meta) if meta.integer);
        let textual = |ty: DbType| match ty {
            DbType::Text | DbType::Char => true,
            DbType::Enum(meta) => !meta.integer,
            _ => false,
        };
        let wrap = |lower: &mut Self, w: &mut Writer, key: Key<'_>, operator: &str| {
            let open = w.open(key);
            lower.expr(w, Key::Name(operator), operand)?;
            w.close(open);
            Ok(())
        };
        match (from, to) {
            (Some(from), to) if from == to => self.expr(w, key, operand),
            (Some(from), _) if to_integer && integer(from) => self.expr(w, key, operand),
            (Some(DbType::F32 | DbType::F64 | DbType::Decimal), _) if to_integer => {
                let open = w.open(key);
                let long = w.open("$toLong");
                self.expr(w, Key::Name("$trunc"), operand)?;
                w.close(long);
                w.close(open);
                Ok(())
            }
            (Some(DbType::Bool), _) if to_integer => wrap(self, w, key, "$toLong"),
            (Some(from), _) if to_integer && textual(from) => wrap(self, w, key, "$toLong"),
            (_, DbType::F32 | DbType::F64) => wrap(self, w, key, "$toDouble"),
            (_, DbType::Decimal) => wrap(self, w, key, "$toDecimal"),
            (Some(from), to) if textual(from) && textual(to) => self.expr(w, key, operand),
            (Some(from), to)
                if textual(to) && (from.is_number() || integer(from) || from == DbType::Bool) =>
            {
                wrap(self, w, key, "$toString")
            }
            (Some(from @ (DbType::Date | DbType::DateTime | DbType::Timestamp)), to) if textual(to) => {
                self.temporal_text(w, key, operand, from)
            }
            (Some(from), DbType::Bool) if from.is_number() => {
                self.unless_null(w, key, [operand], |lower, w, key, [operand]| {
                    let (open, list) = begin(w, key, "$ne");
                    lower.operand(w, Key::At(0), &operand)?;
                    w.i32(1, 0);
                    end(w, open, list);
                    Ok(())
                })
            }
            (from, to) => Err(unsupported(format!("a conversion from {from:?} to {to:?}"))),
        }
    }
}

/// Begins `{operator: [`.
pub(super) fn begin(w: &mut Writer, key: Key<'_>, operator: &str) -> (crate::bson::Open, crate::bson::Open) {
    let open = w.open(key);
    let list = w.open_array(operator);
    (open, list)
}

/// Ends what `begin` began.
pub(super) fn end(w: &mut Writer, open: crate::bson::Open, list: crate::bson::Open) {
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

/// Whether an expression has a value for every row.
pub(super) fn never_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(datum, _) => !datum.is_null(),
        Expr::IsNull(..) | Expr::Exists(_) | Expr::Relation(_) | Expr::Elements(_) | Expr::ListChange(_) => {
            true
        }
        Expr::Binary(BinaryOp::IsSame | BinaryOp::IsNotSame, ..) => true,
        Expr::Binary(BinaryOp::And | BinaryOp::Or, both, _) => never_null(&both.0) && never_null(&both.1),
        Expr::Unary(UnaryOp::Not, inner, _) => never_null(inner),
        Expr::All(list) | Expr::Any(list) => list.iter().all(never_null),
        Expr::Func(Func::Coalesce, args) => args.iter().any(never_null),
        Expr::Func(Func::Now, _) => true,
        _ => false,
    }
}

/// The type of an expression, where it can be told.
pub(super) fn type_of(expr: &Expr) -> Option<DbType> {
    match expr {
        Expr::Column(column) | Expr::Excluded(column) => {
            column.source.model.columns.get(usize::from(column.index)).map(|column| column.ty())
        }
        Expr::Value(_, ty) | Expr::Cast(_, ty) | Expr::Key(_, ty) => Some(*ty),
        Expr::Unary(UnaryOp::Neg, _, ty) => Some(*ty),
        Expr::Binary(op, _, ty) if is_arithmetic(*op) => Some(*ty),
        Expr::Func(Func::CharLength, _) => Some(DbType::I64),
        Expr::Func(Func::Lower | Func::Upper | Func::Trim | Func::Substring | Func::Replace, _) => {
            Some(DbType::Text)
        }
        Expr::Func(Func::Now, _) => Some(DbType::Timestamp),
        Expr::Func(_, args) => args.iter().find_map(type_of),
        Expr::Case(arms, otherwise) => {
            arms.iter().find_map(|(_, then)| type_of(then)).or_else(|| type_of(otherwise.as_deref()?))
        }
        Expr::Aggregate { func, ty, .. } => Some(match func {
            orm_core::ir::AggFunc::Count => DbType::I64,
            orm_core::ir::AggFunc::Avg if *ty != DbType::Decimal => DbType::F64,
            orm_core::ir::AggFunc::Sum if ty.is_integer() => DbType::I64,
            _ => *ty,
        }),
        Expr::Scalar(select) => match &select.output {
            orm_core::ir::Output::Exprs(exprs) => exprs.first().and_then(type_of),
            _ => None,
        },
        Expr::Relation(test) if test.quantifier == orm_core::ir::Quantifier::Count => Some(DbType::I64),
        Expr::Elements(test) if test.quantifier == orm_core::ir::Quantifier::Count => Some(DbType::I64),
        Expr::Raw(..) | Expr::ListChange(_) => None,
        _ => Some(DbType::Bool),
    }
}
