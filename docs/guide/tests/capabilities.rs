//! The chapter about capabilities says what the drivers say.

use orm::backend::capabilities;
use orm::prelude::*;

#[test]
fn the_table_is_that_of_the_drivers() {
    let mut table =
        "| capability | what it is | SQLite | PostgreSQL | MongoDB |\n|---|---|---|---|---|\n".to_owned();
    for (name, description) in capabilities::ALL {
        let cell = |offered: &[&str]| if offered.contains(name) { "yes" } else { "no" };
        let [sqlite, postgres, mongo] =
            [Sqlite::CAPABILITIES, Postgres::CAPABILITIES, Mongo::CAPABILITIES].map(cell);
        table += &format!("| `{name}` | {description} | {sqlite} | {postgres} | {mongo} |\n");
    }
    let chapter = include_str!("../src/capabilities.md");
    assert!(chapter.contains(&format!("\n\n{table}\n")), "the table should read:\n{table}");
}
