//! Questions of a music shop: `cargo run -p chinook -- path/to/chinook.sqlite`, or the URL of a PostgreSQL or MongoDB database.

use chinook::questions::answer;
use orm::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> orm::Result<()> {
    let Some(place) = std::env::args().nth(1) else {
        eprintln!("usage: chinook PATH-TO-chinook.sqlite | postgres://… | mongodb://…");
        std::process::exit(2);
    };
    print!("{}", answer(&AnyDb::connect(&place).await?).await?);
    Ok(())
}
