//! Pages over what other programs and calculations store.

use orm::Result;
use orm::prelude::*;
use orm_tests::walking::there_and_back;

/// Something measured.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "readings")]
struct Reading {
    #[orm(primary_key)]
    id: i32,
    single: Option<f32>,
    double: Option<f64>,
}

#[tokio::test]
async fn pages_go_by_the_numbers_that_are_stored_and_not_by_what_a_field_makes_of_them() -> Result<()> {
    let db = Sqlite::memory().await?;
    db.execute_batch(
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, single REAL, double REAL);
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12)
         INSERT INTO readings SELECT n, (n % 4) / 10.0 * 1.1, CASE n % 5 WHEN 0 THEN NULL ELSE 9e999 * (n % 3 - 1) END FROM n",
    )
    .await?;
    for size in [1, 2, 3, 7, 20] {
        for query in [
            Reading::query().order_by((Reading::single.asc(), Reading::id.asc())),
            Reading::query().order_by((Reading::single.desc(), Reading::double.asc(), Reading::id.asc())),
            Reading::query().order_by((Reading::double.desc().nulls_first(), Reading::id.asc())),
            Reading::query().order_by((Reading::double.asc().nulls_last(), Reading::id.asc())),
        ] {
            there_and_back(&db, &query, size, false).await?;
        }
    }
    Ok(())
}
