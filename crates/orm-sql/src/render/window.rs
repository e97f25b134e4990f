//! Window functions.

use orm_core::Error;
use orm_core::ir::{Expr, Frame, WindowCall, WindowFunc};

use super::operand::{Level, Sql};
use super::{Render, usage};

impl Render<'_> {
    pub(super) fn window(&mut self, call: &WindowCall) -> Result<Sql, Error> {
        let name = match call.func {
            WindowFunc::Aggregate => {
                let Some(Expr::Aggregate { func, arg, distinct: false, ty, filter, order }) = &call.arg
                else {
                    return Err(usage("only an aggregate is computed over the rows of a window"));
                };
                // The rows stay rows: this groups nothing.
                let grouping = self.aggregated;
                let (body, filter) =
                    self.aggregate_parts(*func, arg.as_deref(), false, *ty, filter.as_deref(), order)?;
                self.aggregated = grouping;
                let over = self.over(call)?;
                return Ok(Sql::atom(self.dialect.aggregate(*func, &body, &(filter + &over), *ty)));
            }
            WindowFunc::RowNumber => "ROW_NUMBER",
            WindowFunc::Rank => "RANK",
            WindowFunc::DenseRank => "DENSE_RANK",
            WindowFunc::Shift(by) if by < 0 => "LAG",
            WindowFunc::Shift(_) => "LEAD",
            WindowFunc::First => "FIRST_VALUE",
            WindowFunc::Last => "LAST_VALUE",
            other => return Err(usage(format!("the window function {other:?} has no SQL"))),
        };
        let mut args = match &call.arg {
            None => String::new(),
            Some(arg) => {
                let arg = self.expr(arg)?.text;
                self.dialect.alone(arg)
            }
        };
        if let WindowFunc::Shift(by) = call.func {
            args += &format!(", {}", by.unsigned_abs());
        }
        Ok(Sql::atom(format!("{name}({args}){}", self.over(call)?)))
    }

    /// ` OVER (…)`
    fn over(&mut self, call: &WindowCall) -> Result<String, Error> {
        let partition = call
            .partition
            .iter()
            .map(|key| {
                let key = self.expr(key)?.at(Level::Atom);
                Ok(self.dialect.alone(key))
            })
            .collect::<Result<Vec<String>, Error>>()?;
        let mut parts = Vec::new();
        if !partition.is_empty() {
            parts.push(format!("PARTITION BY {}", partition.join(", ")));
        }
        let order = self.orders(&call.order)?;
        if !order.is_empty() {
            parts.push(format!("ORDER BY {}", order.join(", ")));
        }
        if let Some(Frame { start, end }) = call.frame {
            let start = start.map_or_else(|| "UNBOUNDED PRECEDING".to_owned(), bound);
            let end = end.map_or_else(|| "UNBOUNDED FOLLOWING".to_owned(), bound);
            parts.push(format!("ROWS BETWEEN {start} AND {end}"));
        }
        Ok(format!(" OVER ({})", parts.join(" ")))
    }
}

fn bound(rows: i64) -> String {
    match rows {
        0 => "CURRENT ROW".to_owned(),
        before if before < 0 => format!("{} PRECEDING", before.unsigned_abs()),
        after => format!("{after} FOLLOWING"),
    }
}
