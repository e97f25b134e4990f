//! The server's plan of a query as a tree: what `EXPLAIN (FORMAT JSON)` says, with names and types.
//!
//! [`Planned::plan`] asks for it, with [`ExplainOptions`] as the options; the answer is a [`Plan`] with a tree of [`Node`]s. What this
//! version of the library has no name for is kept in [`Node::other`].

mod explain;
mod node;

pub use explain::{ExplainOptions, Planned};
pub use node::{Actual, Buffers, Node};

use std::fmt;

use orm_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// The plan of a statement, and with [`ExplainOptions::analyze`] what running it was like.
///
/// ```
/// use orm_postgres::plan::Plan;
/// let plan = Plan::parse(r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "users", "Total Cost": 35.5, "Plan Rows": 10}}]"#)?;
/// assert_eq!(plan.root.kind, "Seq Scan");
/// assert_eq!(plan.scans_whole_tables().collect::<Vec<_>>(), ["users"]);
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The node whose rows are the result.
    pub root: Node,
    /// How long planning took, in milliseconds (with `analyze` or `summary`).
    pub planning_ms: Option<f64>,
    /// How long running took, in milliseconds (with `analyze`).
    pub execution_ms: Option<f64>,
    /// Settings that are not the default and bear on the plan (with `settings`).
    pub settings: Vec<(String, String)>,
}

impl Plan {
    /// Reads what `EXPLAIN (FORMAT JSON)` says.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if the text is no plan.
    ///
    /// ```
    /// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "users", "Startup Cost": 0.0, "Total Cost": 1.5, "Plan Rows": 3, "Plan Width": 8}}]"#;
    /// let plan = orm_postgres::plan::Plan::parse(JSON)?;
    /// assert_eq!(plan.root.kind, "Seq Scan");
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn parse(json: &str) -> Result<Plan> {
        let no_plan = || Error::new(ErrorKind::Decode, "the server's answer is no plan");
        let mut value: Value = serde_json::from_str(json).map_err(|error| no_plan().with_source(error))?;
        let mut plan = value.get_mut(0).map(Value::take).ok_or_else(no_plan)?;
        let root = plan.get_mut("Plan").map(Value::take).and_then(Node::read).ok_or_else(no_plan)?;
        let number = |name: &str| plan.get(name).and_then(Value::as_f64);
        let settings = plan.get("Settings").and_then(Value::as_object);
        Ok(Plan {
            root,
            planning_ms: number("Planning Time"),
            execution_ms: number("Execution Time"),
            settings: settings
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
        })
    }

    /// Every node, each before its children.
    ///
    /// ```
    /// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "users", "Startup Cost": 0.0, "Total Cost": 1.5, "Plan Rows": 3, "Plan Width": 8}}]"#;
    /// let plan = orm_postgres::plan::Plan::parse(JSON)?;
    /// assert_eq!(plan.nodes().count(), 1);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let mut open = vec![&self.root];
        std::iter::from_fn(move || {
            let node = open.pop()?;
            open.extend(node.children.iter().rev());
            Some(node)
        })
    }

    /// The tables that are read from end to end.
    ///
    /// ```
    /// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "users", "Startup Cost": 0.0, "Total Cost": 1.5, "Plan Rows": 3, "Plan Width": 8}}]"#;
    /// let plan = orm_postgres::plan::Plan::parse(JSON)?;
    /// assert_eq!(plan.scans_whole_tables().collect::<Vec<_>>(), ["users"]);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn scans_whole_tables(&self) -> impl Iterator<Item = &str> {
        self.nodes().filter(|node| node.kind == "Seq Scan").filter_map(|node| node.relation.as_deref())
    }

    /// The indexes that are used.
    ///
    /// ```
    /// # const JSON: &str = r#"[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "users", "Startup Cost": 0.0, "Total Cost": 1.5, "Plan Rows": 3, "Plan Width": 8}}]"#;
    /// let plan = orm_postgres::plan::Plan::parse(JSON)?;
    /// assert_eq!(plan.indexes().count(), 0);
    /// # Ok::<(), orm_core::Error>(())
    /// ```
    pub fn indexes(&self) -> impl Iterator<Item = &str> {
        self.nodes().filter_map(|node| node.index.as_deref())
    }
}

/// A line for each node, children further in.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.line(0, f)?;
        for (what, time) in [("planning", self.planning_ms), ("execution", self.execution_ms)] {
            if let Some(time) = time {
                writeln!(f, "{what}: {time:.3} ms")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANALYZED: &str = r#"[{
        "Plan": {
            "Node Type": "Nested Loop", "Parallel Aware": false, "Join Type": "Left", "Startup Cost": 0.15, "Total Cost": 20.5,
            "Plan Rows": 3, "Plan Width": 40, "Actual Startup Time": 0.01, "Actual Total Time": 0.5, "Actual Rows": 2, "Actual Loops": 1,
            "Shared Hit Blocks": 7, "Shared Read Blocks": 1, "Output": ["a", "b"],
            "Plans": [
                {"Node Type": "Seq Scan", "Relation Name": "a", "Alias": "t0", "Filter": "(x > 1)", "Rows Removed by Filter": 9},
                {"Node Type": "Index Scan", "Relation Name": "b", "Index Name": "b_pkey", "Index Cond": "(id = t0.b)"}
            ]
        },
        "Settings": {"enable_seqscan": "off"}, "Planning Time": 0.2, "Triggers": [], "Execution Time": 0.75
    }]"#;

    #[test]
    fn a_plan_is_read_with_what_has_no_name_kept() {
        let plan = Plan::parse(ANALYZED).unwrap();
        assert_eq!(
            plan.nodes().map(|node| node.kind.as_str()).collect::<Vec<_>>(),
            ["Nested Loop", "Seq Scan", "Index Scan"]
        );
        let actual = plan.root.actual.unwrap();
        assert_eq!((actual.rows, actual.loops, plan.execution_ms), (2.0, 1.0, Some(0.75)));
        assert_eq!(plan.root.buffers.map(|buffers| (buffers.shared_hit, buffers.shared_read)), Some((7, 1)));
        assert_eq!(plan.root.children[0].conditions, [("Filter".to_owned(), "(x > 1)".to_owned())]);
        assert_eq!(plan.root.children[0].rows_removed, Some(9.0));
        assert!(plan.root.other.contains_key("Output") && !plan.root.other.contains_key("Plans"));
        assert_eq!(plan.indexes().collect::<Vec<_>>(), ["b_pkey"]);
        assert_eq!(plan.settings, [("enable_seqscan".to_owned(), "off".to_owned())]);
        assert!(plan.to_string().contains("\n  Seq Scan on a"), "{plan}");
    }

    #[test]
    fn what_is_no_plan_is_an_error() {
        for text in ["", "{}", "[]", "[{}]", "[{\"Plan\": 3}]"] {
            assert_eq!(Plan::parse(text).unwrap_err().kind(), ErrorKind::Decode, "{text}");
        }
    }
}
