//! Each mistake has its text beside it; `cargo xtask bless` accepts the texts as they are now.

#[test]
fn mistakes_have_short_texts() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

/// What a reader still takes in at a glance.
const LONGEST: usize = 30;

#[test]
fn no_text_is_long() {
    for entry in std::fs::read_dir("cases").expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "stderr") {
            let lines = std::fs::read_to_string(&path).expect("a text").lines().count();
            assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
        }
    }
}
