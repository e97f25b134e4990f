//! A closed set of models that are created, dropped and migrated together.

mod change;
mod limits;
mod names;
mod snapshot;

use crate::backend::{Executor, SchemaStore};
use crate::error::{Error, ErrorKind, Result};
use crate::meta::{ModelFn, ModelMeta};

pub use change::{Change, Difference};
pub use limits::{OptionalEmbed, broken_limit, digits, optional_embeds, stored_type};
#[doc(hidden)]
pub use limits::{assert_auto, assert_max_len, assert_precision, assert_time, assert_version, name_overflow};
pub(crate) use limits::{limit_assignments, limited};
pub use names::{NameRules, check_names, column_check_name, derived_name, foreign_key_name};
pub use snapshot::{
    Check, Column, DefaultValue, Embed, EnumType, ForeignKey, Index, ListColumn, Literal, Native, Origin,
    Snapshot, Table, Type,
};

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
    fn create_all<E>(db: &E) -> impl Future<Output = Result<()>> + Send
    where
        E: Executor<Backend: SchemaStore> + ?Sized,
    {
        let models = Self::models();
        async move { db.handle().create_all(&models).await }
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
    fn drop_all<E>(db: &E) -> impl Future<Output = Result<()>> + Send
    where
        E: Executor<Backend: SchemaStore> + ?Sized,
    {
        let models = Self::models();
        async move { db.handle().drop_all(&models).await }
    }
}

/// The relations of these models to models that are not among them, each with its model.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::schema::relations_outside;
/// let outside = relations_outside(&[User::meta(), Post::meta(), Profile::meta()]);
/// let names: Vec<_> = outside.iter().map(|(model, relation, _)| (model.name, *relation)).collect();
/// assert_eq!(names, [("Post", "comments"), ("Post", "tags"), ("Post", "tags")]);
/// ```
pub fn relations_outside(
    models: &[&'static ModelMeta],
) -> Vec<(&'static ModelMeta, &'static str, &'static ModelMeta)> {
    let mut outside = Vec::new();
    for model in models {
        for relation in &model.relations {
            let through = relation.through().map(|through| through.model);
            for target in std::iter::once(relation.target).chain(through) {
                let target = target();
                if !models.iter().any(|model| std::ptr::eq(*model, target)) {
                    outside.push((*model, relation.name, target));
                }
            }
        }
    }
    outside
}

/// What a relation to a model is answered that neither the schema nor the database has.
#[doc(hidden)]
pub fn no_such_model(model: &ModelMeta, relation: &str, target: &ModelMeta) -> Error {
    let text = format!("the relation leads to `{}`, which the schema lacks", target.name);
    Error::new(ErrorKind::Schema, text)
        .with_model(model.name)
        .with_field(relation)
        .with_hint(format!("add `{}` to the `schema!`", target.name))
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
        seen: &mut Vec<*const ModelMeta>,
        out: &mut Vec<&'static ModelMeta>,
    ) {
        if seen.contains(&std::ptr::from_ref(model)) {
            return;
        }
        seen.push(model);
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
