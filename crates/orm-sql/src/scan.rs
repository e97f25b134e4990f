//! Finding the placeholders of a statement that somebody wrote.
//!
//! A `?` in a text, a name or a comment is none, and each database has its own idea of where those end: PostgreSQL nests
//! comments, has `$$…$$` and `E'\''`, and its documents have an operator `?`; SQLite quotes names with `[…]` and
//! backticks as well. [`scan`] follows their own lexers as far as that matters.

use std::ops::Range;

/// What a database's lexer does that others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexer {
    /// `` `name` `` and `[name]`.
    pub other_names: bool,
    /// `E'\''`.
    pub escapes: bool,
    /// `$$…$$` and `$tag$…$tag$`; elsewhere a `$` begins the name of a parameter.
    pub dollar_quotes: bool,
    /// `/* /* */ */`.
    pub nested_comments: bool,
    /// Operators with a `?` in them, for which `??` is written.
    pub question_operators: bool,
    /// What begins the name of a parameter.
    pub parameters: &'static [u8],
}

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// It goes to the database as it is.
    Text(Range<usize>),
    /// `?`.
    Next,
    /// `?1`.
    Numbered(usize),
    /// `??`, an operator's question mark.
    Mark,
    /// A parameter as the database itself writes them, which nothing is bound to.
    Foreign(Range<usize>),
}

/// The parts of a statement, in order.
///
/// ```
/// use orm_sql::{Dialect, Piece, PostgresDialect, scan};
/// let text = "SELECT '?', $$?$$, a ?? 'b', ?";
/// let found = scan(text, &PostgresDialect.lexer());
/// assert_eq!(found.iter().filter(|piece| **piece == Piece::Next).count(), 1);
/// assert_eq!(found.iter().filter(|piece| **piece == Piece::Mark).count(), 1);
/// ```
pub fn scan(text: &str, lexer: &Lexer) -> Vec<Piece> {
    let mut scan = Scan::new(text, lexer);
    scan.all();
    scan.out
}

/// A lexer at work.
pub(crate) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    lexer: Lexer,
    pub at: usize,
    /// Where the text began that is not given out yet.
    from: usize,
    out: Vec<Piece>,
}

impl<'a> Scan<'a> {
    pub fn new(text: &'a str, lexer: &Lexer) -> Self {
        Scan { text, bytes: text.as_bytes(), lexer: *lexer, at: 0, from: 0, out: Vec::new() }
    }

    pub fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn all(&mut self) {
        while let Some(byte) = self.byte(0) {
            self.step(byte);
        }
        self.flush();
    }

    /// Behind the next part that means something by itself, which begins with this byte.
    pub fn step(&mut self, byte: u8) {
        match byte {
            b'\'' | b'"' => self.quoted(byte),
            b'`' if self.lexer.other_names => self.quoted(b'`'),
            b'[' if self.lexer.other_names => self.quoted(b']'),
            b'-' if self.byte(1) == Some(b'-') => self.until("\n"),
            b'/' if self.byte(1) == Some(b'*') => self.comment(),
            b'?' => self.question(),
            b'$' if self.lexer.dollar_quotes => self.dollar(),
            // A cast, `a::int`.
            b':' if self.byte(1) == Some(b':') => self.at += 2,
            _ if self.lexer.parameters.contains(&byte) => self.parameter(),
            _ if is_word(byte) => self.word(),
            _ => self.at += 1,
        }
    }

    fn flush(&mut self) {
        if self.from < self.at {
            self.out.push(Piece::Text(self.from..self.at));
        }
        self.from = self.at;
    }

    /// Gives out a piece of this length.
    fn piece(&mut self, length: usize, piece: Piece) {
        self.flush();
        self.out.push(piece);
        self.at += length;
        self.from = self.at;
    }

    /// Behind the next `end`, or at the end of all.
    fn until(&mut self, end: &str) {
        self.at =
            self.text[self.at..].find(end).map_or(self.bytes.len(), |found| self.at + found + end.len());
    }

    /// A doubled quote ends one text and begins the next, to the same effect.
    fn quoted(&mut self, close: u8) {
        self.at += 1;
        let rest = self.bytes[self.at..].iter().position(|byte| *byte == close);
        self.at = rest.map_or(self.bytes.len(), |found| self.at + found + 1);
    }

    /// The text behind an `E`, and what goes on with it on further lines.
    fn escaped(&mut self) {
        loop {
            self.at += 1;
            while let Some(byte) = self.byte(0) {
                match byte {
                    b'\\' => self.at += 2,
                    b'\'' if self.byte(1) == Some(b'\'') => self.at += 2,
                    b'\'' => break,
                    _ => self.at += 1,
                }
            }
            self.at = (self.at + 1).min(self.bytes.len());
            let Some(next) = self.continued() else { return };
            self.at = next;
        }
    }

    /// Where the text goes on if nothing but blanks with a line break (or a comment) stand between.
    fn continued(&self) -> Option<usize> {
        let (mut at, mut broken) = (self.at, false);
        loop {
            match self.bytes.get(at)? {
                b'\n' | b'\r' => broken = true,
                b' ' | b'\t' | 0x0b | 0x0c => {}
                b'-' if self.bytes.get(at + 1) == Some(&b'-') => {
                    at += self.bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
                    continue;
                }
                b'\'' if broken => return Some(at),
                _ => return None,
            }
            at += 1;
        }
    }

    fn comment(&mut self) {
        self.at += 2;
        if !self.lexer.nested_comments {
            return self.until("*/");
        }
        let mut depth = 1;
        while depth > 0 {
            match (self.byte(0), self.byte(1)) {
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return,
            }
        }
    }

    fn question(&mut self) {
        let digits = self.bytes[self.at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            // No statement has as many values as the largest number.
            let number = self.text[self.at + 1..=self.at + digits].parse().unwrap_or(usize::MAX);
            self.piece(1 + digits, Piece::Numbered(number));
        } else if self.lexer.question_operators && self.byte(1) == Some(b'?') {
            self.piece(2, Piece::Mark);
        } else {
            self.piece(1, Piece::Next);
        }
    }

    fn dollar(&mut self) {
        let digits = self.bytes[self.at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            return self.piece(1 + digits, Piece::Foreign(self.at..self.at + 1 + digits));
        }
        let tag = self.bytes[self.at + 1..].iter().take_while(|byte| is_word(**byte)).count();
        if self.byte(1 + tag) != Some(b'$') {
            self.at += 1;
            return;
        }
        let quote = self.text[self.at..self.at + tag + 2].to_owned();
        self.at += quote.len();
        self.until(&quote);
    }

    /// A name behind `:`, `@` or `$`.
    fn parameter(&mut self) {
        let name = self.bytes[self.at + 1..].iter().take_while(|byte| is_word(**byte)).count();
        if name > 0 {
            self.piece(1 + name, Piece::Foreign(self.at..self.at + 1 + name));
        } else {
            self.at += 1;
        }
    }

    /// A name, keyword or number: a `$` inside begins nothing.
    fn word(&mut self) {
        let start = self.at;
        while self.byte(0).is_some_and(|byte| is_word(byte) || byte == b'$') {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        if self.lexer.escapes && word.eq_ignore_ascii_case(b"e") && self.byte(0) == Some(b'\'') {
            self.escaped();
        }
    }
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, PostgresDialect, SqliteDialect};

    /// The statement with placeholders in braces.
    fn marked(text: &str, lexer: &Lexer) -> String {
        let show = |piece: &Piece| match piece {
            Piece::Text(range) => text[range.clone()].to_owned(),
            Piece::Next => "{}".to_owned(),
            Piece::Numbered(number) => format!("{{{number}}}"),
            Piece::Mark => "?".to_owned(),
            Piece::Foreign(range) => format!("<{}>", &text[range.clone()]),
        };
        scan(text, lexer).iter().map(show).collect()
    }

    #[test]
    fn each_database_ends_its_texts_and_comments_in_its_own_way() {
        let (postgres, sqlite) = (PostgresDialect.lexer(), SqliteDialect.lexer());
        for (text, on_postgres, on_sqlite) in [
            ("a = ? AND b = ?2", "a = {} AND b = {2}", "a = {} AND b = {2}"),
            ("'?''?' \"?\"\"\" ? -- ?\n?", "'?''?' \"?\"\"\" {} -- ?\n{}", "'?''?' \"?\"\"\" {} -- ?\n{}"),
            ("/* ? /* ? */ ? */ ?", "/* ? /* ? */ ? */ {}", "/* ? /* ? */ {} */ {}"),
            (r"E'\'?' ?", r"E'\'?' {}", r"E'\'{}' ?"),
            (r"'\' ? '", r"'\' {} '", r"'\' {} '"),
            ("E'a'\n -- x\n '\\'?' ?", "E'a'\n -- x\n '\\'?' {}", "E'a'\n -- x\n '\\'{}' ?"),
            (r"some'\' ?", r"some'\' {}", r"some'\' {}"),
            ("$$ ? $$ ? $a$ $$ ? $a$ ?", "$$ ? $$ {} $a$ $$ ? $a$ {}", "$$ {} $$ {} <$a>$ $$ {} <$a>$ {}"),
            ("a$b$ ? a$b$", "a$b$ {} a$b$", "a$b$ {} a$b$"),
            ("[?] `?` ?", "[{}] `{}` {}", "[?] `?` {}"),
            ("d ?? 'k' ??| x", "d ? 'k' ?| x", "d {}{} 'k' {}{}| x"),
            ("a::int :b @c $1 $d", "a::int :b @c <$1> $d", "a::int <:b> <@c> <$1> <$d>"),
            ("'open ?", "'open ?", "'open ?"),
            ("/* open ?", "/* open ?", "/* open ?"),
            ("grün?", "grün{}", "grün{}"),
        ] {
            assert_eq!(marked(text, &postgres), on_postgres);
            assert_eq!(marked(text, &sqlite), on_sqlite);
        }
    }
}
