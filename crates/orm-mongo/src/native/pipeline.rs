//! Aggregation pipelines beyond the portable query.

use std::marker::PhantomData;

use mongodb::bson::{Document, RawDocumentBuf};
use orm_core::backend::{Collect, Decoder, Executor};
use orm_core::expr::Column;
use orm_core::ir::Select;
use orm_core::model::Named;
use orm_core::query::Query;
use orm_core::relation::{Rel, Slot};
use orm_core::value::{Scalar, Value};
use orm_core::{Error, ErrorKind, Model, Result};
use serde::de::DeserializeOwned;

use crate::bson::{Key, Open, Writer, pretty};
use crate::cell::Spots;
use crate::lower::Lower;
use crate::read::{Feed, documents};
use crate::session::MongoSession;
use crate::value::{self, MongoTimes};
use crate::{Mongo, errors, layout};

/// Queries as pipelines.
///
/// ```no_run
/// # use orm_core::{Model, Result, query::Query};
/// # fn example<M: Model>(query: Query<M>) -> orm_mongo::MongoPipeline<M> {
/// use orm_mongo::MongoQuery;
/// query.pipeline().sample(10)
/// # }
/// ```
pub trait MongoQuery<M> {
    /// The query's stages, to go on with stages of MongoDB's own.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query, expr::Column};
    /// # async fn example<M: Model>(query: Query<M>, price: Column<M, f64>, db: orm_mongo::Mongo) -> Result<()> {
    /// use orm_mongo::MongoQuery;
    /// let busy: Vec<mongodb::bson::Document> = query.pipeline().sort_by_count(price).documents(&db).await?;
    /// # Ok(()) }
    /// ```
    fn pipeline(self) -> MongoPipeline<M>;

    /// The query as extended JSON, as the server gets it.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query};
    /// # fn example<M: Model>(query: Query<M>, db: &orm_mongo::Mongo) -> Result<()> {
    /// use orm_mongo::MongoQuery;
    /// println!("{}", query.to_pipeline(db)?);
    /// # Ok(()) }
    /// ```
    fn to_pipeline(&self, db: &Mongo) -> Result<String>;

    /// Removes the first row of the query in one step and returns it, `None` if none matched. Two programs never get the same one. Foreign
    /// keys are not looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the filter needs other collections.
    ///
    /// ```no_run
    /// # use orm_core::{Model, Result, query::Query};
    /// # async fn example<M: Model>(waiting: Query<M>, db: &orm_mongo::Mongo) -> Result<()> {
    /// use orm_mongo::MongoQuery;
    /// let next: Option<M> = waiting.find_one_and_delete(db).await?;
    /// # Ok(()) }
    /// ```
    fn find_one_and_delete<E>(self, db: &E) -> impl Future<Output = Result<Option<M>>> + Send
    where
        E: Executor<Backend = Mongo> + ?Sized;
}

impl<M: Model, Q, N> MongoQuery<M> for Query<M, Q, M, N>
where
    Query<M, Q, M, N>: Clone,
{
    fn pipeline(self) -> MongoPipeline<M> {
        MongoPipeline {
            parts: vec![Part::Query(Box::new(self.into_select()))],
            fault: None,
            marker: PhantomData,
        }
    }

    fn to_pipeline(&self, db: &Mongo) -> Result<String> {
        self.clone().pipeline().to_pipeline(db)
    }

    fn find_one_and_delete<E>(self, db: &E) -> impl Future<Output = Result<Option<M>>> + Send
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        super::find_and::delete(self.into_select(), db)
    }
}

/// A point on the earth, in degrees.
///
/// ```
/// let ulm = orm_mongo::types::Point { longitude: 9.99, latitude: 48.4 };
/// assert!(ulm.latitude < 90.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// West to east, -180 to 180.
    pub longitude: f64,
    /// South to north, -90 to 90.
    pub latitude: f64,
}

/// An aggregation pipeline over the documents of a model: made by [`MongoQuery::pipeline`].
///
/// Stages of MongoDB's own follow the query's. What comes out may be anything: it is read as a serde type
/// ([`documents`](MongoPipeline::documents)), or as the model again ([`rows`](MongoPipeline::rows)).
///
/// ```no_run
/// # use orm_core::{Model, Result, query::ModelQuery};
/// # async fn example<M: Model>(db: orm_mongo::Mongo) -> Result<()> {
/// use orm_mongo::MongoQuery;
/// let some = M::query().pipeline().sample(10).rows(&db).await?;
/// # let _ = some;
/// # Ok(()) }
/// ```
#[must_use = "nothing is read before `.documents(&db)`, `.rows(&db)` or `.exec(&db)`"]
#[derive(Debug)]
pub struct MongoPipeline<M> {
    parts: Vec<Part>,
    fault: Option<Error>,
    marker: PhantomData<fn() -> M>,
}

#[derive(Debug)]
enum Part {
    Query(Box<Select>),
    Stage(Vec<u8>),
    Facets(Vec<(String, Vec<Part>)>),
}

fn field<M: Model + Named<Model = M>, T>(column: Column<M, T>) -> String {
    layout::path(M::meta(), column.index()).into_owned()
}

/// Begins `{operator: {`.
fn begin(w: &mut Writer, operator: &str) -> Open {
    w.open(operator)
}

impl<M: Model> MongoPipeline<M> {
    fn push(mut self, write: impl FnOnce(&mut Writer)) -> Self {
        let mut w = Writer::default();
        write(&mut w);
        self.parts.push(Part::Stage(w.finish()));
        self
    }

    /// A stage as it is.
    ///
    /// ```no_run
    /// # fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.stage(mongodb::bson::doc! {"$redact": {"$cond": ["$public", "$$KEEP", "$$PRUNE"]}})
    /// # }
    /// ```
    pub fn stage(mut self, stage: Document) -> Self {
        match RawDocumentBuf::try_from(&stage) {
            Ok(raw) => self.parts.push(Part::Stage(raw.into_bytes())),
            Err(error) => self.fault = Some(errors::encoding(error)),
        }
        self
    }

    /// Several pipelines over the same documents: one document comes out, with a list for each.
    ///
    /// ```no_run
    /// # use orm_core::{Model, query::ModelQuery, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(price: Column<M, f64>) -> orm_mongo::MongoPipeline<M> {
    /// use orm_mongo::MongoQuery;
    /// let by_price = |pipeline: orm_mongo::MongoPipeline<M>| pipeline.bucket_auto(price, 4);
    /// M::query().pipeline().facets([("prices", by_price(M::query().pipeline())), ("all", M::query().pipeline())])
    /// # }
    /// ```
    pub fn facets<'n>(mut self, facets: impl IntoIterator<Item = (&'n str, MongoPipeline<M>)>) -> Self {
        let mut list = Vec::new();
        for (name, facet) in facets {
            self.fault = self.fault.take().or(facet.fault);
            list.push((name.to_owned(), facet.parts));
        }
        self.parts.push(Part::Facets(list));
        self
    }

    /// Groups by the ranges between the bounds, which ascend; what is outside is in a group called `other`. Each has `_id`, the
    /// lower bound, and `count`.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(pipeline: orm_mongo::MongoPipeline<M>, age: Column<M, i32>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.bucket(age, [0, 18, 65])
    /// # }
    /// ```
    pub fn bucket<T: Value>(mut self, column: Column<M, T>, bounds: impl IntoIterator<Item = T::Base>) -> Self
    where
        M: Named<Model = M>,
    {
        let bounds: Vec<_> = bounds.into_iter().map(Scalar::encode).collect();
        let mut fault = None;
        self = self.push(|w| {
            let bucket = begin(w, "$bucket");
            w.str("groupBy", &format!("${}", field(column)));
            let list = w.open_array("boundaries");
            for (at, bound) in bounds.iter().enumerate() {
                if let Err(error) = value::write(w, Key::At(at), bound, T::TYPE, MongoTimes::default()) {
                    fault = Some(error);
                }
            }
            w.close(list);
            w.str("default", "other");
            w.close(bucket);
        });
        self.fault = self.fault.or(fault);
        self
    }

    /// Groups into so many ranges of about equal size.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(pipeline: orm_mongo::MongoPipeline<M>, age: Column<M, i32>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.bucket_auto(age, 4)
    /// # }
    /// ```
    pub fn bucket_auto<T: Value>(self, column: Column<M, T>, buckets: u32) -> Self
    where
        M: Named<Model = M>,
    {
        self.push(|w| {
            let bucket = begin(w, "$bucketAuto");
            w.str("groupBy", &format!("${}", field(column)));
            w.i64("buckets", buckets.into());
            w.close(bucket);
        })
    }

    /// How often each value occurs, the most frequent first: documents of `_id` and `count`.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(pipeline: orm_mongo::MongoPipeline<M>, city: Column<M, String>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.sort_by_count(city)
    /// # }
    /// ```
    pub fn sort_by_count<T: Value>(self, column: Column<M, T>) -> Self
    where
        M: Named<Model = M>,
    {
        self.push(|w| w.str("$sortByCount", &format!("${}", field(column))))
    }

    /// So many documents at random.
    ///
    /// ```no_run
    /// # fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.sample(10)
    /// # }
    /// ```
    pub fn sample(self, size: u32) -> Self {
        self.push(|w| {
            let sample = begin(w, "$sample");
            w.i64("size", size.into());
            w.close(sample);
        })
    }

    /// Follows a relation of the model to itself, from each document on, into the list `field`; at most `depth` steps further
    /// than the first if given.
    ///
    /// ```no_run
    /// # use orm_core::{Model, relation::{HasMany, Rel}};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(pipeline: orm_mongo::MongoPipeline<M>, children: Rel<M, HasMany<M>>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.graph_lookup(children, "descendants", None)
    /// # }
    /// ```
    pub fn graph_lookup<S: Slot<Target = M>, V>(
        mut self,
        relation: Rel<M, S, V>,
        field: &str,
        depth: Option<u32>,
    ) -> Self {
        let meta = M::meta();
        let ([local], [remote]) = (relation.local(), relation.remote()) else {
            let error = Error::new(ErrorKind::Unsupported, "a graph is followed along keys of one column")
                .with_model(meta.name);
            self.fault = self.fault.or(Some(error));
            return self;
        };
        let (local, remote) = (layout::path(meta, *local), layout::path(meta, *remote));
        self.push(|w| {
            let lookup = begin(w, "$graphLookup");
            w.str("from", meta.table);
            w.str("startWith", &format!("${local}"));
            w.str("connectFromField", &local);
            w.str("connectToField", &remote);
            w.str("as", field);
            if let Some(depth) = depth {
                w.i64("maxDepth", depth.into());
            }
            w.close(lookup);
        })
    }

    /// Documents near a point, the nearest first, with the distance in metres in a field. It has to be the first stage, so it comes
    /// before a query's filter; the column needs an index for points.
    ///
    /// ```no_run
    /// # use orm_core::{Model, query::ModelQuery, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(place: Column<M, String>) -> orm_mongo::MongoPipeline<M> {
    /// use orm_mongo::{MongoQuery, types::Point};
    /// M::query().pipeline().geo_near(place, Point { longitude: 9.99, latitude: 48.4 }, "metres", Some(1_000.0))
    /// # }
    /// ```
    pub fn geo_near<T: Value>(
        mut self,
        column: Column<M, T>,
        near: Point,
        distance: &str,
        within: Option<f64>,
    ) -> Self
    where
        M: Named<Model = M>,
    {
        let mut w = Writer::default();
        let stage = begin(&mut w, "$geoNear");
        let point = w.open("near");
        w.str("type", "Point");
        let coordinates = w.open_array("coordinates");
        w.f64(0, near.longitude);
        w.f64(1, near.latitude);
        w.close(coordinates);
        w.close(point);
        w.str("key", &field(column));
        w.str("distanceField", distance);
        w.bool("spherical", true);
        if let Some(within) = within {
            w.f64("maxDistance", within);
        }
        w.close(stage);
        self.parts.insert(0, Part::Stage(w.finish()));
        self
    }

    /// Adds documents where a number leaves out steps between its smallest and largest value.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(pipeline: orm_mongo::MongoPipeline<M>, hour: Column<M, i32>) -> orm_mongo::MongoPipeline<M> {
    /// pipeline.densify(hour, 1)
    /// # }
    /// ```
    pub fn densify<T: Value>(self, column: Column<M, T>, step: i64) -> Self
    where
        M: Named<Model = M>,
    {
        self.push(|w| {
            let densify = begin(w, "$densify");
            w.str("field", &field(column));
            let range = w.open("range");
            w.i64("step", step);
            w.str("bounds", "full");
            w.close(range);
            w.close(densify);
        })
    }

    /// Writes what comes out into the collection of another model: documents of the same `_id` are replaced, others inserted. Rules of the
    /// collection hold, foreign keys are not checked. Run it with [`exec`](MongoPipeline::exec).
    ///
    /// ```no_run
    /// # use orm_core::Model;
    /// # async fn example<M: Model, T: Model>(pipeline: orm_mongo::MongoPipeline<M>, db: &orm_mongo::Mongo) -> orm_core::Result<()> {
    /// pipeline.merge_into::<T>().exec(db).await
    /// # }
    /// ```
    pub fn merge_into<T: Model>(self) -> Self {
        self.push(|w| {
            let merge = begin(w, "$merge");
            w.str("into", T::meta().table);
            w.str("whenMatched", "replace");
            w.str("whenNotMatched", "insert");
            w.close(merge);
        })
    }

    fn command(self, times: MongoTimes) -> Result<Vec<u8>> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut stages = Vec::new();
        let mut collection = M::meta().table;
        for part in self.parts {
            if let Part::Query(select) = &part {
                let mut lower = Lower::new(times);
                let (own, _) = lower.pipeline(select)?;
                collection = own;
                stages.extend(lower.take_stages());
            } else {
                stages.extend(part.stages(times)?);
            }
        }
        let mut w = Writer::default();
        w.str("aggregate", collection);
        let list = w.open_array("pipeline");
        for (at, stage) in stages.iter().enumerate() {
            w.document(at, stage);
        }
        w.close(list);
        let cursor = w.open("cursor");
        w.close(cursor);
        Ok(w.finish())
    }

    /// The stages as extended JSON.
    ///
    /// # Errors
    /// What the query or a stage cannot be written for.
    ///
    /// ```no_run
    /// # fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>, db: &orm_mongo::Mongo) -> orm_core::Result<()> {
    /// println!("{}", pipeline.to_pipeline(db)?);
    /// # Ok(()) }
    /// ```
    pub fn to_pipeline(self, db: &Mongo) -> Result<String> {
        let command = self.command(db.handle().session().shared.settings.times)?;
        let stages =
            crate::bson::get(&command, "pipeline").map(|(_, stages)| stages.to_vec()).unwrap_or_default();
        let list: Vec<String> =
            crate::bson::Elements::of(&stages).map(|(_, _, stage)| pretty(stage, true)).collect();
        Ok(format!("[{}]", list.join(", ")))
    }

    async fn found(self, session: &MongoSession) -> Result<Vec<Vec<u8>>> {
        let command = self.command(session.shared.settings.times)?;
        documents(session, command, Some(M::meta())).await
    }

    /// What comes out, as a serde type.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if a document does not fit the type.
    ///
    /// ```no_run
    /// # async fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>, db: &orm_mongo::Mongo) -> orm_core::Result<()> {
    /// let found: Vec<mongodb::bson::Document> = pipeline.documents(db).await?;
    /// # Ok(()) }
    /// ```
    pub async fn documents<T: DeserializeOwned, E>(self, db: &E) -> Result<Vec<T>>
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        let unfit = |error: mongodb::bson::error::Error| {
            Error::new(ErrorKind::Decode, "a document does not fit the type")
                .with_model(M::meta().name)
                .with_source(error)
        };
        let found = db.handle().native(Some(M::meta()), |session| self.found(session)).await?;
        found.iter().map(|document| mongodb::bson::deserialize_from_slice(document).map_err(unfit)).collect()
    }

    /// What comes out, as rows of the model.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if a document is none of the model's.
    ///
    /// ```no_run
    /// # async fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>, db: &orm_mongo::Mongo) -> orm_core::Result<()> {
    /// let some: Vec<M> = pipeline.sample(3).rows(db).await?;
    /// # Ok(()) }
    /// ```
    pub async fn rows<E>(self, db: &E) -> Result<Vec<M>>
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        let session = db.handle().session();
        let layout = session.shared.layout(M::meta());
        let mut decoder = Collect::<M>::default();
        let mut feed = Feed { layout: &layout, spots: Spots::default(), rows: 0, enough: false };
        for document in db.handle().native(Some(M::meta()), |session| self.found(session)).await? {
            feed.document(&document, &mut decoder)?;
        }
        decoder.finish(0)
    }

    /// Runs a pipeline that writes.
    ///
    /// # Errors
    /// Whatever rule of the collection is broken.
    ///
    /// ```no_run
    /// # async fn example<M: orm_core::Model>(pipeline: orm_mongo::MongoPipeline<M>, db: &orm_mongo::Mongo) -> orm_core::Result<()> {
    /// pipeline.merge_into::<M>().exec(db).await
    /// # }
    /// ```
    pub async fn exec<E>(self, db: &E) -> Result<()>
    where
        E: Executor<Backend = Mongo> + ?Sized,
    {
        db.handle().native(Some(M::meta()), |session| self.found(session)).await.map(drop)
    }
}

impl Part {
    fn stages(self, times: MongoTimes) -> Result<Vec<Vec<u8>>> {
        match self {
            Part::Stage(stage) => Ok(vec![stage]),
            Part::Query(select) => {
                let mut lower = Lower::new(times);
                lower.pipeline(&select)?;
                Ok(lower.take_stages())
            }
            Part::Facets(facets) => {
                let mut w = Writer::default();
                let open = begin(&mut w, "$facet");
                for (name, parts) in facets {
                    let list = w.open_array(&name);
                    let mut at = 0;
                    for part in parts {
                        for stage in part.stages(times)? {
                            w.document(at, &stage);
                            at += 1;
                        }
                    }
                    w.close(list);
                }
                w.close(open);
                Ok(vec![w.finish()])
            }
        }
    }
}
