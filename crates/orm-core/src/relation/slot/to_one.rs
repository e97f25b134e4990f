//! Slots for at most one row.

use std::sync::Arc;

use super::content::{Owned, Shared, State, row, row_mut};
use super::{Slot, ToOne, absent, not_loaded, several};
use crate::error::Result;
use crate::meta::RelationMeta;
use crate::model::Model;
use crate::relation::{Mark, Siblings};

/// The row that this row's foreign key points to, shared between all rows of one result that point to it.
///
/// ```
/// use orm_core::relation::BelongsTo;
/// assert!(BelongsTo::<String>::default().get().is_err());
/// assert_eq!(BelongsTo::loaded("Ada".to_string()).get().unwrap(), "Ada");
/// assert_eq!(BelongsTo::<String>::absent().get_opt().unwrap(), None);
/// ```
pub struct BelongsTo<T> {
    pub(super) state: State<Option<Shared<T>>>,
}

impl<T: Send + Sync + 'static> BelongsTo<T> {
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
        BelongsTo { state: State::given(Some(row)) }
    }

    /// A loaded slot of a row that points to nothing.
    ///
    /// ```
    /// use orm::relation::BelongsTo;
    /// let slot = BelongsTo::<String>::absent();
    /// assert!(slot.is_loaded() && slot.get().is_err());
    /// ```
    pub fn absent() -> Self {
        BelongsTo { state: State::given(None) }
    }

    /// The row. [`NotLoaded`](crate::ErrorKind::NotLoaded) before it is loaded, [`NotFound`](crate::ErrorKind::NotFound) if there is none.
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

    /// The row, `None` if the foreign key is NULL or points to nothing.
    /// [`NotLoaded`](crate::ErrorKind::NotLoaded) before it is loaded.
    ///
    /// ```
    /// use orm::relation::BelongsTo;
    /// assert_eq!(BelongsTo::loaded("Ada").get_opt().unwrap(), Some(&"Ada"));
    /// assert_eq!(BelongsTo::<String>::absent().get_opt().unwrap(), None);
    /// ```
    pub fn get_opt(&self) -> Result<Option<&T>> {
        self.content().ok_or_else(not_loaded::<T>)
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
        let content = self.state.loaded().ok_or_else(not_loaded::<T>)?;
        Ok(content.clone().map(|row| row.shared()))
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
        self.state = State::given(row.map(|row| row as Shared<T>));
    }
}

impl<T> Clone for BelongsTo<T> {
    fn clone(&self) -> Self {
        BelongsTo { state: self.state.clone() }
    }
}

impl<T> BelongsTo<T> {
    /// The row, if it is loaded.
    pub(super) fn content(&self) -> Option<Option<&T>> {
        self.state.loaded().map(|content| content.as_deref().map(row))
    }
}

impl<T: Model> Slot for BelongsTo<T> {
    type Target = T;
    type Loaded<'a> = &'a T;
    type Content = Option<Arc<T>>;
    const SHARED: bool = true;

    fn is_loaded(&self) -> bool {
        self.state.loaded().is_some()
    }
    fn read(&self) -> Result<&T> {
        self.get()
    }
    fn siblings(&self) -> Option<&Siblings> {
        self.state.siblings()
    }
    fn mark(&self) -> Option<&Mark> {
        self.state.mark()
    }
    fn put(&mut self, content: Self::Content, mark: Mark) {
        self.state = State::Loaded(content.map(|row| row as Shared<T>), mark);
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
pub struct HasOne<T> {
    pub(super) state: State<Option<Owned<T>>>,
}

impl<T: Send + Sync + 'static> HasOne<T> {
    /// A loaded slot.
    ///
    /// ```
    /// use orm::relation::HasOne;
    /// assert_eq!(HasOne::loaded(Some("Countess")).get().unwrap(), Some(&"Countess"));
    /// ```
    pub fn loaded(row: impl Into<Option<T>>) -> Self {
        HasOne { state: State::given(row.into().map(|row| Box::new(row) as Owned<T>)) }
    }

    /// The row, `None` if there is none. [`NotLoaded`](crate::ErrorKind::NotLoaded) before it is loaded.
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
        self.content().ok_or_else(not_loaded::<T>)
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
        let content = self.state.loaded_mut().ok_or_else(not_loaded::<T>)?;
        Ok(content.as_deref_mut().map(row_mut))
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
        let content = self.state.into_loaded().ok_or_else(not_loaded::<T>)?;
        Ok(content.map(|row| *row.boxed()))
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
        self.state = State::given(row.map(|row| Box::new(row) as Owned<T>));
    }
}

impl<T> HasOne<T> {
    /// The row, if it is loaded.
    pub(super) fn content(&self) -> Option<Option<&T>> {
        self.state.loaded().map(|content| content.as_deref().map(row))
    }
}

impl<T: Clone + Send + Sync + 'static> Clone for HasOne<T> {
    fn clone(&self) -> Self {
        let state = match &self.state {
            State::Loaded(content, mark) => {
                let copy = content.as_deref().map(|content| Box::new(row(content).clone()) as Owned<T>);
                State::Loaded(copy, mark.clone())
            }
            State::Unloaded(siblings) => State::Unloaded(siblings.clone()),
        };
        HasOne { state }
    }
}

impl<T: Model> Slot for HasOne<T> {
    type Target = T;
    type Loaded<'a> = Option<&'a T>;
    type Content = Option<Box<T>>;
    const SHARED: bool = false;

    fn is_loaded(&self) -> bool {
        self.state.loaded().is_some()
    }
    fn read(&self) -> Result<Option<&T>> {
        self.get()
    }
    fn siblings(&self) -> Option<&Siblings> {
        self.state.siblings()
    }
    fn mark(&self) -> Option<&Mark> {
        self.state.mark()
    }
    fn put(&mut self, content: Self::Content, mark: Mark) {
        self.state = State::Loaded(content.map(|row| row as Owned<T>), mark);
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
    pub(super) state: State<Option<Shared<T>>>,
}

impl<T: Send + Sync + 'static> MorphTo<T> {
    /// A loaded slot.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// assert_eq!(MorphTo::loaded("a photo").get().unwrap(), &"a photo");
    /// ```
    pub fn loaded(row: T) -> Self {
        MorphTo { state: State::given(Some(Arc::new(row))) }
    }

    /// The row. [`NotLoaded`](crate::ErrorKind::NotLoaded) before it is loaded, [`NotFound`](crate::ErrorKind::NotFound) if there is none.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// assert_eq!(MorphTo::loaded("a photo").get().unwrap(), &"a photo");
    /// assert_eq!(MorphTo::<String>::default().get().unwrap_err().kind(), orm::ErrorKind::NotLoaded);
    /// ```
    pub fn get(&self) -> Result<&T> {
        self.get_opt()?.ok_or_else(absent::<T>)
    }

    /// The row, `None` if the key is NULL or points to nothing.
    /// [`NotLoaded`](crate::ErrorKind::NotLoaded) before it is loaded.
    ///
    /// ```
    /// use orm::relation::MorphTo;
    /// let mut slot = MorphTo::<String>::default();
    /// slot.set(None);
    /// assert_eq!(slot.get_opt().unwrap(), None);
    /// ```
    pub fn get_opt(&self) -> Result<Option<&T>> {
        self.content().ok_or_else(not_loaded::<T>)
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
        self.state = State::given(row.map(|row| row as Shared<T>));
    }

    pub(in crate::relation) fn mark(&self) -> Option<&Mark> {
        self.state.mark()
    }

    pub(in crate::relation) fn put(&mut self, row: Option<Arc<T>>, mark: Mark) {
        self.state = State::Loaded(row.map(|row| row as Shared<T>), mark);
    }

    pub(in crate::relation) fn siblings(&self) -> Option<&Siblings> {
        self.state.siblings()
    }
}

impl<T> Clone for MorphTo<T> {
    fn clone(&self) -> Self {
        MorphTo { state: self.state.clone() }
    }
}

impl<T> MorphTo<T> {
    /// The row, if it is loaded.
    pub(super) fn content(&self) -> Option<Option<&T>> {
        self.state.loaded().map(|content| content.as_deref().map(row))
    }
}
