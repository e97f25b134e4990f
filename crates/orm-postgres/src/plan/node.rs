//! A node of a plan.

use std::fmt;

use serde_json::{Map, Value};

/// A step of a plan. Costs are in the server's own unit, times in milliseconds.
///
/// ```
/// use orm_postgres::plan::Plan;
/// let plan = Plan::parse(r#"[{"Plan": {"Node Type": "Index Scan", "Index Name": "users_pkey", "Index Cond": "(id = 7)", "Plan Rows": 1}}]"#)?;
/// let node = &plan.root;
/// assert_eq!((node.kind.as_str(), node.index.as_deref(), node.rows), ("Index Scan", Some("users_pkey"), 1.0));
/// assert_eq!(node.conditions, [("Index Cond".to_owned(), "(id = 7)".to_owned())]);
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Node {
    /// What it does: `Seq Scan`, `Hash Join`, `Sort` …
    pub kind: String,
    /// The table it reads or writes.
    pub relation: Option<String>,
    /// What the table is called in the statement.
    pub alias: Option<String>,
    /// The index it uses.
    pub index: Option<String>,
    /// `Inner`, `Left`, `Semi` … of a join.
    pub join: Option<String>,
    /// Conditions by the server's name for them: `Filter`, `Index Cond`, `Hash Cond` …
    pub conditions: Vec<(String, String)>,
    /// What it orders by.
    pub sort_key: Vec<String>,
    /// The cost up to the first row, as estimated.
    pub startup_cost: f64,
    /// The cost of all rows, as estimated.
    pub total_cost: f64,
    /// How many rows, as estimated.
    pub rows: f64,
    /// How wide a row is in bytes, as estimated.
    pub width: u64,
    /// What happened (with `analyze`).
    pub actual: Option<Actual>,
    /// Rows that a filter took out, on average of a loop (with `analyze`).
    pub rows_removed: Option<f64>,
    /// Pages touched (with `buffers`), those of the children included.
    pub buffers: Option<Buffers>,
    /// The nodes whose rows it works on.
    pub children: Vec<Node>,
    /// What has no name here, as the server says it.
    pub other: Map<String, Value>,
}

/// What happened in a node.
///
/// ```
/// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 10, "Actual Startup Time": 0.01, "Actual Total Time": 0.5, "Actual Rows": 2, "Actual Loops": 3}}]"#;
/// let plan = orm_postgres::plan::Plan::parse(JSON)?;     // its root says `"Actual Rows": 2, "Actual Loops": 3`
/// let all_rows = plan.root.actual.map(|actual| actual.rows * actual.loops);
/// assert_eq!(all_rows, Some(6.0));
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Actual {
    /// Until the first row, on average of a loop.
    pub startup_ms: f64,
    /// Until the last row, on average of a loop.
    pub total_ms: f64,
    /// How many rows, on average of a loop.
    pub rows: f64,
    /// How often it ran.
    pub loops: f64,
}

/// Pages that a node and its children touched.
///
/// ```
/// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 10, "Shared Hit Blocks": 7, "Shared Read Blocks": 1}}]"#;
/// let plan = orm_postgres::plan::Plan::parse(JSON)?;     // its root says `"Shared Hit Blocks": 7, "Shared Read Blocks": 1`
/// let pages = plan.root.buffers.map(|buffers| (buffers.shared_hit, buffers.shared_read));
/// assert_eq!(pages, Some((7, 1)));
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Buffers {
    /// Found in the server's memory.
    pub shared_hit: u64,
    /// Read from outside of it.
    pub shared_read: u64,
    /// Changed.
    pub shared_dirtied: u64,
    /// Written back.
    pub shared_written: u64,
    /// Of temporary tables: found, read, changed, written.
    pub local: [u64; 4],
    /// Read from temporary files: a sort or hash that did not fit into `work_mem`.
    pub temp_read: u64,
    /// Written to temporary files.
    pub temp_written: u64,
}

impl Node {
    pub(super) fn read(value: Value) -> Option<Node> {
        let Value::Object(mut map) = value else { return None };
        let kind = text(&mut map, "Node Type")?;
        let children = match map.remove("Plans") {
            Some(Value::Array(plans)) => plans.into_iter().map(Node::read).collect::<Option<_>>()?,
            _ => Vec::new(),
        };
        let mut node = Node {
            kind,
            children,
            relation: text(&mut map, "Relation Name"),
            alias: text(&mut map, "Alias"),
            index: text(&mut map, "Index Name"),
            join: text(&mut map, "Join Type"),
            startup_cost: number(&mut map, "Startup Cost").unwrap_or_default(),
            total_cost: number(&mut map, "Total Cost").unwrap_or_default(),
            rows: number(&mut map, "Plan Rows").unwrap_or_default(),
            width: number(&mut map, "Plan Width").unwrap_or_default() as u64,
            rows_removed: number(&mut map, "Rows Removed by Filter"),
            ..Node::default()
        };
        if let Some(loops) = number(&mut map, "Actual Loops") {
            let mut part = |name| number(&mut map, name).unwrap_or_default();
            node.actual = Some(Actual {
                startup_ms: part("Actual Startup Time"),
                total_ms: part("Actual Total Time"),
                rows: part("Actual Rows"),
                loops,
            });
        }
        if map.contains_key("Shared Hit Blocks") {
            let mut pages = |name| number(&mut map, name).unwrap_or_default() as u64;
            node.buffers = Some(Buffers {
                shared_hit: pages("Shared Hit Blocks"),
                shared_read: pages("Shared Read Blocks"),
                shared_dirtied: pages("Shared Dirtied Blocks"),
                shared_written: pages("Shared Written Blocks"),
                local: [
                    "Local Hit Blocks",
                    "Local Read Blocks",
                    "Local Dirtied Blocks",
                    "Local Written Blocks",
                ]
                .map(&mut pages),
                temp_read: pages("Temp Read Blocks"),
                temp_written: pages("Temp Written Blocks"),
            });
        }
        if let Some(Value::Array(keys)) = map.remove("Sort Key") {
            node.sort_key = keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        let is_condition =
            |name: &str| name == "Filter" || name.ends_with(" Cond") || name.ends_with(" Filter");
        let names: Vec<String> = map.keys().filter(|name| is_condition(name)).cloned().collect();
        node.conditions =
            names.into_iter().filter_map(|name| text(&mut map, &name).map(|text| (name, text))).collect();
        node.other = map;
        Some(node)
    }

    pub(super) fn line(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:indent$}{}", "", self.kind, indent = depth * 2)?;
        if let Some(index) = &self.index {
            write!(f, " using {index}")?;
        }
        if let Some(relation) = &self.relation {
            write!(f, " on {relation}")?;
        }
        write!(f, " (cost {:.2}, rows {})", self.total_cost, self.rows)?;
        if let Some(actual) = self.actual {
            write!(f, " (actual {:.3} ms, rows {}, loops {})", actual.total_ms, actual.rows, actual.loops)?;
        }
        for (name, condition) in &self.conditions {
            write!(f, " [{name}: {condition}]")?;
        }
        writeln!(f)?;
        self.children.iter().try_for_each(|child| child.line(depth + 1, f))
    }
}

fn text(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    match map.get(name) {
        Some(Value::String(_)) => match map.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn number(map: &mut Map<String, Value>, name: &str) -> Option<f64> {
    let number = map.get(name).and_then(Value::as_f64)?;
    map.remove(name);
    Some(number)
}
