//! The SELECT list.

use std::marker::PhantomData;

use crate::backend::{And, FromRow, Needs, Nullable, Plus};
use crate::error::{Error, ErrorKind};
use crate::expr::kind::{Aggregate, Const, GroupKey, Over, Row};
use crate::expr::scope::{InScope, Inner, Left, Wrap};
use crate::expr::{Column, Expr, ExprOps};
use crate::ir;
use crate::model::{Model, Named};
use crate::query::Query;
use crate::value::{Scalar, Value};

/// What can be selected in the scope `Q`. Columns of a left-joined model come out as `Option`.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::Only;
/// use orm::expr::kind::OneKind;
/// use orm::query::Selection;
/// fn of_ada<L, I>(list: L) -> Query<User, Only<User>, L::Out>
/// where
///     L: Selection<Only<User>, I, N = ()>,
///     L::K: OneKind,
/// {
///     User::filter(User::name.eq("Ada")).select(list)
/// }
/// assert_eq!(of_ada((User::age, User::email.upper())).one(&db).await?.0, Some(36));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected here",
    label = "expected a column, an expression, or a tuple of up to twelve"
)]
pub trait Selection<Q, I> {
    /// The type of a result row.
    type Out: FromRow;
    /// The capabilities needed.
    type N: Needs;
    /// Row, aggregate, key, constant, or a list of these.
    type K;
    /// Appends the expressions.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::expr::Only;
    /// use orm::query::Selection;
    /// let mut exprs = Vec::new();
    /// Selection::<Only<User>, _>::exprs((User::name, User::age + 1), &mut exprs);
    /// assert_eq!(exprs.len(), 2);
    /// ```
    fn exprs(self, out: &mut Vec<ir::Expr>);
}

impl<Q, I, S: Named, T: Value> Selection<Q, I> for Column<S, T>
where
    S: InScope<Q, I>,
    S::Side: Wrap<T>,
    <S::Side as Wrap<T>>::Out: FromRow,
{
    type Out = <S::Side as Wrap<T>>::Out;
    type N = ();
    type K = Row;
    fn exprs(self, out: &mut Vec<ir::Expr>) {
        out.push(self.node());
    }
}

/// The type of an expression in a result, by its kind.
pub trait SelectAs<K, T: Value> {
    /// The type.
    type Out;
}
macro_rules! select_as {
    ($($kind:ident),*) => {$(
        impl<J: Wrap<T>, T: Value> SelectAs<$kind, T> for J {
            type Out = J::Out;
        }
    )*};
}
select_as!(Row, GroupKey, Const);
impl<J, T: Value> SelectAs<Aggregate, T> for J {
    type Out = T;
}
impl<J, K, T: Value> SelectAs<Over<K>, T> for J {
    type Out = T;
}

impl<Q, I, T: Value, S, N: Needs, K> Selection<Q, I> for Expr<T, S, N, K>
where
    S: InScope<Q, I>,
    S::Side: SelectAs<K, T>,
    <S::Side as SelectAs<K, T>>::Out: FromRow,
{
    type Out = <S::Side as SelectAs<K, T>>::Out;
    type N = N;
    type K = K;
    fn exprs(self, out: &mut Vec<ir::Expr>) {
        out.push(self.into_ir());
    }
}

/// All columns of a joined model: see [`whole`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::query::Whole;
/// let posts: Whole<Post> = whole();
/// let rows: Vec<(String, Post)> = User::query().join(User::posts).select((User::name, posts)).all(&db).await?;
/// assert_eq!(rows.len(), 3);
/// # Ok(()) }
/// ```
pub struct Whole<M>(PhantomData<fn() -> M>);

impl<M> std::fmt::Debug for Whole<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whole")
    }
}

/// All columns of a model of the query, as the model (or `Option` of it behind a left join).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let rows: Vec<(User, Option<Profile>)> =
///     User::query().left_join(User::profile).select((whole::<User>(), whole::<Profile>())).all(&db).await?;
/// assert!(rows.iter().any(|(user, profile)| user.name == "Bob" && profile.is_none()));
/// # Ok(()) }
/// ```
pub fn whole<M: Named>() -> Whole<M> {
    Whole(PhantomData)
}

/// The type of a whole model in a result.
pub trait WrapModel<M> {
    /// The model or an `Option` of it.
    type Out: FromRow;
}
impl<M: Model> WrapModel<M> for Inner {
    type Out = M;
}
impl<M: Model + Nullable> WrapModel<M> for Left {
    type Out = Option<M>;
}

impl<Q, I, M: Named> Selection<Q, I> for Whole<M>
where
    M: InScope<Q, I>,
    M::Side: WrapModel<M::Model>,
{
    type Out = <M::Side as WrapModel<M::Model>>::Out;
    type N = ();
    type K = Row;
    fn exprs(self, out: &mut Vec<ir::Expr>) {
        let source = M::source();
        let columns = 0..source.model.columns.len() as u16;
        out.extend(columns.map(|index| ir::Expr::Column(ir::ColumnRef { source, index })));
    }
}

/// The needs of a list, folded.
///
/// ```
/// use orm::query::ListNeeds;
/// fn all_of_it<L: ListNeeds<Out = O>, O>() {}
/// all_of_it::<((), ((), ())), ()>();
/// ```
pub trait ListNeeds {
    /// All of them.
    type Out: Needs;
}
impl ListNeeds for () {
    type Out = ();
}
impl<H: Needs + Plus<T::Out>, T: ListNeeds> ListNeeds for (H, T) {
    type Out = And<H, T::Out>;
}

macro_rules! nest {
    ($part:ident;) => { () };
    ($part:ident; $head:ident $($tail:ident)*) => { ($head::$part, nest!($part; $($tail)*)) };
}

pub(super) use nest;

macro_rules! tuples {
    ($($($name:ident $index:ident $var:ident),+;)*) => {$(
        impl<Q, $($name, $index),+> Selection<Q, ($($index,)+)> for ($($name,)+)
        where
            $($name: Selection<Q, $index>,)+
            nest!(N; $($name)+): ListNeeds,
        {
            type Out = ($($name::Out,)+);
            type N = <nest!(N; $($name)+) as ListNeeds>::Out;
            type K = nest!(K; $($name)+);
            fn exprs(self, out: &mut Vec<ir::Expr>) {
                let ($($var,)+) = self;
                $($var.exprs(out);)+
            }
        }
    )*};
}
tuples! {
    A1 I1 a1;
    A1 I1 a1, A2 I2 a2;
    A1 I1 a1, A2 I2 a2, A3 I3 a3;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7, A8 I8 a8;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7, A8 I8 a8, A9 I9 a9;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7, A8 I8 a8, A9 I9 a9, A10 I10 a10;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7, A8 I8 a8, A9 I9 a9, A10 I10 a10, A11 I11 a11;
    A1 I1 a1, A2 I2 a2, A3 I3 a3, A4 I4 a4, A5 I5 a5, A6 I6 a6, A7 I7 a7, A8 I8 a8, A9 I9 a9, A10 I10 a10, A11 I11 a11, A12 I12 a12;
}

impl<M: Model, Q, B: Scalar, N> Query<M, Q, Option<B>, N> {
    /// The rows whose one column is not NULL, under the type that says so.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ages: Vec<i32> = User::query().select(User::age).not_null().all(&db).await?;
    /// assert_eq!(ages.len(), 2);
    /// let unheard_of = Post::filter(Post::score.not_in(User::query().select(User::age).not_null()));
    /// assert_eq!(unheard_of.count(&db).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn not_null(mut self) -> Query<M, Q, B, N> {
        let select = &mut self.select;
        let column = match &select.output {
            ir::Output::Exprs(exprs) => exprs.first().cloned(),
            _ => Some(ir::Expr::Key(0, B::TYPE)),
        };
        let column = column.filter(|column| {
            // A window is computed of the rows that are left, and a limit has cut them.
            let cut = select.limit.is_some() || select.offset.is_some() || !select.distinct_on.is_empty();
            !(cut || ir::facts::has_window(column))
        });
        match column {
            None => {
                let error = Error::new(
                    ErrorKind::Usage,
                    "rows that are cut or numbered cannot lose their NULLs any more",
                )
                .with_model(select.from.model.name)
                .with_hint("call `not_null` before `limit`, or filter the column by `is_not_null`");
                select.and_filter(ir::Expr::invalid(error));
            }
            Some(column) => {
                let present = ir::Expr::IsNull(Box::new(column), true);
                if select.is_aggregated() {
                    select.having = Some(ir::Expr::and(select.having.take(), present));
                } else {
                    select.and_filter(present);
                }
            }
        }
        self.retype()
    }
}
