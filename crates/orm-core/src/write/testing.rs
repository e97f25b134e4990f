//! Models for this module's tests, written out as the derive would.

use std::sync::LazyLock;

use super::{Insertable, NewRow};
use crate::backend::{Backend, BoxFuture, FromRow, Handle, Nullable, Row, field};
use crate::error::Result;
use crate::expr::Column;
use crate::ir::{Assignment, Command, Update};
use crate::meta::{ColumnMeta, IndexMeta, ModelMeta};
use crate::model::Model;
use crate::relation::{Attach, IncludePlan, Siblings};
use crate::value::{ColumnType, Datum, Value};

pub(super) const ID: u16 = 0;
pub(super) const TITLE: u16 = 1;
pub(super) const BODY: u16 = 2;
pub(super) const CREATED: u16 = 3;
pub(super) const UPDATED: u16 = 4;
pub(super) const VERSION: u16 = 5;

fn column(name: &str, ty: ColumnType) -> ColumnMeta {
    ColumnMeta { field: name.into(), name: name.into(), ty: Some(ty), ..ColumnMeta::default() }
}

/// The columns that are set, in order.
pub(super) fn columns(set: &[Assignment]) -> Vec<u16> {
    set.iter().map(|assignment| assignment.column).collect()
}

pub(super) fn update_of(command: Command) -> Update {
    match command {
        Command::Update(update) => *update,
        other => panic!("not an update: {other:?}"),
    }
}

macro_rules! model {
    ($name:ident { $($index:literal $field:ident: $ty:ty),* } key $key:ty = $keys:expr; $meta:expr) => {
        #[derive(Debug, Clone)]
        pub(super) struct $name { $(pub(super) $field: $ty),* }

        impl FromRow for $name {
            const WIDTH: usize = [$($index),*].len();
            fn from_row<R: Row>(row: &R, at: usize) -> Result<Self> {
                Ok($name { $($field: field(row, at, $index, Self::meta)?),* })
            }
        }
        impl Nullable for $name {
            fn nullable<R: Row>(row: &R, at: usize) -> Result<Option<Self>> {
                Self::from_row(row, at).map(Some)
            }
        }
        impl Model for $name {
            type Key = $key;
            type Create = ();
            type Columns<S: 'static> = ();
            type Update = ();
            const PRIMARY_KEY: &'static [u16] = $keys;
            fn meta() -> &'static ModelMeta {
                static META: LazyLock<ModelMeta> = LazyLock::new($meta);
                &META
            }
            fn datum(&self, column: u16) -> Datum {
                match column {
                    $($index => Value::encode(self.$field.clone()),)*
                    _ => Datum::Null,
                }
            }
            fn create() {}
            fn update(&self) {}
            fn fetch<'a, B: Backend>(_: &'a [Self], _: &'a IncludePlan, _: &'a Handle<B>) -> BoxFuture<'a, Result<Attach<Self>>> {
                Box::pin(async { Ok(Box::new(|_: &mut [Self]| Ok(())) as Attach<Self>) })
            }
            fn attach<'a, B: Backend>(_: &'a mut [Self], _: &'a [IncludePlan], _: &'a Handle<B>) -> BoxFuture<'a, Result<()>> {
                Box::pin(async { Ok(()) })
            }
            fn insert_level<B: Backend>(_: Vec<NewRow>, _: &Handle<B>) -> BoxFuture<'_, Result<Vec<Self>>> {
                Box::pin(async { Ok(Vec::new()) })
            }
            fn set_siblings(&mut self, _: &Siblings) {}
        }
    };
}

model! { Note { 0 id: i64, 1 title: String, 2 body: Option<String>, 3 created: i64, 4 updated: i64, 5 version: i32 } key i64 = &[0]; || {
    let mut columns = vec![
        column("id", ColumnType::I64),
        column("title", ColumnType::Text),
        column("body", ColumnType::Text),
        column("created", ColumnType::Timestamp),
        column("updated", ColumnType::Timestamp),
        column("version", ColumnType::I32),
    ];
    columns[0].auto = true;
    columns[2].nullable = true;
    columns[3].created_at = true;
    columns[4].updated_at = true;
    columns[5].version = true;
    let title = IndexMeta { name: "note_title".into(), columns: vec![TITLE], unique: true, nulls_not_distinct: false };
    ModelMeta { name: "Note", table: "note", columns, primary_key: &[0], indexes: vec![title], version: Some(VERSION), ..ModelMeta::default() }
} }

model! { Tag { 0 id: i64, 1 name: String } key i64 = &[0]; || ModelMeta {
    name: "Tag",
    table: "tag",
    columns: vec![column("id", ColumnType::I64), column("name", ColumnType::Text)],
    primary_key: &[0],
    ..ModelMeta::default()
} }

model! { Link { 0 note: i64, 1 tag: i64 } key (i64, i64) = &[0, 1]; || ModelMeta {
    name: "Link",
    table: "link",
    columns: vec![column("note", ColumnType::I64), column("tag", ColumnType::I64)],
    primary_key: &[0, 1],
    ..ModelMeta::default()
} }

impl Note {
    pub(super) const ID: Column<Note, i64> = Column::new(ID);
    pub(super) const TITLE: Column<Note, String> = Column::new(TITLE);
    pub(super) const BODY: Column<Note, Option<String>> = Column::new(BODY);

    pub(super) fn sample() -> Self {
        Note { id: 1, title: "a".into(), body: None, created: 0, updated: 0, version: 3 }
    }
}

impl Tag {
    pub(super) const NAME: Column<Tag, String> = Column::new(1);

    pub(super) fn sample() -> Self {
        Tag { id: 1, name: "a".into() }
    }
}

impl Link {
    pub(super) const NOTE: Column<Link, i64> = Column::new(0);
}

/// A builder of [`Note`].
pub(super) struct NewNote(NewRow);

impl NewNote {
    pub(super) fn titled(title: &str) -> Self {
        let mut row = NewRow::new(Note::meta());
        row.set(TITLE, Datum::Text(title.into()));
        NewNote(row)
    }

    pub(super) fn body(mut self, body: &str) -> Self {
        self.0.set(BODY, Datum::Text(body.into()));
        self
    }
}

impl Insertable<Note> for NewNote {
    fn into_row(self) -> NewRow {
        self.0
    }
}
