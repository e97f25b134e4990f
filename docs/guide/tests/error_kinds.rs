//! The page of error kinds has a row for each of them, and for nothing else.

#[test]
fn every_kind_has_its_row() {
    let source = include_str!("../../../crates/orm-core/src/error.rs");
    let kinds: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().split_once(" => \""))
        .filter(|(kind, name)| *name == format!("{kind}\","))
        .map(|(kind, _)| kind)
        .collect();
    assert!(kinds.len() > 30, "the kinds are read from `ErrorKind::name`: {kinds:?}");
    let page = include_str!("../src/error_kinds.md");
    let rows: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for kind in &kinds {
        assert!(rows.contains(kind), "error_kinds.md has no row for `{kind}`");
    }
    for row in rows {
        assert!(kinds.contains(&row), "error_kinds.md has a row for `{row}`, which is no kind");
    }
}
