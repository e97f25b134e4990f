//! What an order may name, and what it means beside selected expressions, groups, distinct rows and aggregates.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use super::people;
use crate::Fixture;
use crate::models::{Post, User};

/// Columns called like what is computed of them.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "order_nums")]
pub struct Num {
    #[orm(primary_key)]
    pub id: i64,
    pub n: i32,
    pub rank: i32,
    pub lower: String,
    pub count: i32,
}
orm::schema!(pub Nums: Num);

async fn nums<D: Database>(db: &D) -> Result<()> {
    Nums::create_all(db).await?;
    let rows = [(1, 2, 9, "b", 1), (2, 10, 8, "C", 5), (3, 100, 7, "a", 3), (4, 9, 6, "D", 2)];
    let row = |(id, n, rank, lower, count): (i64, i32, i32, &str, i32)| {
        Num::create().id(id).n(n).rank(rank).lower(lower).count(count)
    };
    Num::insert_many(rows.map(row)).exec(db).await?;
    Ok(())
}

pub async fn a_column_in_an_order_is_never_an_output<D: Database>(f: &Fixture<D>) -> Result<()> {
    nums(&f.db).await?;
    let by_n = || Num::query().order_by(Num::n.asc());
    assert_eq!(by_n().select(Num::n.cast::<String>()).all(&f.db).await?, ["2", "9", "10", "100"]);
    assert_eq!(by_n().limit(1).select(Num::n.cast::<String>()).all(&f.db).await?, ["2"]);
    let negated = by_n().select((Num::n, Num::n.negate(), Num::n * 3)).all(&f.db).await?;
    assert_eq!(negated[..2], [(2, -2, 6), (9, -9, 27)]);
    let upside_down = case().when(Num::n.gt(50), 0).otherwise(Num::n);
    let cased = Num::query().order_by(Num::n.desc()).select((Num::id, upside_down)).all(&f.db).await?;
    assert_eq!(cased, [(3, Some(0)), (2, Some(10)), (4, Some(9)), (1, Some(2))]);
    let lowered =
        Num::query().order_by(Num::lower.asc()).select((Num::id, Num::lower.lower())).all(&f.db).await?;
    let plain = Num::query().order_by(Num::lower.asc()).select(Num::id).all(&f.db).await?;
    assert_eq!(lowered.iter().map(|(id, _)| *id).collect::<Vec<_>>(), plain);
    let ranked = Num::query()
        .order_by(Num::rank.asc())
        .select((Num::id, rank().over(window().order_by(Num::n.asc()))))
        .all(&f.db)
        .await?;
    assert_eq!(ranked, [(4, 2), (3, 4), (2, 3), (1, 1)]);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Projection)]
#[orm(model = Num)]
pub struct Card {
    #[orm(expr = Num::n.negate())]
    pub n: i32,
    #[orm(expr = Num::lower.upper())]
    pub lower: String,
}

pub async fn an_order_beside_a_projection_is_of_the_columns<D: Database>(f: &Fixture<D>) -> Result<()> {
    nums(&f.db).await?;
    let cards =
        Num::query().order_by((Num::n.asc(), Num::lower.asc())).select_as::<Card>().all(&f.db).await?;
    assert_eq!(cards.iter().map(|card| card.n).collect::<Vec<_>>(), [-2, -9, -10, -100]);
    Ok(())
}

pub async fn groups_are_ordered_by_keys_and_aggregates<D: Database>(f: &Fixture<D>) -> Result<()> {
    nums(&f.db).await?;
    // The key is called like the aggregate beside it.
    let counted = Num::query()
        .group_by(Num::count)
        .select(|count| (count, count_all()))
        .order_by((count_all().asc(), Num::count.desc()))
        .all(&f.db)
        .await?;
    assert_eq!(counted, [(5, 1), (3, 1), (2, 1), (1, 1)]);
    let error =
        Num::query().group_by(Num::n).select(|n| n).order_by(Num::rank.asc()).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let error = Num::query()
        .group_by(Num::n)
        .select(|n| n)
        .order_by((Num::n + Num::rank).asc())
        .all(&f.db)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    Ok(())
}

pub async fn a_key_with_a_value_in_it_is_one_key<D: Database>(f: &Fixture<D>) -> Result<()> {
    nums(&f.db).await?;
    let tenth = || Num::n / 10;
    let groups = Num::query()
        .group_by(tenth())
        .select(|tenth| (tenth, count_all()))
        .order_by((tenth() + 1).desc())
        .all(&f.db)
        .await?;
    assert_eq!(groups, [(Some(10), 1), (Some(1), 1), (Some(0), 2)]);
    let before =
        Num::query().order_by(tenth().asc()).group_by(tenth()).select(|tenth| tenth).all(&f.db).await?;
    assert_eq!(before, [Some(0), Some(1), Some(10)]);
    let size = || case().when(Num::n.ge(10), "large").otherwise("small");
    let sizes = Num::query()
        .group_by(size())
        .select(|size| (size, count_all()))
        .order_by(size().desc())
        .all(&f.db)
        .await?;
    assert_eq!(sizes, [(Some("small".to_owned()), 2), (Some("large".to_owned()), 2)]);
    let distinct = Num::query().select(tenth()).distinct().order_by(tenth().desc()).all(&f.db).await?;
    assert_eq!(distinct, [Some(10), Some(1), Some(0)]);
    let named = Num::query()
        .select((size(), Num::n.gt(0)))
        .distinct()
        .order_by(size().asc())
        .limit(2)
        .all(&f.db)
        .await?;
    assert_eq!(
        named.iter().map(|(size, _)| size.as_deref().unwrap()).collect::<Vec<_>>(),
        ["large", "small"]
    );
    // Another value is another expression.
    let error =
        Num::query().select(tenth()).distinct().order_by((Num::n / 11).asc()).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    Ok(())
}

pub async fn distinct_rows_are_ordered_by_what_is_selected<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    let names = User::query().distinct().order_by(User::name.desc()).select(User::name).all(&f.db).await?;
    assert_eq!(names, ["Cid", "Bob", "Ada"]);
    let error =
        User::query().distinct().order_by(User::age.asc()).select(User::active).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let users = User::query().join(User::posts).distinct().order_by(User::name.desc()).all(&f.db).await?;
    assert_eq!(users.iter().map(|user| &*user.name).collect::<Vec<_>>(), ["Bob", "Ada"]);
    let error =
        User::query().join(User::posts).distinct().order_by(Post::score.asc()).all(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    // How many there are does not depend on an order.
    let count = User::query().distinct().order_by(User::age.asc()).select(User::active).count(&f.db).await?;
    assert_eq!(count, 2);
    Ok(())
}

pub async fn an_aggregate_orders_groups_only<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    for error in [
        User::query().order_by(User::age.max().asc()).all(&f.db).await.unwrap_err(),
        User::query().order_by(count_all().asc()).select(User::name).all(&f.db).await.unwrap_err(),
        User::query().order_by(User::name.asc()).select(User::age.max()).all(&f.db).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    Ok(())
}

pub async fn an_aggregate_of_limited_rows_is_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    people(&f.db).await?;
    for error in [
        User::query().limit(2).select(count_all()).all(&f.db).await.unwrap_err(),
        User::query().limit(2).select(count_all()).one(&f.db).await.unwrap_err(),
        User::query().limit(2).select(count_all()).first(&f.db).await.unwrap_err(),
        User::query().offset(1).select(User::age.sum()).all(&f.db).await.unwrap_err(),
        User::query().select((User::age.max(), User::age.min())).limit(1).all(&f.db).await.unwrap_err(),
        User::filter(User::age.eq(scalar(User::query().limit(2).select(User::age.max()))))
            .count(&f.db)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    assert_eq!(User::query().limit(2).count(&f.db).await?, 2);
    let last = User::query().order_by(User::id.desc()).limit(2).select(User::id);
    let ages = User::filter(User::id.in_(last)).select((count_all(), User::age.sum()));
    assert_eq!(ages.one(&f.db).await?, (2, Some(20)));
    assert_eq!(User::query().select(count_all()).one(&f.db).await?, 3);
    assert_eq!(User::query().select(count_all()).first(&f.db).await?, Some(3));
    assert!(User::filter(User::id.lt(0)).select(count_all()).exists(&f.db).await?);
    Ok(())
}
