//! Reading.
//!
//! Every part is rendered in the order of the walk over the values (groups, output, joins, filter, having,
//! order, limits), whatever its place in the text.

use orm_core::Error;
use orm_core::ir::{
    Expr, Lock, LockStrength, LockWait, Output, PerParent, Sample, Select, Source, is_literal_limit,
};
use orm_core::value::ColumnType;

use super::relation::JoinNames;
use super::{Render, usage};

/// What a SELECT is made of, up to HAVING.
struct Core {
    columns: Vec<String>,
    /// Whether the columns matter to a count of the rows: they hold parameters or aggregates, or are compared by DISTINCT.
    needed: bool,
    /// From FROM to HAVING.
    body: String,
}

impl Render<'_> {
    /// A SELECT inside another statement, without parentheses.
    pub(super) fn subquery(&mut self, select: &Select) -> Result<String, Error> {
        self.nested = true;
        Ok(self.select(select)?.0)
    }

    /// A SELECT and the number of its columns.
    pub(super) fn select(&mut self, select: &Select) -> Result<(String, usize), Error> {
        let table = match &select.combined {
            None => self.dialect.table(select.from.model),
            Some(combined) => self.combined(select, combined)?,
        };
        let bare = self.bare
            && self.scopes.is_empty()
            && select.joins.is_empty()
            && select.combined.is_none()
            && !renames(select);
        let qualifier = (!bare).then(|| self.alias());
        let from = qualifier.as_ref().map_or_else(|| table.clone(), |alias| format!("{table} AS {alias}"));
        let from = match &select.sample {
            Some(sample) => from + &table_sample(sample)?,
            None => from,
        };
        // An aggregate in here groups nothing out there, and the other way round.
        let aggregated = std::mem::take(&mut self.aggregated);
        self.scopes.push(Vec::new());
        self.enter(select.from, qualifier, false);
        let sql = self.in_scope(select, from);
        self.scopes.pop();
        self.aggregated = aggregated;
        sql
    }

    fn in_scope(&mut self, select: &Select, from: String) -> Result<(String, usize), Error> {
        let joins =
            select.joins.iter().map(|join| self.enter_join(join)).collect::<Result<Vec<_>, Error>>()?;
        let keys = match select.combined.as_ref().map_or(0, |combined| combined.width()) {
            0 => {
                let keys = self.exprs(&select.group_by)?;
                keys.into_iter().map(|key| self.dialect.alone(key)).collect()
            }
            width => self.places(select.from, width)?,
        };
        self.groups.push(keys);
        let distinct_on = self.exprs(&select.distinct_on)?;
        let sql = self.grouped(select, from, &joins, &distinct_on);
        self.groups.pop();
        sql
    }

    /// The keys of the order. One that stands among the keys of DISTINCT has its text, parameters included.
    fn select_orders(
        &mut self,
        select: &Select,
        distinct_on: &[String],
        columns: &[String],
    ) -> Result<Vec<String>, Error> {
        if !select.distinct && distinct_on.is_empty() {
            return self.orders(&select.order);
        }
        let texts = if distinct_on.is_empty() { columns } else { distinct_on };
        let mut keys = Vec::new();
        for order in &select.order {
            let shared = select.shared_order(order).and_then(|place| texts.get(place));
            match shared {
                Some(text) if !matches!(order.expr, Expr::Column(_)) => {
                    keys.push(self.order_key(format!("({text})"), order)?)
                }
                _ => keys.extend(self.orders(std::slice::from_ref(order))?),
            }
        }
        Ok(keys)
    }

    /// The clause that locks rows, with a leading space.
    fn lock(&self, lock: &Lock) -> Result<String, Error> {
        let mut sql = String::from(match lock.strength {
            LockStrength::Update => " FOR UPDATE",
            LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
            LockStrength::Share => " FOR SHARE",
            LockStrength::KeyShare => " FOR KEY SHARE",
        });
        let table = |source: &Source| -> Result<String, Error> {
            let entry = self.entry(*source)?;
            Ok(entry.qualifier.clone().unwrap_or_else(|| self.dialect.table(source.model)))
        };
        let of = lock.of.iter().map(table).collect::<Result<Vec<_>, Error>>()?;
        if !of.is_empty() {
            sql += &format!(" OF {}", of.join(", "));
        }
        sql += match lock.wait {
            LockWait::Wait => "",
            LockWait::NoWait => " NOWAIT",
            LockWait::SkipLocked => " SKIP LOCKED",
        };
        Ok(sql)
    }

    fn grouped(
        &mut self,
        select: &Select,
        from: String,
        joins: &[JoinNames],
        distinct_on: &[String],
    ) -> Result<(String, usize), Error> {
        let (counted, output) = match &select.output {
            Output::CountOf(inner) => (true, &**inner),
            output => (false, output),
        };
        let core = self.core(select, output, from, joins)?;
        let count = if counted { 1 } else { core.columns.len() };
        if let Some(per) = &select.per_parent {
            let sql = self.per_parent(select, per, core)?;
            return Ok((if counted { count_rows(&sql) } else { sql }, count));
        }
        let before = self.parameters;
        let order = self.select_orders(select, distinct_on, &core.columns)?;
        let ordered_by_values = self.parameters > before;
        let limits = self.limits(select.limit, select.offset);
        let mut limits = limits;
        if let Some(lock) = &select.lock {
            limits += &self.lock(lock)?;
        }
        let distinct = match distinct_on {
            [] if select.distinct => "DISTINCT ".to_owned(),
            [] => String::new(),
            keys => format!("DISTINCT ON ({}) ", keys.join(", ")),
        };
        let grouped = !select.group_by.is_empty() || select.having.is_some();
        if counted && !core.needed && !ordered_by_values && !grouped && limits.is_empty() {
            return Ok((format!("SELECT COUNT(*) {}", core.body), count));
        }
        let columns = if counted && !core.needed { "1".to_owned() } else { core.columns.join(", ") };
        let sql = format!("SELECT {distinct}{columns} {}{}{limits}", core.body, order_by(&order));
        Ok((if counted { count_rows(&sql) } else { sql }, count))
    }

    fn core(
        &mut self,
        select: &Select,
        output: &Output,
        from: String,
        joins: &[JoinNames],
    ) -> Result<Core, Error> {
        let before = self.parameters;
        let columns = self.output(output, select.from)?;
        let needed =
            select.distinct || !select.distinct_on.is_empty() || self.aggregated || self.parameters > before;
        let mut body = format!("FROM {from}");
        for (join, names) in select.joins.iter().zip(joins) {
            body += &self.join(join, names)?;
        }
        if let Some(filter) = &select.filter {
            body += &format!(" WHERE {}", self.condition(filter)?);
        }
        if !select.group_by.is_empty() {
            body +=
                &format!(" GROUP BY {}", self.groups.last().map(|keys| keys.join(", ")).unwrap_or_default());
        }
        if let Some(having) = &select.having {
            body += &format!(" HAVING {}", self.condition(having)?);
        }
        Ok(Core { columns, needed, body })
    }

    /// Numbers the rows of each parent in a derived table, keeps those in range and orders them as the query says.
    fn per_parent(&mut self, select: &Select, per: &PerParent, core: Core) -> Result<String, Error> {
        if select.distinct {
            return Err(usage("`distinct` and a limit per parent do not go together"));
        }
        let partition = self.exprs(&per.key)?;
        let mut inner: Vec<String> =
            (0..).zip(&core.columns).map(|(n, column): (usize, _)| format!("{column} AS c{n}")).collect();
        let (mut window, mut outer_order) = (Vec::new(), Vec::new());
        for (n, order) in select.order.iter().enumerate() {
            let key = self.expr(&order.expr)?.at(super::operand::Level::Atom);
            inner.push(format!("{key} AS o{n}"));
            window.push(self.order_key(key, order)?);
            outer_order.push(self.order_key(format!("o{n}"), order)?);
        }
        let limit = per.limit.map(|limit| self.limit(limit));
        let offset = per.offset.map(|_| self.parameter(ColumnType::I64));
        let limits = self.limits(select.limit, select.offset);

        let mut over = Vec::new();
        if !partition.is_empty() {
            over.push(format!("PARTITION BY {}", partition.join(", ")));
        }
        if !window.is_empty() {
            over.push(format!("ORDER BY {}", window.join(", ")));
        }
        inner.push(format!("ROW_NUMBER() OVER ({}) AS rn", over.join(" ")));
        let mut range = Vec::new();
        if let Some(offset) = &offset {
            range.push(format!("rn > {offset}"));
        }
        if let Some(limit) = &limit {
            range.push(
                offset.map_or_else(|| format!("rn <= {limit}"), |offset| format!("rn <= {offset} + {limit}")),
            );
        }
        let range = if range.is_empty() { String::new() } else { format!(" WHERE {}", range.join(" AND ")) };
        let columns: Vec<String> = (0..core.columns.len()).map(|n| format!("c{n}")).collect();
        Ok(format!(
            "SELECT {} FROM (SELECT {} {}) AS p{range}{}{limits}",
            columns.join(", "),
            inner.join(", "),
            core.body,
            order_by(&outer_order),
        ))
    }

    /// The columns of an output.
    pub(super) fn output(&mut self, output: &Output, root: Source) -> Result<Vec<String>, Error> {
        let mut columns = match output {
            Output::Model => self.model_columns(root)?,
            Output::ModelAnd(exprs) => {
                let mut columns = self.model_columns(root)?;
                columns.extend(self.exprs(exprs)?);
                columns
            }
            Output::Exprs(exprs) => self.exprs(exprs)?,
            Output::One => Vec::new(),
            Output::Columns(width) => self.places(root, usize::from(*width))?,
            Output::CountOf(_) => return Err(usage("only a whole query can be counted")),
        };
        if columns.is_empty() {
            columns.push("1".into());
        }
        Ok(columns)
    }

    fn limit(&mut self, limit: u64) -> String {
        if is_literal_limit(limit) { limit.to_string() } else { self.parameter(ColumnType::I64) }
    }

    fn limits(&mut self, limit: Option<u64>, offset: Option<u64>) -> String {
        let limit = limit.map(|limit| self.limit(limit));
        let offset = offset.map(|_| self.parameter(ColumnType::I64));
        self.dialect.limit_offset(limit.as_deref(), offset.as_deref())
    }
}

/// Whether an output may have the name of a column that is not it. PostgreSQL reads a bare name in ORDER BY and DISTINCT ON as that
/// of an output: <https://www.postgresql.org/docs/current/sql-select.html#SQL-ORDERBY>.
fn renames(select: &Select) -> bool {
    let output = match &select.output {
        Output::CountOf(output) => output,
        output => output,
    };
    let (Output::Exprs(exprs) | Output::ModelAnd(exprs)) = output else { return false };
    !(select.order.is_empty() && select.distinct_on.is_empty())
        && exprs.iter().any(|expr| !matches!(expr, Expr::Column(_)))
}

/// The clause that chooses a part of a table, with a leading space.
fn table_sample(sample: &Sample) -> Result<String, Error> {
    let Sample { pages, percent, seed } = sample;
    if !(0.0..=100.0).contains(percent) {
        return Err(usage("a sample is 0 to 100 percent of a table"));
    }
    let method = if *pages { "SYSTEM" } else { "BERNOULLI" };
    let seed = seed.map(|seed| format!(" REPEATABLE ({seed})")).unwrap_or_default();
    Ok(format!(" TABLESAMPLE {method} ({percent}){seed}"))
}

fn order_by(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
}

fn count_rows(sql: &str) -> String {
    format!("SELECT COUNT(*) FROM ({sql}) AS c")
}
