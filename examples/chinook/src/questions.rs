//! What a music shop asks, the same on every database.

use std::fmt::Write as _;

use orm::prelude::*;
use rust_decimal::Decimal;

use crate::models::*;

/// A name that may be missing.
fn or_unknown(name: &Option<String>) -> &str {
    name.as_deref().unwrap_or("?")
}

/// The answers as text.
pub async fn answer(db: &impl Database) -> orm::Result<String> {
    let mut out = String::new();
    // Writing to a String cannot fail.
    macro_rules! say {
        ($($arg:tt)*) => { let _ = writeln!(out, $($arg)*); };
    }

    say!("1. Which artists sell best?");
    let revenue = InvoiceLine::unit_price * InvoiceLine::quantity.cast::<Decimal>();
    let sales = Artist::query()
        .join(Artist::albums)
        .join(Album::tracks)
        .join(Track::lines)
        .order_by((revenue.clone().sum().desc(), Artist::name.asc()))
        .limit(3)
        .group_by((Artist::artist_id, Artist::name))
        .select(|(_, name)| (name, revenue.clone().sum(), InvoiceLine::invoice_line_id.count()))
        .all(db)
        .await?;
    for (name, total, lines) in &sales {
        say!("   {} {:.2} ({lines} lines)", or_unknown(name), total.unwrap_or_default());
    }

    say!("2. Which genres have most tracks?");
    let genres = Genre::query()
        .join(Genre::tracks)
        .order_by(Track::track_id.count().desc())
        .limit(3)
        .group_by(Genre::name)
        .select(|name| (name, Track::track_id.count()))
        .all(db)
        .await?;
    for (name, tracks) in &genres {
        say!("   {} {tracks}", or_unknown(name));
    }

    say!("3. How many artists have no album? {}", Artist::filter(Artist::albums.is_empty()).count(db).await?);
    say!("4. How many tracks were never sold? {}", Track::filter(Track::lines.is_empty()).count(db).await?);

    say!("5. Who reports to whom?");
    let bosses = Employee::filter(Employee::reports_to.is_null())
        .include(
            Employee::reports
                .order_by(Employee::employee_id.asc())
                .include(Employee::reports.order_by(Employee::employee_id.asc())),
        )
        .all(db)
        .await?;
    for boss in &bosses {
        say!("   {} {}", boss.first_name, boss.last_name);
        for manager in boss.reports.get()? {
            say!("     {} {}", manager.first_name, manager.last_name);
            for report in manager.reports.get()? {
                say!("       {} {}", report.first_name, report.last_name);
            }
        }
    }

    say!("6. Which playlists are longest?");
    let playlists = Playlist::query()
        .order_by((Playlist::tracks.count().desc(), Playlist::playlist_id.asc()))
        .select((Playlist::name, Playlist::tracks.count()))
        .limit(3)
        .all(db)
        .await?;
    for (name, tracks) in &playlists {
        say!("   {} {tracks}", or_unknown(name));
    }

    say!("7. Who are the best customers?");
    let customers = Customer::query()
        .join(Customer::invoices)
        .order_by((Invoice::total.sum().desc(), Customer::customer_id.asc()))
        .limit(3)
        .group_by((Customer::customer_id, Customer::first_name, Customer::last_name, Customer::country))
        .select(|(_, first, last, country)| (first, last, country, Invoice::total.sum()))
        .all(db)
        .await?;
    for (first, last, country, total) in &customers {
        say!("   {first} {last}, {}: {:.2}", or_unknown(country), total.unwrap_or_default());
    }

    say!("8. Which countries bring more than 100, and how much is a bill there?");
    let countries = Invoice::query()
        .order_by(Invoice::total.sum().desc())
        .group_by(Invoice::billing_country)
        .select(|country| (country, Invoice::total.sum(), Invoice::total.avg(), count_all()))
        .having(Invoice::total.sum().gt(Decimal::from(100)))
        .all(db)
        .await?;
    for (country, total, average, bills) in &countries {
        say!(
            "   {} {:.2} in {bills} bills of {:.2}",
            or_unknown(country),
            total.unwrap_or_default(),
            average.unwrap_or_default()
        );
    }

    say!("9. How did each year go?");
    let years = Invoice::query()
        .group_by(Invoice::invoice_date.cast::<String>().substring(1, 4))
        .select(|year| (year, Invoice::total.sum(), count_all()))
        .all(db)
        .await?;
    let mut years = years;
    years.sort();
    for (year, total, bills) in &years {
        say!("   {year}: {:.2} in {bills} bills", total.unwrap_or_default());
    }

    say!("10. Who looks after the customers that spend most?");
    let support = Employee::query()
        .join(Employee::customers)
        .join(Customer::invoices)
        .order_by(Invoice::total.sum().desc())
        .group_by((Employee::first_name, Employee::last_name))
        .select(|(first, last)| (first, last, Customer::customer_id.count_distinct(), Invoice::total.sum()))
        .all(db)
        .await?;
    for (first, last, customers, total) in &support {
        say!("   {first} {last}: {customers} customers, {:.2}", total.unwrap_or_default());
    }

    say!("11. Which tracks are longest for their genre?");
    orm::alias!(Peer: Track);
    let usual = Peer::query()
        .correlate::<Track>()
        .filter(Peer.genre_id.eq(Track::genre_id))
        .select(Peer.milliseconds.avg());
    let long = Track::query()
        .join(Track::genre)
        .filter(Track::milliseconds.cast::<f64>().gt(scalar(usual) * 4.0))
        .order_by((Track::milliseconds.desc(), Track::track_id.asc()))
        .select((Track::name, Genre::name, Track::milliseconds / 60_000))
        .limit(3)
        .all(db)
        .await?;
    for (name, genre, minutes) in &long {
        say!("   {name} ({}): {} min", or_unknown(genre), minutes.unwrap_or_default());
    }

    say!("12. What was on the largest bill?");
    let bill = Invoice::query()
        .order_by((Invoice::total.desc(), Invoice::invoice_id.asc()))
        .include(Invoice::customer)
        .include(Invoice::lines.order_by(InvoiceLine::invoice_line_id.asc()).limit_per_parent(3).include(
            InvoiceLine::track.include(Track::album.include(Album::artist)).include(Track::media_type),
        ))
        .first(db)
        .await?;
    if let Some(bill) = bill {
        let customer = bill.customer.get()?;
        say!("   {:.2} for {} {}", bill.total, customer.first_name, customer.last_name);
        for line in bill.lines.get()? {
            let track = line.track.get()?;
            let artist = track.album.get()?.artist.get()?;
            let kind = track.media_type.get()?;
            say!("     {} by {} ({})", track.name, or_unknown(&artist.name), or_unknown(&kind.name));
        }
    }

    say!("13. Which albums play longer than an hour and a half?");
    let albums = Album::query()
        .join(Album::artist)
        .join(Album::tracks)
        .order_by(Track::milliseconds.sum().desc())
        .group_by((Album::album_id, Album::title, Artist::name))
        .select(|(_, title, artist)| (title, artist, Track::milliseconds.sum()))
        .having(Track::milliseconds.sum().gt(90 * 60_000))
        .limit(3)
        .all(db)
        .await?;
    for (title, artist, length) in &albums {
        say!("   {title} by {}: {} min", or_unknown(artist), length.unwrap_or_default() / 60_000);
    }
    Ok(out)
}
