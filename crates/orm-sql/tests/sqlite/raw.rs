//! Statements of the user: SQLite itself is asked how many parameters it sees.

use orm_core::ErrorKind;
use orm_core::ir::{Command, RawSql};
use orm_core::value::{ColumnType, Datum};
use orm_sql::{Dialect, Piece, PostgresDialect, SqliteDialect, compile, scan};
use proptest::prelude::*;

fn raw(sql: &str, binds: usize) -> Command {
    let binds = (0..binds).map(|_| (Datum::I64(1), ColumnType::I64)).collect();
    Command::Raw(Box::new(RawSql { sql: sql.into(), binds, write: false }))
}

fn sql(dialect: &impl Dialect, text: &str, binds: usize) -> String {
    compile(dialect, &raw(text, binds), 0).unwrap().sql
}

#[test]
fn numbered_placeholders_mean_the_value_of_that_number() {
    assert_eq!(sql(&SqliteDialect, "UPDATE t SET v = ?1", 1), "UPDATE t SET v = ?1");
    assert_eq!(sql(&SqliteDialect, "SELECT ?2, ?1, ?2", 2), "SELECT ?2, ?1, ?2");
}

#[test]
fn placeholders_and_values_are_as_many() {
    let refused = |text: &str, binds: usize| {
        let error = compile(&PostgresDialect, &raw(text, binds), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        format!("{error}")
    };
    assert!(refused("SELECT ?, ?", 1).starts_with("the statement has 2 `?` and values for 1"));
    assert!(refused("SELECT ?", 2).starts_with("the statement has 1 `?` and values for 2"));
    assert!(refused("SELECT 1", 1).starts_with("the statement has 0 `?` and values for 1"));
    assert!(refused("SELECT a ? 'b'", 0).contains("`??`"));
    assert!(refused("SELECT ?1, ?3", 3).starts_with("the statement has no `?2`"));
    assert!(
        refused("SELECT ?3", 1).starts_with("the statement has placeholders up to `?3` and values for 1")
    );
    assert!(refused("SELECT ?0", 0).starts_with("the statement has"));
    assert!(
        refused("SELECT ?99999999999999999999999", 1).starts_with("the statement has placeholders up to")
    );
    assert!(refused("SELECT ?, ?2", 2).starts_with("a statement has either"));
    assert!(refused("SELECT $1", 1).starts_with("nothing is bound to the parameter `$1`"));
    for text in ["SELECT :a", "SELECT @a", "SELECT $a"] {
        assert_eq!(compile(&SqliteDialect, &raw(text, 1), 0).unwrap_err().kind(), ErrorKind::Usage);
    }
}

#[test]
fn postgresql_reads_its_own_texts_and_operators() {
    let text = "SELECT $$ ? $$, E'\\'?', /* /* ? */ ? */ a ?? 'b', a ??| ?";
    assert_eq!(
        sql(&PostgresDialect, text, 1),
        "SELECT $$ ? $$, E'\\'?', /* /* ? */ ? */ a ? 'b', a ?| $1::bigint"
    );
    assert_eq!(sql(&PostgresDialect, "SELECT ?2, ?1, ?2", 2), "SELECT $2::bigint, $1::bigint, $2::bigint");
}

/// Something that stands in a SELECT list, and how many `?` are placeholders in it.
fn item() -> impl Strategy<Value = (String, usize)> {
    let inside = "[?'\"`\\[\\]$*/\\\\a-]{0,6}";
    let quoted = |open: &'static str, close: &'static str| {
        inside.prop_map(move |text| (format!("{open}{}{close}", text.replace(close, &close.repeat(2))), 0))
    };
    prop_oneof![
        Just(("?".to_owned(), 1)),
        Just(("1 - ? / 2".to_owned(), 1)),
        quoted("'", "'"),
        quoted("1 AS \"", "\""),
        quoted("1 AS `", "`"),
        inside.prop_map(|text| (format!("1 AS [{}]", text.replace(']', "")), 0)),
        inside.prop_map(|text| (format!("/*{}*/ 1", text.replace("*/", "")), 0)),
        inside.prop_map(|text| (format!("1 --{text}\n"), 0)),
        Just(("1 AS a$b$c".to_owned(), 0)),
    ]
}

proptest! {
    #[test]
    fn sqlite_counts_the_same_placeholders(items in prop::collection::vec(item(), 1..8)) {
        let list: Vec<&str> = items.iter().map(|(text, _)| text.as_str()).collect();
        let text = format!("SELECT {}", list.join(", "));
        let places: usize = items.iter().map(|(_, places)| places).sum();
        let found = scan(&text, &SqliteDialect.lexer());
        prop_assert_eq!(found.iter().filter(|piece| **piece == Piece::Next).count(), places, "{}", text);
        let db = rusqlite::Connection::open_in_memory().unwrap();
        if let Ok(statement) = db.prepare(&text) {
            prop_assert_eq!(statement.parameter_count(), places, "{}", text);
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_panics(text in "[?'\"`$\\\\eE\\[\\]/*:@1a\n -]{0,40}|[?$éü漢'-]{0,20}") {
        for lexer in [SqliteDialect.lexer(), PostgresDialect.lexer()] {
            let mut back = String::new();
            for piece in scan(&text, &lexer) {
                match piece {
                    Piece::Text(range) | Piece::Foreign(range) => back.push_str(&text[range]),
                    Piece::Next => back.push('?'),
                    Piece::Mark => back.push_str("??"),
                    Piece::Numbered(number) => back.push_str(&format!("?{number}")),
                }
            }
            prop_assert_eq!(&back, &text);
        }
    }
}
