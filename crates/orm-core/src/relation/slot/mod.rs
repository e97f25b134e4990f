//! The slots: fields of a model that hold the rows of a relation once they are loaded.
//!
//! A slot is in one of two states, and reading one that was never loaded is an error: an empty slice always means that the
//! database has no rows. Parents are shared ([`BelongsTo`] holds an `Arc`), children are owned by their parent. Until it is
//! loaded, a slot also remembers the [`Siblings`] of its row, for lazy loading in batches. What it holds is a trait object, so that
//! no auto trait of a model depends on other models.

mod common;
mod content;
mod to_many;
mod to_one;

pub use to_many::{HasMany, ManyToMany};
pub use to_one::{BelongsTo, HasOne, MorphTo};

use super::{Mark, Siblings};
use crate::error::{Error, ErrorKind, Result};
use crate::meta::RelationMeta;
use crate::model::Model;

/// A field of a model that holds the rows of a relation.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::relation::Slot;
/// fn leads_to<S: Slot<Target = Post>>() {}
/// leads_to::<HasMany<Post>>();
/// leads_to::<BelongsTo<Post>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation",
    label = "expected `BelongsTo<…>`, `HasOne<…>`, `HasMany<…>` or `ManyToMany<…>` of a model"
)]
pub trait Slot: Default + Send + Sync + Sized + 'static {
    /// The model at the other end.
    type Target: Model;
    /// What reading a loaded slot gives.
    type Loaded<'a>
    where
        Self: 'a;
    /// What is put into a slot; the default is "loaded, and nothing there".
    #[doc(hidden)]
    type Content: Default + Send + 'static;
    /// Whether rows of equal key share one child instead of each having their own.
    #[doc(hidden)]
    const SHARED: bool;

    /// Whether the slot was loaded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::Slot;
    /// fn missing<S: Slot>(slots: &[S]) -> usize {
    ///     slots.iter().filter(|slot| !Slot::is_loaded(*slot)).count()
    /// }
    /// assert_eq!(missing(&[User::find(1).one(&db).await?.posts, HasMany::loaded([])]), 1);
    /// # Ok(()) }
    /// ```
    fn is_loaded(&self) -> bool;
    /// Reads the slot, as its `get` does.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::relation::Slot;
    /// let slot: HasMany<Post> = HasMany::loaded([]);
    /// assert!(slot.read().unwrap().is_empty());
    /// ```
    fn read(&self) -> Result<Self::Loaded<'_>>;

    /// How a loaded slot came by its content.
    #[doc(hidden)]
    fn mark(&self) -> Option<&Mark>;
    #[doc(hidden)]
    fn siblings(&self) -> Option<&Siblings>;
    /// Fills the slot.
    #[doc(hidden)]
    fn put(&mut self, content: Self::Content, mark: Mark);
    /// What one row gets: a copy where contents are shared, else the content itself.
    #[doc(hidden)]
    fn hand_out(content: &mut Self::Content) -> Self::Content;
    /// Sorts children into their places, keeping their order.
    #[doc(hidden)]
    fn distribute(
        relation: &RelationMeta,
        count: usize,
        places: &[u32],
        children: Vec<Self::Target>,
    ) -> Result<Vec<Self::Content>>;
}

/// A slot for at most one row.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::relation::ToOne;
/// fn at_most_one<S: ToOne>() {}
/// at_most_one::<BelongsTo<User>>();
/// at_most_one::<HasOne<Profile>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not lead to at most one row",
    label = "expected `BelongsTo` or `HasOne`"
)]
pub trait ToOne: Slot {}

/// A slot for any number of rows.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::relation::ToMany;
/// fn any_number<S: ToMany>() {}
/// any_number::<HasMany<Post>>();
/// any_number::<ManyToMany<Tag>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not lead to many rows",
    label = "expected `HasMany` or `ManyToMany`"
)]
pub trait ToMany: Slot {}

/// The last segment of a type's path.
fn short<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain)
}

#[cold]
pub(in crate::relation) fn not_loaded<T>() -> Error {
    let text = format!("the relation to `{}` was read before it was loaded", short::<T>());
    Error::new(ErrorKind::NotLoaded, text)
        .with_hint("load it with the query by `.include(..)`, or afterwards by `.load(.., &db).await?`")
}

#[cold]
fn absent<T>() -> Error {
    let text = format!("the relation is loaded and there is no `{}`", short::<T>());
    Error::new(ErrorKind::NotFound, text).with_hint("read it with `get_opt()` if it may be absent")
}

#[cold]
fn several<T>(relation: &RelationMeta) -> Error {
    let text = format!("the relation `{}` found more than one `{}` for one row", relation.name, short::<T>());
    Error::new(ErrorKind::MultipleRows, text)
        .with_hint("make its foreign key unique, or the relation a `HasMany`")
}

#[cfg(test)]
mod tests;
