//! Reading: batches as the server sends them, each row decoded where it is.

use std::sync::Arc;

use futures_util::{StreamExt, stream::unfold};
use mongodb::raw_batch_cursor::RawBatch;
use orm_core::backend::{BoxStream, Decoder, Flow, FromRow, StatementWatch};
use orm_core::ir::{Command, Select};
use orm_core::meta::ModelMeta;
use orm_core::{Error, ErrorKind, Result};

use crate::bson::Elements;
use crate::cell::{MongoRow, Spots};
use crate::layout::Layout;
use crate::lower::{self, Read};
use crate::send::{Batches, seen};
use crate::session::MongoSession;
use crate::{errors, value};

/// A read, ready to be sent.
struct Ready {
    command: Vec<u8>,
    layout: Arc<Layout>,
    counts: bool,
    model: &'static ModelMeta,
}

fn prepare(session: &MongoSession, select: &Select) -> Result<Ready> {
    let Read { command, layout, counts, .. } = lowered(session, select, session.tx.is_some())?;
    let model = select.from.model;
    let layout = layout.map_or_else(|| session.shared.layout(model), Arc::new);
    Ok(Ready { command, layout, counts, model })
}

/// A query as a command that is sent in a transaction or outside of one.
pub fn lowered(session: &MongoSession, select: &Select, in_transaction: bool) -> Result<Read> {
    let read = lower::read(select, session.shared.settings.times)?;
    if read.combined && in_transaction {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "MongoDB puts queries together outside of transactions only",
        )
        .with_model(select.from.model.name)
        .with_hint("read the parts one by one, or before the transaction"));
    }
    Ok(read)
}

/// Feeds the rows of a query to a decoder.
pub async fn run<D: Decoder>(session: &MongoSession, select: &Select, mut decoder: D) -> Result<D::Out> {
    let ready = prepare(session, select)?;
    let mut feed = Feed { layout: &ready.layout, spots: Spots::default(), rows: 0, enough: false };
    let (mut batches, watch) = session.open(ready.command, Some(ready.model)).await?;
    let result = feed.all(&mut batches, &mut decoder).await;
    seen(watch, feed.rows, result.is_ok());
    result?;
    if ready.counts && feed.rows == 0 {
        // Nothing was counted: `{c0: 0}`.
        let mut zero = crate::bson::Writer::default();
        zero.i32("c0", 0);
        feed.document(&zero.finish(), &mut decoder)?;
    }
    decoder.finish(0)
}

/// The documents of a query, as bytes.
pub async fn documents(
    session: &MongoSession,
    command: Vec<u8>,
    model: Option<&'static ModelMeta>,
) -> Result<Vec<Vec<u8>>> {
    let (mut batches, watch) = session.open(command, model).await?;
    let mut found = Vec::new();
    let result = async {
        while let Some(batch) = batches.next().await? {
            found.extend(documents_of(&batch)?);
        }
        Ok(())
    }
    .await;
    seen(watch, found.len() as u64, result.is_ok());
    result.map(|()| found)
}

fn documents_of(batch: &RawBatch) -> Result<Vec<Vec<u8>>> {
    let list = batch.doc_slices().map_err(|error| errors::map(error, None))?;
    Ok(Elements::of(list.as_bytes()).map(|(_, _, document)| document.to_vec()).collect())
}

/// Rows on their way from batches to a decoder.
pub struct Feed<'l> {
    pub layout: &'l Layout,
    pub spots: Spots,
    pub rows: u64,
    pub enough: bool,
}

impl Feed<'_> {
    async fn all<D: Decoder>(&mut self, batches: &mut Batches, decoder: &mut D) -> Result<()> {
        while let Some(batch) = batches.next().await? {
            self.batch(&batch, decoder)?;
            if self.enough {
                break;
            }
        }
        Ok(())
    }

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
    session: MongoSession,
    command: Command,
) -> BoxStream<'static, Result<T>> {
    struct Open {
        batches: Batches,
        watch: Option<StatementWatch>,
        pending: std::vec::IntoIter<Vec<u8>>,
        layout: Arc<Layout>,
        spots: Spots,
    }
    enum State {
        Start(MongoSession, Command),
        Rows(Box<Open>),
        Read(std::vec::IntoIter<Vec<u8>>, Arc<Layout>),
    }
    fn decode<T: FromRow>(document: &[u8], layout: &Layout, spots: &mut Spots) -> Result<T> {
        if !spots.fill(layout, document) {
            return Err(broken());
        }
        T::from_row(&MongoRow { document, spots }, 0)
    }
    async fn begin(session: MongoSession, command: Command) -> Result<State> {
        value::check(&command)?;
        let Command::Select(select) = command else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "MongoDB streams the rows of queries and of nothing else",
            ));
        };
        let ready = prepare(&session, &select)?;
        if session.tx.is_some() {
            let found = documents(&session, ready.command, Some(ready.model)).await?;
            return Ok(State::Read(found.into_iter(), ready.layout));
        }
        let (batches, watch) = session.open(ready.command, Some(ready.model)).await?;
        Ok(State::Rows(Box::new(Open {
            batches,
            watch,
            pending: Vec::new().into_iter(),
            layout: ready.layout,
            spots: Spots::default(),
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
                    open.watch.iter_mut().for_each(|watch| watch.add_rows(1));
                    let next = row.is_ok().then_some(State::Rows(open));
                    return Some((row, next));
                }
                let documents = match open.batches.next().await {
                    Ok(None) => {
                        seen(open.watch.take(), 0, true);
                        return None;
                    }
                    Ok(Some(batch)) => documents_of(&batch),
                    Err(error) => Err(error),
                };
                match documents {
                    Ok(documents) => open.pending = documents.into_iter(),
                    Err(error) => return Some((Err(error), None)),
                }
            },
        }
    });
    Box::pin(rows.fuse())
}
