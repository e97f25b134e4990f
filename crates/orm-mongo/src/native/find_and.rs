//! One document, changed or removed and returned in one step.

use mongodb::options::ReturnDocument;
use orm_core::backend::{Collect, Decoder, Executor};
use orm_core::ir::{Assignment, Direction, Expr, Select};
use orm_core::write::UpdateQuery;
use orm_core::{Error, ErrorKind, Model, Result};

use crate::bson::{Key, Writer, get, tag};
use crate::cell::Spots;
use crate::lower::Lower;
use crate::read::Feed;
use crate::session::MongoSession;
use crate::write::check_value;
use crate::{Mongo, layout};

/// An update as MongoDB has one more: of the first row, which comes back.
///
/// ```no_run
/// # use orm_core::{Model, Result, write::UpdateQuery};
/// # async fn example<M: Model>(take: UpdateQuery<M>, db: &orm_mongo::Mongo) -> Result<()> {
/// use orm_mongo::{MongoUpdate, ReturnDocument};
/// // `waiting.update().set(Job::taken, true)`: no other worker gets the same job.
/// let job: Option<M> = take.find_one_and_update(ReturnDocument::After, db).await?;
/// # Ok(()) }
/// ```
pub trait MongoUpdate<M> {
    /// Changes the first row of the query in one step and returns it, as it is then or was before; `None` if none matched. Two programs never
    /// get the same one. Rules of the collection hold, foreign keys are not looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the filter or the values need other collections.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, write::UpdateQuery};
    /// # async fn example<M: Model>(take: UpdateQuery<M>, db: &orm_mongo::Mongo) -> Result<()> {
    /// use orm_mongo::{MongoUpdate, ReturnDocument};
    /// let before: Option<M> = take.find_one_and_update(ReturnDocument::Before, db).await?;
    /// # Ok(()) }
    /// ```
    fn find_one_and_update<E>(
        self,
        returned: ReturnDocument,
        db: &E,
    ) -> impl Future<Output = Result<Option<M>>> + Send
    where
        E: Executor<Backend = Mongo> + ?Sized;
}

/// Removes the first row of a query in one step.
pub(super) async fn delete<M: Model, E>(select: Select, db: &E) -> Result<Option<M>>
where
    E: Executor<Backend = Mongo> + ?Sized,
{
    let command = command(&select, None, db.handle().session())?;
    db.handle().native(Some(M::meta()), |session| run(session, command)).await
}

impl<M: Model, N: Send> MongoUpdate<M> for UpdateQuery<M, N> {
    async fn find_one_and_update<E>(self, returned: ReturnDocument, db: &E) -> Result<Option<M>>
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        let (select, set) = self.into_parts();
        for assignment in &set {
            if let Expr::Value(datum, _) = &assignment.value {
                check_value(M::meta(), assignment.column, datum)?;
            }
        }
        let command = command(&select, Some((&set, returned)), db.handle().session())?;
        db.handle().native(Some(M::meta()), |session| run(session, command)).await
    }
}

fn command(
    select: &Select,
    change: Option<(&[Assignment], ReturnDocument)>,
    session: &MongoSession,
) -> Result<Vec<u8>> {
    let model = select.from.model;
    let times = session.shared.settings.times;
    let refused = |what: &str| Err(Error::new(ErrorKind::Unsupported, what).with_model(model.name));
    let cut = select.limit.is_some() || select.offset.is_some();
    if cut || !select.joins.is_empty() || select.distinct || select.combined.is_some() {
        return refused("one document is found by a filter and an order, without joins and limits");
    }
    let mut lower = Lower::on(times, select.from);
    let mut w = Writer::default();
    w.str("findAndModify", model.table);
    let query = w.open("query");
    if let Some(filter) = &select.filter {
        lower.filter(&mut w, filter)?;
    }
    w.close(query);
    if !select.order.is_empty() {
        let sort = w.open("sort");
        for order in &select.order {
            let Expr::Column(column) = &order.expr else {
                return refused("one document is found in an order of columns");
            };
            let direction = if order.direction == Direction::Asc { 1 } else { -1 };
            w.i32(&*layout::path(model, column.index), direction);
        }
        w.close(sort);
    }
    match change {
        None => w.bool("remove", true),
        Some((set, returned)) => {
            let stages = w.open_array("update");
            let stage = w.open(0_usize);
            let fields = w.open("$set");
            for assignment in set {
                if model.primary_key.contains(&assignment.column) {
                    return refused("a primary key does not change in place");
                }
                let path = layout::path(model, assignment.column);
                lower.assigned(
                    &mut w,
                    Key::Name(&path),
                    model.column(assignment.column),
                    &assignment.value,
                )?;
            }
            w.close(fields);
            w.close(stage);
            w.close(stages);
            w.bool("new", matches!(returned, ReturnDocument::After));
        }
    }
    if !lower.take_stages().is_empty() {
        return refused("one document is found without a look at other collections");
    }
    Ok(w.finish())
}

async fn run<M: Model>(session: &MongoSession, command: Vec<u8>) -> Result<Option<M>> {
    let reply = session.command(command, Some(M::meta())).await?;
    let Some((tag::DOCUMENT, document)) = get(&reply, "value") else { return Ok(None) };
    let layout = session.shared.layout(M::meta());
    let mut decoder = Collect::<M>::default();
    let mut feed = Feed { layout: &layout, spots: Spots::default(), rows: 0, enough: false };
    feed.document(document, &mut decoder)?;
    Ok(decoder.finish(0)?.pop())
}
