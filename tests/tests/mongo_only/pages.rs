//! Pages over what other programs and calculations store.

use mongodb::bson::{Bson, Document, doc};
use orm::Result;
use orm::prelude::*;
use orm_tests::walking::there_and_back;

use crate::fresh;

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
async fn not_a_number_and_what_an_f32_cannot_hold_have_their_place_on_a_page() -> Result<()> {
    let db = fresh().await;
    let rows = (1..=14_usize).map(|n| {
        let single =
            [Bson::Double(0.1), Bson::Double(0.11), Bson::Null, Bson::Double(f64::NAN), Bson::Double(0.1)];
        let double = [Bson::Double(f64::NAN), Bson::Double(f64::NEG_INFINITY), Bson::Null, Bson::Double(0.1)];
        doc! { "_id": n as i64, "single": single[n % 5].clone(), "double": double[n % 4].clone() }
    });
    db.driver().collection::<Document>("readings").insert_many(rows).await.unwrap();
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
