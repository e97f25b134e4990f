//! Joins.

use super::query::Query;
use crate::backend::capabilities::Lateral;
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind};
use crate::expr::scope::{Free, InScope, Inner, Left, Outer, Root};
use crate::ir::{Expr, Join, JoinKind};
use crate::meta::RelationMeta;
use crate::model::{Model, Named};
use crate::relation::{Rel, Slot, Via};

/// What `.join(..)` takes: a relation such as `User::posts`, or one with an alias at an end (`Employee::manager.to::<Boss>()`).
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::query::JoinPath;
/// assert_eq!(User::posts.relation().name, "posts");
/// orm::alias!(Other: Post);
/// assert_eq!(User::query().join(User::posts.to::<Other>()).count(&db).await?, 3);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation",
    label = "expected a relation such as `User::posts`"
)]
pub trait JoinPath {
    /// The model or alias it starts at, which is part of the query already.
    type From: Named;
    /// The model or alias that is joined.
    type To: Named;
    /// The relation.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::meta::RelationKind;
    /// use orm::query::JoinPath;
    /// assert_eq!(User::posts.relation().kind, RelationKind::HasMany);
    /// ```
    fn relation(&self) -> &'static RelationMeta;
}

impl<M: Model, S: Slot, V> JoinPath for Rel<M, S, V> {
    type From = M;
    type To = S::Target;
    fn relation(&self) -> &'static RelationMeta {
        self.meta()
    }
}

impl<A: Named, T: Named> JoinPath for Via<A, T> {
    type From = A;
    type To = T;
    fn relation(&self) -> &'static RelationMeta {
        Via::relation(*self)
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// Joins the model that a relation leads to; rows without a partner are left out.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rows = User::query().join(User::posts).filter(Post::score.gt(2)).select((User::name, Post::title));
    /// assert_eq!(rows.count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn join<P, I>(mut self, path: P) -> Query<M, ((P::To, Inner), Q), Out, N>
    where
        P: JoinPath,
        P::From: InScope<Q, I>,
    {
        self.push_join(JoinKind::Inner, path);
        self.retype()
    }

    /// Joins the model that a relation leads to; rows without a partner stay, and the joined columns become `Option`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let rows: Vec<(String, Option<String>)> =
    ///     User::query().left_join(User::posts).select((User::name, Post::title)).all(&db).await?;
    /// assert!(rows.contains(&("Cid".to_owned(), None)));
    /// # Ok(()) }
    /// ```
    pub fn left_join<P, I>(mut self, path: P) -> Query<M, ((P::To, Left), Q), Out, N>
    where
        P: JoinPath,
        P::From: InScope<Q, I>,
    {
        self.push_join(JoinKind::Left, path);
        self.retype()
    }

    fn push_join<P: JoinPath>(&mut self, kind: JoinKind, path: P) {
        self.select.joins.push(Join {
            kind,
            target: <P::To as Named>::source(),
            relation: Some((<P::From as Named>::source(), path.relation())),
            on_columns: Vec::new(),
            on: None,
            lateral: None,
        });
    }

    /// Joins the rows that a query yields for each row so far: `LATERAL`. The query may mention the models of this one once it is
    /// [`correlate`](Query::correlate)d with them, and has an order and limit of its own. Rows without a partner are left out.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// let own = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id));
    /// let best = own.order_by(Post::score.desc()).limit(3);
    /// // Runs on databases that have `Lateral`.
    /// let rows = User::query().join_lateral(best).select((User::name, Post::title));
    /// # let _ = rows;
    /// ```
    pub fn join_lateral<M2, Q2, N2, I>(
        self,
        query: Query<M2, Q2, M2, N2>,
    ) -> Query<M, ((<Q2 as Root>::Out, Inner), Q), Out, And<And<N, N2>, (Lateral, ())>>
    where
        M2: Model,
        Q2: Root + Free,
        <Q2 as Free>::Out: InScope<Q, I>,
        N: Plus<N2>,
        N2: Needs,
        And<N, N2>: Plus<(Lateral, ())>,
    {
        self.push_lateral(JoinKind::Inner, query).retype()
    }

    /// As [`join_lateral`](Query::join_lateral), but rows without a partner stay, and the joined columns become `Option`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # use orm::expr::scope::Left;
    /// let newest = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).order_by(Post::id.desc()).limit(1);
    /// let rows = User::query().left_join_lateral(newest).select((User::name, Post::title));
    /// fn titles<Q, N>(_: &Query<User, Q, (String, Option<String>), N>) {}
    /// titles(&rows);
    /// ```
    pub fn left_join_lateral<M2, Q2, N2, I>(
        self,
        query: Query<M2, Q2, M2, N2>,
    ) -> Query<M, ((<Q2 as Root>::Out, Left), Q), Out, And<And<N, N2>, (Lateral, ())>>
    where
        M2: Model,
        Q2: Root + Free,
        <Q2 as Free>::Out: InScope<Q, I>,
        N: Plus<N2>,
        N2: Needs,
        And<N, N2>: Plus<(Lateral, ())>,
    {
        self.push_lateral(JoinKind::Left, query).retype()
    }

    fn push_lateral<M2, Q2, N2>(mut self, kind: JoinKind, query: Query<M2, Q2, M2, N2>) -> Self {
        let (includes, mut select) = (query.includes.len(), query.select.nested());
        if includes > 0 {
            let error = Error::new(ErrorKind::Usage, "a query that is joined cannot load included relations")
                .with_model(select.from.model.name)
                .with_hint("include the relation in the outer query");
            select.and_filter(Expr::invalid(error));
        }
        self.select.joins.push(Join {
            kind,
            target: select.from,
            relation: None,
            on_columns: Vec::new(),
            on: None,
            lateral: Some(Box::new(select)),
        });
        self
    }

    /// Says that this query will stand inside one that has the model (or alias) `O`, whose columns can then be used here.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let latest = Post::query().correlate::<User>().filter(Post::author_id.eq(User::id)).select(Post::id.max());
    /// let users = User::query().order_by(User::id.asc()).select((User::name, scalar(latest))).all(&db).await?;
    /// assert_eq!(users[0], ("Ada".to_owned(), Some(2)));
    /// # Ok(()) }
    /// ```
    pub fn correlate<O: Named>(self) -> Query<M, ((O, Outer), Q), Out, N> {
        self.retype()
    }
}

/// Gives a model a second name, so that it can stand in a query twice: `alias!(Boss: Employee)`. Its columns are
/// `Boss.last_name` and so on, and relations lead to it by `.to::<Boss>()`.
///
/// ```
/// # use orm_guide::prelude::*;
/// #[derive(Debug, Clone, Model)]
/// pub struct Employee {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub name: String,
///     pub manager_id: Option<i64>,
///     #[orm(foreign_key = manager_id)]
///     pub manager: BelongsTo<Employee>,
/// }
/// # orm::schema!(Staff: Employee);
/// orm::alias!(Boss: Employee);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let db = Sqlite::memory().await?;
/// # Staff::create_all(&db).await?;
/// let ada = Employee::create().name("Ada").insert(&db).await?;
/// Employee::create().name("Bob").manager(&ada).insert(&db).await?;
///
/// let pairs = Employee::query()
///     .left_join(Employee::manager.to::<Boss>())
///     .order_by(Employee::id.asc())
///     .select((Employee::name, Boss.name))
///     .all(&db)
///     .await?;
/// assert_eq!(pairs[1], ("Bob".to_owned(), Some("Ada".to_owned())));
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! alias {
    ($(#[$attr:meta])* $vis:vis $name:ident: $model:ty) => {
        $(#[$attr])*
        #[doc = concat!("A second name for `", stringify!($model), "`, made by `orm::alias!`.")]
        #[derive(Debug, Clone, Copy)]
        $vis enum $name {}
        impl $crate::model::Named for $name {
            type Model = $model;
            fn source() -> $crate::ir::Source {
                $crate::ir::Source { model: <$model as $crate::Model>::meta(), alias: stringify!($name) }
            }
        }
        #[allow(dead_code)]
        impl $name {
            /// All rows, to be narrowed down.
            $vis fn query() -> $crate::query::Query<$model, $crate::expr::Only<$name>> {
                $crate::query::Query::from_parts(
                    $crate::ir::Select::new(<$name as $crate::model::Named>::source()),
                    ::std::vec::Vec::new(),
                )
            }
        }
        #[allow(non_upper_case_globals, dead_code)]
        #[doc = concat!("The columns of `", stringify!($name), "`.")]
        $vis const $name: <$model as $crate::Model>::Columns<$name> = <$model>::__columns::<$name>();
    };
}
