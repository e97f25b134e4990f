//! JSON columns: documents that are equal, whatever the order of their keys, and what BSON cannot tell apart.

use std::collections::HashMap;

use mongodb::bson::{Document, doc};
use orm::mongo::Mongo;
use orm::prelude::*;
use orm::value::Json;
use serde_json::{Value, json};

use super::{name, url};

/// A row with documents.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "papers")]
pub struct Paper {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(unique)]
    pub body: Json<Value>,
    pub extra: Option<Json<HashMap<String, i64>>>,
}

orm::schema!(pub Papers: Paper);

async fn papers() -> Mongo {
    let db = Mongo::builder(url()).database(name()).connect().await.unwrap();
    Papers::create_all(&db).await.unwrap();
    db
}

/// A document with its keys in this order.
fn text(text: &str) -> Json<Value> {
    Json(serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn documents_are_equal_whatever_the_order_of_their_keys() {
    let db = papers().await;
    let many: HashMap<String, i64> = (0..30).map(|number| (format!("k{number}"), number)).collect();
    let row =
        Paper::create().id(1).body(text(r#"{"b":1,"a":{"z":[1,2],"y":null}}"#)).extra(Json(many.clone()));
    row.insert(&db).await.unwrap();
    let same = text(r#"{"a":{"y":null,"z":[1,2]},"b":1.0}"#);
    assert_eq!(Paper::filter(Paper::body.eq(same.clone())).count(&db).await.unwrap(), 1);
    assert_eq!(Paper::filter(Paper::body.in_([same.clone()])).count(&db).await.unwrap(), 1);
    // A map of another order than any before it.
    let again: HashMap<String, i64> = many.iter().map(|(key, number)| (key.clone(), *number)).collect();
    assert_eq!(Paper::filter(Paper::extra.eq(Json(again))).count(&db).await.unwrap(), 1);
    let error = Paper::create().id(2).body(same).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["body".to_owned()][..]));
    let other = text(r#"{"a":{"y":null,"z":[2,1]},"b":1}"#);
    Paper::create().id(2).body(other).insert(&db).await.unwrap();
}

#[tokio::test]
async fn null_that_would_be_no_value_is_refused() {
    let db = papers().await;
    let refused = |error: Error| {
        assert_eq!((error.kind(), error.model()), (ErrorKind::Encode, Some("Paper")), "{error}");
        assert_eq!(error.fields(), ["body"]);
        assert!(error.hint().is_some_and(|hint| hint.contains("None")), "{error}");
    };
    refused(Paper::create().id(1).body(Json(Value::Null)).insert(&db).await.unwrap_err());
    let rows =
        [1, 2].map(|id| Paper::create().id(id).body(Json(if id == 1 { json!(1) } else { Value::Null })));
    refused(Paper::insert_many(rows).exec(&db).await.unwrap_err());
    assert_eq!(Paper::query().count(&db).await.unwrap(), 0);
    Paper::create().id(1).body(Json(json!([null]))).insert(&db).await.unwrap();
    let update = Paper::filter(Paper::id.eq(1)).update().set(Paper::body, Json(Value::Null));
    refused(update.exec(&db).await.unwrap_err());
    refused(Paper::upsert(Paper::create().id(1).body(Json(Value::Null))).returning(&db).await.unwrap_err());
    assert_eq!(Paper::find(1).one(&db).await.unwrap().body.0, json!([null]));
    // Neither can another program store one.
    let papers = db.driver().collection::<Document>("papers");
    let error = papers.update_one(doc! {}, doc! {"$set": {"body": null}}).await.unwrap_err();
    assert!(error.to_string().contains("121"), "{error}");
}

#[tokio::test]
async fn numbers_in_documents_keep_their_digits() {
    let db = papers().await;
    for (id, number) in ["18446744073709551615", "0.1", "-1e300", "9007199254740993"].into_iter().enumerate()
    {
        let body = text(&format!("[{number}]"));
        Paper::create().id(id as i64).body(body.clone()).insert(&db).await.unwrap();
        assert_eq!(Paper::find(id as i64).one(&db).await.unwrap().body, body);
    }
}
