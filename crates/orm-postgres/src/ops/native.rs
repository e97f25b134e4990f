//! Operators of the types in [`types`](crate::types) that have some of their own.

use orm_core::backend::capabilities::NativeOperators;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps, Instant};
use orm_core::ir;
use orm_core::value::{Scalar, Value};

use super::{raw, text};
use crate::types::{Cidr, Hstore, Inet, Interval, Ltree, TsQuery, TsVector};

type Needing<E, T> =
    Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (NativeOperators, ())>, <E as ExprOps>::K>;
type Test<E> = Needing<E, <<E as ExprOps>::T as Value>::Lift<bool>>;

fn value<T: Scalar>(value: T) -> ir::Expr {
    ir::Expr::Value(Scalar::encode(value), <T as Scalar>::TYPE)
}

/// What can be done with a column of [`Hstore`]: <https://www.postgresql.org/docs/current/hstore.html>.
///
/// ```
/// use orm_core::expr::{ExprOps, val};
/// use orm_postgres::ops::HstoreOps;
/// use orm_postgres::types::Hstore;
/// let red = val(Hstore::from([("colour", Some("red"))])).hstore_get("colour").eq("red");
/// # let _ = red;
/// ```
pub trait HstoreOps: ExprOps
where
    Self::T: Value<Base = Hstore>,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// The text of a key, NULL if there is none: `->`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Hstore;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Thing { #[orm(primary_key)] pub id: i64, pub tags: Hstore }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::HstoreOps;
    /// let found = Thing::query().filter(Thing::tags.hstore_get("colour").eq("red"));
    /// assert!(text(found).ends_with(r#"WHERE (("tags" -> $1::text)) = $2"#));
    /// ```
    fn hstore_get(self, key: impl Into<String>) -> Needing<Self, Option<String>> {
        raw(&["(", " -> ", "::text)"], vec![self.node(), text(key)])
    }

    /// Whether the key is there: `?`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Hstore;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Thing { #[orm(primary_key)] pub id: i64, pub tags: Hstore }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::HstoreOps;
    /// let found = Thing::query().filter(Thing::tags.hstore_has_key("colour"));
    /// assert!(text(found).ends_with(r#"WHERE exist("tags", $1::text)"#));
    /// ```
    fn hstore_has_key(self, key: impl Into<String>) -> Test<Self> {
        raw(&["exist(", ", ", "::text)"], vec![self.node(), text(key)])
    }

    /// Whether all pairs of the other are there: `@>`. An index of kind GIN or GiST serves it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Thing { #[orm(primary_key)] pub id: i64, pub tags: Hstore }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::HstoreOps;
    /// use orm_postgres::types::Hstore;
    /// let found = Thing::query().filter(Thing::tags.hstore_contains(Hstore::from([("colour", Some("red"))])));
    /// assert!(text(found).ends_with(r#"WHERE ("tags" @> $1::hstore)"#));
    /// ```
    fn hstore_contains(self, other: Hstore) -> Test<Self> {
        raw(&["(", " @> ", ")"], vec![self.node(), value(other)])
    }

    /// The pairs of both, those of the other winning: `||`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Thing { #[orm(primary_key)] pub id: i64, pub tags: Hstore }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::HstoreOps;
    /// use orm_postgres::types::Hstore;
    /// let query = Thing::query().select(Thing::tags.hstore_merge(Hstore::from([("colour", Some("blue"))])));
    /// assert_eq!(text(query), r#"SELECT ("tags" || $1::hstore) FROM "things""#);
    /// ```
    fn hstore_merge(self, other: Hstore) -> Needing<Self, Self::T> {
        raw(&["(", " || ", ")"], vec![self.node(), value(other)])
    }

    /// The pairs without that of the key: `-`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Hstore;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Thing { #[orm(primary_key)] pub id: i64, pub tags: Hstore }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::HstoreOps;
    /// let query = Thing::query().select(Thing::tags.hstore_without("colour"));
    /// assert_eq!(text(query), r#"SELECT delete("tags", $1::text) FROM "things""#);
    /// ```
    fn hstore_without(self, key: impl Into<String>) -> Needing<Self, Self::T> {
        raw(&["delete(", ", ", "::text)"], vec![self.node(), text(key)])
    }
}

impl<E: ExprOps> HstoreOps for E
where
    E::T: Value<Base = Hstore>,
    E::N: Plus<(NativeOperators, ())>,
{
}

/// What can be done with a column of [`Ltree`]: <https://www.postgresql.org/docs/current/ltree.html>.
///
/// ```
/// use orm_core::expr::val;
/// use orm_postgres::ops::LtreeOps;
/// use orm_postgres::types::Ltree;
/// let below = val(Ltree::from("top.science.astronomy")).is_descendant_of("top.science");
/// # let _ = below;
/// ```
#[allow(clippy::wrong_self_convention)]
pub trait LtreeOps: ExprOps
where
    Self::T: Value<Base = Ltree>,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// Whether the path leads to the other or to a place above it: `@>`. An index of kind GiST serves it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Ltree;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Place { #[orm(primary_key)] pub id: i64, pub path: Ltree }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::LtreeOps;
    /// let found = Place::query().filter(Place::path.is_ancestor_of("top.science.astronomy"));
    /// assert!(text(found).ends_with(r#"WHERE ("path" @> $1::ltree)"#));
    /// ```
    fn is_ancestor_of(self, path: impl Into<Ltree>) -> Test<Self> {
        raw(&["(", " @> ", ")"], vec![self.node(), value(path.into())])
    }

    /// Whether the path leads to the other or to a place below it: `<@`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Ltree;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Place { #[orm(primary_key)] pub id: i64, pub path: Ltree }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::LtreeOps;
    /// let found = Place::query().filter(Place::path.is_descendant_of("top.science"));
    /// assert!(text(found).ends_with(r#"WHERE ("path" <@ $1::ltree)"#));
    /// ```
    fn is_descendant_of(self, path: impl Into<Ltree>) -> Test<Self> {
        raw(&["(", " <@ ", ")"], vec![self.node(), value(path.into())])
    }

    /// Whether the path matches a pattern such as `top.*{1,2}.astro*`: `~`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Ltree;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Place { #[orm(primary_key)] pub id: i64, pub path: Ltree }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::LtreeOps;
    /// let found = Place::query().filter(Place::path.matches_lquery("top.*{1,2}.astro*"));
    /// assert!(text(found).ends_with(r#"WHERE ("path" ~ $1::text::lquery)"#));
    /// ```
    fn matches_lquery(self, pattern: impl Into<String>) -> Test<Self> {
        raw(&["(", " ~ ", "::text::lquery)"], vec![self.node(), text(pattern)])
    }

    /// How many labels there are.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Ltree;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Place { #[orm(primary_key)] pub id: i64, pub path: Ltree }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::LtreeOps;
    /// let query = Place::query().select(Place::path.path_length());
    /// assert_eq!(text(query), r#"SELECT nlevel("path") FROM "places""#);
    /// ```
    fn path_length(self) -> Needing<Self, <Self::T as Value>::Lift<i32>> {
        raw(&["nlevel(", ")"], vec![self.node()])
    }
}

impl<E: ExprOps> LtreeOps for E
where
    E::T: Value<Base = Ltree>,
    E::N: Plus<(NativeOperators, ())>,
{
}

/// An address or a network.
///
/// ```
/// use orm_core::value::{ColumnType, Scalar};
/// use orm_postgres::ops::Network;
/// use orm_postgres::types::{Cidr, Inet};
/// fn column_type<N: Network>() -> ColumnType {
///     <N as Scalar>::TYPE
/// }
/// assert_ne!(column_type::<Inet>(), column_type::<Cidr>());
/// ```
pub trait Network: Scalar {}
impl Network for Inet {}
impl Network for Cidr {}

/// What can be done with a column of [`Inet`] or [`Cidr`]: <https://www.postgresql.org/docs/current/functions-net.html>.
///
/// ```
/// use orm_core::expr::val;
/// use orm_postgres::ops::NetworkOps;
/// use orm_postgres::types::{Cidr, Inet};
/// let local = val("10.1.2.3".parse::<Inet>()?).in_network("10.0.0.0/8".parse::<Cidr>()?);
/// # let _ = local;
/// # Ok::<(), orm_core::Error>(())
/// ```
pub trait NetworkOps: ExprOps
where
    <Self::T as Value>::Base: Network,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// Whether the network holds the other and is larger, or equals it: `>>=`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::{Cidr, Inet};
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Host { #[orm(primary_key)] pub id: i64, pub addr: Inet, pub network: Cidr }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::NetworkOps;
    /// let found = Host::query().filter(Host::network.holds_network(std::net::Ipv4Addr::new(10, 1, 2, 3)));
    /// assert!(text(found).ends_with(r#"WHERE ("network" >>= $1::inet)"#));
    /// ```
    fn holds_network(self, other: impl Into<Inet>) -> Test<Self> {
        raw(&["(", " >>= ", ")"], vec![self.node(), value(other.into())])
    }

    /// Whether the address or network is in the other, or equals it: `<<=`.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::Inet;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Host { #[orm(primary_key)] pub id: i64, pub addr: Inet, pub network: Cidr }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::NetworkOps;
    /// use orm_postgres::types::Cidr;
    /// let local: Cidr = "10.0.0.0/8".parse()?;
    /// let found = Host::query().filter(Host::addr.in_network(local));
    /// assert!(text(found).ends_with(r#"WHERE ("addr" <<= $1::inet)"#));
    /// # Ok::<(), Error>(())
    /// ```
    fn in_network(self, other: impl Into<Inet>) -> Test<Self> {
        raw(&["(", " <<= ", ")"], vec![self.node(), value(other.into())])
    }

    /// How many bits name the network.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::{Cidr, Inet};
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Host { #[orm(primary_key)] pub id: i64, pub addr: Inet, pub network: Cidr }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::NetworkOps;
    /// let query = Host::query().select(Host::network.prefix_length());
    /// assert_eq!(text(query), r#"SELECT masklen("network") FROM "hosts""#);
    /// ```
    fn prefix_length(self) -> Needing<Self, <Self::T as Value>::Lift<i32>> {
        raw(&["masklen(", ")"], vec![self.node()])
    }
}

impl<E: ExprOps> NetworkOps for E
where
    <E::T as Value>::Base: Network,
    E::N: Plus<(NativeOperators, ())>,
{
}

/// What can be done with a column of [`TsVector`]: <https://www.postgresql.org/docs/current/functions-textsearch.html>.
///
/// ```
/// use orm_core::expr::val;
/// use orm_postgres::ops::TsVectorOps;
/// use orm_postgres::types::{TsQuery, TsVector};
/// let found = val(TsVector::default()).matches_query(TsQuery::word("cat") & !TsQuery::prefix("do"));
/// # let _ = found;
/// ```
pub trait TsVectorOps: ExprOps
where
    Self::T: Value<Base = TsVector>,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// Whether the words match the query: `@@`. An index of kind GIN serves it.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::TsVector;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Page { #[orm(primary_key)] pub id: i64, pub words: TsVector }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::TsVectorOps;
    /// use orm_postgres::types::TsQuery;
    /// let query = TsQuery::word("cat") & !TsQuery::prefix("do");
    /// let found = Page::query().filter(Page::words.matches_query(query));
    /// assert!(text(found).ends_with(r#"WHERE ("words" @@ $1::tsquery)"#));
    /// ```
    fn matches_query(self, query: TsQuery) -> Test<Self> {
        raw(&["(", " @@ ", ")"], vec![self.node(), value(query)])
    }

    /// How well the words match the query; more is better.
    ///
    /// ```
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_postgres::types::TsVector;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Page { #[orm(primary_key)] pub id: i64, pub words: TsVector }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::TsVectorOps;
    /// use orm_postgres::types::TsQuery;
    /// let best = Page::query().order_by(Page::words.rank(TsQuery::word("cat")).desc());
    /// assert!(text(best).ends_with(r#"ORDER BY (ts_rank("words", $1::tsquery)) DESC NULLS LAST"#));
    /// ```
    fn rank(self, query: TsQuery) -> Needing<Self, <Self::T as Value>::Lift<f32>> {
        raw(&["ts_rank(", ", ", ")"], vec![self.node(), value(query)])
    }
}

impl<E: ExprOps> TsVectorOps for E
where
    E::T: Value<Base = TsVector>,
    E::N: Plus<(NativeOperators, ())>,
{
}

/// Instants and [`Interval`]s: <https://www.postgresql.org/docs/current/functions-datetime.html>.
///
/// ```
/// # use chrono::{DateTime, Utc};
/// # use orm_core::ir::IntoCommand;
/// # use orm_guide::prelude::*;
/// # use orm_sql::{PostgresDialect, compile};
/// # #[derive(Debug, Clone, Model)] pub struct Invoice { #[orm(primary_key)] pub id: i64, pub sent_at: DateTime<Utc> }
/// # fn text(query: impl IntoCommand) -> String {
/// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
/// # }
/// use orm_postgres::ops::IntervalOps;
/// use orm_postgres::types::Interval;
/// let due = Invoice::query().filter(Invoice::sent_at.plus_interval(Interval::days(14)).lt(now::<DateTime<Utc>>()));
/// assert!(text(due).ends_with(r#"WHERE (("sent_at" + $1::interval)) < now()"#));
/// ```
pub trait IntervalOps: ExprOps
where
    <Self::T as Value>::Base: Instant,
    Self::N: Plus<(NativeOperators, ())>,
{
    /// The instant that much later. A month has as many days as it has, a day as many hours as the session's time zone gives it.
    ///
    /// ```
    /// # use chrono::{DateTime, Utc};
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Invoice { #[orm(primary_key)] pub id: i64, pub sent_at: DateTime<Utc> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::IntervalOps;
    /// use orm_postgres::types::Interval;
    /// let query = Invoice::query().select(Invoice::sent_at.plus_interval(Interval::months(1)));
    /// assert_eq!(text(query), r#"SELECT ("sent_at" + $1::interval) FROM "invoices""#);
    /// ```
    fn plus_interval(self, span: Interval) -> Needing<Self, Self::T> {
        raw(&["(", " + ", ")"], vec![self.node(), value(span)])
    }

    /// The instant that much earlier.
    ///
    /// ```
    /// # use chrono::{DateTime, Utc};
    /// # use orm_core::ir::IntoCommand;
    /// # use orm_guide::prelude::*;
    /// # use orm_sql::{PostgresDialect, compile};
    /// # #[derive(Debug, Clone, Model)] pub struct Invoice { #[orm(primary_key)] pub id: i64, pub sent_at: DateTime<Utc> }
    /// # fn text(query: impl IntoCommand) -> String {
    /// #     compile(&PostgresDialect, &query.into_command().unwrap(), 0).unwrap().sql
    /// # }
    /// use orm_postgres::ops::IntervalOps;
    /// use orm_postgres::types::Interval;
    /// let query = Invoice::query().select(Invoice::sent_at.minus_interval(Interval::days(1)));
    /// assert_eq!(text(query), r#"SELECT ("sent_at" - $1::interval) FROM "invoices""#);
    /// ```
    fn minus_interval(self, span: Interval) -> Needing<Self, Self::T> {
        raw(&["(", " - ", ")"], vec![self.node(), value(span)])
    }
}

impl<E: ExprOps> IntervalOps for E
where
    <E::T as Value>::Base: Instant,
    E::N: Plus<(NativeOperators, ())>,
{
}
