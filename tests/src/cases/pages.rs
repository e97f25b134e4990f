//! Pages by number and by cursor: walked to the end, they are the query.

use chrono::{DateTime, TimeZone, Utc};
use orm::prelude::*;
use orm::query::Cursor;
use orm::{ErrorKind, Result};
use rust_decimal::Decimal;

use crate::Fixture;
use crate::models::Tag;
use crate::walking::there_and_back;

async fn tags<D: Database>(f: &Fixture<D>, count: usize) -> Result<()> {
    Tag::insert_many((1..=count).map(|n| Tag::create().name(format!("{n:02}")))).exec(&f.db).await?;
    Ok(())
}

/// The names on each page, as the query says.
async fn walked<D: Database>(f: &Fixture<D>, query: Query<Tag>, size: u64) -> Result<Vec<String>> {
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = query.clone().keyset(size).after(cursor).page(&f.db).await?;
        names.extend(page.items.into_iter().map(|tag| tag.name));
        assert!(names.len() < 100, "the pages do not end");
        cursor = page.next;
        if cursor.is_none() {
            return Ok(names);
        }
    }
}

pub async fn an_offset_is_skipped_once_and_not_on_every_page<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 9).await?;
    let query = Tag::query().order_by(Tag::name.asc()).offset(1);
    assert_eq!(walked(f, query, 2).await?, ["02", "03", "04", "05", "06", "07", "08", "09"]);
    Ok(())
}

pub async fn keyset_pages_end_at_the_limit<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 9).await?;
    let query = Tag::query().order_by(Tag::name.asc());
    assert_eq!(walked(f, query.clone().limit(3), 2).await?, ["01", "02", "03"]);
    assert_eq!(walked(f, query.clone().limit(4), 2).await?, ["01", "02", "03", "04"]);
    assert_eq!(walked(f, query.clone().offset(7).limit(4), 2).await?, ["08", "09"]);
    assert_eq!(walked(f, query.limit(0), 2).await?, [""; 0]);
    Ok(())
}

pub async fn numbered_pages_end_at_the_limit<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 9).await?;
    let query = || Tag::query().order_by(Tag::name.asc());
    for (limit, offset) in [(5, 0), (5, 2), (4, 7), (20, 3), (0, 0)] {
        let cut = || query().limit(limit).offset(offset);
        let whole = cut().all(&f.db).await?;
        for size in [1, 2, 10] {
            let (mut rows, mut number) = (Vec::new(), 1);
            loop {
                let page = cut().page(&f.db, number, size).await?;
                assert_eq!(
                    (page.total, page.number),
                    (whole.len() as u64, number),
                    "{limit} {offset} {size}"
                );
                let last = page.pages();
                rows.extend(page.items);
                if number >= last {
                    break;
                }
                number += 1;
            }
            assert_eq!(rows, whole, "{limit} {offset} {size}");
        }
    }
    let beyond = query().page(&f.db, u64::MAX, 5).await?;
    assert_eq!((beyond.items.len(), beyond.total), (0, 9));
    Ok(())
}

pub async fn a_cursor_that_was_changed_is_no_cursor<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 3).await?;
    let page = Tag::query().order_by(Tag::name.asc()).keyset(1).page(&f.db).await?;
    let text = page.next.unwrap().to_string();
    for at in 0..text.len() {
        for other in
            ["A", "B", "Q", "g", "w", "9", "-", "_"].into_iter().filter(|other| *other != &text[at..=at])
        {
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(changed.parse::<Cursor>().unwrap_err().kind(), ErrorKind::Decode, "{changed}");
        }
    }
    Ok(())
}

pub async fn a_cursor_belongs_to_its_query<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 9).await?;
    let query = || Tag::query().order_by(Tag::name.asc());
    let cursor = query().keyset(2).page(&f.db).await?.next;
    let others = [
        Tag::query(),
        Tag::query().order_by(Tag::name.desc()),
        Tag::query().order_by(Tag::name.asc().nulls_last()),
        query().limit(5),
        query().offset(1),
        query().filter(Tag::name.ne("x")),
        query().filter(Tag::posts.is_empty()),
    ];
    for other in others {
        for keyset in
            [other.clone().keyset(2).after(cursor.clone()), other.clone().keyset(2).before(cursor.clone())]
        {
            let error = keyset.page(&f.db).await.unwrap_err();
            assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Tag")), "{error}");
        }
    }
    // Another size goes on well.
    assert_eq!(query().keyset(3).after(cursor.clone()).page(&f.db).await?.items[0].name, "03");
    // Neither is it another query with other values in its conditions.
    let until = |id: i64| query().filter(Tag::id.lt(id) & Tag::name.in_(["02", "03", "05"]));
    let first = until(5).keyset(1).page(&f.db).await?;
    assert_eq!(until(9).keyset(1).after(first.next.clone()).page(&f.db).await?.items[0].name, "03");
    let swapped = query().filter(Tag::id.gt(5) & Tag::name.in_(["02", "03", "05"]));
    assert_eq!(swapped.keyset(1).after(first.next).page(&f.db).await.unwrap_err().kind(), ErrorKind::Usage);
    // A page has one beginning.
    let error = query().keyset(3).after(cursor.clone()).before(cursor).page(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let error = query().limit(3).keyset(3).from_end().page(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    Ok(())
}

pub async fn a_page_stays_where_its_rows_were<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 6).await?;
    let query = || Tag::query().order_by(Tag::name.asc()).keyset(2);
    let first = query().page(&f.db).await?;
    let second = query().after(first.next.clone()).page(&f.db).await?;
    // The rows behind are gone: the page is empty, and the way back leads to the rows before.
    Tag::filter(Tag::name.gt("04")).delete().exec(&f.db).await?;
    let empty = query().after(second.next).page(&f.db).await?;
    assert!(empty.items.is_empty() && empty.next.is_none());
    let back = query().before(empty.previous).page(&f.db).await?;
    assert_eq!(back.items, second.items);
    // A row that comes in before the first is reached by going back.
    Tag::create().name("00").insert(&f.db).await?;
    let back = query().before(back.previous).page(&f.db).await?;
    assert_eq!(back.items, first.items);
    let back = query().before(back.previous).page(&f.db).await?;
    assert_eq!((back.items[0].name.as_str(), back.items.len(), back.previous), ("00", 1, None));
    // The place before a page leads to the page again.
    let again = query().after(second.previous).page(&f.db).await?;
    assert_eq!(again.items, second.items);
    Ok(())
}

/// The name of a tag.
#[derive(Debug, Clone, PartialEq, Projection)]
#[orm(model = Tag)]
pub struct Named {
    name: String,
}

pub async fn projections_are_paged<D: Database>(f: &Fixture<D>) -> Result<()> {
    tags(f, 5).await?;
    let query = || Tag::query().order_by(Tag::id.desc()).select_as::<Named>();
    let name = |name: &str| Named { name: name.into() };
    let first = query().keyset(2).page(&f.db).await?;
    assert_eq!(first.items, [name("05"), name("04")]);
    let second = query().keyset(2).after(first.next).page(&f.db).await?;
    assert_eq!(second.items, [name("03"), name("02")]);
    let error = query().distinct().keyset(2).page(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);

    let page = query().page(&f.db, 2, 2).await?;
    assert_eq!((page.items, page.total), (vec![name("03"), name("02")], 5));
    let page = Tag::query().order_by(Tag::id.asc()).select((Tag::id, Tag::name)).page(&f.db, 3, 2).await?;
    assert_eq!((page.items.len(), page.items[0].1.as_str(), page.total), (1, "05", 5));
    Ok(())
}

pub async fn pages_of_groups_and_distinct_values_have_a_total<D: Database>(f: &Fixture<D>) -> Result<()> {
    MixedSchema::create_all(&f.db).await?;
    for (n, name) in ["a", "b", "a", "c", "b", "a"].into_iter().enumerate() {
        Mixed::create().id(n as i32).name(name).insert(&f.db).await?;
    }
    let names =
        Mixed::query().select(Mixed::name).distinct().order_by(Mixed::name.asc()).page(&f.db, 2, 2).await?;
    assert_eq!((names.items, names.total), (vec!["c".to_owned()], 3));
    let groups = Mixed::query()
        .group_by(Mixed::name)
        .select(|name| (name, count_all()))
        .order_by(Mixed::name.asc())
        .page(&f.db, 1, 2)
        .await?;
    assert_eq!((groups.items, groups.total), (vec![("a".to_owned(), 3), ("b".to_owned(), 2)], 3));
    Ok(())
}

/// A row with something of each kind to be ordered by.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "pages_mixed")]
pub struct Mixed {
    #[orm(primary_key)]
    id: i32,
    number: Option<i32>,
    double: Option<f64>,
    single: Option<f32>,
    #[orm(default = "")]
    name: String,
    price: Option<Decimal>,
    done: Option<bool>,
    at: Option<DateTime<Utc>>,
}

orm::schema!(pub MixedSchema: Mixed);

/// Few values, so that there are many equal ones, and the ends of each type.
async fn mixed<D: Database>(f: &Fixture<D>, pick: &mut impl FnMut(u64) -> u64, rows: i32) -> Result<()> {
    MixedSchema::create_all(&f.db).await?;
    let made = (0..rows).map(|id| {
        let mut one_of = |count: u64| pick(count + 1).checked_sub(1);
        Mixed::create()
            .id((id * 7) % rows)
            .number(one_of(3).map(|n| [i32::MIN, 0, i32::MAX][n as usize]))
            .double(one_of(5).map(|n| [f64::MIN, -0.1, 0.0, 0.1, f64::INFINITY][n as usize]))
            .single(one_of(4).map(|n| [f32::NEG_INFINITY, 0.1, 0.2, f32::MAX][n as usize]))
            .name(["", "a", "A", "ä", "z"][one_of(4).unwrap_or(4) as usize])
            .price(
                one_of(3)
                    .map(|n| [Decimal::new(-15, 1), Decimal::new(100, 2), Decimal::new(1, 3)][n as usize]),
            )
            .done(one_of(2).map(|n| n == 1))
            .at(one_of(3).and_then(|n| Utc.timestamp_opt(1_700_000_000 + n as i64, n as u32 * 1000).single()))
    });
    Mixed::insert_many(made).exec(&f.db).await?;
    Ok(())
}

pub async fn pages_are_walked_there_and_back_in_any_order<D: Database>(f: &Fixture<D>) -> Result<()> {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut pick = move |count: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % count
    };
    mixed(f, &mut pick, 40).await?;
    for _ in 0..30 {
        let mut query = Mixed::query();
        for _ in 0..pick(4) {
            macro_rules! by {
                ($($at:literal $column:ident)*) => {
                    match pick(8) {
                        $($at => {
                            let order = if pick(2) == 0 { Mixed::$column.asc() } else { Mixed::$column.desc() };
                            query = match pick(3) {
                                0 => query.order_by(order),
                                1 => query.order_by(order.nulls_first()),
                                _ => query.order_by(order.nulls_last()),
                            };
                        })*
                        _ => query = query.order_by(Mixed::id.desc()),
                    }
                };
            }
            by!(0 number 1 double 2 single 3 name 4 price 5 done 6 at);
        }
        // The whole query is read in the order that pages have.
        query = query.order_by(Mixed::id.asc());
        let cut = pick(3) == 0;
        if cut {
            query = query.offset(pick(10)).limit(1 + pick(35));
        }
        there_and_back(&f.db, &query, 1 + pick(9), cut).await?;
    }
    Ok(())
}
