use orm::postgres::ops::ArrayOps;
use orm::prelude::*;
use orm::value::Array;

#[derive(Debug, Clone, Model)]
pub struct Article {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub tags: Array<String>,
}

fn about(db: &Sqlite) {
    let _ = Article::query().filter(Article::tags.has("rust")).all(db);
}

fn main() {}
