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
    let _ = Article::filter(Article::tags.has_all(["rust".to_owned()])).all(db);
}

fn main() {}
