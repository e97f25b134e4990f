use orm::prelude::*;
use orm::value::Array;

#[derive(Debug, Model)]
pub struct Song {
    #[orm(primary_key, auto)]
    pub id: i64,
}

#[derive(Debug, Model)]
pub struct Playlist {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub song_ids: Array<i64>,
    #[orm(keys = song_ids)]
    pub songs: ManyToMany<Song>,
}

#[derive(Debug, Model)]
pub struct Singer {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(pair = songs)]
    pub playlists: ManyToMany<Playlist>,
}

fn main() {}
