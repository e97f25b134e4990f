//! Reading: batches as the server sends them, each row decoded where it is.

use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt, stream::unfold};
use mongodb::bson::RawDocumentBuf;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use orm_core::backend::{BoxStream, Decoder, Flow, FromRow};
use orm_core::ir::{Command, Select};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

use crate::bson::Elements;
use crate::cell::{MongoRow, Spots};
use crate::database::{Session, text_of};
use crate::layout::Layout;
use crate::lower::{self, Read};
use crate::{errors, value};

/// A read, ready to be sent.
struct Ready {
    buffer: RawDocumentBuf,
    layout: Arc<Layout>,
    counts: bool,
    model: &'static ModelMeta,
    watch: Option<(Instant, String)>,
}

fn prepare(session: &Session, select: &Select) -> Result<Ready> {
    for needed in &select.requires {
        if !crate::Mongo::CAPABILITIES.contains(needed) {
            return Err(Error::new(ErrorKind::Unsupported, format!("MongoDB has no `{needed}`")));
        }
    }
    let Read { command, layout, counts } = lower::read(select, session.shared.settings.times)?;
    let model = select.from.model;
    let layout = layout.map_or_else(|| session.shared.layout(model), Arc::new);
    let watch = session.watched().then(|| (Instant::now(), text_of(&command)));
    let buffer = RawDocumentBuf::from_bytes(command).map_err(errors::encoding)?;
    Ok(Ready { buffer, layout, counts, model, watch })
}

/// Feeds the rows of a query to a decoder.
pub async fn run<D: Decoder>(session: &Session, select: &Select, mut decoder: D) -> Result<D::Out> {
    let ready = prepare(session, select)?;
    let mut feed = Feed { layout: &ready.layout, spots: Spots::default(), rows: 0, enough: false };
    let result = feed_all(session, ready.buffer, ready.model, &mut feed, &mut decoder).await;
    if let Some((start, text)) = ready.watch {
        session.observe(&text, start, feed.rows, result.is_ok());
    }
    result?;
    if ready.counts && feed.rows == 0 {
        // Nothing was counted: `{c0: 0}`.
        let mut zero = crate::bson::Writer::default();
        zero.i32("c0", 0);
        feed.document(&zero.finish(), &mut decoder)?;
    }
    decoder.finish(0)
}

async fn feed_all<D: Decoder>(
    session: &Session,
    buffer: RawDocumentBuf,
    model: &'static ModelMeta,
    feed: &mut Feed<'_>,
    decoder: &mut D,
) -> Result<()> {
    let take = |batch: RawBatch| {
        feed.batch(&batch, decoder)?;
        Ok(if feed.enough { Flow::Enough } else { Flow::More })
    };
    each_batch(session, buffer, Some(model), take).await
}

/// Hands over the batches of a cursor as they come.
async fn each_batch(
    session: &Session,
    buffer: RawDocumentBuf,
    model: Option<&'static ModelMeta>,
    mut take: impl FnMut(RawBatch) -> Result<Flow> + Send,
) -> Result<()> {
    let failed = |error| errors::map(error, model);
    let action = session.shared.db.run_raw_cursor_command(buffer);
    match &session.tx {
        None => {
            let mut batches = action.batch().await.map_err(failed)?;
            while let Some(batch) = batches.next().await {
                if take(batch.map_err(failed)?)? == Flow::Enough {
                    break;
                }
            }
        }
        Some(tx) => {
            tx.check()?;
            let mut driver = tx.session.lock().await;
            let mut cursor = action.session(&mut *driver).batch().await.map_err(failed)?;
            let mut batches = cursor.stream(&mut driver);
            while let Some(batch) = batches.next().await {
                if take(batch.map_err(failed)?)? == Flow::Enough {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The documents of a query, as bytes.
pub async fn documents(
    session: &Session,
    command: Vec<u8>,
    model: Option<&'static ModelMeta>,
) -> Result<Vec<Vec<u8>>> {
    let watch = session.watched().then(|| (Instant::now(), text_of(&command)));
    let buffer = RawDocumentBuf::from_bytes(command).map_err(errors::encoding)?;
    let mut found = Vec::new();
    let take = |batch: RawBatch| {
        let list = batch.doc_slices().map_err(|error| errors::map(error, model))?;
        found.extend(Elements::of(list.as_bytes()).map(|(_, _, document)| document.to_vec()));
        Ok(Flow::More)
    };
    each_batch(session, buffer, model, take).await?;
    if let Some((start, text)) = watch {
        session.observe(&text, start, found.len() as u64, true);
    }
    Ok(found)
}

/// Rows on their way from batches to a decoder.
pub struct Feed<'l> {
    pub layout: &'l Layout,
    pub spots: Spots,
    pub rows: u64,
    pub enough: bool,
}

impl Feed<'_> {
    fn batch<D: Decoder>(&mut self, batch: &RawBatch, decoder: &mut D) -> Result<()> {
        let list = batch.doc_slices().map_err(|error| errors::map(error, None))?;
        for (_, _, document) in Elements::of(list.as_bytes()) {
            self.document(document, decoder)?;
            if self.enough {
                break;
            }
        }
        Ok(())
    }

    #[inline]
    pub fn document<D: Decoder>(&mut self, document: &[u8], decoder: &mut D) -> Result<()> {
        if !self.spots.fill(self.layout, document) {
            return Err(broken());
        }
        self.rows += 1;
        if decoder.row(&MongoRow { document, spots: &self.spots })? == Flow::Enough {
            self.enough = true;
        }
        Ok(())
    }
}

#[cold]
fn broken() -> Error {
    Error::new(ErrorKind::Decode, "the server sent a document that is no BSON")
}

/// Rows one by one. Outside of a transaction the server sends a batch when the one before is used up; within one the rows are
/// read first, since the next statement of the transaction needs its session.
pub fn stream<T: FromRow + Send + 'static>(
    session: Session,
    command: Command,
) -> BoxStream<'static, Result<T>> {
    struct Open {
        batches: std::pin::Pin<Box<RawBatchCursor>>,
        pending: std::vec::IntoIter<Vec<u8>>,
        layout: Arc<Layout>,
        spots: Spots,
        model: &'static ModelMeta,
    }
    enum State {
        Start(Session, Command),
        Rows(Box<Open>),
        Read(std::vec::IntoIter<Vec<u8>>, Arc<Layout>),
    }
    fn decode<T: FromRow>(document: &[u8], layout: &Layout, spots: &mut Spots) -> Result<T> {
        if !spots.fill(layout, document) {
            return Err(broken());
        }
        T::from_row(&MongoRow { document, spots }, 0)
    }
    async fn begin(session: Session, command: Command) -> Result<State> {
        value::check(&command)?;
        let Command::Select(select) = command else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "MongoDB streams the rows of queries and of nothing else",
            ));
        };
        let ready = prepare(&session, &select)?;
        if session.tx.is_some() {
            let found = documents(&session, ready.buffer.into_bytes(), Some(ready.model)).await?;
            return Ok(State::Read(found.into_iter(), ready.layout));
        }
        let action = session.shared.db.run_raw_cursor_command(ready.buffer);
        let batches = action.batch().await.map_err(|error| errors::map(error, Some(ready.model)))?;
        if let Some((start, text)) = ready.watch {
            session.observe(&text, start, 0, true);
        }
        Ok(State::Rows(Box::new(Open {
            batches: Box::pin(batches),
            pending: Vec::new().into_iter(),
            layout: ready.layout,
            spots: Spots::default(),
            model: ready.model,
        })))
    }
    let rows = unfold(Some(State::Start(session, command)), |state| async move {
        let mut state = state?;
        if let State::Start(session, command) = state {
            state = match begin(session, command).await {
                Ok(state) => state,
                Err(error) => return Some((Err(error), None)),
            };
        }
        match state {
            State::Start(..) => None,
            State::Read(mut pending, layout) => {
                let document = pending.next()?;
                let row = decode(&document, &layout, &mut Spots::default());
                let next = row.is_ok().then_some(State::Read(pending, layout));
                Some((row, next))
            }
            State::Rows(mut open) => loop {
                if let Some(document) = open.pending.next() {
                    let row = decode(&document, &open.layout, &mut open.spots);
                    let next = row.is_ok().then_some(State::Rows(open));
                    return Some((row, next));
                }
                let batch = match open.batches.next().await? {
                    Ok(batch) => batch,
                    Err(error) => return Some((Err(errors::map(error, Some(open.model))), None)),
                };
                match batch.doc_slices() {
                    Ok(list) => {
                        let documents: Vec<Vec<u8>> =
                            Elements::of(list.as_bytes()).map(|(_, _, document)| document.to_vec()).collect();
                        open.pending = documents.into_iter();
                    }
                    Err(error) => return Some((Err(errors::map(error, Some(open.model))), None)),
                }
            },
        }
    });
    Box::pin(rows.fuse())
}
