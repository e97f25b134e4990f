//! Pages over numbers that are none.

use orm::Result;
use orm::prelude::*;
use orm_tests::walking::there_and_back;

use crate::{Place, place};

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
async fn not_a_number_has_its_place_on_a_page() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    db.execute_batch(
        "CREATE TABLE readings (id int PRIMARY KEY, single real, double double precision);
         INSERT INTO readings SELECT n,
            (ARRAY['NaN', '0.1', '-Infinity', '0.1', NULL]::real[])[n % 5 + 1],
            (ARRAY['NaN', 'Infinity', NULL, '0.1']::double precision[])[n % 4 + 1]
         FROM generate_series(1, 14) AS n",
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
