//! Cutting a script into its statements.

use crate::Lexer;
use crate::scan::{Scan, is_word};

/// The statements of a script, each without its `;` and without the comments around it.
///
/// A `;` in a text, a quoted name, a comment, a dollar quote or parentheses ends nothing, nor does one in the body of a trigger of
/// SQLite or of a function of PostgreSQL between `BEGIN ATOMIC` and `END`.
///
/// ```
/// use orm_sql::{Dialect, SqliteDialect, split};
/// let script = "-- two\nINSERT INTO a VALUES (';'); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END;";
/// let statements = split(script, &SqliteDialect.lexer());
/// assert_eq!(statements[0], "INSERT INTO a VALUES (';')");
/// assert!(statements[1].ends_with("BEGIN DELETE FROM b; END"));
/// ```
pub fn split<'s>(script: &'s str, lexer: &Lexer) -> Vec<&'s str> {
    let mut statements = Vec::new();
    let mut statement: Option<Statement<'s>> = None;
    for (start, token) in spans(script, lexer) {
        let end = start + token.len();
        let current = statement.get_or_insert_with(|| Statement::new(start));
        if token == ";" && current.ends() {
            if current.end > current.start {
                statements.push(&script[current.start..current.end]);
            }
            statement = None;
            continue;
        }
        current.token(token, lexer);
        current.end = end;
    }
    if let Some(last) = statement {
        statements.push(&script[last.start..last.end]);
    }
    statements
}

/// Whether a script begins or ends a transaction.
///
/// ```
/// use orm_sql::{Dialect, PostgresDialect, controls_transaction};
/// let lexer = PostgresDialect.lexer();
/// assert!(controls_transaction("DELETE FROM a; commit", &lexer));
/// assert!(!controls_transaction("ROLLBACK TO SAVEPOINT a; DELETE FROM a", &lexer));
/// ```
pub fn controls_transaction(script: &str, lexer: &Lexer) -> bool {
    split(script, lexer).into_iter().any(|statement| {
        let words: Vec<String> =
            spans(statement, lexer).take(3).map(|(_, word)| word.to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["rollback", rest @ ..] => !rest.contains(&"to"),
            ["prepare", second, ..] => *second == "transaction",
            ["start", second, ..] => *second == "transaction",
            [first, ..] => matches!(*first, "begin" | "commit" | "end" | "abort"),
            [] => false,
        }
    })
}

/// The words, names, texts and signs of a statement, without the blanks and comments between them.
///
/// ```
/// use orm_sql::{Dialect, SqliteDialect, tokens};
/// assert_eq!(tokens("DROP  TABLE [a b] -- now", &SqliteDialect.lexer()), ["DROP", "TABLE", "[a b]"]);
/// ```
pub fn tokens<'s>(text: &'s str, lexer: &Lexer) -> Vec<&'s str> {
    spans(text, lexer).map(|(_, token)| token).collect()
}

/// The tokens with their places.
fn spans<'s>(text: &'s str, lexer: &Lexer) -> impl Iterator<Item = (usize, &'s str)> {
    let mut scan = Scan::new(text, lexer);
    std::iter::from_fn(move || {
        loop {
            let (start, first) = (scan.at, scan.byte(0)?);
            let blank = first.is_ascii_whitespace();
            let comment = matches!((first, scan.byte(1)), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            scan.step(first);
            // A byte of no word is one of ASCII; only what is not closed may reach behind the end.
            let end = scan.at.min(text.len());
            if !blank && !comment {
                return Some((start, &text[start..end]));
            }
        }
    })
}

/// A statement that is being read.
struct Statement<'s> {
    start: usize,
    end: usize,
    parentheses: usize,
    /// The first words, which say whether it has a body.
    head: Vec<&'s str>,
    kind: Kind,
    /// How many of BEGIN and CASE are open in the body of a function.
    depth: usize,
    /// The last two tokens.
    last: [&'s str; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A trigger of SQLite: it ends with `; END`.
    Trigger,
    /// A function of PostgreSQL.
    Function,
}

impl<'s> Statement<'s> {
    fn new(start: usize) -> Self {
        Statement {
            start,
            end: start,
            parentheses: 0,
            head: Vec::new(),
            kind: Kind::Plain,
            depth: 0,
            last: [""; 2],
        }
    }

    /// Whether a `;` ends it here.
    fn ends(&self) -> bool {
        match self.kind {
            Kind::Trigger => self.last[0] == ";" && self.last[1].eq_ignore_ascii_case("end"),
            _ => self.parentheses == 0 && self.depth == 0,
        }
    }

    fn token(&mut self, token: &'s str, lexer: &Lexer) {
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        match token {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        if self.head.len() < 4 && token.bytes().all(is_word) {
            self.head.push(token);
            self.kind = kind(&self.head, lexer);
        }
        if self.kind == Kind::Function {
            match self.depth {
                0 if is("atomic") && self.last[1].eq_ignore_ascii_case("begin") => self.depth = 1,
                0 => {}
                _ if is("begin") || is("case") => self.depth += 1,
                _ if is("end") => self.depth -= 1,
                _ => {}
            }
        }
        self.last = [self.last[1], token];
    }
}

fn kind(head: &[&str], lexer: &Lexer) -> Kind {
    let mut words = head.iter().map(|word| word.to_ascii_lowercase()).peekable();
    if words.next_if_eq("explain").is_some() {
        return Kind::Plain;
    }
    if words.next_if_eq("create").is_none() {
        return Kind::Plain;
    }
    // What has dollar quotes is PostgreSQL, whose triggers have no body.
    if lexer.dollar_quotes {
        while words.next_if(|word| word == "or" || word == "replace").is_some() {}
        return match words.next().as_deref() {
            Some("function" | "procedure") => Kind::Function,
            _ => Kind::Plain,
        };
    }
    while words.next_if(|word| word == "temp" || word == "temporary").is_some() {}
    if words.next().as_deref() == Some("trigger") { Kind::Trigger } else { Kind::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, PostgresDialect, SqliteDialect};

    #[test]
    fn a_semicolon_ends_a_statement_only_where_the_database_says_so() {
        let (postgres, sqlite) = (PostgresDialect.lexer(), SqliteDialect.lexer());
        let trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a WHEN new.b BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DELETE FROM a; END";
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 2; END";
        for (script, on_postgres, on_sqlite) in [
            ("", vec![], vec![]),
            (" ; ;-- x;\n", vec![], vec![]),
            ("a;b", vec!["a", "b"], vec!["a", "b"]),
            ("-- x;\n a /* ; */ b ; /* ; */ c -- ;", vec!["a /* ; */ b", "c"], vec!["a /* ; */ b", "c"]),
            ("'a;''b;';\"c;\"", vec!["'a;''b;'", "\"c;\""], vec!["'a;''b;'", "\"c;\""]),
            ("/* /* */ ; */ a;", vec!["a"], vec!["*/ a"]),
            ("$$;$$;$a$;$$;$a$;", vec!["$$;$$", "$a$;$$;$a$"], vec!["$$", "$$", "$a$", "$$", "$a$"]),
            (r"E'\';';a", vec![r"E'\';'", "a"], vec![r"E'\'", "';a"]),
            ("[;] `;`;a", vec!["[", "] `", "`", "a"], vec!["[;] `;`", "a"]),
            (
                "CREATE RULE r AS ON INSERT TO a DO (b; c); d",
                vec!["CREATE RULE r AS ON INSERT TO a DO (b; c)", "d"],
                vec!["CREATE RULE r AS ON INSERT TO a DO (b; c)", "d"],
            ),
            ("a; 'open;", vec!["a", "'open;"], vec!["a", "'open;"]),
            (r"a; E'open\", vec!["a", r"E'open\"], vec!["a", r"E'open\"]),
            ("grün;ß", vec!["grün", "ß"], vec!["grün", "ß"]),
        ] {
            assert_eq!(split(script, &postgres), on_postgres, "{script}");
            assert_eq!(split(script, &sqlite), on_sqlite, "{script}");
        }
        assert_eq!(split(&format!("{trigger};\nb;"), &sqlite), [trigger, "b"]);
        assert_eq!(split(&format!("{function};\nb;"), &postgres), [function, "b"]);
    }

    #[test]
    fn whatever_the_script_the_statements_are_parts_of_it() {
        let script = "CREATE TRIGGER BEGIN ; END ) ( ' \" $a$ é /* E'\\ -- \n [ ` ;";
        for (from, _) in script.char_indices() {
            for lexer in [PostgresDialect.lexer(), SqliteDialect.lexer()] {
                split(&script[from..], &lexer);
            }
        }
    }
}
