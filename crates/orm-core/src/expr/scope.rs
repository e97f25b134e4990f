//! Which models a query may mention, and which of them may be absent.
//!
//! A scope is a cons list `((Model, Side), Rest)`. An expression's models are `()`, one model, or [`Both`] of two such trees.

use std::marker::PhantomData;

use crate::model::Named;
use crate::value::Value;

/// The model is always there.
#[derive(Debug)]
pub struct Inner;
/// The model was left-joined: its columns may be NULL.
#[derive(Debug)]
pub struct Left;

/// The scope of one model.
pub type Only<M> = ((M, Inner), ());

/// Position in a scope: the head.
#[derive(Debug)]
pub struct Here;
/// Position in a scope: further on.
#[derive(Debug)]
pub struct There<I>(PhantomData<fn() -> I>);

/// The models that an expression mentions are all part of the query. `I` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not part of this query",
    label = "a column of `{Self}` is used here",
    note = "join it first: `.join(..)` or `.left_join(..)` with the relation that leads to `{Self}`"
)]
pub trait InScope<Q, I> {
    /// Whether one of them may be absent.
    type Side;
}
impl<M: Named, J, R> InScope<((M, J), R), Here> for M {
    type Side = J;
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
#[derive(Debug)]
pub struct Both<A, B>(PhantomData<fn() -> (A, B)>);

/// The models of two expressions together.
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
pub type Uni<A, B> = <A as Union<B>>::Out;
