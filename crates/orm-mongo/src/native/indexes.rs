//! Indexes that SQL databases do not have.

use std::marker::PhantomData;
use std::time::Duration;

use orm_core::expr::Column;
use orm_core::model::Named;
use orm_core::value::Value;
use orm_core::{Error, ErrorKind, Model, Result};

use crate::bson::{Writer, pretty};
use crate::{Mongo, layout};

/// What an index does with a field.
///
/// ```no_run
/// # use orm_core::{Model, expr::Column};
/// # fn example<M: Model + orm_core::model::Named<Model = M>>(name: Column<M, String>) -> orm_mongo::MongoIndex<M> {
/// use orm_mongo::{MongoIndex, MongoIndexKind};
/// MongoIndex::new("words").on(name, MongoIndexKind::Text)
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MongoIndexKind {
    /// Ascending.
    Ascending,
    /// Descending.
    Descending,
    /// Words, for `$text`. At most one index of a collection has such fields.
    Text,
    /// Points and shapes on the earth.
    Sphere,
    /// By a hash: for shard keys.
    Hashed,
}

/// An index of a model's collection, made by [`create`](MongoIndex::create).
///
/// ```no_run
/// # use std::time::Duration;
/// # use orm_core::{Model, Result, expr::Column};
/// # async fn example<M: Model + orm_core::model::Named<Model = M>>(seen_at: Column<M, String>, db: &orm_mongo::Mongo) -> Result<()> {
/// use orm_mongo::{MongoIndex, MongoIndexKind};
/// // Documents go an hour after the time in the column.
/// let index = MongoIndex::new("sessions_end").on(seen_at, MongoIndexKind::Ascending).expire_after(Duration::from_secs(3600));
/// index.create(db).await?;
/// # Ok(()) }
/// ```
#[must_use = "the index is made by `.create(&db)`"]
#[derive(Debug, Clone)]
pub struct MongoIndex<M> {
    name: String,
    fields: Vec<(String, MongoIndexKind)>,
    expires: Option<Duration>,
    hidden: bool,
    marker: PhantomData<fn() -> M>,
}

impl<M: Model + Named<Model = M>> MongoIndex<M> {
    /// An index of this name.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(name: Column<M, String>) -> orm_mongo::MongoIndex<M> {
    /// use orm_mongo::{MongoIndex, MongoIndexKind};
    /// MongoIndex::new("by_name").on(name, MongoIndexKind::Ascending)
    /// # }
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        MongoIndex {
            name: name.into(),
            fields: Vec::new(),
            expires: None,
            hidden: false,
            marker: PhantomData,
        }
    }

    /// Adds a column.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(name: Column<M, String>) -> orm_mongo::MongoIndex<M> {
    /// use orm_mongo::{MongoIndex, MongoIndexKind};
    /// MongoIndex::new("by_name").on(name, MongoIndexKind::Descending)
    /// # }
    /// ```
    pub fn on<T: Value>(mut self, column: Column<M, T>, kind: MongoIndexKind) -> Self {
        self.fields.push((layout::path(M::meta(), column.index()).into_owned(), kind));
        self
    }

    /// Documents are removed by the server so long after the date in the one column of the index. The column has to hold BSON
    /// dates: [`MongoTimes::Millis`](crate::MongoTimes::Millis).
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(name: Column<M, String>) -> orm_mongo::MongoIndex<M> {
    /// use orm_mongo::{MongoIndex, MongoIndexKind};
    /// MongoIndex::new("old").on(name, MongoIndexKind::Ascending).expire_after(std::time::Duration::from_secs(60))
    /// # }
    /// ```
    pub fn expire_after(mut self, time: Duration) -> Self {
        self.expires = Some(time);
        self
    }

    /// The planner does not see it: to try what would be without it.
    ///
    /// ```no_run
    /// # use orm_core::{Model, expr::Column};
    /// # fn example<M: Model + orm_core::model::Named<Model = M>>(name: Column<M, String>) -> orm_mongo::MongoIndex<M> {
    /// use orm_mongo::{MongoIndex, MongoIndexKind};
    /// MongoIndex::new("tried").on(name, MongoIndexKind::Ascending).hidden()
    /// # }
    /// ```
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The command, as extended JSON.
    ///
    /// ```no_run
    /// # fn example<M: orm_core::Model + orm_core::model::Named<Model = M>>(index: orm_mongo::MongoIndex<M>) -> orm_core::Result<()> {
    /// println!("{}", index.to_command()?);
    /// # Ok(()) }
    /// ```
    pub fn to_command(&self) -> Result<String> {
        Ok(pretty(&self.command()?, true))
    }

    fn command(&self) -> Result<Vec<u8>> {
        if self.fields.is_empty() {
            return Err(Error::new(ErrorKind::Usage, format!("the index `{}` has no column", self.name))
                .with_model(M::meta().name));
        }
        let mut w = Writer::default();
        w.str("createIndexes", M::meta().table);
        let list = w.open_array("indexes");
        let index = w.open(0_usize);
        let key = w.open("key");
        for (field, kind) in &self.fields {
            match kind {
                MongoIndexKind::Ascending => w.i32(field, 1),
                MongoIndexKind::Descending => w.i32(field, -1),
                MongoIndexKind::Text => w.str(field, "text"),
                MongoIndexKind::Sphere => w.str(field, "2dsphere"),
                MongoIndexKind::Hashed => w.str(field, "hashed"),
            }
        }
        w.close(key);
        w.str("name", &self.name);
        if let Some(time) = self.expires {
            w.i64("expireAfterSeconds", i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        }
        if self.hidden {
            w.bool("hidden", true);
        }
        w.close(index);
        w.close(list);
        Ok(w.finish())
    }

    /// Makes it; one of the same name and columns is left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Database`] if there is another index of this name.
    ///
    /// ```no_run
    /// # async fn example<M: orm_core::Model + orm_core::model::Named<Model = M>>(index: orm_mongo::MongoIndex<M>, db: orm_mongo::Mongo) -> orm_core::Result<()> {
    /// index.create(&db).await
    /// # }
    /// ```
    pub async fn create(&self, db: &Mongo) -> Result<()> {
        use orm_core::backend::Executor;
        let command = self.command()?;
        db.handle()
            .native(Some(M::meta()), |session| session.command(command, Some(M::meta())))
            .await
            .map(drop)
    }
}
