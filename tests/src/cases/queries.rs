//! Reading.

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Post, User};

async fn names<D: Database>(db: &D, query: Query<User>) -> Result<Vec<String>> {
    Ok(query.order_by(User::id.asc()).all(db).await?.into_iter().map(|user| user.name).collect())
}

pub async fn filters_compare_columns_with_values<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(names(&f.db, User::filter(User::name.eq("Ada"))).await?, ["Ada"]);
    assert_eq!(names(&f.db, User::filter(User::name.ne("Ada"))).await?, ["Bob", "Cid"]);
    assert_eq!(names(&f.db, User::filter(User::age.ge(36))).await?, ["Ada"]);
    assert_eq!(names(&f.db, User::filter(User::age.lt(36))).await?, ["Cid"]);
    assert_eq!(names(&f.db, User::filter(User::age.between(20, 36))).await?, ["Ada", "Cid"]);
    assert_eq!(names(&f.db, User::filter(User::active)).await?, ["Ada", "Bob"]);
    Ok(())
}

pub async fn null_is_neither_equal_nor_different<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(names(&f.db, User::filter(User::age.ne(36))).await?, ["Cid"]);
    assert_eq!(names(&f.db, User::filter(!User::age.eq(36))).await?, ["Cid"]);
    assert_eq!(names(&f.db, User::filter(User::age.not_in([36]))).await?, ["Cid"]);
    assert_eq!(names(&f.db, User::filter(User::age.is_null())).await?, ["Bob"]);
    assert_eq!(names(&f.db, User::filter(User::age.is_not_null())).await?, ["Ada", "Cid"]);
    Ok(())
}

pub async fn null_safe_equality_treats_none_as_a_value<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(names(&f.db, User::filter(User::age.eq_or_null(None))).await?, ["Bob"]);
    assert_eq!(names(&f.db, User::filter(User::age.eq_or_null(36))).await?, ["Ada"]);
    assert_eq!(names(&f.db, User::filter(User::age.ne_or_null(36))).await?, ["Bob", "Cid"]);
    Ok(())
}

pub async fn lists_of_any_length_are_one_statement<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    f.log.take();
    let many: Vec<i32> = (0..100_000).collect();
    assert_eq!(names(&f.db, User::filter(User::age.in_(many))).await?, ["Ada", "Cid"]);
    assert_eq!(names(&f.db, User::filter(User::name.in_(["Bob", "Nobody"]))).await?, ["Bob"]);
    assert_eq!(f.log.take().len(), 2);
    Ok(())
}

pub async fn an_empty_list_selects_nothing<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert!(names(&f.db, User::filter(User::id.in_(Vec::<i64>::new()))).await?.is_empty());
    assert_eq!(names(&f.db, User::filter(User::id.not_in(Vec::<i64>::new()))).await?.len(), 3);
    Ok(())
}

pub async fn text_is_found_literally_whatever_it_holds<D: Database>(f: &Fixture<D>) -> Result<()> {
    for (number, name) in ["100%", "100 percent", "a_b", "aXb", r"back\slash", "O'Hara"].iter().enumerate() {
        User::create().email(format!("{number}")).name(*name).insert(&f.db).await?;
    }
    assert_eq!(names(&f.db, User::filter(User::name.contains("0%"))).await?, ["100%"]);
    assert_eq!(names(&f.db, User::filter(User::name.contains("_"))).await?, ["a_b"]);
    assert_eq!(names(&f.db, User::filter(User::name.starts_with("a_"))).await?, ["a_b"]);
    assert_eq!(names(&f.db, User::filter(User::name.ends_with(r"\slash"))).await?, [r"back\slash"]);
    assert_eq!(names(&f.db, User::filter(User::name.contains("'"))).await?, ["O'Hara"]);
    assert_eq!(names(&f.db, User::filter(User::name.contains("PERCENT"))).await?.len(), 0);
    assert_eq!(names(&f.db, User::filter(User::name.icontains("PERCENT"))).await?, ["100 percent"]);
    assert_eq!(names(&f.db, User::filter(User::name.istarts_with("A_"))).await?, ["a_b"]);
    assert_eq!(names(&f.db, User::filter(User::name.istarts_with("_"))).await?.len(), 0);
    assert_eq!(names(&f.db, User::filter(User::name.iends_with(r"\SLASH"))).await?, [r"back\slash"]);
    assert_eq!(names(&f.db, User::filter(User::name.iends_with("HARA"))).await?, ["O'Hara"]);
    assert_eq!(names(&f.db, User::filter(User::name.iends_with(User::name.upper()))).await?.len(), 6);
    Ok(())
}

pub async fn patterns_follow_like_and_case_matters<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(names(&f.db, User::filter(User::name.like("A%"))).await?, ["Ada"]);
    assert_eq!(names(&f.db, User::filter(User::name.like("a%"))).await?.len(), 0);
    assert_eq!(names(&f.db, User::filter(User::name.like("_o_"))).await?, ["Bob"]);
    assert_eq!(names(&f.db, User::filter(User::name.ilike("a%"))).await?, ["Ada"]);
    Ok(())
}

pub async fn conditions_combine_with_and_or_not<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let young = User::age.lt(30);
    assert_eq!(names(&f.db, User::filter(young.clone() & User::active)).await?.len(), 0);
    assert_eq!(names(&f.db, User::filter(young.clone() | User::active)).await?.len(), 3);
    assert_eq!(names(&f.db, User::filter(young & !User::active)).await?, ["Cid"]);
    let any = any_of(["Ada", "Cid"].map(|name| User::name.eq(name)));
    assert_eq!(names(&f.db, User::filter(any)).await?, ["Ada", "Cid"]);
    Ok(())
}

pub async fn optional_filters_can_be_absent<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let wanted = |name: Option<&str>| User::query().filter_opt(name.map(|name| User::name.eq(name)));
    assert_eq!(names(&f.db, wanted(Some("Bob"))).await?, ["Bob"]);
    assert_eq!(names(&f.db, wanted(None)).await?.len(), 3);
    Ok(())
}

pub async fn order_puts_nulls_first_when_ascending<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let ages =
        async |query: Query<User>| -> Result<Vec<Option<i32>>> { query.select(User::age).all(&f.db).await };
    assert_eq!(ages(User::query().order_by(User::age.asc())).await?, [None, Some(20), Some(36)]);
    assert_eq!(ages(User::query().order_by(User::age.desc())).await?, [Some(36), Some(20), None]);
    assert_eq!(ages(User::query().order_by(User::age.asc().nulls_last())).await?, [Some(20), Some(36), None]);
    assert_eq!(
        ages(User::query().order_by(User::age.desc().nulls_first())).await?,
        [None, Some(36), Some(20)]
    );
    Ok(())
}

pub async fn limit_and_offset_cut_the_result<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(names(&f.db, User::query().limit(2)).await?, ["Ada", "Bob"]);
    assert_eq!(names(&f.db, User::query().limit(2).offset(1)).await?, ["Bob", "Cid"]);
    assert_eq!(names(&f.db, User::query().offset(2)).await?, ["Cid"]);
    assert_eq!(names(&f.db, User::query().limit(0)).await?.len(), 0);
    Ok(())
}

pub async fn distinct_results_come_once<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let query = Post::query().select(Post::author_id).distinct();
    assert_eq!(query.clone().all(&f.db).await?.len(), 2);
    assert_eq!(query.count(&f.db).await?, 2);
    Ok(())
}

pub async fn arithmetic_happens_in_the_database<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<(i32, Option<i32>)> = Post::query()
        .order_by(Post::id.asc())
        .select((Post::score * 2 + 1, Post::score / 2))
        .all(&f.db)
        .await?;
    assert_eq!(rows, [(7, Some(1)), (11, Some(2)), (3, Some(0))]);
    Ok(())
}

pub async fn division_by_zero_is_null<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let rows: Vec<Option<i32>> = Post::query().select(Post::score / 0).all(&f.db).await?;
    assert_eq!(rows, [None, None, None]);
    Ok(())
}

pub async fn coalesce_fills_in_for_null<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let ages: Vec<i32> =
        User::query().order_by(User::id.asc()).select(User::age.coalesce(-1)).all(&f.db).await?;
    assert_eq!(ages, [36, -1, 20]);
    Ok(())
}

pub async fn a_query_can_be_a_list<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let authors = Post::filter(Post::score.ge(3)).select(Post::author_id);
    assert_eq!(names(&f.db, User::filter(User::id.in_(authors))).await?, ["Ada"]);
    Ok(())
}

pub async fn one_wants_exactly_one_row<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(User::filter(User::name.eq("Ada")).one(&f.db).await?.age, Some(36));
    let none = User::filter(User::name.eq("Zoe")).one(&f.db).await.unwrap_err();
    assert_eq!((none.kind(), none.model()), (ErrorKind::NotFound, Some("User")));
    assert_eq!(User::query().one(&f.db).await.unwrap_err().kind(), ErrorKind::MultipleRows);
    assert!(User::filter(User::name.eq("Zoe")).first(&f.db).await?.is_none());
    Ok(())
}

pub async fn count_and_exists_agree_with_all<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    assert_eq!(User::query().count(&f.db).await?, 3);
    assert_eq!(User::query().limit(2).count(&f.db).await?, 2);
    assert_eq!(User::filter(User::age.gt(90)).count(&f.db).await?, 0);
    assert!(User::filter(User::age.gt(30)).exists(&f.db).await?);
    assert!(!User::filter(User::age.gt(90)).exists(&f.db).await?);
    Ok(())
}

pub async fn find_reads_by_primary_key<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob, _) = people(&f.db).await?;
    assert_eq!(User::find(ada.id).one(&f.db).await?.name, "Ada");
    assert!(User::find(-1).optional(&f.db).await?.is_none());
    assert_eq!(User::find(-1).one(&f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    let found = User::find_many([ada.id, bob.id, -1]).all(&f.db).await?;
    assert_eq!(found.len(), 2);
    Ok(())
}

pub async fn pages_have_a_total<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let page = User::query().order_by(User::id.asc()).page(&f.db, 2, 2).await?;
    assert_eq!((page.items.len(), page.total, page.pages()), (1, 3, 2));
    Ok(())
}

pub async fn keyset_pages_meet_without_gap_or_overlap<D: Database>(f: &Fixture<D>) -> Result<()> {
    for number in 0..23_i32 {
        let row = User::create().email(format!("{number}")).name("same");
        let age = (number % 4 != 0).then_some(number % 3);
        row.age(age).insert(&f.db).await?;
    }
    for descending in [false, true] {
        let order = |query: Query<User>| {
            if descending { query.order_by(User::age.desc()) } else { query.order_by(User::age.asc()) }
        };
        let whole: Vec<i64> = order(User::query())
            .order_by(User::id.asc())
            .all(&f.db)
            .await?
            .iter()
            .map(|user| user.id)
            .collect();
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = order(User::query()).keyset(5).after(cursor).page(&f.db).await?;
            paged.extend(page.items.iter().map(|user| user.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole);
    }
    Ok(())
}

pub async fn a_stream_yields_every_row<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let mut rows = User::query().order_by(User::id.asc()).stream(&f.db);
    let mut seen = Vec::new();
    while let Some(user) = rows.next().await {
        seen.push(user?.name);
    }
    assert_eq!(seen, ["Ada", "Bob", "Cid"]);
    Ok(())
}

pub async fn a_closure_takes_the_rows_one_by_one<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let scores = || Post::query().order_by(Post::id.asc()).select(Post::score);
    let mut seen = Vec::new();
    scores()
        .for_each(&f.db, |score| {
            seen.push(score);
            Ok(())
        })
        .await?;
    assert_eq!(seen, [3, 5, 1]);
    let mut taken = 0;
    let stopped = scores().for_each(&f.db, |_| {
        taken += 1;
        Err(Error::new(ErrorKind::Usage, "enough"))
    });
    assert_eq!(stopped.await.unwrap_err().message(), "enough");
    assert_eq!(taken, 1);
    let included = Post::query().include(Post::author).stream(&f.db).next().await.expect("an item");
    assert_eq!(included.unwrap_err().message(), "a stream cannot load included relations");
    Ok(())
}

pub async fn an_aggregate_exists_even_over_no_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    let none = || User::filter(User::name.eq("Zoe"));
    assert!(!none().exists(&f.db).await?);
    assert!(none().select(User::age.max()).exists(&f.db).await?);
    assert!(none().select(User::age.max().coalesce(0) + 1).exists(&f.db).await?);
    let word = case().when(User::age.max().gt(17), "old").otherwise("young");
    assert!(none().select(word).exists(&f.db).await?);
    assert!(!none().select((User::name.upper(), User::age.negate())).exists(&f.db).await?);
    let ada = User::create().email("a").name("Ada").insert(&f.db).await?;
    assert!(User::find(ada.id).exists(&f.db).await? && !User::find(-1).exists(&f.db).await?);
    Ok(())
}

pub async fn functions_of_numbers_run_in_the_database<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, ..) = people(&f.db).await?;
    super::post(&f.db, &ada, "Again", 3).await?;
    let row = (Post::score.count_distinct(), Post::score.min().negate(), Post::score.sum().negate().abs());
    assert_eq!(Post::query().select(row).one(&f.db).await?, (3, Some(-1), Some(12)));
    let part = Post::score.cast::<f64>() / 4.0;
    let rounded = Post::query().order_by(Post::id.asc()).select((part.clone().round(1), part.round(0)));
    assert_eq!(rounded.limit(2).all(&f.db).await?, [(Some(0.8), Some(1.0)), (Some(1.3), Some(1.0))]);
    assert_eq!(User::query().select((User::name, val(7))).first(&f.db).await?, Some(("Ada".to_owned(), 7)));
    let later: Vec<bool> =
        User::query().limit(1).select(now::<DateTime<Utc>>().gt(DateTime::UNIX_EPOCH)).all(&f.db).await?;
    assert_eq!(later, [true]);
    Ok(())
}

pub async fn a_keyset_needs_columns<D: Database>(f: &Fixture<D>) -> Result<()> {
    let error = User::query().order_by(User::name.lower().asc()).keyset(2).page(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("User")));
    assert!(error.hint().is_some_and(|hint| hint.contains(".page(..)")), "{error}");
    Ok(())
}
