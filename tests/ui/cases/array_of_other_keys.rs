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
    pub song_ids: Array<String>,
    #[orm(keys = song_ids)]
    pub songs: ManyToMany<Song>,
}

fn main() {}
