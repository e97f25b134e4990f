//! The constant that names a relation.

use std::marker::PhantomData;

use super::{BelongsTo, ManyToMany, Slot};
use crate::ir::Source;
use crate::meta::{MorphMeta, RelationMeta};
use crate::model::{Model, Named};
use crate::write::ByParent;

/// A relation of the model `M`, kept in a field of type `S`: the type of `User::posts`.
///
/// `V` says which `BelongsTo` of the other model is its other side: the one that leads to `M`, or the one that `pair` names.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Rel;
/// let posts: Rel<User, HasMany<Post>> = User::posts;
/// assert_eq!(User::filter(posts.exists()).include(posts).all(&db).await?.len(), 2);
/// # Ok(()) }
/// ```
pub struct Rel<M, S, V = ByParent<M>> {
    index: u16,
    local: &'static [u16],
    remote: &'static [u16],
    slot: fn(&M) -> &S,
    slot_mut: fn(&mut M) -> &mut S,
    /// Whether `local` is an array of keys.
    array: bool,
    marker: PhantomData<fn() -> (M, S, V)>,
}

impl<M, S, V> Clone for Rel<M, S, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M, S, V> Copy for Rel<M, S, V> {}

impl<M, S, V> std::fmt::Debug for Rel<M, S, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rel").field("index", &self.index).finish_non_exhaustive()
    }
}

impl<M, S, V> Rel<M, S, V> {
    /// Called by the derive. The sides are `local` and `remote` as in [`RelationMeta`]; `array` says that the first is an array of
    /// keys.
    #[doc(hidden)]
    pub const fn new(
        index: u16,
        sides: (&'static [u16], &'static [u16]),
        array: bool,
        slot: fn(&M) -> &S,
        slot_mut: fn(&mut M) -> &mut S,
    ) -> Self {
        Rel { index, local: sides.0, remote: sides.1, slot, slot_mut, array, marker: PhantomData }
    }

    /// The same relation for all that does not make new rows.
    pub(crate) const fn plain(self) -> Rel<M, S> {
        let Rel { index, local, remote, slot, slot_mut, array, .. } = self;
        Rel { index, local, remote, slot, slot_mut, array, marker: PhantomData }
    }

    /// The index in [`ModelMeta::relations`](crate::meta::ModelMeta::relations).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let relation = &User::meta().relations[usize::from(User::posts.index())];
    /// assert_eq!(relation.name, "posts");
    /// ```
    pub const fn index(self) -> u16 {
        self.index
    }
    /// The sides seen from the other end, called by the derive of the parent.
    #[doc(hidden)]
    pub const fn seen_from(self, _: &'static [u16]) -> (&'static [u16], &'static [u16]) {
        (self.remote, self.local)
    }
    /// Nothing tells the rows of one parent model from those of another. Called by the derive of the parent.
    #[doc(hidden)]
    pub fn morph_of<T>(self) -> Option<MorphMeta> {
        None
    }
    /// The columns of both sides: [`local`](Rel::local) and [`remote`](Rel::remote).
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::posts.sides(), (User::posts.local(), User::posts.remote()));
    /// ```
    pub const fn sides(self) -> (&'static [u16], &'static [u16]) {
        (self.local, self.remote)
    }
    /// The columns of `M` that take part.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(Post::author.local(), [Post::author_id.index()]);
    /// ```
    pub const fn local(self) -> &'static [u16] {
        self.local
    }
    /// The columns of the target that they equal.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(Post::author.remote(), [User::id.index()]);
    /// ```
    pub const fn remote(self) -> &'static [u16] {
        self.remote
    }
    /// The slot of a row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).include(User::posts).one(&db).await?;
    /// assert_eq!(User::posts.slot(&ada).get()?.len(), ada.posts.get()?.len());
    /// # Ok(()) }
    /// ```
    pub fn slot(self, row: &M) -> &S {
        (self.slot)(row)
    }
    /// The slot of a row, to fill.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let mut ada = User::find(1).one(&db).await?;
    /// User::posts.slot_mut(&mut ada).set(Vec::new());
    /// assert!(ada.posts.get()?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn slot_mut(self, row: &mut M) -> &mut S {
        (self.slot_mut)(row)
    }
}

/// A model, itself.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the relation that is named here leads to `{T}`, not to `{Self}`",
    label = "expected a relation to `{Self}`"
)]
pub trait LedTo<T> {}
impl<T> LedTo<T> for T {}

impl<M, T, V> Rel<M, BelongsTo<T>, V> {
    /// The columns of a join model that point to one side. Called by the derive of that side.
    #[doc(hidden)]
    pub const fn way_to<P: LedTo<T>>(self) -> &'static [u16] {
        self.local
    }
}

/// Called by the derive for a relation by a join model.
///
/// # Panics
/// When compiled, if both sides are the same columns: each row would be linked to itself.
#[doc(hidden)]
pub const fn assert_two_ways(near: &[u16], far: &[u16]) {
    let mut same = near.len() == far.len();
    let mut at = 0;
    while same && at < near.len() {
        same = near[at] == far[at];
        at += 1;
    }
    assert!(
        !same,
        "both sides of this relation are the same `BelongsTo` of the join model; give it two, and name them with `#[orm(through = .., from = .., to = ..)]`"
    );
}

impl<M, T, V> Rel<M, ManyToMany<T>, V> {
    /// The sides seen from the other end, which `pair` names. Called by the derive of the side without the keys.
    ///
    /// # Panics
    /// When compiled, if the relation has no array of keys.
    #[doc(hidden)]
    pub const fn keys_seen_from<P: LedTo<T>>(self) -> (&'static [u16], &'static [u16]) {
        assert!(self.array, "the relation that `pair` names has no `#[orm(keys = ..)]`");
        (self.remote, self.local)
    }
}

impl<M: Model, S: Slot, V> Rel<M, S, V> {
    /// The metadata.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!((User::posts.meta().name, (User::posts.meta().target)().name), ("posts", "Post"));
    /// ```
    pub fn meta(self) -> &'static RelationMeta {
        &M::meta().relations[self.index as usize]
    }
    /// The model as it stands in a FROM clause.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::posts.source().model.name, "User");
    /// ```
    pub fn source(self) -> Source {
        Source { model: M::meta(), alias: "" }
    }
}

impl<M: Model, S: Slot, V> Rel<M, S, V> {
    /// The relation between two names.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::posts.via().relation().name, "posts");
    /// ```
    pub fn via(self) -> Via<M, S::Target> {
        Via { relation: self.meta(), marker: PhantomData }
    }

    /// The relation leading to an alias of its target: `Employee::manager.to::<Boss>()`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Rival: Post);
    /// let pairs = User::query()
    ///     .join(User::posts)
    ///     .join(User::posts.to::<Rival>())
    ///     .filter(Rival.score.gt(Post::score))
    ///     .select((Post::title, Rival.title));
    /// assert_eq!(pairs.one(&db).await?, ("Engines".to_owned(), "Notes".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn to<T: Named<Model = S::Target>>(self) -> Via<M, T> {
        self.via().to()
    }

    /// The relation starting at an alias of its model: `Employee::manager.starting_at::<Boss>()`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Author: User);
    /// let rows = Post::query()
    ///     .join(Post::author.to::<Author>())
    ///     .left_join(User::profile.starting_at::<Author>())
    ///     .order_by(Post::id.asc())
    ///     .select((Author.name, Profile::bio))
    ///     .all(&db)
    ///     .await?;
    /// assert_eq!(rows[0], ("Ada".to_owned(), Some("Countess".to_owned())));
    /// # Ok(()) }
    /// ```
    pub fn starting_at<A: Named<Model = M>>(self) -> Via<A, S::Target> {
        self.via().starting_at()
    }
}

/// A relation between two models or aliases of them, for joins and predicates.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Via;
/// let posts: Via<User, Post> = User::posts.via();
/// assert_eq!(User::query().join(posts).count(&db).await?, 3);
/// # Ok(()) }
/// ```
pub struct Via<A, T> {
    relation: &'static RelationMeta,
    marker: PhantomData<fn() -> (A, T)>,
}

impl<A, T> Clone for Via<A, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, T> Copy for Via<A, T> {}

impl<A, T> std::fmt::Debug for Via<A, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Via").field("relation", &self.relation.name).finish_non_exhaustive()
    }
}

impl<A: Named, T: Named> Via<A, T> {
    /// The metadata.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert_eq!(User::posts.via().relation().name, "posts");
    /// ```
    pub fn relation(self) -> &'static RelationMeta {
        self.relation
    }

    /// The same relation leading to an alias.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::query().join(User::posts.via().to::<Other>()).filter(Other.score.gt(3)).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn to<T2: Named<Model = T::Model>>(self) -> Via<A, T2> {
        Via { relation: self.relation, marker: PhantomData }
    }

    /// The same relation starting at an alias.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Author: User);
    /// let profile = User::profile.via().starting_at::<Author>();
    /// assert_eq!(Post::query().join(Post::author.to::<Author>()).join(profile).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn starting_at<A2: Named<Model = A::Model>>(self) -> Via<A2, T> {
        Via { relation: self.relation, marker: PhantomData }
    }
}
