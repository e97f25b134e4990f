use orm_core::ErrorKind;
use orm_core::ir::*;
use orm_core::value::{ColumnType, Datum};
use orm_sql::{SqliteDialect, compile};

use crate::models::*;
use crate::{run, sql};

fn insert(columns: Vec<u16>) -> Insert {
    Insert { model: user(), columns, source: InsertSource::Values(vec![]), conflict: None, returning: None }
}

fn plus_one() -> Vec<Assignment> {
    vec![Assignment { column: 2, value: Expr::binary(BinaryOp::Add, col(user, 2), int(1), ColumnType::I32) }]
}

fn posts() -> Expr {
    Expr::Relation(Box::new(RelationTest {
        relation: &user().relations[0],
        from: source(user),
        alias: "",
        quantifier: Quantifier::None,
        filter: None,
    }))
}

#[test]
fn rows_are_inserted_together() {
    let command = Command::Insert(Box::new(Insert {
        returning: Some(Output::Exprs(vec![col(user, 0)])),
        ..insert(vec![1, 2])
    }));
    assert_eq!(
        run(&command, 2).sql,
        r#"INSERT INTO "users" ("name", "age") VALUES (?1, ?2), (?3, ?4) RETURNING "id""#
    );
    assert_eq!(sql(insert(vec![])), r#"INSERT INTO "users" DEFAULT VALUES"#);
}

#[test]
fn an_upsert_tells_the_old_row_from_the_new() {
    let excluded = Expr::Excluded(ColumnRef { source: source(user), index: 2 });
    let value = Expr::binary(BinaryOp::Add, col(user, 2), excluded, ColumnType::I32);
    let action =
        ConflictAction::Update(vec![Assignment { column: 2, value }], Some(eq(col(user, 4), int(1))));
    let upsert = Insert {
        conflict: Some(Conflict { target: vec![1], action }),
        returning: Some(Output::Model),
        ..insert(vec![1])
    };
    assert_eq!(
        sql(upsert),
        r#"INSERT INTO "users" ("name") VALUES (?1) ON CONFLICT ("name") DO UPDATE SET "age" = "users"."age" + excluded."age" WHERE "users"."active" = ?2 RETURNING "id", "name", "age", "balance", "active", "parent_id""#
    );
    let ignore = Conflict { target: vec![], action: ConflictAction::Nothing };
    assert_eq!(
        sql(Insert { conflict: Some(ignore), ..insert(vec![1]) }),
        r#"INSERT INTO "users" ("name") VALUES (?1) ON CONFLICT DO NOTHING"#
    );
}

#[test]
fn rows_are_changed_together_each_to_its_own_values() {
    let command = Command::UpdateRows(Box::new(UpdateRows {
        source: source(user),
        columns: vec![0, 4, 1],
        keys: 2,
        values: vec![],
        also: plus_one(),
        returning: Some(Output::Exprs(vec![col(user, 0)])),
    }));
    assert_eq!(
        run(&command, 2).sql,
        r#"WITH orm_rows(c0, c1, c2) AS (VALUES (?1, ?2, ?3), (?4, ?5, ?6)) UPDATE "users" SET "name" = orm_rows.c2, "age" = "users"."age" + ?7 FROM orm_rows WHERE "users"."id" = orm_rows.c0 AND "users"."active" = orm_rows.c1 RETURNING "users"."id""#
    );
}

#[test]
fn rows_may_come_from_a_query() {
    let mut query = select(post);
    query.output = Output::Exprs(vec![col(post, 2)]);
    let conflict = Some(Conflict { target: vec![], action: ConflictAction::Nothing });
    let command = Insert { source: InsertSource::Select(Box::new(query)), conflict, ..insert(vec![1]) };
    assert_eq!(
        sql(command),
        r#"INSERT INTO "users" ("name") SELECT "title" FROM "posts" WHERE TRUE ON CONFLICT DO NOTHING"#
    );
}

#[test]
fn updates_and_deletes_have_bare_columns() {
    let update = Update {
        source: source(user),
        set: plus_one(),
        filter: Some(eq(col(user, 0), int(1))),
        returning: Some(Output::Exprs(vec![col(user, 2)])),
    };
    assert_eq!(sql(update), r#"UPDATE "users" SET "age" = "age" + ?1 WHERE "id" = ?2 RETURNING "age""#);
    let delete = Delete { source: source(user), filter: None, returning: None };
    assert_eq!(sql(delete), r#"DELETE FROM "users""#);
}

#[test]
fn a_subquery_makes_a_write_qualify_its_columns() {
    let update = Update {
        source: source(user),
        set: plus_one(),
        filter: Some(posts()),
        returning: Some(Output::Exprs(vec![col(user, 0)])),
    };
    assert_eq!(
        sql(update),
        r#"UPDATE "users" SET "age" = "users"."age" + ?1 WHERE NOT EXISTS (SELECT 1 FROM "posts" AS t0 WHERE t0."author_id" = "users"."id") RETURNING "users"."id""#
    );
    let mut same = select(user);
    same.output = Output::Exprs(vec![Expr::Aggregate {
        func: AggFunc::Max,
        arg: Some(Box::new(col(user, 2))),
        distinct: false,
        ty: ColumnType::I32,
        filter: None,
        order: vec![],
    }]);
    let delete = Delete {
        source: source(user),
        filter: Some(eq(col(user, 2), Expr::Scalar(Box::new(same)))),
        returning: None,
    };
    assert_eq!(
        sql(delete),
        r#"DELETE FROM "users" WHERE "users"."age" = (SELECT MAX(t0."age") FROM "users" AS t0)"#
    );
}

#[test]
fn an_alias_is_never_the_name_of_a_table_in_sight() {
    let test = RelationTest {
        relation: &odd().relations[0],
        from: source(odd),
        alias: "",
        quantifier: Quantifier::Any,
        filter: None,
    };
    let delete =
        Delete { source: source(odd), filter: Some(Expr::Relation(Box::new(test))), returning: None };
    assert_eq!(
        sql(delete),
        r#"DELETE FROM "t0" WHERE EXISTS (SELECT 1 FROM "t0" AS t1 WHERE t1."select" = "t0"."select" LIMIT 1)"#
    );
}

#[test]
fn question_marks_of_raw_sql_are_numbered_outside_quotes() {
    let raw = |sql: &str, binds: usize| {
        let binds = (0..binds).map(|_| (Datum::I64(1), ColumnType::I64)).collect();
        Command::Raw(Box::new(RawSql { sql: sql.into(), binds, write: false }))
    };
    let text = "SELECT ?, '?''?', \"id\" - ? /* ? */ FROM users -- ?";
    assert_eq!(run(&raw(text, 2), 0).sql, "SELECT ?1, '?''?', \"id\" - ?2 /* ? */ FROM users -- ?");
    for binds in [1, 3] {
        assert_eq!(compile(&SqliteDialect, &raw(text, binds), 0).unwrap_err().kind(), ErrorKind::Usage);
    }
}

#[test]
fn a_write_of_nothing_is_an_error() {
    let refused = |command: Command, rows| {
        let error = compile(&SqliteDialect, &command, rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        error.to_string()
    };
    let new = |insert| Command::Insert(Box::new(insert));
    assert_eq!(refused(new(insert(vec![1])), 0), "an INSERT needs at least one row");
    let empty = "rows without any value are inserted one at a time";
    assert_eq!(refused(new(insert(vec![])), 2), empty);
    let action = ConflictAction::Update(vec![], Some(eq(col(user, 4), int(1))));
    let upsert = Insert { conflict: Some(Conflict { target: vec![1], action }), ..insert(vec![1]) };
    assert_eq!(refused(new(upsert), 1), "User: an upsert with a condition must change a column");
    let update = Update { source: source(user), set: vec![], filter: None, returning: None };
    assert_eq!(refused(Command::Update(Box::new(update)), 0), "User: an UPDATE must change a column");
}
