//! A closed set of models that are created, dropped and migrated together.

use crate::backend::{Backend, Executor};
use crate::error::Result;
use crate::meta::{ModelFn, ModelMeta};

/// A set of models. Made by [`schema!`](crate::schema!).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// orm::schema!(AppSchema: User, Profile, Post, Comment, Tag, PostTag);
///
/// let db = Sqlite::memory().await?;
/// AppSchema::create_all(&db).await?;
/// assert_eq!(AppSchema::models().len(), 6);
/// AppSchema::drop_all(&db).await?;
/// # Ok(()) }
/// ```
pub trait Schema {
    /// The models.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let names = GuideSchema::MODELS.iter().map(|model| model().name);
    /// assert!(names.eq(["User", "Profile", "Post", "Comment", "Tag", "PostTag"]));
    /// ```
    const MODELS: &'static [ModelFn];

    /// The metadata of the models, parents before children where there is no cycle.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// orm::schema!(AppSchema: Comment, Post, User);
    /// let names = AppSchema::models().iter().map(|meta| meta.name).collect::<Vec<_>>();
    /// assert_eq!(names, ["User", "Post", "Comment"]);
    /// ```
    fn models() -> Vec<&'static ModelMeta> {
        parents_first(&Self::MODELS.iter().map(|model| model()).collect::<Vec<_>>())
    }

    /// Creates all tables, indexes and constraints that are missing.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let db = Sqlite::memory().await?;
    /// GuideSchema::create_all(&db).await?;
    /// GuideSchema::create_all(&db).await?;     // nothing is missing
    /// assert_eq!(User::query().count(&db).await?, 0);
    /// # Ok(()) }
    /// ```
    fn create_all<E: Executor + ?Sized>(db: &E) -> impl Future<Output = Result<()>> + Send {
        let models = Self::models();
        async move { E::Backend::create_all(db.session(), &models).await }
    }

    /// Drops all tables that exist.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// GuideSchema::drop_all(&db).await?;
    /// assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::Schema);
    /// # Ok(()) }
    /// ```
    fn drop_all<E: Executor + ?Sized>(db: &E) -> impl Future<Output = Result<()>> + Send {
        let models = Self::models();
        async move { E::Backend::drop_all(db.session(), &models).await }
    }
}

/// Orders models so that what a foreign key points at comes first. Cycles keep the order they were given in.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::schema::parents_first;
/// let sorted = parents_first(&[Post::meta(), User::meta()]);
/// assert_eq!((sorted[0].name, sorted[1].name), ("User", "Post"));
/// ```
pub fn parents_first(models: &[&'static ModelMeta]) -> Vec<&'static ModelMeta> {
    fn visit(
        model: &'static ModelMeta,
        all: &[&'static ModelMeta],
        seen: &mut Vec<&'static str>,
        out: &mut Vec<&'static ModelMeta>,
    ) {
        if seen.contains(&model.table) {
            return;
        }
        seen.push(model.table);
        for key in &model.foreign_keys {
            let target = (key.target)();
            if all.iter().any(|other| std::ptr::eq(*other, target)) {
                visit(target, all, seen, out);
            }
        }
        out.push(model);
    }
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    for model in models {
        visit(model, models, &mut seen, &mut out);
    }
    out
}

/// Declares a schema: a unit struct that implements [`Schema`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let db = Sqlite::memory().await?;
/// orm::schema!(pub AppSchema: User, Profile, Post, Comment, Tag, PostTag);
///
/// AppSchema::create_all(&db).await?;
/// assert_eq!(User::query().count(&db).await?, 0);
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! schema {
    ($(#[$attr:meta])* $vis:vis $name:ident: $($model:ty),+ $(,)?) => {
        $(#[$attr])*
        #[doc = "A set of models, made by `orm::schema!`."]
        #[derive(Debug, Clone, Copy)]
        $vis struct $name;
        impl $crate::schema::Schema for $name {
            const MODELS: &'static [$crate::meta::ModelFn] = &[$(<$model as $crate::Model>::meta),+];
        }
    };
}
