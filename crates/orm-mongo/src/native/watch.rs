//! Change streams, typed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt};
use mongodb::bson::RawDocumentBuf;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::{ChangeStreamEvent, OperationType};
use mongodb::options::FullDocumentType;
use orm_core::backend::Executor;
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Model, Result};

use crate::bson::pretty;
use crate::cell::{MongoRow, Spots};
use crate::layout::{self, Layout};
use crate::session::MongoSession;
use crate::{Mongo, errors};

/// What happened to a document.
///
/// ```no_run
/// # async fn example<M: orm_core::Model>(db: orm_mongo::Mongo) -> orm_core::Result<()> {
/// use futures_util::StreamExt;
/// let mut changes: orm_mongo::MongoChanges<M> = db.watch(None).await?;
/// while let Some(Ok(change)) = changes.next().await {
///     if change.kind == orm_mongo::MongoChangeKind::Delete {
///         println!("gone: {:?}", change.key);
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MongoChangeKind {
    /// It is new.
    Insert,
    /// Fields changed.
    Update,
    /// It was replaced by another one of the same key.
    Replace,
    /// It is gone.
    Delete,
    /// The collection is gone or renamed, or something else ended the stream.
    Invalidate,
}

/// A change of a document of the model.
///
/// ```no_run
/// # async fn example<M: orm_core::Model>(db: orm_mongo::Mongo) -> orm_core::Result<()> {
/// use futures_util::StreamExt;
/// let mut changes: orm_mongo::MongoChanges<M> = db.watch(None).await?;
/// if let Some(Ok(orm_mongo::MongoChange { row: Some(row), .. })) = changes.next().await {
///     let _: M = row;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MongoChange<M> {
    /// What happened.
    pub kind: MongoChangeKind,
    /// The row as it is; of an update the latest state, which may be later than this change. `None` if it is gone.
    pub row: Option<M>,
    /// The key of the document as extended JSON: `{"_id": 7}`.
    pub key: Option<String>,
    /// The fields that an update changed, by their Rust names where the model has them.
    pub fields: Vec<String>,
    /// Where to go on after this change.
    pub token: MongoResumeToken,
}

/// A place in the stream of changes, which outlives the program: it is text.
///
/// ```
/// let token: orm_mongo::MongoResumeToken = r#"{"_data":"8263"}"#.parse()?;
/// assert_eq!(token.to_string(), r#"{"_data":"8263"}"#);
/// # Ok::<(), orm_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongoResumeToken(String);

impl std::fmt::Display for MongoResumeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for MongoResumeToken {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let token = MongoResumeToken(text.to_owned());
        token.driver().map(|_| token)
    }
}

impl MongoResumeToken {
    fn driver(&self) -> Result<mongodb::change_stream::event::ResumeToken> {
        serde_json::from_str(&self.0).map_err(|error| {
            Error::new(ErrorKind::Usage, "this is no token of a change stream").with_source(error)
        })
    }
}

/// The changes of a model's collection as they happen: made by [`Mongo::watch`]. A lost connection is made again, and the stream goes
/// on where it was.
///
/// ```no_run
/// # async fn example<M: orm_core::Model>(db: orm_mongo::Mongo) -> orm_core::Result<()> {
/// use futures_util::StreamExt;
/// let mut changes: orm_mongo::MongoChanges<M> = db.watch(None).await?;
/// let first = changes.next().await;
/// # let _ = first;
/// # Ok(()) }
/// ```
pub struct MongoChanges<M> {
    stream: Pin<Box<ChangeStream<ChangeStreamEvent<RawDocumentBuf>>>>,
    layout: Arc<Layout>,
    marker: std::marker::PhantomData<fn() -> M>,
}

impl<M> std::fmt::Debug for MongoChanges<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MongoChanges").finish_non_exhaustive()
    }
}

impl Mongo {
    /// Follows the changes of a model's collection, from now on or after a token. It needs a replica set.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a token that is none; the server's word if it no longer knows the place.
    ///
    /// ```no_run
    /// # async fn example<M: orm_core::Model>(db: orm_mongo::Mongo) -> orm_core::Result<()> {
    /// use futures_util::StreamExt;
    /// let mut changes = db.watch::<M>(None).await?;
    /// while let Some(change) = changes.next().await {
    ///     let change = change?;
    ///     println!("{:?} {:?}", change.kind, change.fields);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn watch<M: Model>(&self, after: Option<MongoResumeToken>) -> Result<MongoChanges<M>> {
        self.handle().native(Some(M::meta()), |session| follow(session, after)).await
    }
}

async fn follow<M: Model>(
    session: &MongoSession,
    after: Option<MongoResumeToken>,
) -> Result<MongoChanges<M>> {
    let collection = session.shared.db.collection::<RawDocumentBuf>(M::meta().table);
    let after = after.map(|token| token.driver()).transpose()?;
    let watch = collection.watch().full_document(FullDocumentType::UpdateLookup).resume_after(after);
    let stream = watch.await.map_err(|error| errors::map(error, Some(M::meta())))?;
    let layout = session.shared.layout(M::meta());
    Ok(MongoChanges { stream: Box::pin(stream), layout, marker: std::marker::PhantomData })
}

impl<M: Model> Stream for MongoChanges<M> {
    type Item = Result<MongoChange<M>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.stream.poll_next_unpin(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(errors::map(error, Some(M::meta()))))),
            Poll::Ready(Some(Ok(event))) => Poll::Ready(Some(change(event, &self.layout))),
        }
    }
}

fn change<M: Model>(event: ChangeStreamEvent<RawDocumentBuf>, layout: &Layout) -> Result<MongoChange<M>> {
    let kind = match event.operation_type {
        OperationType::Insert => MongoChangeKind::Insert,
        OperationType::Update => MongoChangeKind::Update,
        OperationType::Replace => MongoChangeKind::Replace,
        OperationType::Delete => MongoChangeKind::Delete,
        _ => MongoChangeKind::Invalidate,
    };
    let row = match &event.full_document {
        None => None,
        Some(document) => {
            let mut spots = Spots::default();
            if !spots.fill(layout, document.as_bytes()) {
                return Err(Error::new(ErrorKind::Decode, "the server sent a document that is no BSON"));
            }
            Some(M::from_row(&MongoRow { document: document.as_bytes(), spots: &spots }, 0)?)
        }
    };
    let meta = M::meta();
    let mut fields: Vec<String> = Vec::new();
    if let Some(description) = &event.update_description {
        for path in description.updated_fields.keys().chain(&description.removed_fields) {
            let name = field_of(meta, path);
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
    }
    let token = serde_json::to_string(&event.id).map_err(|error| {
        Error::new(ErrorKind::Decode, "the server sent a token that is no text").with_source(error)
    })?;
    Ok(MongoChange {
        kind,
        row,
        key: event
            .document_key
            .as_ref()
            .and_then(|key| RawDocumentBuf::try_from(key).ok())
            .map(|key| pretty(key.as_bytes(), true)),
        fields,
        token: MongoResumeToken(token),
    })
}

/// The Rust name of the field at a path, or around it: `lines.1` is in `lines`.
fn field_of(meta: &ModelMeta, path: &str) -> String {
    let mut around = path;
    loop {
        let column = (0..meta.columns.len() as u16).find(|index| layout::path(meta, *index) == around);
        if let Some(index) = column {
            return meta.column(index).field.clone();
        }
        match around.rsplit_once('.') {
            Some((outer, _)) => around = outer,
            None => return path.to_owned(),
        }
    }
}
