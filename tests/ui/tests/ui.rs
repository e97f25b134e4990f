//! Each mistake has its text beside it; `cargo xtask bless` accepts the texts as they are now.

#[test]
fn mistakes_have_short_texts() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

/// First lines are in the user's words, and no text is long.
#[test]
fn no_text_is_longer_than_thirty_lines() {
    for entry in std::fs::read_dir("cases").expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "stderr") {
            let text = std::fs::read_to_string(&path).expect("a text");
            let first = text.split("\n\n").next().unwrap_or_default();
            assert!(first.lines().count() <= 30, "{} has {} lines", path.display(), first.lines().count());
        }
    }
}
