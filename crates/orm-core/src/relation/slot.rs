//! The slots: fields of a model that hold the rows of a relation once they are loaded.
//!
//! A slot is in one of two states, and reading one that was never loaded is an error: an empty slice always means that the
//! database has no rows. Parents are shared ([`BelongsTo`] holds an `Arc`), children are owned by their parent. Until it is
//! loaded, a slot also remembers the [`Siblings`] of its row, for lazy loading in batches.

use std::fmt;
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::Siblings;
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

    #[doc(hidden)]
    fn siblings(&self) -> Option<&Siblings>;
    /// Fills the slot.
    #[doc(hidden)]
    fn put(&mut self, content: Self::Content);
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
pub(super) fn not_loaded<T>() -> Error {
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

/// The row that this row's foreign key points to, shared between all rows of one result that point to it.
///
/// ```
/// use orm_core::relation::BelongsTo;
/// assert!(BelongsTo::<String>::default().get().is_err());
/// assert_eq!(BelongsTo::loaded("Ada".to_string()).get().unwrap(), "Ada");
/// assert_eq!(BelongsTo::<String>::absent().get_opt().unwrap(), None);
/// ```
pub struct BelongsTo<T> {
    content: Option<Option<Arc<T>>>,
    siblings: Option<Siblings>,
}

impl<T> BelongsTo<T> {
    /// A loaded slot.
    ///
    /// ```
    /// use orm::relation::BelongsTo;
    /// assert_eq!(BelongsTo::loaded("Ada").get().unwrap(), &"Ada");
    /// ```
    pub fn loaded(row: T) -> Self {
        Self::shared(Arc::new(row))
    }

    /// A loaded slot of a row that others point to as well.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use orm::relation::BelongsTo;
    /// let author = Arc::new("Ada");
    /// let (first, second) = (BelongsTo::shared(author.clone()), BelongsTo::shared(author));
    /// assert_eq!(first, second);
    /// ```
    pub fn shared(row: Arc<T>) -> Self {
        BelongsTo { content: Some(Some(row)), siblings: None }
    }

    /// A loaded slot of a row that points to nothing.
    ///
    /// ```
    /// use orm::relation::BelongsTo;
    /// let slot = BelongsTo::<String>::absent();
    /// assert!(slot.is_loaded() && slot.get().is_err());
    /// ```
    pub fn absent() -> Self {
        BelongsTo { content: Some(None), siblings: None }
    }

    /// The row. [`ErrorKind::NotLoaded`] before it is loaded, [`ErrorKind::NotFound`] if there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).include(Post::author).one(&db).await?;
    /// assert_eq!(post.author.get()?.name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn get(&self) -> Result<&T> {
        self.get_opt()?.ok_or_else(absent::<T>)
    }

    /// The row, `None` if the foreign key is NULL or points to nothing. [`ErrorKind::NotLoaded`] before it is loaded.
    ///
    /// ```
    /// use orm::relation::BelongsTo;
    /// assert_eq!(BelongsTo::loaded("Ada").get_opt().unwrap(), Some(&"Ada"));
    /// assert_eq!(BelongsTo::<String>::absent().get_opt().unwrap(), None);
    /// ```
    pub fn get_opt(&self) -> Result<Option<&T>> {
        self.content.as_ref().map(Option::as_deref).ok_or_else(not_loaded::<T>)
    }

    /// The row as it is shared, as [`get_opt`](Self::get_opt).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use std::sync::Arc;
    /// let posts = Post::query().order_by(Post::id.asc()).include(Post::author).all(&db).await?;
    /// let (first, second) = (posts[0].author.get_arc()?.unwrap(), posts[1].author.get_arc()?.unwrap());
    /// assert!(Arc::ptr_eq(&first, &second));
    /// # Ok(()) }
    /// ```
    pub fn get_arc(&self) -> Result<Option<Arc<T>>> {
        self.content.clone().ok_or_else(not_loaded::<T>)
    }

    /// Puts a row into the slot. The foreign key beside it is not changed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use orm::relation::BelongsTo;
    /// let mut slot = BelongsTo::default();
    /// slot.set(Some(Arc::new("Ada")));
    /// assert_eq!(slot.get().unwrap(), &"Ada");
    /// ```
    pub fn set(&mut self, row: Option<Arc<T>>) {
        (self.content, self.siblings) = (Some(row), None);
    }
}

impl<T> Clone for BelongsTo<T> {
    fn clone(&self) -> Self {
        BelongsTo { content: self.content.clone(), siblings: self.siblings.clone() }
    }
}

impl<T: Model> Slot for BelongsTo<T> {
    type Target = T;
    type Loaded<'a> = &'a T;
    type Content = Option<Arc<T>>;
    const SHARED: bool = true;

    fn is_loaded(&self) -> bool {
        self.content.is_some()
    }
    fn read(&self) -> Result<&T> {
        self.get()
    }
    fn siblings(&self) -> Option<&Siblings> {
        self.siblings.as_ref()
    }
    fn put(&mut self, content: Self::Content) {
        self.set(content);
    }
    fn hand_out(content: &mut Self::Content) -> Self::Content {
        content.clone()
    }
    fn distribute(
        _: &RelationMeta,
        count: usize,
        places: &[u32],
        children: Vec<T>,
    ) -> Result<Vec<Self::Content>> {
        let mut contents = Vec::new();
        contents.resize_with(count, || None);
        for (place, child) in places.iter().zip(children) {
            contents[*place as usize].get_or_insert_with(|| Arc::new(child));
        }
        Ok(contents)
    }
}

impl<T: Model> ToOne for BelongsTo<T> {}

/// The one row whose foreign key points to this row, if there is one.
///
/// ```
/// use orm_core::relation::HasOne;
/// assert!(HasOne::<String>::default().get().is_err());
/// assert_eq!(HasOne::loaded(Some(7)).get().unwrap(), Some(&7));
/// ```
#[derive(Clone)]
pub struct HasOne<T> {
    content: Option<Option<Box<T>>>,
    siblings: Option<Siblings>,
}

impl<T> HasOne<T> {
    /// A loaded slot.
    ///
    /// ```
    /// use orm::relation::HasOne;
    /// assert_eq!(HasOne::loaded(Some("Countess")).get().unwrap(), Some(&"Countess"));
    /// ```
    pub fn loaded(row: impl Into<Option<T>>) -> Self {
        HasOne { content: Some(row.into().map(Box::new)), siblings: None }
    }

    /// The row, `None` if there is none. [`ErrorKind::NotLoaded`] before it is loaded.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let users = User::query().order_by(User::id.asc()).include(User::profile).all(&db).await?;
    /// assert_eq!(users[0].profile.get()?.map(|profile| profile.bio.as_str()), Some("Countess"));
    /// assert!(users[1].profile.get()?.is_none());
    /// # Ok(()) }
    /// ```
    pub fn get(&self) -> Result<Option<&T>> {
        self.content.as_ref().map(Option::as_deref).ok_or_else(not_loaded::<T>)
    }

    /// The row, to change or to load its own relations.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut ada = User::find(1).include(User::profile).one(&db).await?;
    /// if let Some(profile) = ada.profile.get_mut()? {
    ///     profile.load(Profile::user, &db).await?;
    /// }
    /// assert_eq!(ada.profile.get()?.unwrap().user.get()?.name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn get_mut(&mut self) -> Result<Option<&mut T>> {
        self.content.as_mut().map(Option::as_deref_mut).ok_or_else(not_loaded::<T>)
    }

    /// Takes the row out.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).include(User::profile).one(&db).await?;
    /// let profile: Option<Profile> = ada.profile.into_option()?;
    /// assert!(profile.is_some());
    /// # Ok(()) }
    /// ```
    pub fn into_option(self) -> Result<Option<T>> {
        self.content.map(|row| row.map(|row| *row)).ok_or_else(not_loaded::<T>)
    }

    /// Puts a row into the slot. The row's foreign key is not changed.
    ///
    /// ```
    /// use orm::relation::HasOne;
    /// let mut slot = HasOne::default();
    /// slot.set(Some("Countess"));
    /// assert_eq!(slot.get().unwrap(), Some(&"Countess"));
    /// ```
    pub fn set(&mut self, row: Option<T>) {
        (self.content, self.siblings) = (Some(row.map(Box::new)), None);
    }
}

impl<T: Model> Slot for HasOne<T> {
    type Target = T;
    type Loaded<'a> = Option<&'a T>;
    type Content = Option<Box<T>>;
    const SHARED: bool = false;

    fn is_loaded(&self) -> bool {
        self.content.is_some()
    }
    fn read(&self) -> Result<Option<&T>> {
        self.get()
    }
    fn siblings(&self) -> Option<&Siblings> {
        self.siblings.as_ref()
    }
    fn put(&mut self, content: Self::Content) {
        (self.content, self.siblings) = (Some(content), None);
    }
    fn hand_out(content: &mut Self::Content) -> Self::Content {
        content.take()
    }
    fn distribute(
        relation: &RelationMeta,
        count: usize,
        places: &[u32],
        children: Vec<T>,
    ) -> Result<Vec<Self::Content>> {
        let mut contents: Vec<Self::Content> = Vec::new();
        contents.resize_with(count, || None);
        for (place, child) in places.iter().zip(children) {
            if contents[*place as usize].replace(Box::new(child)).is_some() {
                return Err(several::<T>(relation));
            }
        }
        Ok(contents)
    }
}

impl<T: Model> ToOne for HasOne<T> {}

/// The row of one of several models that this row points to, as a closed enum with `#[derive(Morph)]`.
///
/// ```
/// use orm_core::relation::MorphTo;
/// assert!(MorphTo::<String>::default().get().is_err());
/// assert_eq!(MorphTo::loaded("Ada".to_string()).get().unwrap(), "Ada");
/// ```
pub struct MorphTo<T> {
    content: Option<Option<Arc<T>>>,
    siblings: Option<Siblings>,
}

impl<T> MorphTo<T> {
    /// A loaded slot.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// assert_eq!(MorphTo::loaded("a photo").get().unwrap(), &"a photo");
    /// ```
    pub fn loaded(row: T) -> Self {
        MorphTo { content: Some(Some(Arc::new(row))), siblings: None }
    }

    /// The row. [`ErrorKind::NotLoaded`] before it is loaded, [`ErrorKind::NotFound`] if there is none.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// assert_eq!(MorphTo::loaded("a photo").get().unwrap(), &"a photo");
    /// assert_eq!(MorphTo::<String>::default().get().unwrap_err().kind(), orm::ErrorKind::NotLoaded);
    /// ```
    pub fn get(&self) -> Result<&T> {
        self.get_opt()?.ok_or_else(absent::<T>)
    }

    /// The row, `None` if the key is NULL or points to nothing. [`ErrorKind::NotLoaded`] before it is loaded.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// let mut slot = MorphTo::<String>::default();
    /// slot.set(None);
    /// assert_eq!(slot.get_opt().unwrap(), None);
    /// ```
    pub fn get_opt(&self) -> Result<Option<&T>> {
        self.content.as_ref().map(Option::as_deref).ok_or_else(not_loaded::<T>)
    }

    /// Puts a row into the slot. The key beside it is not changed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use orm::relation::MorphTo;
    /// let mut slot = MorphTo::default();
    /// slot.set(Some(Arc::new("a song")));
    /// assert_eq!(slot.get().unwrap(), &"a song");
    /// ```
    pub fn set(&mut self, row: Option<Arc<T>>) {
        (self.content, self.siblings) = (Some(row), None);
    }

    pub(super) fn siblings(&self) -> Option<&Siblings> {
        self.siblings.as_ref()
    }
}

impl<T> Clone for MorphTo<T> {
    fn clone(&self) -> Self {
        MorphTo { content: self.content.clone(), siblings: self.siblings.clone() }
    }
}

macro_rules! to_many {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name<T> {
            content: Option<Vec<T>>,
            siblings: Option<Siblings>,
        }

        impl<T> $name<T> {
            /// A loaded slot.
            ///
            /// ```
            /// use orm::relation::{HasMany, ManyToMany};
            /// assert_eq!(HasMany::loaded([1, 2]).get().unwrap(), [1, 2]);
            /// assert_eq!(ManyToMany::loaded([1, 2]).get().unwrap(), [1, 2]);
            /// ```
            pub fn loaded(rows: impl Into<Vec<T>>) -> Self {
                $name { content: Some(rows.into()), siblings: None }
            }

            /// The rows. [`ErrorKind::NotLoaded`] before they are loaded.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let ada = User::find(1).include(User::posts.include(Post::tags)).one(&db).await?;
            /// let posts = ada.posts.get()?;
            /// assert_eq!((posts.len(), posts[0].tags.get()?.len()), (2, 1));
            /// # Ok(()) }
            /// ```
            pub fn get(&self) -> Result<&[T]> {
                self.content.as_deref().ok_or_else(not_loaded::<T>)
            }

            /// The rows, to change or to load their own relations.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let mut ada = User::find(1).include(User::posts).one(&db).await?;
            /// ada.posts.get_mut()?.load(Post::tags, &db).await?;
            /// assert_eq!(ada.posts.get()?[0].tags.get()?[0].name, "machines");
            /// # Ok(()) }
            /// ```
            pub fn get_mut(&mut self) -> Result<&mut Vec<T>> {
                self.content.as_mut().ok_or_else(not_loaded::<T>)
            }

            /// Takes the rows out.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let ada = User::find(1).include(User::posts).one(&db).await?;
            /// let posts: Vec<Post> = ada.posts.into_vec()?;
            /// assert_eq!(posts.len(), 2);
            /// # Ok(()) }
            /// ```
            pub fn into_vec(self) -> Result<Vec<T>> {
                self.content.ok_or_else(not_loaded::<T>)
            }

            /// Puts rows into the slot. The rows' foreign keys are not changed.
            ///
            /// ```
            /// use orm::relation::{HasMany, ManyToMany};
            /// let (mut many, mut linked) = (HasMany::default(), ManyToMany::default());
            /// many.set(vec![1, 2]);
            /// linked.set(vec![3]);
            /// assert_eq!((many.get().unwrap(), linked.get().unwrap()), (&[1, 2][..], &[3][..]));
            /// ```
            pub fn set(&mut self, rows: Vec<T>) {
                (self.content, self.siblings) = (Some(rows), None);
            }
        }

        impl<T: Model> Slot for $name<T> {
            type Target = T;
            type Loaded<'a> = &'a [T];
            type Content = Vec<T>;
            const SHARED: bool = false;

            fn is_loaded(&self) -> bool {
                self.content.is_some()
            }
            fn read(&self) -> Result<&[T]> {
                self.get()
            }
            fn siblings(&self) -> Option<&Siblings> {
                self.siblings.as_ref()
            }
            fn put(&mut self, content: Vec<T>) {
                self.set(content);
            }
            fn hand_out(content: &mut Vec<T>) -> Vec<T> {
                mem::take(content)
            }
            fn distribute(
                _: &RelationMeta,
                count: usize,
                places: &[u32],
                children: Vec<T>,
            ) -> Result<Vec<Vec<T>>> {
                Ok(sort_into(count, places, children))
            }
        }

        impl<T: Model> ToMany for $name<T> {}
    };
}
to_many! {
    /// The rows whose foreign key points to this row.
    ///
    /// ```
    /// use orm_core::relation::HasMany;
    /// assert!(HasMany::<i32>::default().get().is_err());
    /// assert_eq!(HasMany::loaded([1, 2]).get().unwrap(), [1, 2]);
    /// ```
    HasMany
}
to_many! {
    /// The rows that a model between links to this row.
    ///
    /// ```
    /// use orm_core::relation::ManyToMany;
    /// assert!(ManyToMany::<i32>::default().get().is_err());
    /// assert_eq!(ManyToMany::loaded([1, 2]).into_vec().unwrap(), [1, 2]);
    /// ```
    ManyToMany
}

fn sort_into<T>(count: usize, places: &[u32], children: Vec<T>) -> Vec<Vec<T>> {
    let mut sizes = vec![0; count];
    for place in places {
        sizes[*place as usize] += 1;
    }
    let mut contents: Vec<Vec<T>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for (place, child) in places.iter().zip(children) {
        contents[*place as usize].push(child);
    }
    contents
}

macro_rules! common {
    ($($name:ident, $owned:ty;)*) => {$(
        impl<T> $name<T> {
            /// Whether the slot was loaded.
            ///
            /// ```
            /// use orm::relation::{BelongsTo, HasMany};
            /// assert!(BelongsTo::<i32>::absent().is_loaded());
            /// assert!(!HasMany::<i32>::default().is_loaded());
            /// ```
            pub fn is_loaded(&self) -> bool {
                self.content.is_some()
            }

            /// The opposite, for `#[serde(skip_serializing_if)]`.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// #[derive(serde::Serialize)]
            /// struct Card {
            ///     name: String,
            ///     #[serde(skip_serializing_if = "HasMany::is_unloaded")]
            ///     tags: HasMany<String>,
            /// }
            /// let card = Card { name: "Ada".to_owned(), tags: HasMany::default() };
            /// assert_eq!(serde_json::to_string(&card).unwrap(), r#"{"name":"Ada"}"#);
            /// ```
            pub fn is_unloaded(&self) -> bool {
                self.content.is_none()
            }

            /// Called by the derive.
            #[doc(hidden)]
            pub fn set_siblings(&mut self, siblings: &Siblings) {
                if self.content.is_none() {
                    self.siblings = Some(siblings.clone());
                }
            }
        }

        impl<T> Default for $name<T> {
            fn default() -> Self {
                $name { content: None, siblings: None }
            }
        }

        /// The content, or `not loaded`.
        impl<T: fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.content {
                    Some(content) => content.fmt(f),
                    None => f.write_str("not loaded"),
                }
            }
        }

        /// Equal if both are loaded and hold equal rows, or neither is loaded.
        impl<T: PartialEq> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.content == other.content
            }
        }

        impl<T: Eq> Eq for $name<T> {}

        /// The content. A slot that was not loaded is an error; skip it with
        #[doc = concat!("`#[serde(default, skip_serializing_if = \"", stringify!($name), "::is_unloaded\")]`.")]
        impl<T: Serialize> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.get_for_serde() {
                    Some(content) => content.serialize(serializer),
                    None => Err(ser::Error::custom(not_loaded::<T>())),
                }
            }
        }

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let content = <$owned>::deserialize(deserializer)?;
                Ok(Self::from_serde(content))
            }
        }
    )*};
}
common! {
    BelongsTo, Option<T>;
    MorphTo, Option<T>;
    HasOne, Option<T>;
    HasMany, Vec<T>;
    ManyToMany, Vec<T>;
}

macro_rules! serde_one {
    ($($name:ident, $pointer:ident;)*) => {$(
        impl<T> $name<T> {
            fn get_for_serde(&self) -> Option<Option<&T>> {
                self.content.as_ref().map(Option::as_deref)
            }
            fn from_serde(content: Option<T>) -> Self {
                $name { content: Some(content.map($pointer::new)), siblings: None }
            }
        }
    )*};
}
serde_one! { BelongsTo, Arc; MorphTo, Arc; HasOne, Box; }

macro_rules! serde_many {
    ($($name:ident;)*) => {$(
        impl<T> $name<T> {
            fn get_for_serde(&self) -> Option<&[T]> {
                self.content.as_deref()
            }
            fn from_serde(content: Vec<T>) -> Self {
                $name { content: Some(content), siblings: None }
            }
        }
    )*};
}
serde_many! { HasMany; ManyToMany; }

#[cfg(test)]
mod tests;
