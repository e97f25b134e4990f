//! Window functions: `$setWindowFields` before the rows are ordered and cut.

use orm_core::Result;
use orm_core::ir::facts::each;
use orm_core::ir::{Expr, Frame, Order, Select, WindowCall, WindowFunc};

use super::group::{Names, visible};
use super::select::write_keys;
use super::{Lower, usage};
use crate::bson::{Key, Writer};

/// The window functions of a query.
pub(super) fn windows(select: &Select) -> Vec<&Expr> {
    let mut found = Vec::new();
    for expr in visible(select) {
        each(expr, &mut |expr| {
            let window = matches!(expr, Expr::Window(_));
            if window {
                found.push(expr);
            }
            !window
        });
    }
    found
}

impl Lower<'_> {
    /// The stages that compute a window function, and the field that holds it.
    pub(super) fn compute_window(&mut self, expr: &Expr) -> Result<()> {
        let Expr::Window(call) = expr else { return Ok(()) };
        let keys = self.sort_keys(&call.order)?;
        let field = match call.func {
            WindowFunc::Aggregate | WindowFunc::Shift(_) | WindowFunc::First | WindowFunc::Last => {
                self.over(call, &keys, |lower, w, name| lower.window_value(w, name, call))?
            }
            WindowFunc::RowNumber => self.count_rows(call, &keys, "$documentNumber")?,
            WindowFunc::Rank if keys.len() == 1 => self.count_rows(call, &keys, "$rank")?,
            WindowFunc::DenseRank if keys.len() == 1 => self.count_rows(call, &keys, "$denseRank")?,
            // The server ranks by one key only. By more the rank is the smallest number among the equals.
            WindowFunc::Rank => self.rank(call, &keys)?,
            WindowFunc::DenseRank => {
                let rank = self.rank(call, &keys)?;
                self.count_rows(call, &[(rank, 1)], "$denseRank")?
            }
            other => return Err(usage(format!("the window function {other:?} is not known here"))),
        };
        self.level().windows.push((std::ptr::from_ref(expr).addr(), field));
        Ok(())
    }

    /// What came of a window function.
    pub(super) fn window_result(&mut self, w: &mut Writer, key: Key<'_>, expr: &Expr) -> Result<()> {
        let Expr::Window(call) = expr else { return Ok(()) };
        let address = std::ptr::from_ref(expr).addr();
        let known = self.level().windows.iter().find(|(known, _)| *known == address);
        let field = known.map(|(_, field)| field.clone());
        let field =
            field.ok_or_else(|| usage("a window function stands in the list or the order of a query"))?;
        match (&call.func, &call.arg) {
            (WindowFunc::Aggregate, Some(aggregate)) => {
                self.result_of(w, key, &Names::of_window(&field), aggregate);
            }
            _ => w.str(key, &format!("${field}")),
        }
        Ok(())
    }

    fn count_rows(&mut self, call: &WindowCall, keys: &[(String, i32)], operator: &str) -> Result<String> {
        self.over(call, keys, |_, w, name| {
            let open = w.open(name);
            let nothing = w.open(operator);
            w.close(nothing);
            w.close(open);
            Ok(())
        })
    }

    fn rank(&mut self, call: &WindowCall, keys: &[(String, i32)]) -> Result<String> {
        let number = self.count_rows(call, keys, "$documentNumber")?;
        let equals = call.order.iter().map(|Order { expr, .. }| expr.clone());
        let partition = call.partition.iter().cloned().chain(equals).collect();
        let peers = WindowCall { partition, order: Vec::new(), frame: None, ..call.clone() };
        self.over(&peers, &[], |_, w, name| {
            let open = w.open(name);
            w.str("$min", &format!("${number}"));
            w.close(open);
            Ok(())
        })
    }

    /// A `$setWindowFields` of one output; `write` adds it under the name it is given.
    fn over(
        &mut self,
        call: &WindowCall,
        keys: &[(String, i32)],
        write: impl FnOnce(&mut Self, &mut Writer, &str) -> Result<()>,
    ) -> Result<String> {
        let field = self.name("orm_w");
        let name = field.clone();
        self.stage("$setWindowFields", |lower, w, key| {
            let open = w.open(key);
            if !call.partition.is_empty() {
                let partition = w.open("partitionBy");
                for (at, expr) in call.partition.iter().enumerate() {
                    // A missing field would be another partition than null.
                    lower.or_null(w, Key::Name(&format!("p{at}")), expr)?;
                }
                w.close(partition);
            }
            if !keys.is_empty() {
                let sort = w.open("sortBy");
                write_keys(w, keys);
                w.close(sort);
            }
            let output = w.open("output");
            write(lower, w, &name)?;
            w.close(output);
            w.close(open);
            Ok(())
        })?;
        Ok(field)
    }

    /// The value of a window that has one: an aggregate, or that of another row.
    fn window_value(&mut self, w: &mut Writer, name: &str, call: &WindowCall) -> Result<()> {
        let Some(arg) = &call.arg else { return Err(usage("a window function of nothing")) };
        let operator = match call.func {
            WindowFunc::Aggregate => {
                return self.accumulate(w, &Names::of_window(name), arg, &|w| frame(w, call.frame));
            }
            WindowFunc::Shift(by) => {
                let open = w.open(name);
                let shift = w.open("$shift");
                self.or_null(w, Key::Name("output"), arg)?;
                w.i64("by", by);
                w.null("default");
                w.close(shift);
                w.close(open);
                return Ok(());
            }
            WindowFunc::First => "$first",
            _ => "$last",
        };
        let open = w.open(name);
        self.or_null(w, Key::Name(operator), arg)?;
        frame(w, call.frame);
        w.close(open);
        Ok(())
    }
}

/// The rows of the partition that are seen.
fn frame(w: &mut Writer, frame: Option<Frame>) {
    let Some(Frame { start, end }) = frame else { return };
    let window = w.open("window");
    let documents = w.open_array("documents");
    for (at, end) in [start, end].into_iter().enumerate() {
        match end {
            None => w.str(at, "unbounded"),
            Some(0) => w.str(at, "current"),
            Some(rows) => w.i64(at, rows),
        }
    }
    w.close(documents);
    w.close(window);
}
