//! Which models a query may mention, and which of them may be absent.
//!
//! A scope is a cons list `((Model, Side), Rest)`. An expression's models are `()`, one model, or [`Both`] of two such trees.

use std::marker::PhantomData;

use crate::model::Named;
use crate::value::Value;

/// The model is always there.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::scope::Inner;
/// // The type of a query with a join says that posts are there.
/// let query: Query<User, ((Post, Inner), ((User, Inner), ()))> = User::query().join(User::posts);
/// assert_eq!(query.count(&db).await?, 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Inner;
/// The model was left-joined: its columns may be NULL.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::scope::{Inner, Left};
/// let query: Query<User, ((Post, Left), ((User, Inner), ()))> = User::query().left_join(User::posts);
/// let titles: Vec<Option<String>> = query.select(Post::title).all(&db).await?;
/// assert_eq!(titles.len(), 4);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Left;

/// The model belongs to the query around this one: see [`Query::correlate`](crate::query::Query::correlate).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::scope::{Inner, Outer};
/// let query: Query<Post, ((User, Outer), ((Post, Inner), ()))> = Post::query().correlate::<User>();
/// let own = query.filter(Post::author_id.eq(User::id));
/// assert_eq!(User::filter(exists(own)).count(&db).await?, 2);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Outer;

/// How a model takes part in a query: [`Inner`], [`Left`] or [`Outer`].
///
/// ```
/// use orm::expr::scope::{Inner, Left, Outer, Presence};
/// fn side<J: Presence<Side = S>, S>() {}
/// side::<Left, Left>();
/// side::<Outer, Inner>();
/// ```
pub trait Presence {
    /// Whether its columns may be NULL for want of a row.
    type Side;
}
impl Presence for Inner {
    type Side = Inner;
}
impl Presence for Left {
    type Side = Left;
}
impl Presence for Outer {
    type Side = Inner;
}

/// The query stands on its own: it mentions no model of a query around it.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::scope::Closed;
/// async fn size<Q: Closed, Out>(query: Query<User, Q, Out>, db: &Sqlite) -> Result<u64> {
///     query.count(db).await
/// }
/// assert_eq!(size(User::query().join(User::posts), &db).await?, 3);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "this query mentions a model of the query around it and cannot run alone",
    label = "it was correlated with an outer query",
    note = "use it as a subquery: `exists(..)` or `scalar(..)` in a filter, order or select"
)]
pub trait Closed {}
impl Closed for () {}
#[diagnostic::do_not_recommend]
impl<M, R: Closed> Closed for ((M, Inner), R) {}
#[diagnostic::do_not_recommend]
impl<M, R: Closed> Closed for ((M, Left), R) {}

/// The models that a subquery expects of the query around it.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::Free;
/// fn wants<O, Q: Free<Out = O>>(_: &Query<Post, Q>) {}
/// wants::<(), _>(&Post::query());
/// wants::<User, _>(&Post::query().correlate::<User>());
/// ```
pub trait Free {
    /// A tree of models, `()` for none.
    type Out;
}
impl Free for () {
    type Out = ();
}
impl<M, R: Free> Free for ((M, Inner), R) {
    type Out = R::Out;
}
impl<M, R: Free> Free for ((M, Left), R) {
    type Out = R::Out;
}
impl<M: Named + Union<R::Out>, R: Free> Free for ((M, Outer), R) {
    type Out = Uni<M, R::Out>;
}

/// The model (or alias) that a query is over, before joins.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::Only;
/// use orm::expr::scope::Root;
/// use orm::model::Named;
/// fn table<Q: Root>() -> &'static str {
///     Q::Out::source().model.table
/// }
/// assert_eq!(table::<Only<User>>(), "users");
/// ```
pub trait Root {
    /// The model.
    type Out: Named;
}
impl<M: Named, J> Root for ((M, J), ()) {
    type Out = M;
}
impl<H, R: Root> Root for (H, R) {
    type Out = R::Out;
}

/// The scope of one model.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::Only;
/// let _: Query<User, Only<User>> = User::query();
/// ```
pub type Only<M> = ((M, Inner), ());

/// Position in a scope: the head.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::Here;
/// use orm::expr::{InScope, Only};
/// fn found<M: InScope<Q, I>, Q, I>() {}
/// found::<User, Only<User>, Here>();
/// ```
#[derive(Debug)]
pub struct Here;
/// Position in a scope: further on.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::{Here, Inner, There};
/// use orm::expr::{InScope, Only};
/// fn found<M: InScope<Q, I>, Q, I>() {}
/// found::<User, ((Post, Inner), Only<User>), There<Here>>();
/// ```
#[derive(Debug)]
pub struct There<I>(PhantomData<fn() -> I>);

/// The models that an expression mentions are all part of the query. `I` is inferred.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::{InScope, Only};
/// fn may_mention<M: InScope<Q, I>, Q, I>(_: &Query<User, Q>) {}
/// may_mention::<User, _, _>(&User::query());
/// may_mention::<Post, _, _>(&User::query().join(User::posts));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not part of this query",
    label = "a column of `{Self}` is used here",
    note = "join it first: `.join(..)` or `.left_join(..)` with the relation that leads to `{Self}`"
)]
pub trait InScope<Q, I> {
    /// Whether one of them may be absent.
    type Side;
}
impl<M: Named, J: Presence, R> InScope<((M, J), R), Here> for M {
    type Side = J::Side;
}
#[diagnostic::do_not_recommend]
impl<M: Named, H, R, I> InScope<(H, R), There<I>> for M
where
    M: InScope<R, I>,
{
    type Side = M::Side;
}
#[diagnostic::do_not_recommend]
impl<Q> InScope<Q, ()> for () {
    type Side = Inner;
}
#[diagnostic::do_not_recommend]
impl<A, B, Q, I, J> InScope<Q, (I, J)> for Both<A, B>
where
    A: InScope<Q, I>,
    B: InScope<Q, J>,
    A::Side: Either<B::Side>,
{
    type Side = <A::Side as Either<B::Side>>::Out;
}

/// `Left` if one of the two is.
///
/// ```
/// use orm::expr::scope::{Either, Inner, Left};
/// fn together<A: Either<B, Out = Left>, B>() {}
/// together::<Inner, Left>();
/// ```
pub trait Either<R> {
    /// The result.
    type Out;
}
impl Either<Inner> for Inner {
    type Out = Inner;
}
impl Either<Left> for Inner {
    type Out = Left;
}
impl Either<Inner> for Left {
    type Out = Left;
}
impl Either<Left> for Left {
    type Out = Left;
}

/// The type of a column in a result: nullable on the outer side of a left join.
///
/// ```
/// use orm::expr::scope::{Inner, Left, Wrap};
/// fn comes_out<J: Wrap<T, Out = O>, T: orm::value::Value, O>() {}
/// comes_out::<Inner, String, String>();
/// comes_out::<Left, String, Option<String>>();
/// ```
pub trait Wrap<T: Value> {
    /// The type.
    type Out: Value;
}
impl<T: Value> Wrap<T> for Inner {
    type Out = T;
}
impl<T: Value> Wrap<T> for Left {
    type Out = T::Nullable;
}

/// Two trees of models.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::Both;
/// let _: Expr<bool, Both<Post, User>> = Post::author_id.eq(User::id);
/// ```
#[derive(Debug)]
pub struct Both<A, B>(PhantomData<fn() -> (A, B)>);

/// The models of two expressions together.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::{Both, Union};
/// fn together<A: Union<B, Out = Both<A, B>>, B>() {}
/// together::<Post, User>();
/// ```
pub trait Union<R> {
    /// The result.
    type Out;
}
impl<R> Union<R> for () {
    type Out = R;
}
impl<M: Named> Union<()> for M {
    type Out = M;
}
impl<M: Named, N: Named> Union<N> for M {
    type Out = Both<M, N>;
}
impl<M: Named, A, B> Union<Both<A, B>> for M {
    type Out = Both<M, Both<A, B>>;
}
impl<A, B> Union<()> for Both<A, B> {
    type Out = Both<A, B>;
}
impl<A, B, N: Named> Union<N> for Both<A, B> {
    type Out = Both<Both<A, B>, N>;
}
impl<A, B, C, D> Union<Both<C, D>> for Both<A, B> {
    type Out = Both<Both<A, B>, Both<C, D>>;
}

/// The models of two expressions together.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::scope::Uni;
/// let _: Expr<bool, Uni<Post, User>> = Post::author_id.eq(User::id);
/// ```
pub type Uni<A, B> = <A as Union<B>>::Out;
