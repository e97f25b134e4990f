//! Window functions.

use orm_core::Error;
use orm_core::ir::{Frame, WindowCall, WindowFunc};

use super::operand::{Level, Sql};
use super::{Render, usage};

impl Render<'_> {
    pub(super) fn window(&mut self, call: &WindowCall) -> Result<Sql, Error> {
        let name = match call.func {
            WindowFunc::Aggregate => {
                let aggregate = call.arg.as_ref().ok_or_else(|| usage("a window without its aggregate"))?;
                return self.aggregate(aggregate, Some(call));
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
    pub(super) fn over(&mut self, call: &WindowCall) -> Result<String, Error> {
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
