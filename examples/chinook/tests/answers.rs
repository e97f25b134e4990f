//! The program's answers, on the data where it is, beside the checkout. Without the data there is nothing to ask.

use std::path::Path;
use std::process::Command;

#[test]
fn the_known_answers_come_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the root of the workspace");
    let data = root.join("../shared/data/chinook/chinook.sqlite");
    if !data.exists() {
        println!("no Chinook database beside the checkout: nothing asked");
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_chinook")).arg(&data).output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    for answer in [
        "sales: Iron Maiden 138.6 (140 lines)",
        "sales: U2 105.93",
        "sales: Metallica 90.09",
        "genre: Rock 1297",
        "genre: Latin 579",
        "genre: Metal 374",
        "artists without an album: 71",
    ] {
        assert!(text.contains(answer), "`{answer}` is missing from:\n{text}");
    }
}
