//! Capabilities: what a database may lack, checked by the compiler.
//!
//! A query's `Needs` is a cons list of marker types, empty for ordinary queries. Running it on a backend demands
//! `Backend: Provides<Needs>`, which a driver grants one marker at a time with [`Supports`].

/// A list of capabilities: `()` or `(Capability, Rest)`.
pub trait Needs: Send + Sync + 'static {
    /// The names of the capabilities, for a check at run time.
    fn names(out: &mut Vec<&'static str>);
}
impl Needs for () {
    fn names(_: &mut Vec<&'static str>) {}
}
impl<C: Send + Sync + 'static, R: Needs> Needs for (C, R) {
    fn names(out: &mut Vec<&'static str>) {
        let path = std::any::type_name::<C>();
        out.push(path.rsplit("::").next().unwrap_or(path));
        R::names(out);
    }
}

/// What a driver offers, for the compiler and for a check at run time, in one list:
/// `supports!(Sqlite: Savepoints, RawSql);`.
#[macro_export]
macro_rules! supports {
    ($backend:ty: $($capability:ident),* $(,)?) => {
        $(impl $crate::backend::Supports<$crate::backend::capabilities::$capability> for $backend {})*
        impl $backend {
            /// The names of what this database offers.
            pub const CAPABILITIES: &'static [&'static str] = &[$(stringify!($capability)),*];
        }
    };
}

/// Concatenation; `() + () = ()`, so an ordinary filter never changes a query's type.
pub trait Plus<R: Needs>: Needs {
    /// Both lists.
    type Out: Needs;
}
impl<R: Needs> Plus<R> for () {
    type Out = R;
}
impl<C: Send + Sync + 'static, T: Plus<R>, R: Needs> Plus<R> for (C, T) {
    type Out = (C, T::Out);
}

/// Both lists.
pub type And<A, B> = <A as Plus<B>>::Out;

/// The backend has the capability.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run this query: it has no `{C}`",
    label = "this database does not offer `{C}`",
    note = "leave out the part that needs it, or use a database that has it (see the capability table in the guide)"
)]
pub trait Supports<C> {}

/// The backend has all capabilities of the list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run this query: it does not offer all of `{N}`",
    label = "not offered by `{Self}`",
    note = "leave out the part that needs it, or use a database that has it (see the capability table in the guide)"
)]
pub trait Provides<N> {}
#[diagnostic::do_not_recommend]
impl<B> Provides<()> for B {}
impl<B: Supports<C> + Provides<R>, C, R> Provides<(C, R)> for B {}

/// The marker types.
pub mod capabilities {
    macro_rules! capabilities {
        ($($(#[$doc:meta])* $name:ident;)*) => {
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;)*
            /// The name and the description of every capability, for the table in the guide.
            pub const ALL: &[&str] = &[$(stringify!($name)),*];
        };
    }
    capabilities! {
        /// Nested transactions.
        Savepoints;
        /// `FOR UPDATE`, `FOR SHARE` and their options.
        RowLocks;
        /// `RIGHT JOIN` and `FULL JOIN`.
        FullJoin;
        /// `DISTINCT ON`.
        DistinctOn;
        /// Array columns and their operators.
        Arrays;
        /// Regular expressions.
        Regex;
        /// Operators on JSON documents.
        JsonOperators;
        /// Full-text search.
        FullText;
        /// Aggregates that put texts together.
        TextAggregates;
        /// Aggregates that put values together as an array or a document.
        ListAggregates;
        /// Aggregates over values in order: percentiles, the most frequent value.
        OrderedSets;
        /// Joins whose right side is a query over the left side.
        Lateral;
        /// A random part of a table.
        TableSample;
        /// Operators on types that only this database has.
        NativeOperators;
        /// Operators on ranges.
        Ranges;
        /// SQL text in a query.
        RawSql;
        /// `INSERT … SELECT`.
        InsertSelect;
        /// `ON CONFLICT … DO UPDATE … WHERE`.
        ConditionalUpsert;
        /// Reading the plan of a query.
        Explain;
    }
}
