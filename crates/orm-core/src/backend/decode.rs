//! From a driver's row to Rust values.

use std::marker::PhantomData;

use super::{Backend, Handle};
use crate::error::{Error, ErrorKind, Result};
use crate::meta::ModelMeta;
use crate::relation::IncludePlan;
use crate::value::{Cell, CellError, Scalar, Value};

/// The current row of a result, read by position.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{FromRow, Row};
///
/// struct Point {
///     x: f64,
///     y: f64,
/// }
/// impl FromRow for Point {
///     const WIDTH: usize = 2;
///     fn from_row<R: Row>(row: &R, at: usize) -> Result<Self> {
///         Ok(Point { x: row.get(at)?, y: row.get(at + 1)? })
///     }
/// }
/// let (name, point): (String, Point) = sql("SELECT 'here', 1.5, 2.5").one(&db).await?;
/// assert_eq!((name.as_str(), point.x, point.y), ("here", 1.5, 2.5));
/// # Ok(()) }
/// ```
pub trait Row {
    /// One column of it.
    type Cell<'a>: Cell<'a>
    where
        Self: 'a;

    /// The column at `index`, counted from 0. Out of range is a bug of the caller and reads as NULL.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::backend::Row;
    /// use orm::value::Cell;
    /// fn is_absent<R: Row>(row: &R, columns: usize) -> bool {
    ///     (0..columns).all(|index| row.cell(index).is_null())
    /// }
    /// ```
    fn cell(&self, index: usize) -> Self::Cell<'_>;

    /// How many columns the row has.
    fn width(&self) -> usize;

    /// The name of a column, where the database says it.
    fn name(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }

    /// The value at `index`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::backend::Row;
    /// fn id_and_name<R: Row>(row: &R) -> Result<(i64, Option<String>)> {
    ///     Ok((row.get(0)?, row.get(1)?))
    /// }
    /// ```
    #[inline]
    fn get<T: Value>(&self, index: usize) -> Result<T> {
        match T::decode(self.cell(index)) {
            Ok(value) => Ok(value),
            Err(error) => Err(decode_error::<T>(error, index)),
        }
    }
}

/// The value of a model's field: as [`Row::get`], with the field named in the error.
#[inline]
pub(crate) fn field<T: Value, R: Row>(
    row: &R,
    at: usize,
    index: u16,
    meta: fn() -> &'static ModelMeta,
) -> Result<T> {
    match T::decode(row.cell(at + index as usize)) {
        Ok(value) => Ok(value),
        Err(error) => Err(name_field(decode_error::<T>(error, at + index as usize), meta(), index)),
    }
}

#[cold]
fn name_field(error: Error, meta: &ModelMeta, index: u16) -> Error {
    error.with_model(meta.name).with_field(meta.column(index).field.clone())
}

#[cold]
fn decode_error<T>(error: CellError, index: usize) -> Error {
    let wanted = short_name(std::any::type_name::<T>());
    let text = match error {
        CellError::Null => format!("column {index} is NULL and `{wanted}` cannot hold that"),
        CellError::Type { found, wanted: kind } => {
            format!("column {index} holds {found} where `{wanted}` needs {kind}")
        }
        CellError::Invalid(why) => format!("column {index} cannot be read as `{wanted}`: {why}"),
    };
    let error = Error::new(ErrorKind::Decode, text);
    error.with_hint("the field's type and the stored data must agree; make it an Option if NULL is meant")
}

fn short_name(path: &str) -> String {
    // `core::option::Option<alloc::string::String>` → `Option<String>`
    let mut out = String::new();
    let mut word = String::new();
    for c in path.chars() {
        match c {
            '<' | '>' | ',' | ' ' | '(' | ')' | '[' | ']' | '&' => {
                out.push_str(&word);
                word.clear();
                out.push(c);
            }
            ':' => word.clear(),
            c => word.push(c),
        }
    }
    out + &word
}

/// A type that is built from consecutive columns of a row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::FromRow;
/// assert_eq!((<i64 as FromRow>::WIDTH, <(i64, Tag) as FromRow>::WIDTH), (1, 3));
/// let rows: Vec<(i64, Tag)> = sql("SELECT 7, id, name FROM tags").all(&db).await?;
/// assert_eq!((rows[0].0, rows[0].1.name.as_str()), (7, "machines"));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row",
    label = "not a model, a column type, a projection or a tuple of them"
)]
pub trait FromRow: Sized {
    /// How many columns it takes.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::backend::FromRow;
    /// assert_eq!(User::WIDTH, User::meta().columns.len());
    /// ```
    const WIDTH: usize;
    /// Reads it from the columns that start at `at`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::backend::{FromRow, Row};
    /// fn with_tag<R: Row>(row: &R) -> Result<(i64, Tag)> {
    ///     Ok((i64::from_row(row, 0)?, Tag::from_row(row, 1)?))
    /// }
    /// ```
    fn from_row<R: Row>(row: &R, at: usize) -> Result<Self>;

    /// The names that the columns need to have, in order; `None` where any does.
    #[doc(hidden)]
    fn names(out: &mut Vec<Option<&'static str>>) {
        out.extend(std::iter::repeat_n(None, Self::WIDTH));
    }

    /// Called once with all rows of a result: models load what was included. Nothing to do for other types.
    #[doc(hidden)]
    fn complete<'a, B: Backend>(
        _rows: &'a mut [Self],
        _includes: &'a [IncludePlan],
        _handle: &'a Handle<B>,
    ) -> impl Future<Output = Result<()>> + Send + 'a
    where
        Self: Send,
    {
        std::future::ready(Ok(()))
    }
}

impl<T: Scalar> FromRow for T {
    const WIDTH: usize = 1;
    #[inline]
    fn from_row<R: Row>(row: &R, at: usize) -> Result<Self> {
        row.get(at)
    }
}

/// A type whose `Option` can be read from a row: a scalar (NULL is `None`), or a model of the outer side of a
/// left join (a NULL key is `None`).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// // Behind a left join a whole model comes as an `Option`.
/// let rows: Vec<(String, Option<Profile>)> =
///     User::query().left_join(User::profile).select((User::name, whole::<Profile>())).all(&db).await?;
/// assert_eq!(rows.iter().filter(|(_, profile)| profile.is_none()).count(), 2);
/// # Ok(()) }
/// ```
pub trait Nullable: FromRow {
    /// Reads the `Option`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::backend::{Nullable, Row};
    /// fn profile<R: Row>(row: &R) -> Result<Option<Profile>> {
    ///     Profile::nullable(row, 0)
    /// }
    /// ```
    fn nullable<R: Row>(row: &R, at: usize) -> Result<Option<Self>>;
}

impl<T: Scalar> Nullable for T {
    #[inline]
    fn nullable<R: Row>(row: &R, at: usize) -> Result<Option<Self>> {
        row.get(at)
    }
}

impl<T: Nullable> FromRow for Option<T> {
    const WIDTH: usize = T::WIDTH;
    fn names(out: &mut Vec<Option<&'static str>>) {
        T::names(out);
    }
    #[inline]
    fn from_row<R: Row>(row: &R, at: usize) -> Result<Self> {
        T::nullable(row, at)
    }
}

macro_rules! tuple_impl {
    ($($name:ident $var:ident),+) => {
        impl<$($name: FromRow),+> FromRow for ($($name,)+) {
            const WIDTH: usize = 0 $(+ $name::WIDTH)+;
            fn names(out: &mut Vec<Option<&'static str>>) {
                $($name::names(out);)+
            }
            #[inline]
            fn from_row<Source: Row>(row: &Source, at: usize) -> Result<Self> {
                let mut next = at;
                $(
                    let $var = $name::from_row(row, next)?;
                    next += $name::WIDTH;
                )+
                let _ = next;
                Ok(($($var,)+))
            }
        }
    };
}
tuple_impl!(A a);
tuple_impl!(A a, B b);
tuple_impl!(A a, B b, C c);
tuple_impl!(A a, B b, C c, D d);
tuple_impl!(A a, B b, C c, D d, E e);
tuple_impl!(A a, B b, C c, D d, E e, F f);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g, H h);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k);
tuple_impl!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l);

/// Whether a decoder wants more rows.
///
/// ```
/// use orm_core::backend::Flow;
/// fn flow(rows: usize, wanted: usize) -> Flow {
///     if rows < wanted { Flow::More } else { Flow::Enough }
/// }
/// assert_eq!(flow(1, 1), Flow::Enough);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More rows, if there are any.
    More,
    /// No more: the rest of the result can be dropped.
    Enough,
}

/// What takes the rows of a result.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Decoder, Flow, Row, run};
/// use orm_core::ir::Command;
///
/// #[derive(Default)]
/// struct Sum(i64);
/// impl Decoder for Sum {
///     type Out = i64;
///     fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
///         self.0 += row.get::<i64>(0)?;
///         Ok(Flow::More)
///     }
///     fn reset(&mut self) {
///         self.0 = 0;
///     }
///     fn finish(self, _affected: u64) -> Result<i64> {
///         Ok(self.0)
///     }
/// }
/// let scores = Post::query().select(Post::score).into_select();
/// assert_eq!(run(&db, Command::Select(Box::new(scores)), Sum::default()).await?, 9);
/// # Ok(()) }
/// ```
pub trait Decoder: Send + 'static {
    /// What it makes of them.
    type Out: Send + 'static;
    /// Is told how many rows the last run of the same statement had, to make room for as many.
    ///
    /// ```
    /// use orm_core::backend::{Collect, Decoder};
    /// let mut names = Collect::<String>::default();
    /// names.reserve(100);
    /// assert!(names.finish(0).unwrap().is_empty());
    /// ```
    fn reserve(&mut self, rows: usize) {
        let _ = rows;
    }
    /// Takes a row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::backend::{Decoder, Flow, Row};
    /// /// How a driver feeds a decoder.
    /// fn feed<R: Row, D: Decoder>(rows: &[R], mut decoder: D) -> Result<D::Out> {
    ///     for row in rows {
    ///         if decoder.row(row)? == Flow::Enough {
    ///             break;
    ///         }
    ///     }
    ///     decoder.finish(0)
    /// }
    /// ```
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow>;
    /// Forgets all rows: the read starts again.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::backend::{Decoder, Row};
    /// /// A read that broke off after some rows starts again.
    /// fn start_again<R: Row, D: Decoder>(rows: &[R], decoder: &mut D) -> Result<()> {
    ///     decoder.reset();
    ///     rows.iter().try_for_each(|row| decoder.row(row).map(drop))
    /// }
    /// ```
    fn reset(&mut self);
    /// Ends. `affected` is the number of rows changed by a write, 0 for a read.
    ///
    /// ```
    /// use orm_core::backend::{Affected, Decoder};
    /// assert_eq!(Affected::default().finish(3).unwrap(), 3);
    /// ```
    fn finish(self, affected: u64) -> Result<Self::Out>;
}

/// Collects every row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Collect, run};
/// use orm_core::ir::Command;
/// let names = User::query().order_by(User::id.asc()).select(User::name).into_select();
/// let names = run(&db, Command::Select(Box::new(names)), Collect::<String>::default()).await?;
/// assert_eq!(names, ["Ada", "Bob", "Cid"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Collect<T>(Vec<T>);

impl<T> Default for Collect<T> {
    fn default() -> Self {
        Collect(Vec::new())
    }
}

impl<T> Collect<T> {
    /// With room for `rows`.
    ///
    /// ```
    /// use orm_core::backend::{Collect, Decoder};
    /// assert!(Collect::<i64>::with_capacity(16).finish(0).unwrap().is_empty());
    /// ```
    pub fn with_capacity(rows: usize) -> Self {
        Collect(Vec::with_capacity(rows))
    }
}

impl<T: FromRow + Send + 'static> Decoder for Collect<T> {
    type Out = Vec<T>;
    fn reserve(&mut self, rows: usize) {
        self.0.reserve(rows);
    }
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        self.0.push(T::from_row(row, 0)?);
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.0.clear();
    }
    fn finish(self, _: u64) -> Result<Vec<T>> {
        Ok(self.0)
    }
}

/// Takes the first row.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{First, run};
/// use orm_core::ir::Command;
/// let count = User::query().select(count_all()).into_select();
/// assert_eq!(run(&db, Command::Select(Box::new(count)), First::<i64>::default()).await?, Some(3));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct First<T>(Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        First(None)
    }
}

impl<T: FromRow + Send + 'static> Decoder for First<T> {
    type Out = Option<T>;
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        self.0 = Some(T::from_row(row, 0)?);
        Ok(Flow::Enough)
    }
    fn reset(&mut self) {
        self.0 = None;
    }
    fn finish(self, _: u64) -> Result<Option<T>> {
        Ok(self.0)
    }
}

/// Counts the rows that a write changed.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm_core::backend::{Affected, run};
/// use orm_core::ir::{Command, RawSql};
/// let raw = RawSql { sql: "DELETE FROM comments".to_owned(), binds: Vec::new(), write: true };
/// assert_eq!(run(&db, Command::Raw(Box::new(raw)), Affected::default()).await?, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Affected(PhantomData<()>);

impl Decoder for Affected {
    type Out = u64;
    fn row<R: Row>(&mut self, _: &R) -> Result<Flow> {
        Ok(Flow::More)
    }
    fn reset(&mut self) {}
    fn finish(self, affected: u64) -> Result<u64> {
        Ok(affected)
    }
}
