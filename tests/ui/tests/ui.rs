//! What must not compile: see `cases/`, one mistake a file, with the text the compiler gives.
//! Each mistake has its text beside it; `cargo xtask bless` accepts the texts as they are now.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};

use orm::backend::capabilities;
use orm::prelude::*;

#[test]
fn mistakes_have_short_texts() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

/// What a reader still takes in at a glance.
const LONGEST: usize = 30;

/// The texts of all cases, by the names of their files.
fn texts() -> BTreeMap<String, String> {
    let paths = read_dir("cases").expect("the folder of cases").map(|entry| entry.expect("an entry").path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "stderr"));
    texts.map(|path| (path.display().to_string(), read_to_string(path).expect("a text"))).collect()
}

#[test]
fn no_text_is_long() {
    for (path, text) in texts() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{path} has {lines} lines");
    }
}

#[test]
fn each_database_refuses_what_it_lacks_in_a_text() {
    let texts = texts();
    for (database, offered) in [
        ("Sqlite", Sqlite::CAPABILITIES),
        ("Postgres", Postgres::CAPABILITIES),
        ("Mongo", Mongo::CAPABILITIES),
    ] {
        for (lacking, _) in capabilities::ALL.iter().filter(|(name, _)| !offered.contains(name)) {
            let refuses = |text: &String| {
                let first = text.lines().next().unwrap_or_default();
                let missing = first.split_once(&format!("::{database}` cannot run this query: it has no `"));
                missing
                    .is_some_and(|(_, name)| name.trim_end_matches('`').rsplit("::").next() == Some(lacking))
            };
            assert!(texts.values().any(refuses), "no case shows `{database}` without `{lacking}`");
        }
    }
}
