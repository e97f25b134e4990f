use orm_core::ir::*;
use orm_core::value::{ColumnType, Datum};

use orm_sql::{Dialect, SqliteDialect};

use crate::models::*;
use crate::sql;

/// The text of a filter on users.
fn filter(expr: Expr) -> String {
    let mut query = select(user);
    query.output = Output::One;
    query.filter = Some(expr);
    sql(query).strip_prefix("SELECT 1 FROM \"users\" WHERE ").unwrap().to_owned()
}

fn binary(op: BinaryOp, left: Expr, right: Expr, ty: ColumnType) -> Expr {
    Expr::binary(op, left, right, ty)
}

fn decimal() -> Expr {
    Expr::Value(Datum::Null, ColumnType::Decimal)
}

#[test]
fn logic_keeps_its_structure() {
    let (a, b, c) = (eq(col(user, 0), int(1)), eq(col(user, 2), int(2)), eq(col(user, 5), int(3)));
    let or = Expr::or(a.clone(), b.clone());
    let and = Expr::and(Some(or.clone()), c.clone());
    assert_eq!(filter(and), r#"("id" = ?1 OR "age" = ?2) AND "parent_id" = ?3"#);
    assert_eq!(filter(or.negate()), r#"NOT ("id" = ?1 OR "age" = ?2)"#);
    assert_eq!(
        filter(Expr::All(vec![a.clone(), b.clone(), Expr::Any(vec![a, b])])),
        r#""id" = ?1 AND "age" = ?2 AND ("id" = ?3 OR "age" = ?4)"#
    );
    assert_eq!(filter(Expr::All(vec![])), "TRUE");
    assert_eq!(filter(Expr::Any(vec![])), "FALSE");
}

#[test]
fn minus_never_makes_a_comment() {
    let neg = |expr| Expr::Unary(UnaryOp::Neg, Box::new(expr), ColumnType::I64);
    let minus = binary(BinaryOp::Sub, neg(neg(int(1))), neg(int(2)), ColumnType::I64);
    assert_eq!(filter(eq(col(user, 0), minus)), r#""id" = (-(-?1)) - (-?2)"#);
}

#[test]
fn null_has_its_own_equality() {
    assert_eq!(filter(binary(BinaryOp::IsSame, col(user, 2), int(1), ColumnType::I32)), r#""age" IS ?1"#);
    assert_eq!(
        filter(binary(BinaryOp::IsNotSame, col(user, 2), int(1), ColumnType::I32)),
        r#""age" IS NOT ?1"#
    );
    assert_eq!(filter(Expr::IsNull(Box::new(col(user, 2)), true)), r#""age" IS NOT NULL"#);
}

#[test]
fn decimals_compare_as_numbers() {
    let lt = |ty| binary(BinaryOp::Lt, col(user, 3), decimal(), ty);
    assert_eq!(filter(lt(ColumnType::Decimal)), r#""balance" COLLATE orm_decimal < ?1"#);
    assert_eq!(
        filter(binary(BinaryOp::Eq, col(user, 3), decimal(), ColumnType::Decimal)),
        r#""balance" = ?1"#
    );
    let sum = binary(
        BinaryOp::Add,
        col(user, 3),
        binary(BinaryOp::Mul, decimal(), decimal(), ColumnType::Decimal),
        ColumnType::Decimal,
    );
    assert_eq!(
        filter(Expr::Between(Box::new((sum, decimal(), decimal())), ColumnType::Decimal)),
        r#"orm_decimal_add("balance", orm_decimal_mul(?1, ?2)) COLLATE orm_decimal BETWEEN ?3 AND ?4"#
    );
    let neg = Expr::Unary(UnaryOp::Neg, Box::new(col(user, 3)), ColumnType::Decimal);
    let round = Expr::Func(Func::Round, vec![Expr::Func(Func::Abs, vec![neg]), int(2)]);
    assert_eq!(
        filter(Expr::IsNull(Box::new(round), false)),
        r#"orm_decimal_round(orm_decimal_abs(orm_decimal_neg("balance")), ?1) IS NULL"#
    );
}

#[test]
fn a_list_is_one_parameter() {
    let list =
        |negated| Expr::InList { expr: Box::new(col(user, 0)), list: vec![], ty: ColumnType::I64, negated };
    assert_eq!(filter(list(false)), r#""id" IN (SELECT value FROM rarray(?1))"#);
    assert_eq!(filter(list(true)), r#""id" NOT IN (SELECT value FROM rarray(?1))"#);
    let tuples = Expr::InTuples {
        exprs: vec![col(user, 0), col(user, 1), col(user, 4)],
        rows: vec![],
        types: vec![ColumnType::I64, ColumnType::Text, ColumnType::Bytes],
    };
    assert_eq!(
        filter(tuples),
        r#"("id", "name", "active") IN (SELECT CAST(value ->> 0 AS INTEGER), CAST(value ->> 1 AS TEXT), unhex(value ->> 2) FROM json_each(?1))"#
    );
}

#[test]
fn tuples_match_values_of_every_storage_class() {
    let types = [
        ColumnType::I64,
        ColumnType::Text,
        ColumnType::Bytes,
        ColumnType::F64,
        ColumnType::Bool,
        ColumnType::Decimal,
    ];
    let exprs = ["9007199254740993", "'1'", "X'00FF'", "0.1", "1", "'1.5'"].map(String::from);
    let found = |list: &str| -> bool {
        let sql = format!("SELECT {}", SqliteDialect.in_tuples(&exprs, 1, &types));
        crate::database().query_row(&sql, [list], |row| row.get(0)).unwrap()
    };
    assert!(found(r#"[[0,"","",0.0,false,""],[9007199254740993,"1","00FF",0.1,true,"1.5"]]"#));
    assert!(!found(r#"[[9007199254740992,"1","00FF",0.1,true,"1.5"]]"#));
    assert!(!found("[]"));
}

#[test]
fn text_is_matched_literally_unless_a_pattern_is_meant() {
    let like = |op, insensitive| {
        filter(Expr::Like { op, expr: Box::new(col(user, 1)), pattern: Box::new(text("a%")), insensitive })
    };
    assert_eq!(like(LikeOp::Contains, false), r#"instr("name", ?1) > 0"#);
    assert_eq!(like(LikeOp::StartsWith, false), r#"orm_starts_with("name", ?1)"#);
    assert_eq!(like(LikeOp::EndsWith, false), r#"orm_ends_with("name", ?1)"#);
    assert_eq!(like(LikeOp::Contains, true), r#"instr(lower("name"), lower(?1)) > 0"#);
    assert_eq!(like(LikeOp::Pattern, false), r#"orm_like("name", ?1)"#);
    assert_eq!(like(LikeOp::Pattern, true), r#"orm_ilike("name", ?1)"#);
}

#[test]
fn conversions_and_choices() {
    let cast =
        |ty| filter(Expr::IsNull(Box::new(Expr::Cast(Box::new(col(user, 0)), ColumnType::I64, ty)), false));
    assert_eq!(cast(ColumnType::Text), r#"CAST("id" AS TEXT) IS NULL"#);
    assert_eq!(cast(ColumnType::Decimal), r#"orm_decimal_cast("id") IS NULL"#);
    assert_eq!(cast(ColumnType::Bool), r#"("id" <> 0) IS NULL"#);
    let case = Expr::Case(vec![(eq(col(user, 0), int(1)), int(2))], Some(Box::new(int(3))));
    assert_eq!(filter(eq(case, int(4))), r#"CASE WHEN "id" = ?1 THEN ?2 ELSE ?3 END = ?4"#);
    let rem = binary(BinaryOp::Rem, col(user, 0), int(2), ColumnType::F64);
    assert_eq!(filter(eq(rem, int(0))), r#"orm_float_rem("id", ?1) = ?2"#);
    let concat = binary(BinaryOp::Concat, col(user, 1), text("x"), ColumnType::Text);
    assert_eq!(filter(eq(concat, text("y"))), r#""name" || ?1 = ?2"#);
}

#[test]
fn raw_text_keeps_to_itself() {
    let raw = Expr::Raw(vec!["", " > ", " OR 1"], vec![col(user, 0), int(3)]);
    assert_eq!(filter(Expr::All(vec![raw, eq(col(user, 0), int(1))])), r#"("id" > ?1 OR 1) AND "id" = ?2"#);
}

#[test]
fn every_calculation_of_decimals_is_a_function() {
    for (op, name) in [
        (BinaryOp::Add, "add"),
        (BinaryOp::Sub, "sub"),
        (BinaryOp::Mul, "mul"),
        (BinaryOp::Div, "div"),
        (BinaryOp::Rem, "rem"),
    ] {
        let both = binary(op, col(user, 3), decimal(), ColumnType::Decimal);
        assert_eq!(
            filter(Expr::IsNull(Box::new(both), false)),
            format!(r#"orm_decimal_{name}("balance", ?1) IS NULL"#)
        );
    }
}

#[test]
fn an_integer_stays_one_when_it_is_rounded() {
    let round = |args| filter(Expr::IsNull(Box::new(Expr::Func(Func::Round, args)), false));
    assert_eq!(round(vec![col(user, 2)]), r#"("age") IS NULL"#);
    assert_eq!(round(vec![col(user, 2), int(1)]), r#"CAST(round("age", ?1) AS INTEGER) IS NULL"#);
    assert_eq!(
        round(vec![Expr::Cast(Box::new(col(user, 2)), ColumnType::I32, ColumnType::F64), int(1)]),
        r#"orm_real_round(CAST("age" AS REAL), ?1, 0) IS NULL"#
    );
    // The type goes through whatever stands between.
    let deep = |expr| round(vec![Expr::Func(Func::Coalesce, vec![expr, int(0)])]);
    let case = Expr::Case(vec![(eq(col(user, 0), int(1)), col(user, 2))], None);
    assert_eq!(deep(case), r#"(coalesce(CASE WHEN "id" = ?1 THEN "age" END, ?2)) IS NULL"#);
}

#[test]
fn a_choice_without_branches_is_what_is_left() {
    let case = |otherwise: Option<Expr>| Expr::Case(vec![], otherwise.map(Box::new));
    assert_eq!(filter(eq(case(Some(int(3))), int(4))), "?1 = ?2");
    assert_eq!(filter(Expr::IsNull(Box::new(case(None)), false)), "NULL IS NULL");
}

#[test]
fn raw_text_has_a_place_for_each_argument() {
    let mut query = select(user);
    query.filter = Some(Expr::Raw(vec!["1"], vec![int(3)]));
    let error = orm_sql::compile(&SqliteDialect, &Command::Select(Box::new(query)), 0).unwrap_err();
    assert_eq!(error.to_string(), "a raw expression needs one piece of text more than it has arguments");
}

#[test]
fn values_that_stand_in_the_text_are_written_as_sqlite_reads_them() {
    use orm_core::value::{Date, DateTime, Numeric, Time};
    let (date, time) =
        (Date::from_civil(2024, 2, 29).unwrap(), Time::from_parts(12, 30, 0, 500_000_000).unwrap());
    let db = crate::database();
    for (datum, text, class) in [
        (Datum::Null, "NULL", "null"),
        (Datum::I64(-7), "-7", "integer"),
        (Datum::F64(0.1), "0.1", "real"),
        (Datum::F64(f64::NEG_INFINITY), "-9e999", "real"),
        (Datum::Text("it's".into()), "'it''s'", "text"),
        (Datum::Bytes(vec![0, 255]), "X'00FF'", "blob"),
        (Datum::Uuid([17; 16]), "X'11111111111111111111111111111111'", "blob"),
        (Datum::Decimal(Numeric { mantissa: 150, scale: 2 }), "'1.5'", "text"),
        (Datum::Date(date), "'2024-02-29'", "text"),
        (Datum::Time(time), "'12:30:00.5'", "text"),
        (Datum::Timestamp(DateTime::join(date, time)), "'2024-02-29 12:30:00.5'", "text"),
    ] {
        assert_eq!(SqliteDialect.literal(&datum).as_deref(), Some(text));
        let kept: String = db.query_row(&format!("SELECT typeof({text})"), [], |row| row.get(0)).unwrap();
        assert_eq!(kept, class, "{text}");
    }
    assert_eq!(SqliteDialect.literal(&Datum::Default), None);
}
