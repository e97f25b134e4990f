use orm::prelude::*;

#[derive(Debug, Model)]
pub struct Song {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(through = Entry)]
    pub playlists: ManyToMany<Playlist>,
}

#[derive(Debug, Model)]
pub struct Playlist {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(pair = playlists)]
    pub songs: ManyToMany<Song>,
}

#[derive(Debug, Model)]
#[orm(primary_key(song_id, playlist_id))]
pub struct Entry {
    pub song_id: i64,
    pub playlist_id: i64,
    #[orm(foreign_key = song_id)]
    pub song: BelongsTo<Song>,
    #[orm(foreign_key = playlist_id)]
    pub playlist: BelongsTo<Playlist>,
}

fn main() {}
