//! New rows before they are sent, and the values that the library fills in.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind};
use crate::meta::{ColumnMeta, LinkMeta, ModelMeta};
use crate::model::Model;
use crate::schema::limited;
use crate::value::{ColumnType, DateTime, Datum};

/// A row to be inserted: one datum per column of the model, [`Datum::Default`] where none was given.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::value::Datum;
/// use orm::write::{NewRow, insert};
/// let mut row = NewRow::new(Tag::meta());
/// row.set(Tag::name.index(), Datum::Text("news".to_owned()));
/// let tag: Tag = insert(row, &db).await?;
/// assert_eq!(tag.name, "news");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct NewRow {
    pub(super) values: Vec<Datum>,
    /// The columns that the program fills in by itself and nobody has set.
    presets: Vec<u16>,
    /// New rows that belong to this one, by relation.
    pub(super) children: Vec<(u16, Vec<NewRow>)>,
}

impl NewRow {
    /// A row of which nothing is given yet.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::value::Datum;
    /// use orm::write::NewRow;
    /// assert_eq!(NewRow::new(Tag::meta()).values(), [Datum::Default, Datum::Default]);
    /// ```
    pub fn new(meta: &ModelMeta) -> Self {
        let values = meta.columns.iter().map(|_| Datum::Default).collect();
        NewRow { values, presets: Vec::new(), children: Vec::new() }
    }

    /// Adds rows that are inserted together with this one and belong to it by a relation.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::write::{ByParent, Insertable, NewChild, insert};
    /// let mut row = User::create().email("eve@example.org").name("Eve").into_row();
    /// let post = Post::create().title("One").score(1);
    /// let post = NewChild::<Post, ByParent<User>>::into_child(post);
    /// row.add_children(User::posts.index(), vec![post]);
    /// let eve: User = insert(row, &db).await?;
    /// assert_eq!(eve.posts.get()?[0].title, "One");
    /// # Ok(()) }
    /// ```
    pub fn add_children(&mut self, relation: u16, rows: Vec<NewRow>) {
        match self.children.iter_mut().find(|(known, _)| *known == relation) {
            Some((_, list)) => list.extend(rows),
            None => self.children.push((relation, rows)),
        }
    }

    /// Gives the columns of a foreign key the values of a parent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::value::Datum;
    /// use orm::write::NewRow;
    /// let ada = User::find(1).one(&db).await?;
    /// let mut row = NewRow::new(Profile::meta());
    /// let (own, of_parent) = Profile::user.sides();
    /// row.set_parent(own, &ada, of_parent);
    /// assert!(row.values().contains(&Datum::I64(1)));
    /// # Ok(()) }
    /// ```
    pub fn set_parent<P: Model>(&mut self, columns: &[u16], parent: &P, parent_columns: &[u16]) {
        for (column, parent_column) in columns.iter().zip(parent_columns) {
            let key = parent.datum(*parent_column);
            self.set(*column, if key.is_null() { without_key::<P>(*parent_column) } else { key });
        }
    }

    /// Gives a column its value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::value::Datum;
    /// use orm::write::NewRow;
    /// let mut row = NewRow::new(Tag::meta());
    /// row.set(Tag::name.index(), Datum::Text("news".to_owned()));
    /// assert_eq!(row.values()[1], Datum::Text("news".to_owned()));
    /// ```
    pub fn set(&mut self, column: u16, datum: Datum) {
        if let Some(slot) = self.values.get_mut(usize::from(column)) {
            *slot = datum;
            self.presets.retain(|preset| *preset != column);
        }
    }

    /// Gives a column what its `default_fn` makes: called by the derive.
    #[doc(hidden)]
    pub fn preset(&mut self, column: u16, datum: Datum) {
        self.set(column, datum);
        self.presets.push(column);
    }

    /// What is given so far, one value per column of the model; [`Datum::Default`] where there is none.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::value::Datum;
    /// use orm::write::Insertable;
    /// let row = Tag::create().name("news").into_row();
    /// assert_eq!(row.values(), [Datum::Default, Datum::Text("news".to_owned())]);
    /// ```
    pub fn values(&self) -> &[Datum] {
        &self.values
    }

    /// Sets the array of keys in `column` to those of some rows: called by the create builders.
    #[doc(hidden)]
    pub fn set_keys<'p, P: Model>(
        &mut self,
        column: &[u16],
        rows: impl IntoIterator<Item = &'p P>,
        keys: &[u16],
    ) {
        if let ([column], [key]) = (column, keys) {
            let mut keys = Vec::new();
            for row in rows {
                match row.datum(*key) {
                    Datum::Null => return self.set(*column, without_key::<P>(*key)),
                    key => keys.push(key),
                }
            }
            self.set(*column, Datum::Array(keys));
        }
    }

    /// Whether the column has a value.
    pub(super) fn is_given(&self, column: u16) -> bool {
        self.values.get(usize::from(column)).is_some_and(is_given)
    }

    /// The value of a column that is given and not NULL.
    pub(super) fn value(&self, column: u16) -> Option<&Datum> {
        self.values.get(usize::from(column)).filter(|value| is_given(value) && !matches!(value, Datum::Null))
    }

    /// Whether the program set the column, and not its `default_fn`.
    pub(super) fn is_set(&self, column: u16) -> bool {
        self.is_given(column) && !self.presets.contains(&column)
    }
}

/// The key of a row that nothing can point to, as a value that says so when it is sent.
#[cold]
pub(super) fn without_key<P: Model>(column: u16) -> Datum {
    Datum::invalid(no_key(P::meta(), column))
}

#[cold]
pub(crate) fn no_key(meta: &ModelMeta, column: u16) -> Error {
    let field = meta.columns.get(usize::from(column)).map_or("", |column| column.field.as_str());
    Error::new(
        ErrorKind::Usage,
        format!("this row has no key that others could point to: its `{field}` is NULL"),
    )
    .with_model(meta.name)
    .with_field(field)
    .with_hint("give it a key and save it before others belong to it")
}

pub(super) fn is_given(datum: &Datum) -> bool {
    !matches!(datum, Datum::Default)
}

/// Marks a required field of a builder as set.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // A builder says which of its required fields are set; this one can be inserted.
/// let tag = Tag::create().name("news");
/// assert_eq!(tag.insert(&db).await?.name, "news");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Set;

/// The required field is set. A field that is not stands for itself, so the compiler's message names it.
///
/// ```
/// use orm::write::{Given, Set};
/// fn given<F: Given>() {}
/// given::<Set>();
/// ```
#[diagnostic::on_unimplemented(
    message = "required field `{Self}` is not set",
    label = "`insert` needs every required field",
    note = "call `.{Self}(..)` first"
)]
pub trait Given {}
#[diagnostic::do_not_recommend]
impl Given for Set {}

/// A new row of the model `M` with every required field: a builder from `M::create()`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::Insertable;
/// async fn store_all(tags: Vec<impl Insertable<Tag>>, db: &Sqlite) -> Result<u64> {
///     Tag::insert_many(tags).exec(db).await
/// }
/// assert_eq!(store_all(vec![Tag::create().name("news"), Tag::create().name("rust")], &db).await?, 2);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a new row of `{M}`",
    label = "expected a builder made by `{M}::create()`"
)]
pub trait Insertable<M> {
    /// The row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::write::Insertable;
    /// assert_eq!(Tag::create().name("news").into_row().values().len(), 2);
    /// ```
    fn into_row(self) -> NewRow;
}

/// Stands for the only `BelongsTo<P>` field of a model.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::write::{ByParent, NewChild};
/// // A post lacks nothing but its author.
/// fn child_of_a_user(_: impl NewChild<Post, ByParent<User>>) {}
/// child_of_a_user(Post::create().title("One").score(1));
/// ```
pub struct ByParent<P>(std::marker::PhantomData<fn() -> P>);

impl<P> std::fmt::Debug for ByParent<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ByParent")
    }
}

/// Stands for the `BelongsTo` or `MorphTo` field of this name: `FIELD` is a number made of it by the derives of both sides.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct ByField<const FIELD: u64>;

/// A new row of `M` that lacks nothing but its parent: the key that the field `Via` keeps is filled in by the library.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::write::{ByParent, NewChild};
/// async fn write(author: &User, post: impl NewChild<Post, ByParent<User>>, db: &Sqlite) -> Result<Post> {
///     User::posts.of(author).create(post, db).await
/// }
/// let ada = User::find(1).one(&db).await?;
/// assert_eq!(write(&ada, Post::create().title("More").score(1), &db).await?.author_id, 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a new row of `{M}` that lacks only its parent",
    label = "expected a builder made by `{M}::create()`"
)]
pub trait NewChild<M, Via> {
    /// The row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::value::Datum;
    /// use orm::write::{ByParent, NewChild};
    /// let row = NewChild::<Post, ByParent<User>>::into_child(Post::create().title("One").score(1));
    /// assert_eq!(row.values()[usize::from(Post::author_id.index())], Datum::Default);
    /// ```
    fn into_child(self) -> NewRow;
}

/// The clock, read once per command so that all rows of it agree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now(DateTime);

impl Now {
    pub(super) fn read() -> Self {
        Self::at(SystemTime::now())
    }

    /// Truncated to milliseconds: MongoDB's dates keep no more, and what is sent must equal what is read back.
    fn at(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_millis()).unwrap_or(i128::MAX),
            Err(before) => {
                -i128::try_from(before.duration().as_nanos().div_ceil(1_000_000)).unwrap_or(i128::MAX)
            }
        };
        let secs = i64::try_from(millis.div_euclid(1000)).unwrap_or(i64::MAX);
        Now(DateTime { secs, nanos: millis.rem_euclid(1000) as u32 * 1_000_000 })
    }

    /// The current time as a value of the column.
    pub(super) fn datum(self, meta: &ModelMeta, column: &ColumnMeta) -> Datum {
        let part = match column.ty() {
            ColumnType::Timestamp => Some(Datum::Timestamp(self.0)),
            ColumnType::DateTime => Some(Datum::DateTime(self.0)),
            ColumnType::Date => self.0.split().map(|(date, _)| Datum::Date(date)),
            ColumnType::Time => self.0.split().map(|(_, time)| Datum::Time(time)),
            _ => None,
        };
        part.unwrap_or_else(|| {
            Datum::invalid(
                Error::new(ErrorKind::Usage, "the current time cannot be stored in a column of this type")
                    .with_model(meta.name)
                    .with_field(column.field.clone())
                    .with_hint("`created_at` and `updated_at` need a date, time or timestamp"),
            )
        })
    }
}

/// What the library fills in for a column that was not given.
pub(super) fn initial(meta: &ModelMeta, index: u16, now: Now) -> Option<Datum> {
    let column = meta.columns.get(usize::from(index))?;
    if column.created_at || column.updated_at {
        Some(now.datum(meta, column))
    } else if column.version || meta.version == Some(index) {
        Some(Datum::I64(0))
    } else if matches!(column.ty(), ColumnType::Array(_))
        && column.default.is_none()
        && meta
            .relations
            .iter()
            .any(|relation| matches!(relation.link, LinkMeta::KeysHere) && relation.local == [index])
    {
        // No links.
        Some(Datum::Array(Vec::new()))
    } else {
        None
    }
}

/// Fills in timestamps and the first version where nothing was given.
pub(super) fn prepare(meta: &ModelMeta, row: &mut NewRow, now: Now) {
    for (index, value) in (0..).zip(&mut row.values) {
        if is_given(value) {
            limited(meta, index, value);
            continue;
        }
        if let Some(initial) = initial(meta, index, now) {
            *value = initial;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::write::testing::{CREATED, Note, TITLE, UPDATED, VERSION};

    #[test]
    fn the_clock_is_cut_to_milliseconds_on_both_sides_of_1970() {
        let after = Now::at(UNIX_EPOCH + Duration::new(1, 999_999_999));
        assert_eq!(after.0, DateTime { secs: 1, nanos: 999_000_000 });
        let before = Now::at(UNIX_EPOCH - Duration::from_micros(1));
        assert_eq!(before.0, DateTime { secs: -1, nanos: 999_000_000 });
    }

    #[test]
    fn timestamps_and_version_are_filled_in() {
        let mut row = NewRow::new(Note::meta());
        let now = Now::read();
        prepare(Note::meta(), &mut row, now);
        assert_eq!(row.values[usize::from(CREATED)], Datum::Timestamp(now.0));
        assert_eq!(row.values[usize::from(UPDATED)], Datum::Timestamp(now.0));
        assert_eq!(row.values[usize::from(VERSION)], Datum::I64(0));
        assert!(!row.is_given(TITLE));
    }

    #[test]
    fn a_given_value_wins() {
        let mut row = NewRow::new(Note::meta());
        let given = Datum::Timestamp(DateTime { secs: 7, nanos: 0 });
        row.set(CREATED, given.clone());
        row.set(VERSION, Datum::I64(9));
        prepare(Note::meta(), &mut row, Now::read());
        assert_eq!(row.values[usize::from(CREATED)], given);
        assert_eq!(row.values[usize::from(VERSION)], Datum::I64(9));
    }

    #[test]
    fn a_timestamp_in_a_text_column_is_reported() {
        let column = ColumnMeta { field: "at".into(), ty: Some(ColumnType::Text), ..ColumnMeta::default() };
        let datum = Now::read().datum(Note::meta(), &column);
        assert!(matches!(datum, Datum::Invalid(error) if error.fields() == ["at"]));
    }
}
