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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexKind {
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

/// An index of a model's collection, made by [`create`](Index::create).
///
/// ```no_run
/// # use std::time::Duration;
/// # use orm_core::{Model, Result, expr::Column};
/// # async fn example<M: Model + orm_core::model::Named<Model = M>>(seen_at: Column<M, String>, db: &orm_mongo::Mongo) -> Result<()> {
/// use orm_mongo::{Index, IndexKind};
/// // Documents go an hour after the time in the column.
/// let index = Index::new("sessions_end").on(seen_at, IndexKind::Ascending).expire_after(Duration::from_secs(3600));
/// index.create(db).await?;
/// # Ok(()) }
/// ```
#[must_use = "the index is made by `.create(&db)`"]
#[derive(Debug, Clone)]
pub struct Index<M> {
    name: String,
    fields: Vec<(String, IndexKind)>,
    expires: Option<Duration>,
    hidden: bool,
    marker: PhantomData<fn() -> M>,
}

impl<M: Model + Named<Model = M>> Index<M> {
    /// An index of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Index { name: name.into(), fields: Vec::new(), expires: None, hidden: false, marker: PhantomData }
    }

    /// Adds a column.
    pub fn on<T: Value>(mut self, column: Column<M, T>, kind: IndexKind) -> Self {
        self.fields.push((layout::path(M::meta(), column.index()).into_owned(), kind));
        self
    }

    /// Documents are removed by the server so long after the date in the one column of the index. The column has to hold BSON
    /// dates: [`Times::Millis`](crate::Times::Millis).
    pub fn expire_after(mut self, time: Duration) -> Self {
        self.expires = Some(time);
        self
    }

    /// The planner does not see it: to try what would be without it.
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The command, as extended JSON.
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
                IndexKind::Ascending => w.i32(field, 1),
                IndexKind::Descending => w.i32(field, -1),
                IndexKind::Text => w.str(field, "text"),
                IndexKind::Sphere => w.str(field, "2dsphere"),
                IndexKind::Hashed => w.str(field, "hashed"),
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
    pub async fn create(&self, db: &Mongo) -> Result<()> {
        use orm_core::backend::Executor;
        db.session().command(self.command()?, Some(M::meta())).await.map(drop)
    }
}
