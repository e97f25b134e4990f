//! Many writes, of several models, in one command.

use orm_core::backend::Executor;
use orm_core::ir::{Assignment, Expr, Select};
use orm_core::query::Query;
use orm_core::write::UpdateQuery;
use orm_core::{Error, ErrorKind, Model, Result};

use crate::Mongo;
use crate::bson::{Elements, Key, Writer, get};
use crate::lower::Lower;
use crate::session::MongoSession;
use crate::write::check_value;
use crate::{errors, layout};

/// Updates and deletions of any models, sent as one command in their order: the `bulkWrite` of MongoDB 8.0.
///
/// Rules of the collections hold; foreign keys are not looked at. Without a transaction, what came before an error stays, and
/// nothing is sent again when the server is lost.
///
/// ```no_run
/// # use orm_core::{Model, Result, query::Query, write::UpdateQuery};
/// # async fn example<A: Model, B: Model>(raise: UpdateQuery<A>, old: Query<B>, db: &orm_mongo::Mongo) -> Result<()> {
/// let counts = orm_mongo::MongoBulk::new().update(raise).delete(old).exec(db).await?;
/// println!("{counts:?} rows");
/// # Ok(()) }
/// ```
#[must_use = "nothing is written before `.exec(&db)`"]
#[derive(Debug, Default)]
pub struct MongoBulk {
    operations: Vec<(Select, Option<Vec<Assignment>>)>,
}

impl MongoBulk {
    /// Nothing yet.
    ///
    /// ```
    /// let nothing = orm_mongo::MongoBulk::new();
    /// # let _ = nothing;
    /// ```
    pub fn new() -> Self {
        MongoBulk::default()
    }

    /// Changes the rows of a query.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query, write::UpdateQuery};
    /// # async fn example<A: Model, B: Model>(raise: UpdateQuery<A>, old: Query<B>, db: &orm_mongo::Mongo) -> Result<()> {
    /// let counts = orm_mongo::MongoBulk::new().update(raise).exec(db).await?;
    /// # Ok(()) }
    /// ```
    pub fn update<M: Model, N>(mut self, update: UpdateQuery<M, N>) -> Self {
        let (select, set) = update.into_parts();
        self.operations.push((select, Some(set)));
        self
    }

    /// Removes the rows of a query.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query, write::UpdateQuery};
    /// # async fn example<A: Model, B: Model>(raise: UpdateQuery<A>, old: Query<B>, db: &orm_mongo::Mongo) -> Result<()> {
    /// let counts = orm_mongo::MongoBulk::new().delete(old).exec(db).await?;
    /// # Ok(()) }
    /// ```
    pub fn delete<M: Model, Q, N>(mut self, query: Query<M, Q, M, N>) -> Self {
        self.operations.push((query.into_select(), None));
        self
    }

    /// Sends them. How many rows each touched, in order.
    ///
    /// # Errors
    /// [`ErrorKind::Unfiltered`] for an operation without a filter, [`ErrorKind::Unsupported`] for a filter or a value that needs other
    /// collections, and whatever rule is broken.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query, write::UpdateQuery};
    /// # async fn example<A: Model, B: Model>(raise: UpdateQuery<A>, old: Query<B>, db: &orm_mongo::Mongo) -> Result<()> {
    /// let counts = orm_mongo::MongoBulk::new().update(raise).delete(old).exec(db).await?;
    /// assert_eq!(counts.len(), 2);
    /// # Ok(()) }
    /// ```
    pub async fn exec<E>(self, db: &E) -> Result<Vec<u64>>
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        if self.operations.is_empty() {
            return Ok(Vec::new());
        }
        db.handle().native(None, |session| self.send(session)).await
    }

    async fn send(self, session: &MongoSession) -> Result<Vec<u64>> {
        let command = self.command(session)?;
        let found = session.admin(command).await?;
        let mut counts = vec![0; self.operations.len()];
        let first = get(&found, "cursor").and_then(|(_, cursor)| get(cursor, "firstBatch"));
        for (_, _, result) in Elements::of(first.map(|(_, list)| list).unwrap_or_default()) {
            let number = |name: &str| get(result, name).map_or(0, |(ty, value)| errors::number(ty, value));
            let place = number("idx") as usize;
            if number("ok") != 1 {
                let model = self.operations.get(place).map(|(select, _)| select.from.model);
                session.spoil();
                return Err(errors::of_result(result, model));
            }
            if let Some(count) = counts.get_mut(place) {
                *count = number("n") as u64;
            }
        }
        session.checked(found, None)?;
        Ok(counts)
    }

    fn command(&self, session: &MongoSession) -> Result<Vec<u8>> {
        let mut w = Writer::default();
        w.i32("bulkWrite", 1);
        let list = w.open_array("ops");
        let mut collections: Vec<&str> = Vec::new();
        for (at, (select, set)) in self.operations.iter().enumerate() {
            let model = select.from.model;
            let fault = |kind, text: &str| Err(Error::new(kind, text).with_model(model.name));
            let cut = select.limit.is_some() || select.offset.is_some();
            if cut || !select.joins.is_empty() || select.combined.is_some() {
                return fault(ErrorKind::Unsupported, "bulk operations name their rows by a filter alone");
            }
            let filter = select.filter.as_ref().filter(|_| !select.is_unfiltered());
            let Some(filter) = filter else {
                return fault(ErrorKind::Unfiltered, "this operation would touch every row");
            };
            let place = collections.iter().position(|known| *known == model.table).unwrap_or_else(|| {
                collections.push(model.table);
                collections.len() - 1
            });
            let mut lower = Lower::on(session.shared.settings.times, select.from);
            let operation = w.open(at);
            w.i32(if set.is_some() { "update" } else { "delete" }, place as i32);
            let query = w.open("filter");
            lower.filter(&mut w, filter)?;
            w.close(query);
            if let Some(set) = set {
                let stages = w.open_array("updateMods");
                let stage = w.open(0_usize);
                let fields = w.open("$set");
                for assignment in set {
                    if let Expr::Value(datum, _) = &assignment.value {
                        check_value(model, assignment.column, datum)?;
                    }
                    if model.primary_key.contains(&assignment.column) {
                        return fault(ErrorKind::Unsupported, "a primary key does not change in place");
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
            }
            w.bool("multi", true);
            w.close(operation);
            if !lower.take_stages().is_empty() {
                return fault(ErrorKind::Unsupported, "bulk operations do not look at other collections");
            }
        }
        w.close(list);
        let names = w.open_array("nsInfo");
        for (at, collection) in collections.iter().enumerate() {
            let name = w.open(at);
            w.str("ns", &format!("{}.{collection}", session.shared.db.name()));
            w.close(name);
        }
        w.close(names);
        Ok(w.finish())
    }
}
