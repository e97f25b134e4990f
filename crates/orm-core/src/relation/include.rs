//! Includes: which relations come with a query, and which of their rows.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::{Rel, Slot, ToMany};
use crate::backend::{And, Needs, Plus};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Condition, IntoOrder, Only};
use crate::ir::Select;
use crate::meta::ModelMeta;
use crate::model::{Model, Named};

/// A relation to load, as data.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::{Includable, IncludePlan};
/// let plan: IncludePlan = User::posts.limit_per_parent(1).include(Post::tags).into_plan();
/// assert_eq!((plan.relation, plan.select.limit, plan.nested.len()), (0, Some(1), 1));
/// # let _ = db;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct IncludePlan {
    /// The index in [`ModelMeta::relations`](crate::meta::ModelMeta::relations).
    pub relation: u16,
    /// Which of the target's rows, in which order. Limit and offset count per parent.
    pub select: Select,
    /// What is loaded for the children in turn.
    pub nested: Vec<IncludePlan>,
}

impl IncludePlan {
    /// All rows of a relation.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// use orm::relation::{IncludePlan, attach_includes};
    /// let mut users = User::query().order_by(User::id.asc()).all(&db).await?;
    /// attach_includes::<User, Sqlite>(&mut users, &[IncludePlan::new(User::posts)], db.handle()).await?;
    /// assert_eq!(users[0].posts.get()?.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn new<M: Model, S: Slot, V>(rel: Rel<M, S, V>) -> Self {
        IncludePlan {
            relation: rel.index(),
            select: Select::new(<S::Target as Named>::source()),
            nested: Vec::new(),
        }
    }

    /// Whether all rows of the relation are wanted.
    pub(super) fn is_whole(&self) -> bool {
        let Select { filter, limit, offset, .. } = &self.select;
        filter.is_none() && limit.is_none() && offset.is_none()
    }

    /// The plans with each relation once. Those that ask for all rows of a relation, in no order of their own, become one.
    pub(super) fn merged<'p>(meta: &ModelMeta, plans: &'p [IncludePlan]) -> Result<Cow<'p, [IncludePlan]>> {
        let twice = |(index, plan): (usize, &IncludePlan)| {
            plans[..index].iter().any(|before| before.relation == plan.relation)
        };
        if !plans.iter().enumerate().any(twice) {
            return Ok(Cow::Borrowed(plans));
        }
        let mut merged: Vec<IncludePlan> = Vec::with_capacity(plans.len());
        for plan in plans {
            match merged.iter_mut().find(|before| before.relation == plan.relation) {
                None => merged.push(plan.clone()),
                Some(before)
                    if [&*before, plan]
                        .iter()
                        .all(|plan| plan.is_whole() && plan.select.order.is_empty()) =>
                {
                    before.nested.extend(plan.nested.iter().cloned());
                }
                Some(_) => return Err(included_twice(meta, plan.relation)),
            }
        }
        Ok(Cow::Owned(merged))
    }
}

#[cold]
fn included_twice(meta: &ModelMeta, relation: u16) -> Error {
    let name = meta.relations.get(usize::from(relation)).map_or("", |relation| relation.name);
    Error::new(ErrorKind::Usage, format!("the relation `{name}` is included twice, with other conditions"))
        .with_model(meta.name)
        .with_field(name)
        .with_hint(
            "a slot holds one set of rows: include the relation once, and query the other set on its own",
        )
}

/// A relation of `M` with conditions, order, limit or further includes:
/// `User::posts.filter(…).order_by(…).limit_per_parent(3).include(Post::tags)`. `N` is what the database must offer.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Include;
/// fn best_posts(rows: u64) -> Include<User, HasMany<Post>> {
///     User::posts.order_by(Post::score.desc()).limit_per_parent(rows)
/// }
/// let ada = User::find(1).include(best_posts(1)).one(&db).await?;
/// assert_eq!(ada.posts.get()?[0].title, "Notes");
/// # Ok(()) }
/// ```
#[must_use = "it does nothing until it is passed to `.include(..)` or `.load(..)`"]
pub struct Include<M, S, N = ()> {
    pub(super) rel: Rel<M, S>,
    pub(super) plan: IncludePlan,
    needs: PhantomData<fn() -> N>,
}

impl<M, S, N> Clone for Include<M, S, N> {
    fn clone(&self) -> Self {
        Include { rel: self.rel, plan: self.plan.clone(), needs: PhantomData }
    }
}

impl<M, S, N> std::fmt::Debug for Include<M, S, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.plan.fmt(f)
    }
}

/// What `.include(..)` accepts on a query of `M`: a relation such as `User::posts`, or one with conditions, which needs `N` of the
/// database.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Includable;
/// async fn ada_with(relation: impl Includable<User, ()>, db: &Sqlite) -> Result<User> {
///     User::find(1).include(relation).one(db).await
/// }
/// assert!(ada_with(User::posts, &db).await?.posts.is_loaded());
/// assert!(ada_with(User::posts.filter(Post::score.gt(3)), &db).await?.posts.is_loaded());
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`, with or without `.filter(..)` and the like"
)]
pub trait Includable<M: Model, N> {
    /// The plan.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::relation::Includable;
    /// assert_eq!(User::profile.into_plan().relation, User::profile.index());
    /// ```
    fn into_plan(self) -> IncludePlan;
}

/// A relation to rows of one model, with or without conditions.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::relation::IncludeOf;
/// fn leads_to_posts(_: impl IncludeOf<User, Target = Post>) {}
/// leads_to_posts(User::posts);
/// leads_to_posts(User::posts.filter(Post::score.gt(3)));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`, with or without `.filter(..)` and the like"
)]
pub trait IncludeOf<M: Model>: Includable<M, ()> {
    /// The model at the other end.
    type Target: Model;
}

impl<M: Model, S: Slot, V> IncludeOf<M> for Rel<M, S, V> {
    type Target = S::Target;
}

impl<M: Model, S: Slot> IncludeOf<M> for Include<M, S> {
    type Target = S::Target;
}

impl<M: Model, S: Slot, V> Includable<M, ()> for Rel<M, S, V> {
    fn into_plan(self) -> IncludePlan {
        IncludePlan::new(self)
    }
}

impl<M: Model, S: Slot, N> Includable<M, N> for Include<M, S, N> {
    fn into_plan(self) -> IncludePlan {
        self.plan
    }
}

impl<M: Model, S: Slot, V> From<Rel<M, S, V>> for Include<M, S> {
    fn from(rel: Rel<M, S, V>) -> Self {
        Include { rel: rel.plain(), plan: IncludePlan::new(rel), needs: PhantomData }
    }
}

impl<M: Model, S: Slot, N: Needs> Include<M, S, N> {
    fn retype<X>(self) -> Include<M, S, X> {
        Include { rel: self.rel, plan: self.plan, needs: PhantomData }
    }

    /// Puts the check of what the database must offer off to run time, as [`Query::dynamic`](crate::query::Query::dynamic) does.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.filter(Post::title.matches_regex("^N")).dynamic();
    /// let error = User::query().include(posts).all(&db).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # Ok(()) }
    /// ```
    pub fn dynamic(mut self) -> Include<M, S> {
        N::names(&mut self.plan.select.requires);
        self.retype()
    }

    /// Only rows that meet the condition; several calls add up.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.filter(Post::score.gt(1)).filter(Post::score.lt(5));
    /// assert_eq!(User::find(1).include(posts).one(&db).await?.posts.get()?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn filter<I, X>(
        mut self,
        condition: impl Condition<Only<S::Target>, I, X>,
    ) -> Include<M, S, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        self.plan.select.and_filter(condition.condition());
        self.retype()
    }

    /// The order of the rows of each parent; a second call sorts rows that are equal by the first.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.filter(Post::score.gt(1)).order_by(Post::score.desc());
    /// assert_eq!(User::find(1).include(posts).one(&db).await?.posts.get()?[0].title, "Notes");
    /// # Ok(()) }
    /// ```
    pub fn order_by<I, X>(mut self, order: impl IntoOrder<Only<S::Target>, I, X>) -> Include<M, S, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        order.orders(&mut self.plan.select.order);
        self.retype()
    }

    /// Loads a relation of the rows too.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.order_by(Post::id.asc()).include(Post::tags).include(Post::comments);
    /// let ada = User::find(1).include(posts).one(&db).await?;
    /// assert_eq!(ada.posts.get()?[0].tags.get()?[0].name, "machines");
    /// # Ok(()) }
    /// ```
    pub fn include<X>(mut self, relation: impl Includable<S::Target, X>) -> Include<M, S, And<N, X>>
    where
        N: Plus<X>,
        X: Needs,
    {
        self.plan.nested.push(relation.into_plan());
        self.retype()
    }
}

impl<M: Model, S: ToMany, N> Include<M, S, N> {
    /// At most `rows` rows for each parent, the first in the order.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.order_by(Post::score.desc()).limit_per_parent(1);
    /// assert_eq!(User::find(1).include(posts).one(&db).await?.posts.get()?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn limit_per_parent(mut self, rows: u64) -> Self {
        self.plan.select.limit = Some(rows);
        self
    }

    /// Leaves out the first `rows` rows of each parent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let posts = User::posts.order_by(Post::score.desc()).offset_per_parent(1);
    /// assert_eq!(User::find(1).include(posts).one(&db).await?.posts.get()?[0].title, "Engines");
    /// # Ok(()) }
    /// ```
    pub fn offset_per_parent(mut self, rows: u64) -> Self {
        self.plan.select.offset = Some(rows);
        self
    }
}

impl<M: Model, S: Slot, V> Rel<M, S, V> {
    /// Includes only rows that meet the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let good = User::posts.filter(Post::score.gt(3));
    /// assert_eq!(User::find(1).include(good).one(&db).await?.posts.get()?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn filter<I, N: Needs>(self, condition: impl Condition<Only<S::Target>, I, N>) -> Include<M, S, N> {
        Include::from(self).filter(condition)
    }

    /// Includes the rows of each parent in this order.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let best_first = User::posts.order_by(Post::score.desc());
    /// assert_eq!(User::find(1).include(best_first).one(&db).await?.posts.get()?[0].title, "Notes");
    /// # Ok(()) }
    /// ```
    pub fn order_by<I, N: Needs>(self, order: impl IntoOrder<Only<S::Target>, I, N>) -> Include<M, S, N> {
        Include::from(self).order_by(order)
    }

    /// Includes the rows and a relation of theirs.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).include(Post::author.include(User::profile)).one(&db).await?;
    /// assert!(post.author.get()?.profile.get()?.is_some());
    /// # Ok(()) }
    /// ```
    pub fn include<N: Needs>(self, relation: impl Includable<S::Target, N>) -> Include<M, S, N> {
        Include::from(self).include(relation)
    }
}

impl<M: Model, S: ToMany, V> Rel<M, S, V> {
    /// Includes at most `rows` rows for each parent.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(1).include(User::posts.limit_per_parent(1)).one(&db).await?.posts.get()?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn limit_per_parent(self, rows: u64) -> Include<M, S> {
        Include::from(self).limit_per_parent(rows)
    }

    /// Includes the rows of each parent but for the first `rows`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::find(1).include(User::posts.offset_per_parent(2)).one(&db).await?.posts.get()?.len(), 0);
    /// # Ok(()) }
    /// ```
    pub fn offset_per_parent(self, rows: u64) -> Include<M, S> {
        Include::from(self).offset_per_parent(rows)
    }
}
