//! Capabilities: what a database may lack, checked by the compiler.
//!
//! A query's `Needs` is a cons list of marker types, empty for ordinary queries. Running it on a backend demands
//! `Needs: ProvidedBy<Backend>`, which a driver grants one marker at a time with [`Supports`].

/// A list of capabilities: `()` or `(Capability, Rest)`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::backend::Needs;
/// use orm::backend::capabilities::{RawSql, RowLocks};
/// fn needed<N: Needs>() -> Vec<&'static str> {
///     let mut names = Vec::new();
///     N::names(&mut names);
///     names
/// }
/// assert_eq!(needed::<(RowLocks, (RawSql, ()))>(), ["RowLocks", "RawSql"]);
/// ```
pub trait Needs: Send + Sync + 'static {
    /// The names of the capabilities, for a check at run time.
    ///
    /// ```
    /// use orm::backend::{Needs, capabilities::Regex};
    /// let mut names = Vec::new();
    /// <(Regex, ())>::names(&mut names);
    /// assert_eq!(names, ["Regex"]);
    /// ```
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
///
/// ```
/// use orm_core::backend::{Supports, capabilities::Savepoints};
///
/// struct MyDatabase;
/// orm_core::supports!(MyDatabase: Savepoints, RawSql);
///
/// fn has_savepoints<B: Supports<Savepoints>>() {}
/// has_savepoints::<MyDatabase>();
/// assert_eq!(MyDatabase::CAPABILITIES, ["Savepoints", "RawSql"]);
/// ```
#[macro_export]
macro_rules! supports {
    ($backend:ty: $($capability:ident),* $(,)?) => {
        $(
            // A refusal names what is missing; what is there stands in the guide.
            #[diagnostic::do_not_recommend]
            impl $crate::backend::Supports<$crate::backend::capabilities::$capability> for $backend {}
        )*
        // A single impl is named in every refusal, `do_not_recommend` or not; so there are two at least.
        #[diagnostic::do_not_recommend]
        impl $crate::backend::Supports<()> for $backend {}
        impl $backend {
            /// The names of what this database offers.
            pub const CAPABILITIES: &'static [&'static str] = &[$(stringify!($capability)),*];
        }
    };
}

/// Concatenation; `() + () = ()`, so an ordinary filter never changes a query's type.
///
/// ```
/// use orm::backend::{Plus, capabilities::Regex};
/// fn both<A: Plus<B, Out = C>, B: orm::backend::Needs, C>() {}
/// both::<(), (Regex, ()), (Regex, ())>();
/// ```
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
///
/// ```
/// use orm::backend::{And, capabilities::{Regex, RowLocks}};
/// let _: And<(Regex, ()), (RowLocks, ())> = (Regex, (RowLocks, ()));
/// ```
pub type And<A, B> = <A as Plus<B>>::Out;

/// The backend has the capability.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{Supports, capabilities::Savepoints};
/// async fn in_two_steps<D: Database>(db: &D) -> Result<u64>
/// where
///     D::Backend: Supports<Savepoints>,
/// {
///     db.transaction(async |tx| {
///         tx.transaction(async |tx| Tag::create().name("inner").insert(tx).await).await?;
///         Tag::query().count(tx).await
///     })
///     .await
/// }
/// assert_eq!(in_two_steps(&db).await?, 2);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run this query: it has no `{C}`",
    label = "this database does not offer `{C}`",
    note = "leave out the part that needs it, or use a database that has it (see the capability table in the guide)"
)]
pub trait Supports<C> {}

/// The backend `B` has all capabilities of the list.
///
/// The list is `Self`, and not the backend, for the compiler to speak of the one that is missing and not of the list.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::backend::{Executor, Needs, ProvidedBy};
/// use orm::expr::Only;
/// async fn count<E, N>(query: Query<User, Only<User>, User, N>, db: &E) -> Result<u64>
/// where
///     E: Executor,
///     N: Needs + ProvidedBy<E::Backend>,
/// {
///     query.count(db).await
/// }
/// assert_eq!(count(User::filter(User::age.gt(30)), &db).await?, 1);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{B}` cannot run this query: it does not offer all of `{Self}`",
    label = "not offered by `{B}`",
    note = "leave out the part that needs it, or use a database that has it (see the capability table in the guide)"
)]
pub trait ProvidedBy<B> {}
#[diagnostic::do_not_recommend]
impl<B> ProvidedBy<B> for () {}
impl<B: Supports<C>, C, R: ProvidedBy<B>> ProvidedBy<B> for (C, R) {}

/// The marker types.
pub mod capabilities {
    macro_rules! capabilities {
        ($(#[doc = $description:literal] $(#[$doc:meta])* $name:ident;)*) => {
            $(#[doc = $description] $(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;)*
            /// The name and the description of every capability, as the table in the guide has them.
            ///
            /// ```
            /// use orm::backend::capabilities;
            /// let locks = capabilities::ALL.iter().find(|(name, _)| *name == "RowLocks");
            /// assert_eq!(locks.unwrap().1, "Row locks: `for_update()`, `lock(RowLock::…)`.");
            /// ```
            pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $description.trim_ascii())),*];
        };
    }
    capabilities! {
        /// Nested transactions.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::Savepoints};
        /// fn has<B: Supports<Savepoints>>() {}
        /// has::<Sqlite>();
        /// ```
        Savepoints;
        /// `INSERT … SELECT`: `insert_from(query, columns)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::InsertSelect};
        /// fn has<B: Supports<InsertSelect>>() {}
        /// has::<Sqlite>();
        /// ```
        InsertSelect;
        /// SQL of your own in a query: `sql(..)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
        /// use orm::backend::{Executor, Supports, capabilities::RawSql};
        /// async fn version<E: Executor>(db: &E) -> Result<String>
        /// where
        ///     E::Backend: Supports<RawSql>,
        /// {
        ///     sql("SELECT 'one'").one(db).await
        /// }
        /// assert_eq!(version(&db).await?, "one");
        /// # Ok(()) }
        /// ```
        RawSql;
        /// Row locks: `for_update()`, `lock(RowLock::…)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// // `Query<.., (RowLocks, ())>` is what `for_update` makes; SQLite has no such locks.
        /// let _: Query<User, orm::expr::Only<User>, User, (orm::backend::capabilities::RowLocks, ())> =
        ///     User::query().for_update();
        /// assert!(!Sqlite::CAPABILITIES.contains(&"RowLocks"));
        /// ```
        RowLocks;
        /// The first row of each group: `distinct_on(keys)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::capabilities::DistinctOn;
        /// let _: Query<Post, orm::expr::Only<Post>, Post, (DistinctOn, ())> = Post::query().distinct_on(Post::author_id);
        /// ```
        DistinctOn;
        /// Regular expressions: `matches_regex(pattern)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::capabilities::Regex;
        /// let _: Expr<bool, User, (Regex, ())> = User::name.matches_regex("^A");
        /// ```
        Regex;
        /// Operators on arrays beyond the portable ones: `has_all`, `contained_in`, `unnest` … (`ArrayOps`).
        ///
        /// ```
        /// use orm::backend::{Supports, capabilities::Arrays};
        /// fn keeps_lists<B: Supports<Arrays>>() {}
        /// ```
        Arrays;
        /// Operators on JSON documents: `json_text`, `json_contains`, `json_set` … (`JsonOps`).
        ///
        /// ```
        /// use orm::backend::{Supports, capabilities::JsonOperators};
        /// fn looks_into_documents<B: Supports<JsonOperators>>() {}
        /// ```
        JsonOperators;
        /// Full-text search: `matches_search`, `search_rank`, `search_headline` (`SearchOps`).
        ///
        /// ```
        /// use orm::backend::{Supports, capabilities::FullText};
        /// fn searches<B: Supports<FullText>>() {}
        /// ```
        FullText;
        /// Operators on ranges: `overlaps`, `holds`, `adjacent_to`, `union` … (`RangeOps`, `OneRangeOps`).
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::Ranges};
        /// fn keeps_periods<B: Supports<Ranges>>() {}
        /// keeps_periods::<Postgres>();
        /// ```
        Ranges;
        /// Operators on types of one database: `hstore_get`, `in_network`, `plus_interval` … (`HstoreOps`, `NetworkOps` …).
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::NativeOperators};
        /// fn knows_networks<B: Supports<NativeOperators>>() {}
        /// knows_networks::<Postgres>();
        /// ```
        NativeOperators;
        /// Aggregates that put texts together: `string_agg` (`TextOps`).
        ///
        /// ```
        /// use orm::backend::{Supports, capabilities::TextAggregates};
        /// fn joins_texts<B: Supports<TextAggregates>>() {}
        /// ```
        TextAggregates;
        /// Aggregates that put values together as an array or a document: `array_agg`, `jsonb_agg` (`ListOps`).
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::ListAggregates};
        /// fn collects_values<B: Supports<ListAggregates>>() {}
        /// collects_values::<Postgres>();
        /// ```
        ListAggregates;
        /// Aggregates over values in order: `percentile_cont`, `percentile_disc`, `mode` (`OrderedSetOps`).
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::OrderedSets};
        /// fn finds_the_median<B: Supports<OrderedSets>>() {}
        /// finds_the_median::<Postgres>();
        /// ```
        OrderedSets;
        /// Joins with a query over the left side: `join_lateral(query)`, `left_join_lateral(query)`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::Lateral};
        /// fn joins_queries<B: Supports<Lateral>>() {}
        /// joins_queries::<Postgres>();
        /// ```
        Lateral;
        /// A random part of a table: `sample(Sample::rows(1.0))`.
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::capabilities::TableSample;
        /// use orm::query::Sample;
        /// let _: Query<Post, orm::expr::Only<Post>, Post, (TableSample, ())> = Post::query().sample(Sample::rows(1.0));
        /// ```
        TableSample;
        /// Conditions on elements of a list of embedded structs, and changes of some: `set_elements`, `push`, `pull` ….
        ///
        /// ```
        /// # use orm_guide::prelude::*;
        /// use orm::backend::{Supports, capabilities::Elements};
        /// fn looks_into_lists<B: Supports<Elements>>() {}
        /// looks_into_lists::<Mongo>();
        /// ```
        Elements;
    }
}
