include!("models.inc");

async fn claim(db: &Sqlite) -> orm::Result<Vec<User>> {
    User::query().for_update().all(db).await
}

fn main() {}
