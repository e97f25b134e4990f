//! Queries put together.

use orm_core::Error;
use orm_core::ir::{Combined, Output, Select, SetOp, Source};

use super::{Render, qualified, usage};

impl Render<'_> {
    /// The rows of several queries, in parentheses, to be read like a table.
    pub(super) fn combined(&mut self, select: &Select, combined: &Combined) -> Result<String, Error> {
        if select.lock.is_some() || select.sample.is_some() {
            return Err(usage("rows that were put together cannot be locked or sampled"));
        }
        // The names of the columns stand in front: those of the queries may be the same twice, or none.
        let names = match combined.width() {
            0 => {
                let model = select.from.model;
                model.columns.iter().map(|column| self.dialect.quote_ident(&column.name)).collect()
            }
            width => names(width),
        };
        let mut sql = format!("(WITH s({}) AS (", names.join(", "));
        sql += &self.part(&combined.first)?;
        for (op, part) in &combined.rest {
            sql += match op {
                SetOp::Union => " UNION ",
                SetOp::UnionAll => " UNION ALL ",
                SetOp::Intersect => " INTERSECT ",
                SetOp::Except => " EXCEPT ",
            };
            sql += &self.part(part)?;
        }
        Ok(sql + ") SELECT * FROM s)")
    }

    fn part(&mut self, select: &Select) -> Result<String, Error> {
        if matches!(select.output, Output::One | Output::CountOf(_)) {
            return Err(usage("a query without columns cannot be put together with others"));
        }
        // The names in it are its own, not those of the queries around.
        let scopes = std::mem::take(&mut self.scopes);
        let sql = self.select(select);
        self.scopes = scopes;
        let (sql, _) = sql?;
        let whole = select.order.is_empty() && select.limit.is_none() && select.offset.is_none();
        // SQLite takes no parentheses around a part.
        Ok(if whole && select.per_parent.is_none() { sql } else { format!("SELECT * FROM ({sql}) AS s") })
    }

    /// The columns of combined queries, by their place.
    pub(super) fn places(&self, source: Source, width: usize) -> Result<Vec<String>, Error> {
        let qualifier = self.entry(source)?.qualifier.as_deref();
        Ok(names(width).iter().map(|name| qualified(qualifier, name)).collect())
    }
}

fn names(width: usize) -> Vec<String> {
    (0..width).map(|place| format!("c{place}")).collect()
}
