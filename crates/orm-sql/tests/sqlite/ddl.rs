use orm_core::schema::Table;
use orm_sql::{SqliteDialect, create_table, drop_table};

use crate::models::{odd, post_tag, user};

#[test]
fn a_table_has_its_keys_checks_defaults_and_indexes() {
    assert_eq!(
        create_table(&SqliteDialect, &Table::of(user()), true),
        [
            "CREATE TABLE IF NOT EXISTS \"users\" (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, \
             \"name\" TEXT NOT NULL CONSTRAINT \"ck_users_name\" CHECK (length(\"name\") <= 40 AND (instr(\"name\", char(0)) = 0 OR length(CAST(\"name\" AS BLOB)) <= 40)), \
             \"age\" INTEGER CONSTRAINT \"ck_users_age\" CHECK (\"age\" BETWEEN -2147483648 AND 2147483647), \
             \"balance\" DECIMAL_TEXT NOT NULL, \
             \"active\" BOOLEAN NOT NULL DEFAULT TRUE CONSTRAINT \"ck_users_active\" CHECK (\"active\" BETWEEN 0 AND 1), \
             \"parent_id\" INTEGER CONSTRAINT \"ck_users__parent_id\" CHECK (typeof(\"parent_id\") <> 'real'), CONSTRAINT \"adult\" CHECK (age >= 18), \
             FOREIGN KEY (\"parent_id\") REFERENCES \"users\" (\"id\") ON DELETE SET NULL)",
            "CREATE UNIQUE INDEX IF NOT EXISTS \"users_name\" ON \"users\" (\"name\")",
        ]
    );
}

#[test]
fn a_composite_key_is_a_table_constraint() {
    assert_eq!(
        create_table(&SqliteDialect, &Table::of(post_tag()), true),
        ["CREATE TABLE IF NOT EXISTS \"post_tags\" (\
          \"post_id\" INTEGER NOT NULL CONSTRAINT \"ck_post_tags__post_id\" CHECK (typeof(\"post_id\") <> 'real'), \
          \"tag_id\" INTEGER NOT NULL CONSTRAINT \"ck_post_tags__tag_id\" CHECK (typeof(\"tag_id\") <> 'real'), \
          PRIMARY KEY (\"post_id\", \"tag_id\"), \
          FOREIGN KEY (\"tag_id\") REFERENCES \"tags\" (\"id\") ON DELETE CASCADE ON UPDATE CASCADE)"]
    );
}

#[test]
fn any_name_works_and_columns_may_be_enums_generated_or_defaulted() {
    assert_eq!(
        create_table(&SqliteDialect, &Table::of(odd()), true),
        ["CREATE TABLE IF NOT EXISTS \"t0\" (\"select\" BLOB NOT NULL PRIMARY KEY, \
          \"a\"\"b\" TEXT NOT NULL CONSTRAINT \"ck_t0_a\"\"b\" CHECK (\"a\"\"b\" IN ('admin', 'it''s')), \
          \"lower\" TEXT NOT NULL GENERATED ALWAYS AS (lower(\"a\"\"b\")) STORED, \
          \"two\" INTEGER NOT NULL DEFAULT (1 + 1) CONSTRAINT \"ck_t0_two\" CHECK (\"two\" BETWEEN -32768 AND 32767), \"data\" BLOB NOT NULL)"]
    );
    assert_eq!(drop_table(&SqliteDialect, odd().table), "DROP TABLE IF EXISTS \"t0\"");
}
