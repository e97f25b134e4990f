//! Includes: which relations come with a query, and which of their rows.

use super::{Rel, Slot, ToMany};
use crate::expr::{Condition, IntoOrder, Only};
use crate::ir::Select;
use crate::model::{Model, Named};

/// A relation to load, as data.
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
    pub fn new<M: Model, S: Slot>(rel: Rel<M, S>) -> Self {
        IncludePlan {
            relation: rel.index(),
            select: Select::new(<S::Target as Named>::source()),
            nested: Vec::new(),
        }
    }
}

/// A relation of `M` with conditions, order, limit or further includes:
/// `User::posts.filter(…).order_by(…).limit_per_parent(3).include(Post::tags)`.
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is passed to `.include(..)` or `.load(..)`"]
pub struct Include<M, S> {
    pub(super) rel: Rel<M, S>,
    pub(super) plan: IncludePlan,
}

/// What `.include(..)` accepts on a query of `M`: a relation such as `User::posts`, or one with conditions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`, with or without `.filter(..)` and the like"
)]
pub trait Includable<M: Model> {
    /// The plan.
    fn into_plan(self) -> IncludePlan;
}

/// A relation to rows of one model, with or without conditions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relation of `{M}`",
    label = "expected a relation of `{M}`, such as `{M}::…`, with or without `.filter(..)` and the like"
)]
pub trait IncludeOf<M: Model>: Includable<M> {
    /// The model at the other end.
    type Target: Model;
}

impl<M: Model, S: Slot> IncludeOf<M> for Rel<M, S> {
    type Target = S::Target;
}

impl<M: Model, S: Slot> IncludeOf<M> for Include<M, S> {
    type Target = S::Target;
}

impl<M: Model, S: Slot> Includable<M> for Rel<M, S> {
    fn into_plan(self) -> IncludePlan {
        IncludePlan::new(self)
    }
}

impl<M: Model, S: Slot> Includable<M> for Include<M, S> {
    fn into_plan(self) -> IncludePlan {
        self.plan
    }
}

impl<M: Model, S: Slot> From<Rel<M, S>> for Include<M, S> {
    fn from(rel: Rel<M, S>) -> Self {
        Include { rel, plan: IncludePlan::new(rel) }
    }
}

impl<M: Model, S: Slot> Include<M, S> {
    /// Only rows that meet the condition; several calls add up. The condition must run on every database: what it needs
    /// would not be seen in the type of the query that includes it.
    pub fn filter<I>(mut self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Self {
        self.plan.select.and_filter(condition.condition());
        self
    }

    /// The order of the rows of each parent; a second call sorts rows that are equal by the first.
    pub fn order_by<I>(mut self, order: impl IntoOrder<Only<S::Target>, I>) -> Self {
        order.orders(&mut self.plan.select.order);
        self
    }

    /// Loads a relation of the rows too.
    pub fn include(mut self, relation: impl Includable<S::Target>) -> Self {
        self.plan.nested.push(relation.into_plan());
        self
    }
}

impl<M: Model, S: ToMany> Include<M, S> {
    /// At most `rows` rows for each parent, the first in the order.
    pub fn limit_per_parent(mut self, rows: u64) -> Self {
        self.plan.select.limit = Some(rows);
        self
    }

    /// Leaves out the first `rows` rows of each parent.
    pub fn offset_per_parent(mut self, rows: u64) -> Self {
        self.plan.select.offset = Some(rows);
        self
    }
}

impl<M: Model, S: Slot> Rel<M, S> {
    /// Includes only rows that meet the condition.
    pub fn filter<I>(self, condition: impl Condition<Only<S::Target>, I, N = ()>) -> Include<M, S> {
        Include::from(self).filter(condition)
    }

    /// Includes the rows of each parent in this order.
    pub fn order_by<I>(self, order: impl IntoOrder<Only<S::Target>, I>) -> Include<M, S> {
        Include::from(self).order_by(order)
    }

    /// Includes the rows and a relation of theirs.
    pub fn include(self, relation: impl Includable<S::Target>) -> Include<M, S> {
        Include::from(self).include(relation)
    }
}

impl<M: Model, S: ToMany> Rel<M, S> {
    /// Includes at most `rows` rows for each parent.
    pub fn limit_per_parent(self, rows: u64) -> Include<M, S> {
        Include::from(self).limit_per_parent(rows)
    }

    /// Includes the rows of each parent but for the first `rows`.
    pub fn offset_per_parent(self, rows: u64) -> Include<M, S> {
        Include::from(self).offset_per_parent(rows)
    }
}
