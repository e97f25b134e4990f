//! The models of the suite.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use orm::prelude::*;
use orm::value::Array;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A person who writes posts.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "users", index(name, age), check("age_is_sane", "age >= 0"))]
pub struct User {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique, max_len = 320)]
    pub email: String,
    pub name: String,
    #[orm(default = true)]
    pub active: bool,
    pub age: Option<i32>,
    pub posts: HasMany<Post>,
    pub profile: HasOne<Profile>,
    #[orm(pair = subject)]
    pub remarks: HasMany<Remark>,
}

/// What a user says of themselves.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Profile {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub bio: String,
    #[orm(unique)]
    pub user_id: i64,
    #[orm(foreign_key = user_id, on_delete = cascade)]
    pub user: BelongsTo<User>,
}

/// Something a user wrote.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "posts")]
pub struct Post {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub title: String,
    pub score: i32,
    #[orm(index)]
    pub author_id: i64,
    #[orm(foreign_key = author_id, on_delete = cascade)]
    pub author: BelongsTo<User>,
    pub comments: HasMany<Comment>,
    #[orm(through = PostTag)]
    pub tags: ManyToMany<Tag>,
    #[orm(pair = subject)]
    pub remarks: HasMany<Remark>,
    #[orm(version)]
    pub lock: i32,
}

/// An answer to a post.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Comment {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub body: String,
    #[orm(index)]
    pub post_id: i64,
    #[orm(foreign_key = post_id, on_delete = cascade)]
    pub post: BelongsTo<Post>,
}

/// A word put on posts.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Tag {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub name: String,
    #[orm(through = PostTag)]
    pub posts: ManyToMany<Post>,
}

/// A tag on a post.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(primary_key(post_id, tag_id))]
pub struct PostTag {
    pub post_id: i64,
    pub tag_id: i64,
    #[orm(foreign_key = post_id, on_delete = cascade)]
    pub post: BelongsTo<Post>,
    #[orm(foreign_key = tag_id, on_delete = cascade)]
    pub tag: BelongsTo<Tag>,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "nodes")]
pub struct Node {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub label: String,
    pub parent_id: Option<i64>,
    #[orm(foreign_key = parent_id)]
    pub parent: BelongsTo<Node>,
    pub children: HasMany<Node>,
}

/// Stored by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub enum Mood {
    Calm,
    VeryHappy,
}

/// Stored by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[orm(integer)]
pub enum Level {
    Low = 1,
    High = 10,
}

/// A number with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, DbType)]
pub struct Celsius(pub f64);

/// One field of every type.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "every type")]
pub struct Everything {
    #[orm(primary_key)]
    pub id: Uuid,
    pub flag: bool,
    pub tiny: i8,
    pub small: i16,
    pub medium: i32,
    pub big: i64,
    pub utiny: u8,
    pub usmall: u16,
    pub umedium: u32,
    pub ubig: u64,
    pub single: f32,
    pub double: f64,
    pub text: String,
    pub letter: char,
    pub bytes: Vec<u8>,
    pub price: Decimal,
    pub day: NaiveDate,
    pub clock: NaiveTime,
    pub local: NaiveDateTime,
    pub instant: DateTime<Utc>,
    #[orm(json)]
    pub notes: Vec<String>,
    pub mood: Mood,
    pub level: Level,
    pub warmth: Celsius,
    pub maybe: Option<String>,
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Address {
    pub street: String,
    #[orm(column = "town")]
    pub city: String,
    pub zip: Option<String>,
    #[orm(embed)]
    pub place: Place,
}

/// A point on the map.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Place {
    pub lat: f64,
    pub lon: f64,
}

/// Somebody with one address or two.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Customer {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub code: String,
    #[orm(embed)]
    pub home: Address,
    #[orm(embed(prefix = "bill_"))]
    pub billing: Option<Address>,
    pub orders: HasMany<Order>,
}

/// Refers to a customer by code and not by key.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Order {
    #[orm(primary_key, default_fn = Uuid::now_v7)]
    pub id: Uuid,
    pub customer_code: String,
    #[orm(foreign_key = customer_code, references = code, on_delete = cascade, on_update = cascade)]
    pub customer: BelongsTo<Customer>,
    pub lines: HasMany<Line>,
}

/// A line of an order: its key has two parts.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(primary_key(order_id, number))]
pub struct Line {
    pub order_id: Uuid,
    pub number: i32,
    pub what: String,
    #[orm(foreign_key = order_id, on_delete = cascade)]
    pub order: BelongsTo<Order>,
    pub parcels: HasMany<Parcel>,
}

/// Refers to a line by its key of two parts.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Parcel {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub order_id: Uuid,
    pub line_number: i32,
    #[orm(foreign_key(order_id, line_number), on_delete = cascade)]
    pub line: BelongsTo<Line>,
}

/// Something in a basket: an element of a list.
#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Item {
    pub sku: String,
    #[orm(column = "qty")]
    pub quantity: i32,
    pub price: Decimal,
    pub added: DateTime<Utc>,
    pub code: Option<Uuid>,
    #[orm(embed)]
    pub place: Place,
}

/// Holds its items itself.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "carts")]
pub struct Basket {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(embed)]
    pub items: Vec<Item>,
}

/// What a remark may be about.
#[derive(Debug, Clone, PartialEq, Morph)]
pub enum Subject {
    Post(Post),
    #[orm(rename = "person")]
    User(User),
}

/// A remark about a post or a user.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Remark {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub text: String,
    pub subject_kind: Option<SubjectKind>,
    pub subject_id: Option<i64>,
    #[orm(morph(subject_kind, subject_id))]
    pub subject: MorphTo<Subject>,
}

/// Somebody with a seat or without.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Guest {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub seat: HasOne<Seat>,
}

/// A seat, free or taken.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Seat {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub place: String,
    #[orm(unique)]
    pub guest_id: Option<i64>,
    #[orm(foreign_key = guest_id)]
    pub guest: BelongsTo<Guest>,
}

/// A song, known to the playlists that have its key.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Song {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub title: String,
    #[orm(pair = songs)]
    pub playlists: ManyToMany<Playlist>,
}

/// Keeps the keys of its songs itself, in order.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Playlist {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub name: String,
    #[orm(index)]
    pub song_ids: Array<i64>,
    #[orm(keys = song_ids)]
    pub songs: ManyToMany<Song>,
    pub label_codes: Array<Uuid>,
    #[orm(keys = label_codes)]
    pub labels: ManyToMany<Label>,
    #[orm(version)]
    pub version: i64,
}

/// Has a key that SQL databases and documents write differently.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Label {
    #[orm(primary_key, default_fn = Uuid::now_v7)]
    pub code: Uuid,
    #[orm(unique)]
    pub text: String,
    #[orm(default_fn = Uuid::now_v7)]
    pub token: Uuid,
    #[orm(pair = labels)]
    pub playlists: ManyToMany<Playlist>,
}

/// Arrays of every kind.
#[derive(Debug, Clone, PartialEq, Model)]
pub struct Bag {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub words: Array<String>,
    pub numbers: Array<Option<i64>>,
    pub flags: Array<bool>,
    pub reals: Array<f64>,
    pub prices: Array<Decimal>,
    pub codes: Array<Uuid>,
    pub times: Array<DateTime<Utc>>,
    pub maybe: Option<Array<i32>>,
}

/// Names that SQL would rather not hear.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "select \"from\" where; --")]
pub struct Hostile {
    #[orm(primary_key, auto, column = "order")]
    pub id: i64,
    #[orm(column = "it's \"quoted\"")]
    pub quoted: String,
    #[orm(column = "größe 日本", index)]
    pub unicode: i32,
}

orm::schema!(pub TestSchema: User, Profile, Post, Comment, Tag, PostTag, Node, Everything, Customer, Order, Line, Parcel, Remark, Guest, Seat, Basket, Song, Playlist, Label, Bag, Hostile);
