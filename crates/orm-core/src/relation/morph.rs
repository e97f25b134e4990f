//! A relation to one of several models.
//!
//! The row keeps the name of a model and a key; the targets are the variants of an enum with `#[derive(Morph)]`. Loading is one
//! query for each variant that occurs. The other side is a plain `HasMany` or `HasOne` that pairs with the `MorphTo` field.

use std::marker::PhantomData;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::keys::Key;
use super::load::{Attach, compared_otherwise};
use super::slot::not_loaded;
use super::{FetchMode, Includable, IncludePlan, Loadable, LoadableSlice, Mark, MorphTo};
use crate::backend::{Backend, BoxFuture, Collect, Handle};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{ColumnRef, Command, Expr, Select};
use crate::meta::{MorphMeta, RelationMeta};
use crate::model::{Model, Named};
use crate::value::{Datum, Scalar};
use crate::write::NewRow;

/// A closed set of models that a [`MorphTo`] may lead to. Implemented by `#[derive(Morph)]` on an enum with one model in each
/// variant.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// #[derive(Debug, Clone, Model)]
/// pub struct Photo {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub file: String,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Song {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub title: String,
/// }
///
/// #[derive(Debug, Clone, Morph)]
/// pub enum Subject {
///     Photo(Photo),
///     Song(Song),
/// }
///
/// #[derive(Debug, Clone, Model)]
/// pub struct Remark {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub text: String,
///     pub subject_kind: SubjectKind,
///     pub subject_id: i64,
///     #[orm(morph(subject_kind, subject_id))]
///     pub subject: MorphTo<Subject>,
/// }
/// # orm::schema!(Gallery: Photo, Song, Remark);
/// # let db = Sqlite::memory().await?;
/// # Gallery::create_all(&db).await?;
/// let photo = Photo::create().file("a.jpg").insert(&db).await?;
/// Remark::create().text("nice").subject(&photo).insert(&db).await?;
///
/// let remarks = Remark::query().include(Remark::subject).all(&db).await?;
/// assert!(matches!(remarks[0].subject.get()?, Subject::Photo(photo) if photo.file == "a.jpg"));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of models",
    label = "expected an enum with `#[derive(Morph)]`"
)]
pub trait Morph: Send + Sync + Sized + 'static {
    /// The type of the column that names the variant: an enum that the derive makes.
    type Kind: Scalar;
    /// The type of the key, the same for all models.
    type Key;
    /// The stored names of the variants.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Photo {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub file: String,
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Song {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub title: String,
    /// # }
    /// # #[derive(Debug, Clone, Morph)]
    /// # pub enum Subject {
    /// #     Photo(Photo),
    /// #     Song(Song),
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Remark {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub text: String,
    /// #     pub subject_kind: SubjectKind,
    /// #     pub subject_id: i64,
    /// #     #[orm(morph(subject_kind, subject_id))]
    /// #     pub subject: MorphTo<Subject>,
    /// # }
    /// # orm::schema!(Gallery: Photo, Song, Remark);
    /// # let db = Sqlite::memory().await?;
    /// # Gallery::create_all(&db).await?;
    /// use orm::relation::Morph as _;
    /// assert_eq!(Subject::TAGS, ["photo", "song"]);
    /// # let _ = db;
    /// # Ok(()) }
    /// ```
    const TAGS: &'static [&'static str];
    /// The rows of a variant with these keys.
    #[doc(hidden)]
    fn fetch<'a, B: Backend>(
        variant: usize,
        keys: Vec<Datum>,
        handle: &'a Handle<B>,
    ) -> BoxFuture<'a, Result<Vec<(Datum, Self)>>>;
}

/// `Self` is one of the models of `E`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Photo {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub file: String,
/// # }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Song {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub title: String,
/// # }
/// # #[derive(Debug, Clone, Morph)]
/// # pub enum Subject {
/// #     Photo(Photo),
/// #     Song(Song),
/// # }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Remark {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub text: String,
/// #     pub subject_kind: SubjectKind,
/// #     pub subject_id: i64,
/// #     #[orm(morph(subject_kind, subject_id))]
/// #     pub subject: MorphTo<Subject>,
/// # }
/// # orm::schema!(Gallery: Photo, Song, Remark);
/// # let db = Sqlite::memory().await?;
/// # Gallery::create_all(&db).await?;
/// use orm::relation::MorphTarget;
/// fn kind_of<T: MorphTarget<Subject>>(_subject: &T) -> &'static str {
///     T::TAG
/// }
/// let song = Song::create().title("Yes").insert(&db).await?;
/// assert_eq!(kind_of(&song), "song");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one of the models of `{E}`",
    label = "add a variant `{Self}({Self})` to the enum"
)]
pub trait MorphTarget<E> {
    /// The name of the variant as it is stored.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Photo {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub file: String,
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Song {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub title: String,
    /// # }
    /// # #[derive(Debug, Clone, Morph)]
    /// # pub enum Subject {
    /// #     Photo(Photo),
    /// #     Song(Song),
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Remark {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub text: String,
    /// #     pub subject_kind: SubjectKind,
    /// #     pub subject_id: i64,
    /// #     #[orm(morph(subject_kind, subject_id))]
    /// #     pub subject: MorphTo<Subject>,
    /// # }
    /// # orm::schema!(Gallery: Photo, Song, Remark);
    /// # let db = Sqlite::memory().await?;
    /// # Gallery::create_all(&db).await?;
    /// use orm::relation::MorphTarget;
    /// assert_eq!(<Photo as MorphTarget<Subject>>::TAG, "photo");
    /// # let _ = db;
    /// # Ok(()) }
    /// ```
    const TAG: &'static str;
}

/// The rows of one variant: what a derived [`Morph::fetch`] calls.
#[doc(hidden)]
pub fn morph_variant<'a, E: Morph, T: Model, B: Backend>(
    keys: Vec<Datum>,
    wrap: fn(T) -> E,
    handle: &'a Handle<B>,
) -> BoxFuture<'a, Result<Vec<(Datum, E)>>> {
    Box::pin(async move {
        let source = T::source();
        let [key] = T::PRIMARY_KEY else {
            return Err(Error::new(
                ErrorKind::Usage,
                "a polymorphic relation needs a primary key of one column",
            )
            .with_model(T::meta().name));
        };
        let mut select = Select::new(source);
        select.filter = Some(Expr::InList {
            expr: Box::new(Expr::Column(ColumnRef { source, index: *key })),
            list: keys,
            ty: source.model.column(*key).ty(),
            negated: false,
        });
        let rows = handle.run(Command::Select(Box::new(select)), Collect::<T>::default()).await?;
        Ok(rows.into_iter().map(|row| (row.datum(*key), wrap(row))).collect())
    })
}

/// The relation behind a [`MorphTo`] field of the model `M`: the type of `Note::subject`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Photo {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub file: String,
/// # }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Song {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub title: String,
/// # }
/// # #[derive(Debug, Clone, Morph)]
/// # pub enum Subject {
/// #     Photo(Photo),
/// #     Song(Song),
/// # }
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Remark {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub text: String,
/// #     pub subject_kind: SubjectKind,
/// #     pub subject_id: i64,
/// #     #[orm(morph(subject_kind, subject_id))]
/// #     pub subject: MorphTo<Subject>,
/// # }
/// # orm::schema!(Gallery: Photo, Song, Remark);
/// # let db = Sqlite::memory().await?;
/// # Gallery::create_all(&db).await?;
/// use orm::relation::MorphRel;
/// let song = Song::create().title("Yes").insert(&db).await?;
/// Remark::create().text("nice").subject(&song).insert(&db).await?;
///
/// let subject: MorphRel<Remark, Subject> = Remark::subject;
/// let mut remark = Remark::query().one(&db).await?;
/// assert!(matches!(remark.load(subject, &db).await?, Subject::Song(_)));
/// # Ok(()) }
/// ```
pub struct MorphRel<M, E> {
    index: u16,
    local: &'static [u16],
    slot: fn(&M) -> &MorphTo<E>,
    slot_mut: fn(&mut M) -> &mut MorphTo<E>,
    marker: PhantomData<fn() -> (M, E)>,
}

impl<M, E> Clone for MorphRel<M, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M, E> Copy for MorphRel<M, E> {}

impl<M, E> std::fmt::Debug for MorphRel<M, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MorphRel").field("index", &self.index).finish_non_exhaustive()
    }
}

impl<M, E> MorphRel<M, E> {
    /// Called by the derive. `local` holds the column of the kind and that of the key.
    #[doc(hidden)]
    pub const fn new(
        index: u16,
        local: &'static [u16],
        slot: fn(&M) -> &MorphTo<E>,
        slot_mut: fn(&mut M) -> &mut MorphTo<E>,
    ) -> Self {
        MorphRel { index, local, slot, slot_mut, marker: PhantomData }
    }

    /// The column of the kind and that of the key.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Photo {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub file: String,
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Song {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub title: String,
    /// # }
    /// # #[derive(Debug, Clone, Morph)]
    /// # pub enum Subject {
    /// #     Photo(Photo),
    /// #     Song(Song),
    /// # }
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Remark {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub text: String,
    /// #     pub subject_kind: SubjectKind,
    /// #     pub subject_id: i64,
    /// #     #[orm(morph(subject_kind, subject_id))]
    /// #     pub subject: MorphTo<Subject>,
    /// # }
    /// # orm::schema!(Gallery: Photo, Song, Remark);
    /// # let db = Sqlite::memory().await?;
    /// # Gallery::create_all(&db).await?;
    /// let columns = Remark::subject.local().iter().map(|index| Remark::meta().column(*index).name.as_str());
    /// assert_eq!(columns.collect::<Vec<_>>(), ["subject_kind", "subject_id"]);
    /// # let _ = db;
    /// # Ok(()) }
    /// ```
    pub const fn local(self) -> &'static [u16] {
        self.local
    }

    /// The sides of the inverse relation, called by the derive of a target with its key.
    #[doc(hidden)]
    pub const fn seen_from(self, key: &'static [u16]) -> (&'static [u16], &'static [u16]) {
        (key, self.local.split_at(1).1)
    }

    /// Makes a new row point to this one, called by the derive.
    #[doc(hidden)]
    pub fn set_in<T: Model + MorphTarget<E>>(self, row: &mut NewRow, parent: &T) {
        row.set(self.local[0], Datum::Text(T::TAG.to_owned()));
        row.set_parent(&self.local[1..], parent, T::PRIMARY_KEY);
    }

    /// What tells the rows of one target, called by the derive of a target.
    #[doc(hidden)]
    pub fn morph_of<T: MorphTarget<E>>(self) -> Option<MorphMeta> {
        Some(MorphMeta { column: self.local[0], tag: T::TAG })
    }
}

impl<M: Model, E: Morph> MorphRel<M, E> {
    fn meta(self) -> &'static RelationMeta {
        &M::meta().relations[self.index as usize]
    }

    fn key_of(self, row: &M) -> Option<Key> {
        Key::of_row(row, self.local)
    }

    fn fill(self, row: &mut M, found: &Fetched<E>, mark: &Mark) {
        let key = self.key_of(row);
        let content = key.as_ref().and_then(|key| found.get(key).cloned());
        (self.slot_mut)(row).put(content, mark.for_key(key.as_ref()));
    }
}

type Fetched<E> = FxHashMap<Key, Arc<E>>;

/// The rows that these keys, each of a kind and a key, point to: one query for each kind.
async fn fetch_keys<E: Morph, B: Backend>(
    relation: &RelationMeta,
    keys: &[Key],
    handle: &Handle<B>,
) -> Result<Fetched<E>> {
    let mut found = Fetched::default();
    for (variant, tag) in E::TAGS.iter().enumerate() {
        let mut list: Vec<Datum> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        for key in keys {
            if let Key::Many(parts) = key
                && let [Datum::Text(kind), id] = &**parts
                && kind == tag
                && seen.insert(id)
            {
                list.push(id.clone());
            }
        }
        if list.is_empty() {
            continue;
        }
        let rows = E::fetch::<B>(variant, list, handle).await?;
        let came: rustc_hash::FxHashSet<&Datum> = rows.iter().map(|(id, _)| id).collect();
        // A row may be that of several keys to the database, and comes once.
        let open = seen.iter().filter(|id| matches!(id, Datum::Text(_)) && !came.contains(**id));
        let open: Vec<Datum> = open.map(|id| (*id).clone()).collect();
        if !open.is_empty() && !E::fetch::<B>(variant, open, handle).await?.is_empty() {
            return Err(compared_otherwise(relation));
        }
        for (id, row) in rows {
            if !seen.contains(&id) {
                return Err(compared_otherwise(relation));
            }
            found.insert(Key::Many(Box::new([Datum::Text((*tag).to_owned()), id])), Arc::new(row));
        }
    }
    Ok(found)
}

/// Fetches what rows point to: what a derived `Model::fetch` calls.
#[doc(hidden)]
pub fn fetch_morph_to<'a, M: Model, E: Morph, B: Backend>(
    rel: MorphRel<M, E>,
    rows: &'a [M],
    _plan: &'a IncludePlan,
    handle: &'a Handle<B>,
) -> BoxFuture<'a, Result<Attach<M>>> {
    Box::pin(async move {
        let keys: Vec<Key> = rows.iter().filter_map(|row| rel.key_of(row)).collect();
        let found = fetch_keys::<E, B>(rel.meta(), &keys, handle).await?;
        let mark = Mark::of_all(handle);
        Ok(Box::new(move |rows: &mut [M]| {
            rows.iter_mut().for_each(|row| rel.fill(row, &found, &mark));
            Ok(())
        }) as Attach<M>)
    })
}

impl<M: Model, E: Morph> Includable<M, ()> for MorphRel<M, E> {
    fn into_plan(self) -> IncludePlan {
        IncludePlan { relation: self.index, select: Select::new(M::source()), nested: Vec::new() }
    }
}

impl<M: Model, E: Morph> Loadable<M> for MorphRel<M, E> {
    type Loaded<'a> = &'a E;
    fn is_current<B: Backend>(self, row: &M, handle: &Handle<B>) -> bool {
        let mark = (self.slot)(row).mark();
        mark.is_some_and(|mark| mark.serves(self.key_of(row).as_ref(), handle))
    }
    fn read(self, row: &M) -> Result<&E> {
        (self.slot)(row).get()
    }
    fn refused(self) -> Error {
        not_loaded::<E>().with_model(M::meta().name).with_field(self.meta().name)
    }
    async fn fetch<B: Backend>(self, row: &mut M, mode: FetchMode, handle: &Handle<B>) -> Result<()> {
        let mark = Mark::of_all(handle);
        let Some(key) = self.key_of(row) else {
            (self.slot_mut)(row).put(None, mark.for_key(None));
            return Ok(());
        };
        let siblings = (self.slot)(row).siblings().cloned().filter(|_| mode == FetchMode::Batch);
        if let Some(siblings) = siblings {
            let fetch = async |keys: &[Key]| fetch_keys::<E, B>(self.meta(), keys, handle).await;
            let take = |found: &mut Fetched<E>| Some(found.get(&key).cloned());
            if let Some(content) = siblings.fetched(self.index, handle.scope(), fetch, take).await? {
                (self.slot_mut)(row).put(content, mark.for_key(Some(&key)));
                return Ok(());
            }
        }
        let found = fetch_keys::<E, B>(self.meta(), std::slice::from_ref(&key), handle).await?;
        self.fill(row, &found, &mark);
        Ok(())
    }
}

impl<M: Model, E: Morph> LoadableSlice<M, ()> for MorphRel<M, E> {
    async fn fetch_all<B: Backend>(self, rows: &mut [M], handle: &Handle<B>) -> Result<()> {
        let mut missing: Vec<&mut M> = rows.iter_mut().filter(|row| !self.is_current(*row, handle)).collect();
        let keys: Vec<Key> = missing.iter().filter_map(|row| self.key_of(row)).collect();
        let found = fetch_keys::<E, B>(self.meta(), &keys, handle).await?;
        let mark = Mark::of_all(handle);
        missing.iter_mut().for_each(|row| self.fill(row, &found, &mark));
        Ok(())
    }
}
