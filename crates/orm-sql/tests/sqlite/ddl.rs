use orm_sql::{SqliteDialect, create_table, drop_table};

use crate::models::{odd, post_tag, user};

#[test]
fn a_table_has_its_keys_checks_defaults_and_indexes() {
    assert_eq!(
        create_table(&SqliteDialect, user()),
        [
            "CREATE TABLE IF NOT EXISTS \"users\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \
             \"name\" TEXT NOT NULL CHECK (length(\"name\") <= 40), \"age\" INTEGER, \"balance\" DECIMAL_TEXT NOT NULL, \
             \"active\" BOOLEAN NOT NULL DEFAULT TRUE, \"parent_id\" INTEGER, CONSTRAINT \"adult\" CHECK (age >= 18), \
             FOREIGN KEY (\"parent_id\") REFERENCES \"users\" (\"id\") ON DELETE SET NULL)",
            "CREATE UNIQUE INDEX IF NOT EXISTS \"users_name\" ON \"users\" (\"name\")",
        ]
    );
}

#[test]
fn a_composite_key_is_a_table_constraint() {
    assert_eq!(
        create_table(&SqliteDialect, post_tag()),
        [
            "CREATE TABLE IF NOT EXISTS \"post_tags\" (\"post_id\" INTEGER NOT NULL, \"tag_id\" INTEGER NOT NULL, \
          PRIMARY KEY (\"post_id\", \"tag_id\"), \
          FOREIGN KEY (\"tag_id\") REFERENCES \"tags\" (\"id\") ON DELETE CASCADE ON UPDATE CASCADE)"
        ]
    );
}

#[test]
fn any_name_works_and_columns_may_be_enums_generated_or_defaulted() {
    assert_eq!(
        create_table(&SqliteDialect, odd()),
        ["CREATE TABLE IF NOT EXISTS \"t0\" (\"select\" BLOB NOT NULL PRIMARY KEY, \
          \"a\"\"b\" TEXT NOT NULL CHECK (\"a\"\"b\" IN ('admin', 'it''s')), \
          \"lower\" TEXT NOT NULL GENERATED ALWAYS AS (lower(\"a\"\"b\")) STORED, \
          \"two\" INTEGER NOT NULL DEFAULT (1 + 1), \"data\" BLOB NOT NULL)"]
    );
    assert_eq!(drop_table(&SqliteDialect, odd()), "DROP TABLE IF EXISTS \"t0\"");
}
