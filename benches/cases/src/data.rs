//! The cases and the rows they insert.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How many users there are to be read by key.
pub const KEYS: i64 = 10_000;

/// A piece of work that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Shape {
    /// All rows of a table of three columns.
    Select,
    /// The black-haired users, each with its posts or none: pairs of a user and an optional post.
    FilteredJoin,
    /// Users in a transaction of their own.
    Insert,
    /// 100 users with 10 posts each with 10 comments each, as a tree.
    Nested,
    /// One user by primary key.
    ByKey,
    /// Many users in one transaction.
    Bulk,
    /// Many users at once, each by primary key, through a pool of ten connections.
    Concurrent,
    /// As `Nested`, over a network: every packet is half a millisecond on its way.
    Distant,
}

impl Shape {
    /// All of them, in the order of the report.
    pub const ALL: [Shape; 8] = [
        Shape::Select,
        Shape::FilteredJoin,
        Shape::Insert,
        Shape::Nested,
        Shape::ByKey,
        Shape::Bulk,
        Shape::Concurrent,
        Shape::Distant,
    ];

    /// As it is written on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Select => "select",
            Shape::FilteredJoin => "filtered_join",
            Shape::Insert => "insert",
            Shape::Nested => "nested",
            Shape::ByKey => "by_key",
            Shape::Bulk => "bulk",
            Shape::Concurrent => "concurrent",
            Shape::Distant => "nested_1ms",
        }
    }

    /// The sizes it is measured at: users in the table, to insert, or to read.
    pub fn sizes(self) -> &'static [usize] {
        match self {
            Shape::Select | Shape::FilteredJoin => &[1, 10, 100, 1_000, 10_000],
            Shape::Insert => &[1, 10, 25, 50, 100],
            Shape::Nested | Shape::Distant => &[100],
            Shape::ByKey => &[1],
            Shape::Bulk => &[10_000],
            Shape::Concurrent => &[1_000],
        }
    }

    /// Whether it leaves rows behind that must be cleared.
    pub fn writes(self) -> bool {
        matches!(self, Shape::Insert | Shape::Bulk)
    }
}

/// A shape at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub shape: Shape,
    pub size: usize,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.shape.name(), self.size)
    }
}

/// A user to be inserted.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub name: String,
    pub hair_color: Option<String>,
}

/// The key to be read after another: from all over the table. The step has no factor in common with their number.
pub(crate) fn next_key(key: i64) -> i64 {
    (key - 1 + 7919) % KEYS + 1
}

/// Different keys from all over the table.
pub fn keys(count: usize) -> Vec<i64> {
    std::iter::successors(Some(1), |key| Some(next_key(*key))).take(count).collect()
}

/// Users to be inserted; every third has no hair.
pub fn new_users(count: usize) -> Vec<NewUser> {
    let colors = [Some("black"), Some("brown"), None];
    (0..count)
        .map(|number| NewUser {
            name: format!("User {number}"),
            hair_color: colors[number % colors.len()].map(str::to_owned),
        })
        .collect()
}
