use orm::postgres::ops::JsonOps;
use orm::prelude::*;
use orm::value::Json;

#[derive(Debug, Clone, Model)]
pub struct Article {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub extra: Json<Vec<String>>,
}

fn kinds(db: &Sqlite) {
    let _ = Article::query().select(Article::extra.json_text(["author", "name"])).all(db);
}

fn main() {}
