include!("models.inc");

async fn insert(db: &Sqlite) -> orm::Result<User> {
    User::create().email("a").name("A").posts([Post::create().title("t")]).insert(db).await
}

fn main() {}
