//! Writing.
//!
//! A statement is whole or not at all, as on the other databases: what takes more than one document or more than one command
//! runs in a transaction, that of the caller or one of its own, which is tried again after a write conflict ([`atomic`](crate::atomic)).
//!
//! [`insert`] makes documents, with the keys and defaults that an SQL database would make itself. [`update`] uses the classic
//! operators where values are plain, a pipeline where they are computed from the document, and values computed by a query first
//! where they come from other collections. [`delete`] looks after the children. [`moving`] puts a row with another key in the place of the old one. [`keys`] checks foreign keys and carries changes of
//! keys to those who refer to them. All of them hand over documents, of which the decoder reads what is to come back.

mod delete;
mod insert;
mod keys;
mod moving;
mod update;
mod update_rows;

pub use insert::COUNTERS;

use std::borrow::Cow;

use orm_core::backend::Decoder;
use orm_core::ir::{Delete, Expr, Insert, Output, Update, UpdateRows};
use orm_core::meta::ModelMeta;
use orm_core::value::{ColumnType, Datum};
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Elements, Writer, tag};
use crate::cell::Spots;
use crate::layout::{self, Layout};
use crate::read::Feed;
use crate::session::MongoSession;

/// What a write did: how many rows, and the documents if they are wanted.
#[derive(Default)]
pub(crate) struct Done {
    affected: u64,
    documents: Vec<Vec<u8>>,
}

pub async fn insert<D: Decoder>(session: &MongoSession, insert: Insert, decoder: D) -> Result<D::Out> {
    let done = insert::run(session, &insert).await?;
    hand_over(session, insert.model, insert.returning.as_ref(), done, decoder)
}

pub async fn update<D: Decoder>(session: &MongoSession, update: Update, decoder: D) -> Result<D::Out> {
    let done = update::run(session, &update).await?;
    hand_over(session, update.source.model, update.returning.as_ref(), done, decoder)
}

pub async fn update_rows<D: Decoder>(
    session: &MongoSession,
    update: UpdateRows,
    decoder: D,
) -> Result<D::Out> {
    let done = update_rows::run(session, &update).await?;
    hand_over(session, update.source.model, update.returning.as_ref(), done, decoder)
}

pub async fn delete<D: Decoder>(session: &MongoSession, delete: Delete, decoder: D) -> Result<D::Out> {
    let done = delete::run(session, &delete).await?;
    hand_over(session, delete.source.model, delete.returning.as_ref(), done, decoder)
}

/// Reads what is to come back from the documents that were written.
fn hand_over<D: Decoder>(
    session: &MongoSession,
    model: &'static ModelMeta,
    returning: Option<&Output>,
    done: Done,
    mut decoder: D,
) -> Result<D::Out> {
    let layout = match returning {
        None => return decoder.finish(done.affected),
        Some(Output::Model) => session.shared.layout(model),
        Some(Output::Exprs(exprs)) => {
            let path = |expr: &Expr| match expr {
                Expr::Column(column) => Ok(layout::path(column.source.model, column.index)),
                _ => Err(Error::new(
                    ErrorKind::Unsupported,
                    "MongoDB gives back columns of written rows, and nothing computed",
                )),
            };
            let paths = exprs.iter().map(path).collect::<Result<Vec<Cow<'_, str>>>>()?;
            Layout::of_paths(paths.into_iter()).into()
        }
        Some(_) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "MongoDB gives back the columns of written rows only",
            ));
        }
    };
    let mut feed = Feed { layout: &layout, spots: Spots::default(), rows: 0, enough: false };
    for document in &done.documents {
        feed.document(document, &mut decoder)?;
        if feed.enough {
            break;
        }
    }
    decoder.finish(done.affected)
}

/// The value at a dotted path of a document; null if there is none.
pub(crate) fn at_path<'d>(document: &'d [u8], path: &str) -> (u8, &'d [u8]) {
    let mut found = (tag::DOCUMENT, document);
    for name in path.split('.') {
        let inner = match found {
            (tag::DOCUMENT, bytes) => Elements::of(bytes).find(|element| element.0 == name.as_bytes()),
            _ => None,
        };
        match inner {
            Some((_, ty, value)) => found = (ty, value),
            None => return (tag::NULL, &[]),
        }
    }
    found
}

pub(crate) fn is_null(ty: u8) -> bool {
    matches!(ty, tag::NULL | tag::UNDEFINED)
}

/// `{_id: {$in: [..]}}` of some documents.
pub(crate) fn ids_filter(w: &mut Writer, documents: &[Vec<u8>]) {
    let open = w.open("_id");
    let list = w.open_array("$in");
    for (at, document) in documents.iter().enumerate() {
        let (ty, value) = at_path(document, "_id");
        w.raw(at, ty, value);
    }
    w.close(list);
    w.close(open);
}

/// Refuses a value that its column cannot take, where this can be told without the server.
pub(crate) fn check_value(model: &'static ModelMeta, index: u16, datum: &Datum) -> Result<()> {
    let column = model.column(index);
    let fault = |kind, text: String| {
        Err(Error::new(kind, text).with_model(model.name).with_field(column.field.clone()))
    };
    if let Datum::Invalid(error) = datum {
        return Err((**error).clone());
    }
    if datum.is_null() && !column.nullable {
        return fault(ErrorKind::NotNull, "a required value is missing".into());
    }
    if let Some(max) = column.max_len {
        let length = match datum {
            Datum::Text(text) => text.chars().count(),
            Datum::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        if length > max as usize {
            return fault(ErrorKind::ValueTooLong, "a text is longer than its column".into());
        }
    }
    if let (Datum::I64(number), Some((low, high))) = (datum, range(column.ty()))
        && !(low..=high).contains(number)
    {
        return fault(ErrorKind::OutOfRange, "a number does not fit".into());
    }
    Ok(())
}

/// The whole numbers that a column type holds, where they are not all of 64 bits.
pub(crate) fn range(ty: ColumnType) -> Option<(i64, i64)> {
    Some(match ty {
        ColumnType::I8 => (i8::MIN.into(), i8::MAX.into()),
        ColumnType::I16 => (i16::MIN.into(), i16::MAX.into()),
        ColumnType::I32 => (i32::MIN.into(), i32::MAX.into()),
        ColumnType::U8 => (0, u8::MAX.into()),
        ColumnType::U16 => (0, u16::MAX.into()),
        ColumnType::U32 => (0, u32::MAX.into()),
        ColumnType::U64 => (0, i64::MAX),
        _ => return None,
    })
}
