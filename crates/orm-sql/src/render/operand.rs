//! Finished pieces of an expression, and when they need parentheses.

/// How tightly a piece of SQL holds together. Databases agree about these and about little more, so
/// arithmetic inside arithmetic always gets parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Text of the user: unknown.
    Raw,
    Or,
    And,
    Not,
    Compare,
    Arithmetic,
    Atom,
}

/// A piece of SQL.
#[derive(Debug)]
pub(super) struct Sql {
    pub text: String,
    pub level: Level,
}

impl Sql {
    pub fn new(text: impl Into<String>, level: Level) -> Self {
        Sql { text: text.into(), level }
    }

    pub fn atom(text: impl Into<String>) -> Self {
        Sql::new(text, Level::Atom)
    }

    /// The text, in parentheses if it holds together less than `level`.
    pub fn at(self, level: Level) -> String {
        if self.level >= level { self.text } else { format!("({})", self.text) }
    }
}
