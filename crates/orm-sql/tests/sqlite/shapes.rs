//! The shape is the key of the text: what has one shape has one text, whatever its values, on every dialect.

use std::collections::HashMap;

use orm_core::ir::visit::{Rewrite, rewrite_expr, rewrite_select};
use orm_core::ir::*;
use orm_core::value::{ColumnType, Datum};
use orm_sql::{Dialect, PostgresDialect, SqliteDialect, compile};
use proptest::prelude::*;

use super::models::{self, col};

fn value() -> impl Strategy<Value = Expr> {
    (0..3_i64, prop_oneof![Just(ColumnType::I32), Just(ColumnType::I64)])
        .prop_map(|(number, ty)| Expr::Value(Datum::I64(number), ty))
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        2 => (0..6_u16).prop_map(|index| col(models::user, index)),
        2 => value(),
        1 => Just(Expr::Key(0, ColumnType::I64)),
    ]
}

fn list() -> impl Strategy<Value = Vec<Datum>> {
    prop::collection::vec((0..3_i64).prop_map(Datum::I64), 0..3)
}

fn order() -> impl Strategy<Value = Order> {
    (leaf(), any::<bool>(), prop::option::of(any::<bool>())).prop_map(|(expr, up, first)| Order {
        nulls: first.map(|first| if first { Nulls::First } else { Nulls::Last }),
        ..expr.order(if up { Direction::Asc } else { Direction::Desc })
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let op = prop_oneof![
            Just(BinaryOp::Eq),
            Just(BinaryOp::Lt),
            Just(BinaryOp::Add),
            Just(BinaryOp::IsSame),
            Just(BinaryOp::Rem)
        ];
        let func = prop_oneof![Just(Func::Lower), Just(Func::Abs), Just(Func::Trim)];
        let aggregate = prop_oneof![Just(AggFunc::Count), Just(AggFunc::Sum), Just(AggFunc::Max)];
        prop_oneof![
            (op, inner.clone(), inner.clone(), prop_oneof![Just(ColumnType::I64), Just(ColumnType::Decimal)])
                .prop_map(|(op, left, right, ty)| Expr::binary(op, left, right, ty)),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expr::Any),
            inner.clone().prop_map(Expr::negate),
            (boxed.clone(), any::<bool>()).prop_map(|(expr, negated)| Expr::IsNull(expr, negated)),
            (boxed.clone(), list(), any::<bool>()).prop_map(|(expr, list, negated)| Expr::InList {
                expr,
                list,
                ty: ColumnType::I64,
                negated
            }),
            (inner.clone(), inner.clone(), list()).prop_map(|(a, b, mut rows)| {
                rows.truncate(rows.len() / 2 * 2);
                Expr::InTuples { exprs: vec![a, b], rows, types: vec![ColumnType::I64, ColumnType::I64] }
            }),
            (func, inner.clone()).prop_map(|(func, arg)| Expr::Func(func, vec![arg])),
            (
                boxed.clone(),
                prop_oneof![Just(ColumnType::I64), Just(ColumnType::Text), Just(ColumnType::Decimal)]
            )
                .prop_map(|(expr, ty)| Expr::Cast(expr, ColumnType::I64, ty)),
            (prop::collection::vec((inner.clone(), inner.clone()), 0..3), prop::option::of(boxed.clone()))
                .prop_map(|(arms, otherwise)| Expr::Case(arms, otherwise)),
            (aggregate, prop::option::of(boxed.clone()), any::<bool>(), prop::option::of(boxed.clone()))
                .prop_map(|(func, arg, distinct, filter)| Expr::Aggregate {
                    func,
                    distinct: distinct && arg.is_some(),
                    arg,
                    ty: ColumnType::I64,
                    filter,
                    order: Vec::new(),
                }),
            (prop::collection::vec(inner.clone(), 0..2), prop::collection::vec(order(), 0..2)).prop_map(
                |(partition, order)| Expr::Window(Box::new(WindowCall {
                    func: WindowFunc::RowNumber,
                    arg: None,
                    partition,
                    order,
                    frame: None,
                }))
            ),
            (0..3_usize, prop::option::of(inner.clone()), 0..4_usize).prop_map(
                |(relation, filter, asked)| {
                    Expr::Relation(Box::new(RelationTest {
                        relation: &models::user().relations[relation],
                        from: models::source(models::user),
                        alias: "",
                        quantifier: [Quantifier::Any, Quantifier::All, Quantifier::None, Quantifier::Count]
                            [asked],
                        filter,
                    }))
                }
            ),
            (inner.clone(), inner.clone()).prop_map(|(output, filter)| {
                let mut select = Select::new(models::source(models::user));
                select.output = Output::Exprs(vec![output]);
                select.filter = Some(filter);
                Expr::Scalar(Box::new(select))
            }),
        ]
    })
}

fn rows() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(prop_oneof![Just(1_u64), Just(2), Just(5_000), Just(6_000), Just(u64::MAX)])
}

fn select() -> impl Strategy<Value = Select> {
    let output = prop_oneof![
        Just(Output::Model),
        Just(Output::One),
        prop::collection::vec(expr(), 1..3).prop_map(Output::Exprs),
        prop::collection::vec(expr(), 0..2).prop_map(Output::ModelAnd),
        Just(Output::CountOf(Box::new(Output::Model))),
    ];
    let groups = prop::collection::vec(expr(), 0..2);
    let parent = prop::option::of((prop::collection::vec(leaf(), 0..2), rows(), rows()));
    let shared = (output, groups, prop::option::of(expr()), prop::option::of(expr()));
    (shared, prop::collection::vec(order(), 0..2), rows(), rows(), any::<bool>(), parent).prop_map(
        |((output, group_by, filter, having), order, limit, offset, distinct, parent)| Select {
            output,
            group_by,
            filter,
            having,
            order,
            limit,
            offset,
            distinct: distinct && parent.is_none(),
            per_parent: parent.map(|(key, limit, offset)| PerParent { key, limit, offset }),
            ..Select::new(models::source(models::user))
        },
    )
}

/// Other values, and lists of other lengths. What was equal stays equal: equal expressions share their parameters, and the shape says so.
struct Other;

impl Rewrite for Other {
    fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Value(Datum::I64(number), _) => *number += 70,
            Expr::InList { list, .. } => list.push(Datum::I64(78)),
            Expr::InTuples { rows, .. } => rows.extend([Datum::I64(79), Datum::I64(80)]),
            _ => {}
        }
        rewrite_expr(self, expr);
    }
}

fn parameters(dialect: &impl Dialect, command: &Command) -> usize {
    let mut count = 0;
    values(command, |bind| {
        count += match bind {
            Binds::Tuples(_, types) => dialect.tuple_parameters(types),
            _ => 1,
        }
    });
    count
}

fn check(dialect: &impl Dialect, selects: &[Select]) -> Result<(), TestCaseError> {
    let mut texts = HashMap::new();
    for select in selects {
        let mut other = select.clone();
        rewrite_select(&mut Other, &mut other);
        let [command, other] = [select, &other].map(|select| Command::Select(Box::new(select.clone())));
        prop_assert_eq!(shape(&command), shape(&other));
        let text = compile(dialect, &command, 0).map_err(|error| error.to_string());
        prop_assert_eq!(&text, &compile(dialect, &other, 0).map_err(|error| error.to_string()));
        if let Ok(compiled) = &text {
            prop_assert_eq!(compiled.parameters, parameters(dialect, &command), "{}", &compiled.sql);
        }
        let known = texts.entry(shape(&command)).or_insert_with(|| text.clone());
        prop_assert_eq!(known, &text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_shape_has_one_text_and_as_many_parameters_as_values(selects in prop::collection::vec(select(), 30)) {
        check(&SqliteDialect, &selects)?;
        check(&PostgresDialect, &selects)?;
    }
}

/// Every change of a part that the text shows is a change of the shape.
#[test]
fn another_text_has_another_shape() {
    let plain = || Select::new(models::source(models::user));
    let per = |key, limit| Some(PerParent { key, limit, offset: None });
    let order = |direction| vec![col(models::user, 1).order(direction)];
    let selects = vec![
        plain(),
        Select { distinct: true, ..plain() },
        Select { filter: Some(Expr::All(vec![])), ..plain() },
        Select { filter: Some(Expr::Any(vec![])), ..plain() },
        Select { having: Some(Expr::All(vec![])), ..plain() },
        Select { output: Output::Exprs(vec![col(models::user, 0)]), ..plain() },
        Select { group_by: vec![col(models::user, 0)], ..plain() },
        Select { distinct_on: vec![col(models::user, 0)], ..plain() },
        Select { order: order(Direction::Asc), ..plain() },
        Select { order: order(Direction::Desc), ..plain() },
        Select { per_parent: per(vec![], None), ..plain() },
        Select { per_parent: per(vec![col(models::user, 0)], Some(1)), ..plain() },
        Select { per_parent: per(vec![col(models::user, 0)], Some(9_000)), ..plain() },
        Select { limit: Some(1), ..plain() },
        Select { limit: Some(2), ..plain() },
        Select { limit: Some(9_000), ..plain() },
        Select { offset: Some(1), ..plain() },
    ];
    let mut shapes = HashMap::new();
    for select in selects {
        let command = Command::Select(Box::new(select));
        let known = shapes.insert(shape(&command), format!("{command:?}"));
        assert_eq!(known, None, "{command:?}");
    }
}
