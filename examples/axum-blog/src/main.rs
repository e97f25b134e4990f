//! `cargo run -p axum-blog [DATABASE] [ADDRESS]`: a file for SQLite (blog.db unless given) or a `postgres://` URL.

use axum_blog::models::Blog;
use axum_blog::router;
use orm::prelude::*;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let database = args.next().unwrap_or_else(|| "blog.db".to_owned());
    let address = args.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let app = if database.starts_with("postgres") {
        let db = Postgres::connect(&database).await?;
        Blog::create_all(&db).await?;
        router(db)
    } else {
        let db = Sqlite::connect(&database).await?;
        Blog::create_all(&db).await?;
        router(db)
    };
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Requests that are under way are answered before the program ends.
    let stop = async {
        // Without a signal handler there is no way to stop but to kill.
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(())
}
