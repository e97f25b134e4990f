use orm_core::ErrorKind;
use orm_core::ir::*;
use orm_core::meta::RelationMeta;
use orm_core::value::{ColumnType, Datum};
use orm_sql::{SqliteDialect, compile};

use crate::models::*;
use crate::sql;

fn count(arg: Option<Expr>) -> Expr {
    aggregate(AggFunc::Count, arg, ColumnType::I64, None)
}

fn aggregate(func: AggFunc, arg: Option<Expr>, ty: ColumnType, filter: Option<Expr>) -> Expr {
    Expr::Aggregate {
        func,
        arg: arg.map(Box::new),
        distinct: false,
        ty,
        filter: filter.map(Box::new),
        order: vec![],
    }
}

fn join(
    kind: JoinKind,
    model: fn() -> &'static orm_core::meta::ModelMeta,
    from: Source,
    relation: &'static RelationMeta,
) -> Join {
    Join {
        kind,
        target: source(model),
        relation: Some((from, relation)),
        on_columns: vec![],
        on: None,
        lateral: None,
    }
}

fn test(
    relation: &'static RelationMeta,
    from: Source,
    alias: &'static str,
    quantifier: Quantifier,
    filter: Option<Expr>,
) -> Expr {
    Expr::Relation(Box::new(RelationTest { relation, from, alias, quantifier, filter }))
}

fn ids(mut select: Select, filter: Expr) -> String {
    let id = Expr::Column(ColumnRef { source: select.from, index: 0 });
    select.output = Output::Exprs(vec![id]);
    select.filter = Some(filter);
    sql(select)
}

#[test]
fn one_table_has_no_alias() {
    let mut query = select(post);
    query.filter = Some(eq(col(post, 1), int(7)));
    query.order = vec![col(post, 2).order(Direction::Desc), col(post, 0).order(Direction::Asc)];
    query.limit = Some(20);
    query.offset = Some(40);
    assert_eq!(
        sql(query),
        r#"SELECT "id", "author_id", "title" FROM "posts" WHERE "author_id" = ?1 ORDER BY "title" DESC, "id" LIMIT 20 OFFSET ?2"#
    );
}

#[test]
fn large_limits_are_bound_as_the_walk_says() {
    let limited = |limit| {
        let mut query = select(tag);
        query.limit = Some(limit);
        sql(query)
    };
    assert_eq!(limited(1024), r#"SELECT "id", "label" FROM "tags" LIMIT 1024"#);
    assert_eq!(limited(777), r#"SELECT "id", "label" FROM "tags" LIMIT ?1 + 0"#);
    let mut query = select(tag);
    query.offset = Some(3);
    assert_eq!(sql(query), r#"SELECT "id", "label" FROM "tags" LIMIT -1 OFFSET ?1"#);
}

#[test]
fn a_limit_that_a_request_chose_fills_no_cache() {
    let mut texts = std::collections::HashSet::new();
    for limit in 0..5000 {
        let mut query = select(tag);
        query.limit = Some(limit);
        texts.insert(sql(query));
    }
    assert!(texts.len() <= 64, "{} statements", texts.len());
}

#[test]
fn a_bound_limit_is_prepared_once() {
    let db = crate::database();
    let mut query = select(tag);
    query.limit = Some(777);
    let mut statement = db.prepare(&sql(query)).unwrap();
    for limit in [777, 778, 20_000] {
        assert!(statement.query([limit]).unwrap().next().unwrap().is_none());
    }
    assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    // Why the limit is not the parameter alone.
    let mut alone = db.prepare("SELECT * FROM tags LIMIT ?1").unwrap();
    for limit in [777, 778] {
        assert!(alone.query([limit]).unwrap().next().unwrap().is_none());
    }
    assert!(alone.get_status(rusqlite::StatementStatus::RePrepare) > 0);
}

#[test]
fn nulls_go_where_the_query_says() {
    let mut query = select(user);
    query.output = Output::One;
    let order = |index, direction, nulls| Order { nulls: Some(nulls), ..col(user, index).order(direction) };
    query.order = vec![
        order(2, Direction::Asc, Nulls::Last),
        order(5, Direction::Desc, Nulls::First),
        order(2, Direction::Asc, Nulls::First),
        order(0, Direction::Asc, Nulls::Last),
        col(user, 3).order(Direction::Desc),
    ];
    assert_eq!(
        sql(query),
        r#"SELECT 1 FROM "users" ORDER BY "age" NULLS LAST, "parent_id" DESC NULLS FIRST, "age", "id", "balance" COLLATE orm_decimal DESC"#
    );
}

#[test]
fn joins_follow_a_relation() {
    let mut query = select(post);
    query.output = Output::ModelAnd(vec![col(user, 1), text("x")]);
    query.joins = vec![Join {
        on: Some(eq(col(user, 2), int(30))),
        ..join(JoinKind::Left, user, source(post), &post().relations[0])
    }];
    query.filter = Some(eq(col(post, 0), int(1)));
    assert_eq!(
        sql(query),
        r#"SELECT t0."id", t0."author_id", t0."title", t1."name", ?1 FROM "posts" AS t0 LEFT JOIN "users" AS t1 ON t1."id" = t0."author_id" AND t1."age" = ?2 WHERE t0."id" = ?3"#
    );
    let mut query = select(user);
    query.output = Output::One;
    query.joins = vec![join(JoinKind::Inner, post, source(user), &user().relations[2])];
    assert_eq!(
        sql(query),
        r#"SELECT 1 FROM "users" AS t0 INNER JOIN "posts" AS t1 ON t1."author_id" = t0."id" AND t1."title" = 'it''s a user'"#
    );
}

#[test]
fn many_to_many_joins_pass_through_the_model_between() {
    let with = |kind, on| {
        let mut query = select(post);
        query.output = Output::Exprs(vec![col(tag, 1)]);
        query.joins = vec![Join { on, ..join(kind, tag, source(post), &post().relations[1]) }];
        sql(query)
    };
    assert_eq!(
        with(JoinKind::Inner, None),
        r#"SELECT t2."label" FROM "posts" AS t0 INNER JOIN "post_tags" AS t1 ON t1."post_id" = t0."id" INNER JOIN "tags" AS t2 ON t2."id" = t1."tag_id""#
    );
    // A foreign key promises that each link has its tag.
    assert_eq!(
        with(JoinKind::Left, None),
        r#"SELECT t2."label" FROM "posts" AS t0 LEFT JOIN "post_tags" AS t1 ON t1."post_id" = t0."id" LEFT JOIN "tags" AS t2 ON t2."id" = t1."tag_id""#
    );
    assert_eq!(
        with(JoinKind::Left, Some(eq(col(tag, 1), text("x")))),
        r#"SELECT t2."label" FROM "posts" AS t0 LEFT JOIN ("post_tags" AS t1 INNER JOIN "tags" AS t2 ON t2."id" = t1."tag_id") ON t1."post_id" = t0."id" AND t2."label" = ?1"#
    );
}

#[test]
fn groups_have_aggregates_with_filters() {
    let mut query = select(user);
    query.output = Output::Exprs(vec![
        col(user, 1),
        count(None),
        aggregate(AggFunc::Sum, Some(col(user, 3)), ColumnType::Decimal, Some(eq(col(user, 4), int(1)))),
        aggregate(AggFunc::Max, Some(col(user, 3)), ColumnType::Decimal, None),
    ]);
    query.group_by = vec![col(user, 1)];
    query.having = Some(Expr::binary(BinaryOp::Gt, count(None), int(3), ColumnType::I64));
    query.distinct = true;
    assert_eq!(
        sql(query),
        r#"SELECT DISTINCT "name", COUNT(*), orm_decimal_sum("balance") FILTER (WHERE "active" = ?1), MAX("balance" COLLATE orm_decimal) FROM "users" GROUP BY "name" HAVING COUNT(*) > ?2"#
    );
}

#[test]
fn a_query_is_counted_as_simply_as_it_can_be() {
    let counted = |change: fn(&mut Select)| {
        let mut query = select(tag);
        query.filter = Some(eq(col(tag, 0), int(1)));
        query.order = vec![col(tag, 1).order(Direction::Asc)];
        query.output = Output::CountOf(Box::new(Output::Model));
        change(&mut query);
        sql(query)
    };
    assert_eq!(counted(|_| {}), r#"SELECT COUNT(*) FROM "tags" WHERE "id" = ?1"#);
    assert_eq!(
        counted(|query| query.limit = Some(5)),
        r#"SELECT COUNT(*) FROM (SELECT 1 FROM "tags" WHERE "id" = ?1 ORDER BY "label" LIMIT 5) AS c"#
    );
    assert_eq!(
        counted(|query| query.distinct = true),
        r#"SELECT COUNT(*) FROM (SELECT DISTINCT "id", "label" FROM "tags" WHERE "id" = ?1 ORDER BY "label") AS c"#
    );
    // Values and aggregates of the output matter: each parameter must occur, and an aggregate makes one row.
    assert_eq!(
        counted(|query| query.output = Output::CountOf(Box::new(Output::Exprs(vec![int(1)])))),
        r#"SELECT COUNT(*) FROM (SELECT ?1 FROM "tags" AS t0 WHERE t0."id" = ?2 ORDER BY t0."label") AS c"#
    );
    assert_eq!(
        counted(|query| {
            query.order.clear();
            query.output = Output::CountOf(Box::new(Output::Exprs(vec![count(None)])));
        }),
        r#"SELECT COUNT(*) FROM (SELECT COUNT(*) FROM "tags" WHERE "id" = ?1) AS c"#
    );
}

#[test]
fn a_limit_per_parent_numbers_the_rows_and_keeps_the_order() {
    let mut query = select(post);
    query.output = Output::Exprs(vec![col(post, 0), col(post, 2)]);
    query.filter = Some(eq(col(post, 2), text("x")));
    query.order = vec![col(post, 2).order(Direction::Desc)];
    query.per_parent = Some(PerParent { key: vec![col(post, 1)], limit: Some(3), offset: Some(1) });
    query.limit = Some(9);
    assert_eq!(
        sql(query.clone()),
        r#"SELECT c0, c1 FROM (SELECT "id" AS c0, "title" AS c1, "title" AS o0, ROW_NUMBER() OVER (PARTITION BY "author_id" ORDER BY "title" DESC) AS rn FROM "posts" WHERE "title" = ?1) AS p WHERE rn > ?2 AND rn <= ?2 + 3 ORDER BY o0 DESC LIMIT 9"#
    );
    query.distinct = true;
    let error = compile(&SqliteDialect, &Command::Select(Box::new(query)), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn relations_are_tested_by_exists() {
    let posts = &user().relations[0];
    let ask = |quantifier, filter| ids(select(user), test(posts, source(user), "", quantifier, filter));
    let titled = || Some(eq(col(post, 2), text("x")));
    let rest = r#"FROM "posts" AS t1 WHERE t1."author_id" = t0."id""#;
    let start = r#"SELECT t0."id" FROM "users" AS t0 WHERE"#;
    assert_eq!(ask(Quantifier::Any, None), format!("{start} EXISTS (SELECT 1 {rest} LIMIT 1)"));
    assert_eq!(
        ask(Quantifier::None, titled()),
        format!("{start} NOT EXISTS (SELECT 1 {rest} AND t1.\"title\" = ?1)")
    );
    assert_eq!(
        ask(Quantifier::All, titled()),
        format!("{start} NOT EXISTS (SELECT 1 {rest} AND (t1.\"title\" = ?1) IS NOT TRUE)")
    );
    assert_eq!(ask(Quantifier::All, None), format!("{start} NOT EXISTS (SELECT 1 {rest} AND FALSE)"));
    let many = eq(test(posts, source(user), "", Quantifier::Count, titled()), int(2));
    assert_eq!(
        ids(select(user), many),
        format!("{start} (SELECT COUNT(*) {rest} AND t1.\"title\" = ?1) = ?2")
    );
}

#[test]
fn a_model_may_lead_to_itself() {
    let children = &user().relations[1];
    let inner = test(children, source(user), "", Quantifier::None, Some(eq(col(user, 2), int(1))));
    let outer = test(children, source(user), "", Quantifier::Any, Some(inner));
    assert_eq!(
        ids(select(user), outer),
        r#"SELECT t0."id" FROM "users" AS t0 WHERE EXISTS (SELECT 1 FROM "users" AS t1 WHERE t1."parent_id" = t0."id" AND NOT EXISTS (SELECT 1 FROM "users" AS t2 WHERE t2."parent_id" = t1."id" AND t2."age" = ?1) LIMIT 1)"#
    );
    // With an alias, the condition can name both sides.
    let child = Expr::Column(ColumnRef { source: Source { model: user(), alias: "child" }, index: 1 });
    let same_name = test(children, source(user), "child", Quantifier::Any, Some(eq(child, col(user, 1))));
    assert_eq!(
        ids(select(user), same_name),
        r#"SELECT t0."id" FROM "users" AS t0 WHERE EXISTS (SELECT 1 FROM "users" AS t1 WHERE t1."parent_id" = t0."id" AND t1."name" = t0."name" LIMIT 1)"#
    );
}

#[test]
fn many_to_many_is_tested_through_the_model_between() {
    let tags =
        test(&post().relations[1], source(post), "", Quantifier::Any, Some(eq(col(tag, 1), text("x"))));
    assert_eq!(
        ids(select(post), tags),
        r#"SELECT t0."id" FROM "posts" AS t0 WHERE EXISTS (SELECT 1 FROM "tags" AS t1 INNER JOIN "post_tags" AS t2 ON t1."id" = t2."tag_id" WHERE t2."post_id" = t0."id" AND t1."label" = ?1 LIMIT 1)"#
    );
}

#[test]
fn subqueries_see_the_query_around_them() {
    let mut inner = select(post);
    inner.output = Output::Exprs(vec![col(post, 1)]);
    inner.filter = Some(eq(col(post, 2), col(user, 1)));
    let within =
        Expr::InSelect { expr: Box::new(col(user, 0)), select: Box::new(inner), negated: true, rows: false };
    assert_eq!(
        ids(select(user), within),
        r#"SELECT t0."id" FROM "users" AS t0 WHERE t0."id" NOT IN (SELECT t1."author_id" FROM "posts" AS t1 WHERE t1."title" = t0."name")"#
    );
}

#[test]
fn what_is_not_in_the_query_is_an_error_that_names_it() {
    let mut query = select(user);
    query.filter = Some(eq(col(post, 0), int(1)));
    let error = compile(&SqliteDialect, &Command::Select(Box::new(query)), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "Post: `Post` is not part of this query (join it, or test it through a relation)"
    );
}

/// Puts a different number into every place that can hold a value, and reads the numbers back from the text:
/// each parameter is next to what was put beside it.
#[test]
fn parameters_are_numbered_in_the_order_of_the_walk() {
    let mut next = 0;
    let mut marked = |column: Expr| {
        next += 1;
        Expr::Raw(vec!["", " = ", MARKS[next - 1]], vec![column, int(next as i64)])
    };
    let mut query = select(post);
    // In the order of the walk: output, joins, filter, groups, having, key, order, limits.
    query.output = Output::Exprs(vec![
        marked(col(post, 0)),
        aggregate(AggFunc::Sum, Some(marked(col(post, 1))), ColumnType::I64, Some(marked(col(user, 2)))),
    ]);
    query.joins = vec![Join {
        on: Some(marked(col(user, 1))),
        ..join(JoinKind::Inner, user, source(post), &post().relations[0])
    }];
    query.filter = Some(Expr::All(vec![
        Expr::Exists(Box::new({
            let mut inner = select(tag);
            inner.output = Output::One;
            inner.filter = Some(marked(col(tag, 0)));
            inner
        })),
        test(&post().relations[1], source(post), "", Quantifier::All, Some(marked(col(tag, 1)))),
    ]));
    query.group_by = vec![marked(col(post, 2))];
    query.having = Some(marked(count(None)));
    query.per_parent =
        Some(PerParent { key: vec![marked(col(post, 1))], limit: Some(5000), offset: Some(6000) });
    query.order = vec![marked(count(None)).order(Direction::Asc)];
    query.limit = Some(7000);
    query.offset = Some(8000);

    let command = Command::Select(Box::new(query.clone()));
    let mut walked = Vec::new();
    binds(&command, |bind| {
        walked.push(match bind {
            Binds::One(Datum::I64(value), _) => *value as u64,
            Binds::Number(value) => value,
            other => panic!("{other:?}"),
        })
    });
    let text = sql(query);
    for (index, value) in walked.iter().enumerate() {
        let number = index + 1;
        let wanted = match value {
            5000 => format!("+ ?{number} ORDER"),
            6000 => format!("rn > ?{number} AND"),
            7000 => format!("LIMIT ?{number} + 0 "),
            8000 => format!("OFFSET ?{number}"),
            mark => format!("= ?{number} /*v{mark}*/"),
        };
        assert!(text.contains(&wanted), "{wanted} is not in {text}");
    }
    assert_eq!(walked.len(), 14);
}

const MARKS: [&str; 10] = [
    " /*v1*/", " /*v2*/", " /*v3*/", " /*v4*/", " /*v5*/", " /*v6*/", " /*v7*/", " /*v8*/", " /*v9*/",
    " /*v10*/",
];

#[test]
fn a_relation_has_to_lead_where_it_is_said_to() {
    let refused = |query: Select| {
        let error = compile(&SqliteDialect, &Command::Select(Box::new(query)), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        error.to_string()
    };
    let joined = |joins: Vec<Join>| {
        let mut query = select(post);
        query.joins = joins;
        query
    };
    let author = || join(JoinKind::Inner, user, source(post), &post().relations[0]);
    assert_eq!(
        refused(joined(vec![author(), author()])),
        "`User` is part of this query twice (give one of them an alias)"
    );
    let wrong = join(JoinKind::Inner, tag, source(post), &post().relations[0]);
    assert_eq!(refused(joined(vec![wrong])), "`author` does not lead to `Tag`");
}
