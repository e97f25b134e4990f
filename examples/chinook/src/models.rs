//! The eleven tables of the Chinook database as it is: its names, its types.

use chrono::NaiveDateTime;
use orm::prelude::*;
use rust_decimal::Decimal;

#[derive(Debug, Clone, Model)]
#[orm(table = "Artist", rename_all = "PascalCase")]
pub struct Artist {
    #[orm(primary_key)]
    pub artist_id: i64,
    pub name: Option<String>,
    pub albums: HasMany<Album>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Album", rename_all = "PascalCase")]
pub struct Album {
    #[orm(primary_key)]
    pub album_id: i64,
    pub title: String,
    pub artist_id: i64,
    #[orm(foreign_key = artist_id)]
    pub artist: BelongsTo<Artist>,
    pub tracks: HasMany<Track>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Genre", rename_all = "PascalCase")]
pub struct Genre {
    #[orm(primary_key)]
    pub genre_id: i64,
    pub name: Option<String>,
    pub tracks: HasMany<Track>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "MediaType", rename_all = "PascalCase")]
pub struct MediaType {
    #[orm(primary_key)]
    pub media_type_id: i64,
    pub name: Option<String>,
    pub tracks: HasMany<Track>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Track", rename_all = "PascalCase")]
pub struct Track {
    #[orm(primary_key)]
    pub track_id: i64,
    pub name: String,
    pub album_id: Option<i64>,
    pub media_type_id: i64,
    pub genre_id: Option<i64>,
    pub composer: Option<String>,
    pub milliseconds: i64,
    pub bytes: Option<i64>,
    pub unit_price: Decimal,
    #[orm(foreign_key = album_id)]
    pub album: BelongsTo<Album>,
    #[orm(foreign_key = media_type_id)]
    pub media_type: BelongsTo<MediaType>,
    #[orm(foreign_key = genre_id)]
    pub genre: BelongsTo<Genre>,
    pub lines: HasMany<InvoiceLine>,
    #[orm(through = PlaylistTrack)]
    pub playlists: ManyToMany<Playlist>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Playlist", rename_all = "PascalCase")]
pub struct Playlist {
    #[orm(primary_key)]
    pub playlist_id: i64,
    pub name: Option<String>,
    #[orm(through = PlaylistTrack)]
    pub tracks: ManyToMany<Track>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "PlaylistTrack", rename_all = "PascalCase", primary_key(playlist_id, track_id))]
pub struct PlaylistTrack {
    pub playlist_id: i64,
    pub track_id: i64,
    #[orm(foreign_key = playlist_id)]
    pub playlist: BelongsTo<Playlist>,
    #[orm(foreign_key = track_id)]
    pub track: BelongsTo<Track>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Employee", rename_all = "PascalCase")]
pub struct Employee {
    #[orm(primary_key)]
    pub employee_id: i64,
    pub last_name: String,
    pub first_name: String,
    pub title: Option<String>,
    pub reports_to: Option<i64>,
    pub birth_date: Option<NaiveDateTime>,
    pub hire_date: Option<NaiveDateTime>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
    #[orm(foreign_key = reports_to)]
    pub boss: BelongsTo<Employee>,
    pub reports: HasMany<Employee>,
    pub customers: HasMany<Customer>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Customer", rename_all = "PascalCase")]
pub struct Customer {
    #[orm(primary_key)]
    pub customer_id: i64,
    pub first_name: String,
    pub last_name: String,
    pub company: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: String,
    pub support_rep_id: Option<i64>,
    #[orm(foreign_key = support_rep_id)]
    pub support_rep: BelongsTo<Employee>,
    pub invoices: HasMany<Invoice>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "Invoice", rename_all = "PascalCase")]
pub struct Invoice {
    #[orm(primary_key)]
    pub invoice_id: i64,
    pub customer_id: i64,
    pub invoice_date: NaiveDateTime,
    pub billing_address: Option<String>,
    pub billing_city: Option<String>,
    pub billing_state: Option<String>,
    pub billing_country: Option<String>,
    pub billing_postal_code: Option<String>,
    pub total: Decimal,
    #[orm(foreign_key = customer_id)]
    pub customer: BelongsTo<Customer>,
    pub lines: HasMany<InvoiceLine>,
}

#[derive(Debug, Clone, Model)]
#[orm(table = "InvoiceLine", rename_all = "PascalCase")]
pub struct InvoiceLine {
    #[orm(primary_key)]
    pub invoice_line_id: i64,
    pub invoice_id: i64,
    pub track_id: i64,
    pub unit_price: Decimal,
    pub quantity: i64,
    #[orm(foreign_key = invoice_id)]
    pub invoice: BelongsTo<Invoice>,
    #[orm(foreign_key = track_id)]
    pub track: BelongsTo<Track>,
}
