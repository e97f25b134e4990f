//! Expressions that are values.

use orm_core::ir::facts::type_of;
use orm_core::ir::{AggFunc, BinaryOp, ColumnRef, Direction, Expr, Func, Nulls, Order, UnaryOp, WindowCall};
use orm_core::value::ColumnType;
use orm_core::{Error, ErrorKind};

use super::operand::{Level, Sql};
use super::{Render, qualified, usage};

impl Render<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<Sql, Error> {
        Ok(match expr {
            Expr::Column(column) => Sql::atom(self.column(*column)?),
            Expr::Excluded(column) => Sql::atom(self.excluded(*column)?),
            Expr::Place(source) => {
                let qualifier = self.entry(*source)?.qualifier.as_deref();
                let columns: Vec<String> =
                    self.dialect.place().iter().map(|name| qualified(qualifier, name)).collect();
                if columns.is_empty() {
                    return Err(usage("this database does not say where it keeps a row"));
                }
                Sql::new(columns.join(", "), Level::Raw)
            }
            Expr::Value(_, ty) => Sql::atom(self.parameter(*ty)),
            Expr::Unary(op, operand, ty) => self.unary(*op, operand, *ty)?,
            Expr::Binary(op, both, ty) => self.binary(*op, &both.0, &both.1, *ty)?,
            Expr::All(list) => self.chain(list, " AND ", Level::And, true)?,
            Expr::Any(list) => self.chain(list, " OR ", Level::Or, false)?,
            Expr::IsNull(operand, negated) => {
                let ty = type_of(operand);
                let operand = self.expr(operand)?.at(Level::Arithmetic);
                let operand = self.dialect.alone(operand);
                Sql::new(self.dialect.is_null(&operand, ty, *negated), Level::Compare)
            }
            Expr::Between(three, ty) => self.between(three, *ty)?,
            Expr::InList { expr, list: _, ty, negated } => {
                let operand = self.expr(expr)?.at(Level::Arithmetic);
                let number = self.number();
                Sql::new(self.dialect.in_list(&operand, number, *ty, *negated), Level::Compare)
            }
            Expr::Overlap { array, list: _, ty } => {
                self.nested = true;
                let nullable = self.may_be_null(array);
                let array = self.expr(array)?.at(Level::Atom);
                let number = self.number();
                Sql::new(self.dialect.overlap(&array, number, *ty, nullable)?, Level::Compare)
            }
            Expr::InTuples { exprs, rows: _, types } => {
                let exprs =
                    exprs.iter().map(|expr| Ok(self.expr(expr)?.text)).collect::<Result<Vec<_>, Error>>()?;
                let number = self.number();
                self.parameters += self.dialect.tuple_parameters(types) - 1;
                Sql::new(self.dialect.in_tuples(&exprs, number, types), Level::Compare)
            }
            Expr::InSelect { expr, select, negated, rows: _ } => {
                let operand = self.expr(expr)?.at(Level::Arithmetic);
                let not = if *negated { "NOT " } else { "" };
                Sql::new(format!("{operand} {not}IN ({})", self.subquery(select)?), Level::Compare)
            }
            Expr::Like { op, expr, pattern, insensitive } => {
                let text = self.expr(expr)?.at(Level::Atom);
                let pattern = self.expr(pattern)?.at(Level::Atom);
                Sql::new(self.dialect.like(*op, &text, &pattern, *insensitive), Level::Compare)
            }
            Expr::Func(func, args) => {
                self.nested |= *func == Func::Without;
                let ty = args.iter().find_map(type_of);
                let args = args
                    .iter()
                    .map(|arg| Ok(self.expr(arg)?.at(Level::Or)))
                    .collect::<Result<Vec<_>, Error>>()?;
                // With one argument the result may be the argument itself, which may need parentheses.
                let sql = self.dialect.function(*func, &args, ty)?;
                let level = if args.first() == Some(&sql) { Level::Raw } else { Level::Atom };
                Sql::new(sql, level)
            }
            Expr::Cast(operand, from, to) => {
                let operand = self.expr(operand)?.at(Level::Atom);
                Sql::atom(self.dialect.cast(&operand, *from, *to))
            }
            Expr::Case(arms, otherwise) => self.case(arms, otherwise.as_deref())?,
            Expr::Aggregate { .. } => self.aggregate(expr, None)?,
            Expr::Window(call) => self.window(call)?,
            Expr::Exists(select) => {
                let sql = self.subquery(select)?;
                let limited = select.limit.is_some() || select.offset.is_some();
                Sql::atom(if limited { format!("EXISTS ({sql})") } else { self.dialect.exists(&sql) })
            }
            Expr::Scalar(select) => {
                let sql = self.subquery(select)?;
                Sql::atom(if select.is_one_row() { format!("({sql})") } else { self.dialect.single(&sql) })
            }
            Expr::Relation(test) => self.relation_test(test)?,
            // The same text with the same parameters: to the database another parameter would be another key.
            Expr::Key(place, _) => {
                let key = self.groups.last().and_then(|keys| keys.get(usize::from(*place)));
                Sql::new(key.cloned().ok_or_else(|| usage("the query has no such key"))?, Level::Raw)
            }
            Expr::Elements(_) | Expr::ListChange(_) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "SQL databases keep lists as JSON and do not look into them",
                )
                .with_hint("read the rows and change the list as a whole"));
            }
            Expr::Raw(pieces, args) => self.raw(pieces, args)?,
        })
    }

    pub(super) fn exprs(&mut self, exprs: &[Expr]) -> Result<Vec<String>, Error> {
        exprs.iter().map(|expr| Ok(self.expr(expr)?.text)).collect()
    }

    /// A condition that stands alone after WHERE, HAVING or ON.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<String, Error> {
        Ok(self.expr(expr)?.text)
    }

    fn excluded(&mut self, column: ColumnRef) -> Result<String, Error> {
        let name = self.column_name(column.source.model, column.index)?;
        Ok(self.dialect.excluded(&name))
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, ty: ColumnType) -> Result<Sql, Error> {
        let operand = self.expr(operand)?.at(Level::Atom);
        if let Some(sql) = self.dialect.unary(op, &operand, ty) {
            return Ok(Sql::atom(sql));
        }
        Ok(match op {
            UnaryOp::Not => Sql::new(format!("NOT {operand}"), Level::Not),
            UnaryOp::Neg => Sql::new(format!("-{operand}"), Level::Arithmetic),
        })
    }

    fn case(&mut self, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<Sql, Error> {
        let mut sql = String::from("CASE");
        for (when, then) in arms {
            let when = self.expr(when)?.text;
            sql += &format!(" WHEN {when} THEN {}", self.expr(then)?.text);
        }
        let otherwise = otherwise.map(|expr| self.expr(expr)).transpose()?;
        if arms.is_empty() {
            return Ok(otherwise.unwrap_or_else(|| Sql::atom("NULL")));
        }
        if let Some(otherwise) = otherwise {
            sql += &format!(" ELSE {}", otherwise.text);
        }
        Ok(Sql::atom(sql + " END"))
    }

    /// An aggregate of the rows of a group, or of those of a window.
    pub(super) fn aggregate(&mut self, aggregate: &Expr, window: Option<&WindowCall>) -> Result<Sql, Error> {
        let Expr::Aggregate { func, arg, distinct, ty, filter, order } = aggregate else {
            return Err(usage("only an aggregate is computed over the rows of a window"));
        };
        let mut body = match arg {
            None => String::from("*"),
            Some(arg) if matches!(func, AggFunc::Min | AggFunc::Max) => {
                let arg = self.expr(arg)?.at(Level::Atom);
                self.dialect.ordered(self.dialect.alone(arg), *ty)?
            }
            Some(arg) => {
                let arg = self.expr(arg)?.text;
                self.dialect.alone(arg)
            }
        };
        if *distinct {
            body.insert_str(0, "DISTINCT ");
        }
        let order = self.orders(order)?;
        if !order.is_empty() {
            body += &format!(" ORDER BY {}", order.join(", "));
        }
        let mut rows = match filter {
            None => String::new(),
            Some(filter) => format!(" FILTER (WHERE {})", self.condition(filter)?),
        };
        match window {
            // The rows of a window stay rows: this groups nothing.
            Some(call) => rows += &self.over(call)?,
            None => self.aggregated = true,
        }
        Ok(Sql::atom(self.dialect.aggregate(*func, &body, &rows, *ty)))
    }

    fn raw(&mut self, pieces: &[&str], args: &[Expr]) -> Result<Sql, Error> {
        if pieces.len() != args.len() + 1 {
            return Err(usage("a raw expression needs one piece of text more than it has arguments"));
        }
        let mut sql = String::from(pieces[0]);
        for (arg, piece) in args.iter().zip(&pieces[1..]) {
            sql += &self.expr(arg)?.at(Level::Atom);
            sql += piece;
        }
        Ok(Sql::new(sql, Level::Raw))
    }

    /// The keys of an ORDER BY.
    pub(super) fn orders(&mut self, orders: &[Order]) -> Result<Vec<String>, Error> {
        let render = |order: &Order| {
            let key = self.expr(&order.expr)?.at(Level::Atom);
            self.order_key(self.dialect.alone(key), order)
        };
        orders.iter().map(render).collect()
    }

    /// A rendered key with its collation, direction and place for NULLs.
    pub(super) fn order_key(&self, key: String, order: &Order) -> Result<String, Error> {
        let ty = type_of(&order.expr).unwrap_or(order.ty);
        let mut sql = self.dialect.ordered(key, ty)?;
        let portable = match order.direction {
            Direction::Asc => Nulls::First,
            Direction::Desc => {
                sql += " DESC";
                Nulls::Last
            }
        };
        let wanted = order.nulls.unwrap_or(portable);
        if wanted != self.dialect.default_nulls(order.direction) && self.may_be_null(&order.expr) {
            sql += if wanted == Nulls::First { " NULLS FIRST" } else { " NULLS LAST" };
        }
        Ok(sql)
    }

    /// Whether an expression can be NULL: what cannot is rendered without a clause for it, which an index serves more often.
    fn may_be_null(&self, expr: &Expr) -> bool {
        let Expr::Column(ColumnRef { source, index }) = expr else { return true };
        let nullable = source.model.columns.get(usize::from(*index)).is_none_or(|column| column.nullable);
        nullable || self.entry(*source).is_ok_and(|entry| entry.optional)
    }

    /// The columns of a model, qualified.
    pub(super) fn model_columns(&self, source: orm_core::ir::Source) -> Result<Vec<String>, Error> {
        let qualifier = self.entry(source)?.qualifier.as_deref();
        let name = |column: &orm_core::meta::ColumnMeta| {
            qualified(qualifier, &self.dialect.quote_ident(&column.name))
        };
        Ok(source.model.columns.iter().map(name).collect())
    }

    fn between(&mut self, three: &(Expr, Expr, Expr), ty: ColumnType) -> Result<Sql, Error> {
        let operand = self.expr(&three.0)?.at(Level::Atom);
        let operand = self.dialect.ordered(operand, ty)?;
        let low = self.expr(&three.1)?.at(Level::Arithmetic);
        let high = self.expr(&three.2)?.at(Level::Arithmetic);
        Ok(Sql::new(format!("{operand} BETWEEN {low} AND {high}"), Level::Compare))
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, ty: ColumnType) -> Result<Sql, Error> {
        if op == BinaryOp::ElementOf {
            self.nested = true;
            let nullable = self.may_be_null(right);
            let (element, array) =
                (self.expr(left)?.at(Level::Arithmetic), self.expr(right)?.at(Level::Atom));
            return Ok(Sql::new(self.dialect.element_of(&element, &array, ty, nullable)?, Level::Compare));
        }
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        self.operator(op, left, right, ty)
    }
}
