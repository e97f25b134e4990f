//! Questions of a music shop: `cargo run -p chinook -- path/to/chinook.sqlite`.

mod models;

use models::*;
use orm::prelude::*;
use rust_decimal::Decimal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> orm::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: chinook PATH-TO-chinook.sqlite");
        return Ok(());
    };
    let db = Sqlite::builder().path(path).read_only().connect().await?;

    let revenue = InvoiceLine::unit_price * InvoiceLine::quantity.cast::<Decimal>();
    let sales: Vec<(Option<String>, Option<Decimal>, i64)> = Artist::query()
        .join(Artist::albums)
        .join(Album::tracks)
        .join(Track::lines)
        .group_by(Artist::name)
        .select(|name| (name, revenue.clone().sum(), InvoiceLine::invoice_line_id.count()))
        .all(&db)
        .await?;
    let mut sales = sales;
    sales.sort_by_key(|artist| std::cmp::Reverse(artist.1));
    for (name, total, lines) in sales.iter().take(3) {
        println!("sales: {} {} ({lines} lines)", name.as_deref().unwrap_or("?"), total.unwrap_or_default());
    }

    let mut genres: Vec<(Option<String>, i64)> = Genre::query()
        .join(Genre::tracks)
        .group_by(Genre::name)
        .select(|name| (name, Track::track_id.count()))
        .all(&db)
        .await?;
    genres.sort_by_key(|genre| -genre.1);
    for (name, tracks) in genres.iter().take(3) {
        println!("genre: {} {tracks}", name.as_deref().unwrap_or("?"));
    }

    println!("artists without an album: {}", Artist::filter(Artist::albums.none()).count(&db).await?);
    println!("tracks never sold: {}", Track::filter(Track::lines.none()).count(&db).await?);

    let bosses = Employee::filter(Employee::reports_to.is_null())
        .include(Employee::reports.order_by(Employee::employee_id.asc()).include(Employee::reports))
        .all(&db)
        .await?;
    for boss in &bosses {
        println!("{} {}", boss.first_name, boss.last_name);
        for manager in boss.reports.get()? {
            println!("  {} {}", manager.first_name, manager.last_name);
            for report in manager.reports.get()? {
                println!("    {} {}", report.first_name, report.last_name);
            }
        }
    }

    let playlists = Playlist::query()
        .order_by((Playlist::tracks.count().desc(), Playlist::playlist_id.asc()))
        .select((Playlist::name, Playlist::tracks.count()))
        .limit(3)
        .all(&db)
        .await?;
    for (name, tracks) in &playlists {
        println!("playlist: {} {tracks}", name.as_deref().unwrap_or("?"));
    }
    Ok(())
}
