//! The same query gives the same rows on SQLite, PostgreSQL and MongoDB, whatever the query and the data, NULLs included.
//!
//! Queries are trees of numbers, texts and conditions; data are a few rows in which every column may be NULL. A difference is
//! shrunk and printed with the statements.
#![cfg(all(feature = "sqlite", feature = "postgres", feature = "mongo"))]

use orm::prelude::*;
use orm::value::Array;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

#[derive(Debug, Clone, Model)]
#[orm(table = "mixed")]
struct Mixed {
    #[orm(primary_key)]
    id: i64,
    a: Option<i64>,
    b: Option<i64>,
    t: Option<String>,
    u: Option<String>,
    flag: Option<bool>,
    parent_id: Option<i64>,
    #[orm(foreign_key = parent_id)]
    parent: BelongsTo<Mixed>,
    children: HasMany<Mixed>,
    list: Option<Array<Option<i64>>>,
    words: Option<Array<String>>,
    #[orm(index)]
    peer_ids: Array<i64>,
    #[orm(keys = peer_ids)]
    peers: ManyToMany<Mixed>,
    #[orm(pair = peers)]
    named_by: ManyToMany<Mixed>,
}
orm::schema!(MixedSchema: Mixed);
orm::alias!(Child: Mixed);

type Number = Expr<Option<i64>, Mixed>;
type Text = Expr<Option<String>, Mixed>;
type Truth = Expr<Option<bool>, Mixed>;

/// The tests' own types vouch for these: every column is nullable, so every expression is.
fn retype<T, S, N, K, U>(expr: Expr<T, S, N, K>) -> Expr<U, Mixed> {
    Expr::new(expr.into_ir())
}

#[derive(Debug, Clone)]
enum Num {
    A,
    B,
    Lit(i64),
    Null,
    Math(u8, Box<Num>, Box<Num>),
    Negate(Box<Num>),
    Abs(Box<Num>),
    Coalesce(Box<Num>, Box<Num>),
    NullIf(Box<Num>, Box<Num>),
    Length(Box<Txt>),
    Case(Box<Cond>, Box<Num>, Box<Num>),
    Children,
    MaxOfChildren,
    Peers(Option<Box<Cond>>),
    NamedBy,
}

#[derive(Debug, Clone)]
enum Txt {
    T,
    U,
    Lit(String),
    Lower(Box<Txt>),
    Upper(Box<Txt>),
    Trim(Box<Txt>),
    Concat(Box<Txt>, Box<Txt>),
    Part(Box<Txt>, i64, i64),
    Replace(Box<Txt>, String, String),
    Coalesce(Box<Txt>, Box<Txt>),
}

#[derive(Debug, Clone)]
enum Cond {
    Flag,
    CompareNumbers(u8, Num, Num),
    CompareTexts(u8, Txt, Txt),
    NumberIsNull(Num, bool),
    TextIsNull(Txt),
    Between(Num, i64, i64),
    In(Num, Vec<i64>, bool),
    TextIn(Txt, Vec<String>),
    Match(u8, Txt, String),
    SameAs(Option<i64>, bool),
    InQuery(Box<Cond>, bool),
    AnyChild(Box<Cond>),
    AllChildren(Box<Cond>),
    NoParent,
    Has(i64),
    HasWord(String),
    HasAny(Vec<i64>),
    HasAnyWord(Vec<String>),
    AnyPeer(Box<Cond>),
    AllPeers(Box<Cond>),
    NamedByAny(Box<Cond>),
    NamedByNone,
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    Not(Box<Cond>),
}

fn number(num: &Num) -> Number {
    match num {
        Num::A => retype(Mixed::a + 0),
        Num::B => retype(Mixed::b.coalesce(Mixed::b)),
        Num::Lit(value) => retype(val(*value)),
        Num::Null => retype(val(1_i64).null_if(1)),
        Num::Math(op, left, right) => {
            let (left, right) = (number(left), number(right));
            match op % 5 {
                0 => retype(left + right),
                1 => retype(left - right),
                2 => retype(left * right),
                3 => retype(left / right),
                _ => retype(left % right),
            }
        }
        Num::Negate(inner) => retype(number(inner).negate()),
        Num::Abs(inner) => retype(number(inner).abs()),
        Num::Coalesce(left, right) => retype(number(left).coalesce(number(right))),
        Num::NullIf(left, right) => retype(number(left).null_if(number(right))),
        Num::Length(inner) => retype(text(inner).char_length()),
        Num::Case(when, then, otherwise) => {
            retype(case().when(truth(when), number(then)).otherwise(number(otherwise)))
        }
        Num::Children => retype(Mixed::children.count()),
        Num::Peers(None) => retype(Mixed::peers.count()),
        Num::Peers(Some(condition)) => retype(Mixed::peers.count_where(truth(condition))),
        Num::NamedBy => retype(Mixed::named_by.count()),
        Num::MaxOfChildren => {
            let rows = Child::query().correlate::<Mixed>().filter(Child.parent_id.eq(Mixed::id));
            retype(scalar(rows.select(Child.a.max())))
        }
    }
}

fn text(txt: &Txt) -> Text {
    match txt {
        Txt::T => retype(Mixed::t.coalesce(Mixed::t)),
        Txt::U => retype(Mixed::u.concat("")),
        Txt::Lit(value) => retype(val(value.clone())),
        Txt::Lower(inner) => retype(text(inner).lower()),
        Txt::Upper(inner) => retype(text(inner).upper()),
        Txt::Trim(inner) => retype(text(inner).trim()),
        Txt::Concat(left, right) => retype(text(left).concat(text(right))),
        Txt::Part(inner, start, length) => retype(text(inner).substring(*start, *length)),
        Txt::Replace(inner, from, to) => retype(text(inner).replace(from, to)),
        Txt::Coalesce(left, right) => retype(text(left).coalesce(text(right))),
    }
}

fn truth(cond: &Cond) -> Truth {
    match cond {
        Cond::Flag => retype(Mixed::flag.eq(true)),
        Cond::CompareNumbers(op, left, right) => {
            let (left, right) = (number(left), number(right));
            match op % 8 {
                0 => retype(left.eq(right)),
                1 => retype(left.ne(right)),
                2 => retype(left.lt(right)),
                3 => retype(left.le(right)),
                4 => retype(left.gt(right)),
                _ => retype(left.ge(right)),
            }
        }
        Cond::CompareTexts(op, left, right) => {
            let (left, right) = (text(left), text(right));
            match op % 4 {
                0 => retype(left.eq(right)),
                1 => retype(left.ne(right)),
                2 => retype(left.lt(right)),
                _ => retype(left.ge(right)),
            }
        }
        Cond::NumberIsNull(num, true) => retype(number(num).is_not_null()),
        Cond::NumberIsNull(num, false) => retype(number(num).is_null()),
        Cond::TextIsNull(txt) => retype(text(txt).is_null()),
        Cond::Between(num, low, high) => retype(number(num).between(*low, *high)),
        Cond::In(num, list, false) => retype(number(num).in_(list.clone())),
        Cond::In(num, list, true) => retype(number(num).not_in(list.clone())),
        Cond::TextIn(txt, list) => retype(text(txt).in_(list.clone())),
        Cond::Match(op, txt, pattern) => {
            let (subject, pattern) = (text(txt), pattern.as_str());
            match op % 8 {
                0 => retype(subject.contains(pattern)),
                1 => retype(subject.starts_with(pattern)),
                2 => retype(subject.ends_with(pattern)),
                3 => retype(subject.like(pattern)),
                4 => retype(subject.ilike(pattern)),
                5 => retype(subject.istarts_with(pattern)),
                6 => retype(subject.iends_with(pattern)),
                _ => retype(subject.icontains(pattern)),
            }
        }
        Cond::SameAs(value, false) => retype(Mixed::a.eq_or_null(*value)),
        Cond::SameAs(value, true) => retype(Mixed::a.ne_or_null(*value)),
        Cond::InQuery(inner, negated) => {
            let query = Mixed::query().filter(truth(inner)).select(Mixed::b);
            if *negated { retype(Mixed::a.not_in(query.not_null())) } else { retype(Mixed::a.in_(query)) }
        }
        Cond::AnyChild(inner) => retype(Mixed::children.any(truth(inner))),
        Cond::AllChildren(inner) => retype(Mixed::children.all(truth(inner))),
        Cond::NoParent => retype(Mixed::parent.is_empty()),
        Cond::Has(value) => retype(Mixed::list.has(*value)),
        Cond::HasWord(value) => retype(Mixed::words.has(value)),
        Cond::HasAny(list) => retype(Mixed::list.has_any(list.clone())),
        Cond::HasAnyWord(list) => retype(Mixed::words.has_any(list.clone())),
        Cond::AnyPeer(inner) => retype(Mixed::peers.any(truth(inner))),
        Cond::AllPeers(inner) => retype(Mixed::peers.all(truth(inner))),
        Cond::NamedByAny(inner) => retype(Mixed::named_by.any(truth(inner))),
        Cond::NamedByNone => retype(Mixed::named_by.is_empty()),
        Cond::And(left, right) => retype(truth(left) & truth(right)),
        Cond::Or(left, right) => retype(truth(left) | truth(right)),
        Cond::Not(inner) => retype(!truth(inner)),
    }
}

/// Letters in both cases, what patterns and quotes are made of, a space and something beyond ASCII.
fn short_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![Just('a'), Just('A'), Just('b'), Just('%'), Just('_'), Just('\''), Just(' '), Just('é')],
        0..4,
    )
    .prop_map(|letters| letters.into_iter().collect())
}

fn small() -> impl Strategy<Value = i64> {
    -3..4_i64
}

fn text_leaf() -> BoxedStrategy<Txt> {
    prop_oneof![Just(Txt::T), Just(Txt::U), short_text().prop_map(Txt::Lit)].boxed()
}

fn texts() -> BoxedStrategy<Txt> {
    text_leaf()
        .prop_recursive(3, 8, 2, |inner| {
            let boxed = || inner.clone().prop_map(Box::new);
            prop_oneof![
                boxed().prop_map(Txt::Trim),
                (boxed(), boxed()).prop_map(|(left, right)| Txt::Concat(left, right)),
                (boxed(), 1..4_i64, 0..4_i64)
                    .prop_map(|(text, start, length)| Txt::Part(text, start, length)),
                (boxed(), "[aAb]", short_text()).prop_map(|(text, from, to)| Txt::Replace(text, from, to)),
                (boxed(), boxed()).prop_map(|(left, right)| Txt::Coalesce(left, right)),
                // Beyond ASCII, the databases may differ: the text says so. These stay within it.
                "[aAbB %_']{0,4}".prop_map(|text| Txt::Lower(Box::new(Txt::Lit(text)))),
                "[aAbB %_']{0,4}".prop_map(|text| Txt::Upper(Box::new(Txt::Lit(text)))),
            ]
        })
        .boxed()
}

fn numbers() -> BoxedStrategy<Num> {
    let leaf = prop_oneof![
        4 => Just(Num::A),
        3 => Just(Num::B),
        3 => small().prop_map(Num::Lit),
        1 => Just(Num::Null),
        1 => Just(Num::Children),
        1 => Just(Num::MaxOfChildren),
        1 => Just(Num::Peers(None)),
        1 => small().prop_map(|limit| Num::Peers(Some(Box::new(Cond::CompareNumbers(2, Num::A, Num::Lit(limit)))))),
        1 => Just(Num::NamedBy),
        1 => texts().prop_map(|text| Num::Length(Box::new(text))),
    ];
    leaf.prop_recursive(3, 10, 2, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            4 => (any::<u8>(), boxed(), boxed()).prop_map(|(op, left, right)| Num::Math(op, left, right)),
            1 => boxed().prop_map(Num::Negate),
            1 => boxed().prop_map(Num::Abs),
            1 => (boxed(), boxed()).prop_map(|(left, right)| Num::Coalesce(left, right)),
            1 => (boxed(), boxed()).prop_map(|(left, right)| Num::NullIf(left, right)),
            1 => (boxed(), boxed(), small()).prop_map(|(left, right, limit)| {
                let when = Cond::CompareNumbers(2, (*left).clone(), Num::Lit(limit));
                Num::Case(Box::new(when), left, right)
            }),
        ]
    })
    .boxed()
}

fn conditions() -> BoxedStrategy<Cond> {
    let leaf = prop_oneof![
        1 => Just(Cond::Flag),
        4 => (any::<u8>(), numbers(), numbers()).prop_map(|(op, left, right)| Cond::CompareNumbers(op, left, right)),
        3 => (any::<u8>(), texts(), texts()).prop_map(|(op, left, right)| Cond::CompareTexts(op, left, right)),
        1 => (numbers(), any::<bool>()).prop_map(|(num, negated)| Cond::NumberIsNull(num, negated)),
        1 => texts().prop_map(Cond::TextIsNull),
        1 => (numbers(), small(), small()).prop_map(|(num, low, high)| Cond::Between(num, low, high)),
        2 => (numbers(), proptest::collection::vec(small(), 0..4), any::<bool>())
            .prop_map(|(num, list, negated)| Cond::In(num, list, negated)),
        1 => (texts(), proptest::collection::vec(short_text(), 0..3)).prop_map(|(text, list)| Cond::TextIn(text, list)),
        3 => (any::<u8>(), texts(), short_text()).prop_map(|(op, text, pattern)| Cond::Match(op, text, pattern)),
        1 => (proptest::option::of(small()), any::<bool>()).prop_map(|(value, negated)| Cond::SameAs(value, negated)),
        1 => Just(Cond::NoParent),
        2 => small().prop_map(Cond::Has),
        1 => short_text().prop_map(Cond::HasWord),
        1 => proptest::collection::vec(small(), 0..3).prop_map(Cond::HasAny),
        1 => proptest::collection::vec(short_text(), 0..3).prop_map(Cond::HasAnyWord),
        1 => Just(Cond::NamedByNone),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            3 => (boxed(), boxed()).prop_map(|(left, right)| Cond::And(left, right)),
            3 => (boxed(), boxed()).prop_map(|(left, right)| Cond::Or(left, right)),
            3 => boxed().prop_map(Cond::Not),
            1 => boxed().prop_map(Cond::AnyChild),
            1 => boxed().prop_map(Cond::AllChildren),
            1 => boxed().prop_map(Cond::AnyPeer),
            1 => boxed().prop_map(Cond::AllPeers),
            1 => boxed().prop_map(Cond::NamedByAny),
            1 => (boxed(), any::<bool>()).prop_map(|(inner, negated)| Cond::InQuery(inner, negated)),
        ]
    })
    .boxed()
}

type Values = (Option<i64>, Option<i64>, Option<String>, Option<String>, Option<bool>, Option<i64>);
type Lists = (Option<Vec<Option<i64>>>, Option<Vec<String>>, Vec<i64>);

fn values() -> impl Strategy<Value = Vec<(Values, Lists)>> {
    let nullable = || proptest::option::weighted(0.7, small());
    let text = || proptest::option::weighted(0.7, short_text());
    let row = (
        nullable(),
        nullable(),
        text(),
        text(),
        proptest::option::of(any::<bool>()),
        proptest::option::of(0..4_i64),
    );
    let lists = (
        proptest::option::weighted(0.7, proptest::collection::vec(nullable(), 0..4)),
        proptest::option::weighted(0.7, proptest::collection::vec(short_text(), 0..3)),
        // Some of these keys lead nowhere, some come twice.
        proptest::collection::vec(0..9_i64, 0..4),
    );
    proptest::collection::vec((row, lists), 0..8)
}

#[derive(Debug, Clone)]
struct Question {
    condition: Cond,
    number: Num,
    text: Txt,
    descending: bool,
    limit: Option<u64>,
    offset: u64,
    beside: Beside,
}

/// What is asked beside the rows: one thing for each question.
#[derive(Debug, Clone, Copy)]
enum Beside {
    /// An order by a column of which something is computed.
    Computed,
    /// Aggregates of rows that may be limited.
    Limited,
    /// Distinct rows in an order that they may not have.
    Distinct(bool),
    /// Groups in the order of a key that is written out again.
    Keys(bool),
    /// Conversions.
    Casts,
    /// A subquery of any number of rows in the place of a value.
    Single(bool),
}

fn questions() -> impl Strategy<Value = Question> {
    let beside = prop_oneof![
        Just(Beside::Computed),
        Just(Beside::Limited),
        any::<bool>().prop_map(Beside::Distinct),
        any::<bool>().prop_map(Beside::Keys),
        Just(Beside::Casts),
        any::<bool>().prop_map(Beside::Single),
    ];
    (conditions(), numbers(), texts(), any::<bool>(), proptest::option::of(0..5_u64), 0..3_u64, beside)
        .prop_map(|(condition, number, text, descending, limit, offset, beside)| Question {
            condition,
            number,
            text,
            descending,
            limit,
            offset,
            beside,
        })
}

/// Rows in an order, cut; groups; windows; sets; counts: everything as text, so that it can be compared and printed.
async fn answer<D: Database>(db: &D, question: &Question) -> Result<String, String> {
    let key = || number(&question.number);
    let query = || Mixed::filter(truth(&question.condition));
    let said = async {
        let ordered = match question.descending {
            false => query().order_by((key().asc(), Mixed::id.asc())),
            true => query().order_by((key().desc(), Mixed::id.asc())),
        };
        let mut cut = ordered.offset(question.offset);
        if let Some(limit) = question.limit {
            cut = cut.limit(limit);
        }
        let rows = cut.select((Mixed::id, key(), text(&question.text))).all(db).await?;
        let mut groups = query()
            .group_by(key())
            .select(|key| (key, count_all(), Mixed::a.sum(), Mixed::b.min(), Mixed::t.count_distinct()))
            .all(db)
            .await?;
        groups.sort();
        let beside = beside(db, question).await;
        let mut distinct = query().select(text(&question.text)).distinct().all(db).await?;
        distinct.sort();
        // Windows for one half of the questions, sets for the other.
        if question.descending {
            let combined = sets(db, question).await?;
            return orm::Result::Ok(format!("{rows:?}\n{groups:?}\n{distinct:?}\n{combined:?}\n{beside}"));
        }
        let order = key().asc();
        let places = window().partition_by(Mixed::b).order_by(order);
        let near = window().partition_by(Mixed::flag).order_by(Mixed::id.asc());
        let windows = (
            Mixed::id,
            rank().over(places.clone()),
            dense_rank().over(places.order_by(Mixed::t.desc())),
            key().sum().over(near.clone().rows(-1..=1)),
            text(&question.text).lag(1).over(near),
        );
        let windows = query().order_by(Mixed::id.asc()).select(windows).all(db).await?;
        let count = query().count(db).await?;
        let exists = query().exists(db).await?;
        orm::Result::Ok(format!(
            "{rows:?}\n{groups:?}\n{distinct:?}\n{windows:?}\n{count} {exists}\n{beside}"
        ))
    };
    said.await.map_err(|error: Error| format!("{error}\n{}", query().to_sql(db).unwrap_or_default()))
}

/// The rows, or the kind of the error: where one database refuses, all do.
fn outcome<T: std::fmt::Debug>(result: orm::Result<Vec<T>>) -> String {
    match result {
        Ok(rows) => format!("{rows:?}"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

async fn beside<D: Database>(db: &D, question: &Question) -> String {
    let key = || number(&question.number);
    let query = || Mixed::filter(truth(&question.condition));
    match question.beside {
        Beside::Computed => {
            // Without a subquery, which would make the names of columns plain anyway.
            let rows = Mixed::filter(Mixed::id.ge(question.offset as i64));
            let computed = (Mixed::a.cast::<String>(), Mixed::t.lower(), Mixed::b + 1);
            let rows = rows.order_by((Mixed::a.asc(), Mixed::t.desc(), Mixed::id.asc())).select(computed);
            outcome(rows.limit(question.limit.unwrap_or(9)).all(db).await)
        }
        Beside::Limited => {
            let mut limited = query().order_by(Mixed::id.asc());
            if question.offset > 0 {
                limited = limited.offset(question.offset);
            }
            if let Some(limit) = question.limit {
                limited = limited.limit(limit);
            }
            let count = limited.clone().count(db).await.map(|count| vec![count]);
            let mut unordered = query().select((count_all(), Mixed::a.sum()));
            if let Some(limit) = question.limit {
                unordered = unordered.limit(limit);
            }
            let aggregates = unordered.all(db).await;
            let within =
                Mixed::filter(Mixed::id.in_(limited.select(Mixed::id))).select((Mixed::a.sum(), key().max()));
            format!("{} {} {}", outcome(count), outcome(aggregates), outcome(within.all(db).await))
        }
        Beside::Distinct(selected) => {
            let rows = query().select((key(), Mixed::flag)).distinct();
            let rows = if selected {
                rows.order_by((key().desc(), Mixed::flag.asc()))
            } else {
                rows.order_by((Mixed::id.asc(), key().asc()))
            };
            outcome(rows.all(db).await)
        }
        Beside::Keys(whole) => {
            let groups = query().group_by(key()).select(|key| (key, count_all()));
            let groups =
                if whole { groups.order_by(key().asc()) } else { groups.order_by((key() + 1).desc()) };
            outcome(groups.all(db).await)
        }
        Beside::Casts => {
            let casts = (
                Mixed::id,
                key().cast::<String>(),
                key().cast::<f64>().cast::<i64>(),
                key().cast::<bool>(),
                truth(&question.condition).cast::<String>(),
                truth(&question.condition).cast::<i64>(),
                key().cast::<rust_decimal::Decimal>(),
                key().cast::<String>().cast::<i64>(),
            );
            outcome(query().order_by(Mixed::id.asc()).select(casts).all(db).await)
        }
        Beside::Single(one) => {
            let inner = Child::query().filter(Child.a.gt(0)).order_by(Child.id.asc()).select(Child.b);
            let inner = if one { inner.limit(1) } else { inner };
            outcome(Mixed::query().order_by(Mixed::id.asc()).select((Mixed::id, scalar(inner))).all(db).await)
        }
    }
}

async fn sets<D: Database>(db: &D, question: &Question) -> orm::Result<Vec<(Option<i64>, Option<String>)>> {
    let own =
        || Mixed::filter(truth(&question.condition)).select((number(&question.number), text(&question.text)));
    let other = || Mixed::query().select((Mixed::a, Mixed::t));
    let combined = match question.offset {
        0 => own().union(other()),
        1 => other().except(own()),
        _ => own().intersect(other()).union_all(own()),
    };
    let mut combined = combined.all(db).await?;
    combined.sort();
    Ok(combined)
}

async fn fill<D: Database>(db: &D, rows: &[(Values, Lists)]) -> orm::Result<()> {
    Mixed::query().delete().all_rows().exec(db).await?;
    let count = rows.len() as i64;
    let rows = rows.iter().zip(0..).map(|(((a, b, t, u, flag, parent), (list, words, peers)), id)| {
        let parent = parent.filter(|parent| *parent < count);
        let row = Mixed::create().id(id).a(*a).b(*b).t(t.clone()).u(u.clone()).flag(*flag).parent_id(parent);
        let (list, words) = (list.clone().map(Array::from), words.clone().map(Array::from));
        row.list(list).words(words).peer_ids(peers.clone())
    });
    Mixed::insert_many(rows).exec(db).await.map(drop)
}

/// Questions for each set of rows, and sets of rows: ten thousand cases.
const QUESTIONS: usize = 20;
const SETS: u32 = 500;

fn url(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} names a server; `cargo xtask test` starts one"))
}

#[test]
fn random_queries_over_random_rows_agree() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sqlite, postgres, mongo) = runtime.block_on(async {
        let name = format!("diff{}", std::process::id());
        let maker = Postgres::connect(url("ORM_TEST_POSTGRES_URL")).await.unwrap();
        maker.execute_batch(&format!("CREATE SCHEMA {name}")).await.unwrap();
        let postgres =
            Postgres::builder(url("ORM_TEST_POSTGRES_URL")).search_path(&name).connect().await.unwrap();
        let sqlite = Sqlite::memory().await.unwrap();
        let mongo = Mongo::builder(url("ORM_TEST_MONGO_URL")).database(&name).connect().await.unwrap();
        MixedSchema::create_all(&postgres).await.unwrap();
        MixedSchema::create_all(&sqlite).await.unwrap();
        MixedSchema::create_all(&mongo).await.unwrap();
        (sqlite, postgres, mongo)
    });
    let mut runner = TestRunner::new(Config { cases: SETS, max_shrink_iters: 300, ..Config::default() });
    let strategy = (values(), proptest::collection::vec(questions(), QUESTIONS));
    let result = runner.run(&strategy, |(rows, questions)| {
        runtime.block_on(async {
            fill(&sqlite, &rows).await.unwrap();
            fill(&postgres, &rows).await.unwrap();
            fill(&mongo, &rows).await.unwrap();
            for question in &questions {
                let (first, second, third) = futures_util::join!(
                    answer(&sqlite, question),
                    answer(&postgres, question),
                    answer(&mongo, question)
                );
                if first.is_err() || first != second || first != third {
                    let said = |text: orm::Result<String>| text.unwrap_or_else(|error| error.to_string());
                    let query = Mixed::filter(truth(&question.condition))
                        .select((number(&question.number), text(&question.text)));
                    return Err(TestCaseError::fail(format!(
                        "{question:?}\nSQLite:     {}\nPostgreSQL: {}\nMongoDB:    {}\n\
                         SQLite:     {first:?}\nPostgreSQL: {second:?}\nMongoDB:    {third:?}",
                        said(query.to_sql(&sqlite)),
                        said(query.to_sql(&postgres)),
                        said(query.to_sql(&mongo)),
                    )));
                }
            }
            Ok(())
        })
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
