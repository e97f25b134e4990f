//! What is known of expressions and queries without a database.

use super::visit::{Rewrite, Visit, rewrite_expr, walk_command, walk_expr, walk_select};
use super::*;
use crate::meta::ModelMeta;
use crate::value::{ColumnType, Datum};

/// Whether an expression or a part of it passes a test. Queries inside and the conditions of relations and lists are left out:
/// they are about other rows.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Expr, facts};
/// let named = (User::name.lower().eq("ada")).into_ir();
/// assert!(facts::contains(&named, |expr| matches!(expr, Expr::Column(_))));
/// ```
pub fn contains(expr: &Expr, test: impl FnMut(&Expr) -> bool) -> bool {
    let mut search = Search { test, found: false };
    search.expr(expr);
    search.found
}

struct Search<F> {
    test: F,
    found: bool,
}

impl<'a, F: FnMut(&Expr) -> bool> Visit<'a> for Search<F> {
    fn expr(&mut self, expr: &'a Expr) {
        self.found = self.found || (self.test)(expr);
        if !self.found {
            walk_expr(self, expr);
        }
    }
    fn inner(&mut self, _: &'a Expr) {}
    fn select(&mut self, _: &'a Select) {}
}

/// Calls `visit` with an expression and with those in it, as long as it says to go on inwards. Queries inside and the conditions
/// of relations and lists are left out, and the aggregate of a window function: it groups nothing.
pub fn each<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr) -> bool) {
    struct Each<'v, 'e>(&'v mut dyn FnMut(&'e Expr) -> bool);
    impl<'e> Visit<'e> for Each<'_, 'e> {
        fn expr(&mut self, expr: &'e Expr) {
            if (self.0)(expr) {
                walk_grouping(self, expr);
            }
        }
        fn inner(&mut self, _: &'e Expr) {}
        fn select(&mut self, _: &'e Select) {}
    }
    Each(visit).expr(expr);
}

/// Goes on into an expression, past the aggregate of a window function.
fn walk_grouping<'e>(v: &mut impl Visit<'e>, expr: &'e Expr) {
    match expr {
        Expr::Window(call) if call.func == WindowFunc::Aggregate => {
            let keys = call.partition.iter().chain(call.order.iter().map(|order| &order.expr));
            keys.for_each(|key| v.expr(key));
        }
        _ => walk_expr(v, expr),
    }
}

/// Whether an expression is computed of the rows of a group.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::facts;
/// assert!(facts::has_aggregate(&(count_all() + 1).into_ir()));
/// assert!(!facts::has_aggregate(&User::posts.count().into_ir()));
/// ```
pub fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    each(expr, &mut |expr| {
        found = found || matches!(expr, Expr::Aggregate { .. });
        !found
    });
    found
}

/// Whether an expression has a window function in it.
pub fn has_window(expr: &Expr) -> bool {
    contains(expr, |expr| matches!(expr, Expr::Window(_)))
}

/// The conditions that have to hold together.
pub fn conjuncts<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match expr {
        Expr::All(list) => list.iter().for_each(|expr| conjuncts(expr, out)),
        other => out.push(other),
    }
}

/// Whether one of the conditions that have to hold together passes a test.
pub fn any_conjunct(expr: &Expr, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    match expr {
        Expr::All(list) => list.iter().any(|expr| any_conjunct(expr, test)),
        other => test(other),
    }
}

/// Whether a condition on rows of a model demands that a column has a value that passes a test.
pub fn demands(model: &ModelMeta, filter: &Expr, column: u16, test: &dyn Fn(&Datum) -> bool) -> bool {
    any_conjunct(filter, &mut |expr| match expr {
        Expr::Binary(BinaryOp::Eq, both, _) => match &**both {
            (Expr::Column(own), Expr::Value(value, _)) | (Expr::Value(value, _), Expr::Column(own)) => {
                own.index == column && std::ptr::eq(own.source.model, model) && test(value)
            }
            _ => false,
        },
        _ => false,
    })
}

/// Whether a condition on rows of a model names one of them by its primary key.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::facts;
/// assert!(facts::names_one(User::meta(), &(User::id.eq(7) & User::age.gt(18)).into_ir()));
/// assert!(!facts::names_one(User::meta(), &User::name.eq("Ada").into_ir()));
/// ```
pub fn names_one(model: &ModelMeta, filter: &Expr) -> bool {
    !model.primary_key.is_empty()
        && model.primary_key.iter().all(|column| demands(model, filter, *column, &|_| true))
}

/// Whether a condition is met by every row.
pub fn is_always_true(filter: &Expr) -> bool {
    match filter {
        Expr::All(list) => list.iter().all(is_always_true),
        Expr::Value(Datum::Bool(truth), _) => *truth,
        _ => false,
    }
}

/// Whether two expressions ask the same with the same values.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::facts;
/// let tenth = |by: i32| (Post::score / by).into_ir();
/// assert!(facts::same(&tenth(10), &tenth(10)));
/// assert!(!facts::same(&tenth(10), &tenth(20)));
/// ```
pub fn same(left: &Expr, right: &Expr) -> bool {
    super::shape::same(left, right)
}

/// The type of an expression, where the tree tells it.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::facts;
/// use orm_core::value::ColumnType;
/// assert_eq!(facts::type_of(&User::name.char_length().into_ir()), Some(ColumnType::I64));
/// ```
pub fn type_of(expr: &Expr) -> Option<ColumnType> {
    use BinaryOp::{Add, Concat, Div, Mul, Rem, Sub};
    Some(match expr {
        Expr::Column(column) | Expr::Excluded(column) => {
            column.source.model.columns.get(usize::from(column.index))?.ty()
        }
        Expr::Key(_, ty) | Expr::Value(_, ty) | Expr::Cast(_, _, ty) | Expr::Unary(_, _, ty) => *ty,
        Expr::Binary(Add | Sub | Mul | Div | Rem | Concat, _, ty) => *ty,
        Expr::Func(func, args) => match func {
            Func::Lower | Func::Upper | Func::Trim | Func::Substring | Func::Replace => ColumnType::Text,
            Func::CharLength => ColumnType::I64,
            Func::Now => ColumnType::Timestamp,
            Func::Coalesce | Func::NullIf | Func::Abs | Func::Round | Func::Append | Func::Without => {
                args.iter().find_map(type_of)?
            }
        },
        Expr::Case(arms, otherwise) => {
            arms.iter().map(|(_, then)| then).chain(otherwise.as_deref()).find_map(type_of)?
        }
        Expr::Aggregate { func, ty, .. } => match func {
            AggFunc::Count => ColumnType::I64,
            AggFunc::Avg if !matches!(ty, ColumnType::Decimal | ColumnType::Native(_)) => ColumnType::F64,
            AggFunc::Sum if ty.is_integer() => ColumnType::I64,
            _ => *ty,
        },
        Expr::Window(call) => match &call.arg {
            None => ColumnType::I64,
            Some(arg) => type_of(arg)?,
        },
        Expr::Scalar(select) => match &select.output {
            Output::Exprs(exprs) => type_of(exprs.first()?)?,
            Output::CountOf(_) => ColumnType::I64,
            _ => return None,
        },
        Expr::Relation(test) if test.quantifier == Quantifier::Count => ColumnType::I64,
        Expr::Elements(test) if test.quantifier == Quantifier::Count => ColumnType::I64,
        Expr::Raw(..) | Expr::Place(_) | Expr::ListChange(_) => return None,
        Expr::All(_)
        | Expr::Any(_)
        | Expr::Binary(..)
        | Expr::IsNull(..)
        | Expr::Between(..)
        | Expr::InList { .. }
        | Expr::InTuples { .. }
        | Expr::Overlap { .. }
        | Expr::InSelect { .. }
        | Expr::Like { .. }
        | Expr::Exists(_)
        | Expr::Relation(_)
        | Expr::Elements(_) => ColumnType::Bool,
    })
}

/// Whether an expression has a value for every row.
pub fn never_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(datum, _) => !datum.is_null(),
        Expr::IsNull(..) | Expr::Exists(_) | Expr::Relation(_) | Expr::Elements(_) | Expr::ListChange(_) => {
            true
        }
        Expr::Binary(BinaryOp::IsSame | BinaryOp::IsNotSame, ..) => true,
        Expr::Unary(UnaryOp::Not, inner, _) => never_null(inner),
        Expr::All(list) | Expr::Any(list) => list.iter().all(never_null),
        Expr::Func(Func::Coalesce, args) => args.iter().any(never_null),
        Expr::Func(Func::Now, _) => true,
        _ => false,
    }
}

impl Select {
    /// Whether it reads or changes rows without any condition on them.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// assert!(User::query().into_select().is_unfiltered());
    /// assert!(!User::filter(User::id.eq(1)).into_select().is_unfiltered());
    /// ```
    pub fn is_unfiltered(&self) -> bool {
        self.filter.as_ref().is_none_or(is_always_true)
            && self.combined.as_ref().is_none_or(|combined| {
                combined.first.is_unfiltered() || combined.rest.iter().any(|(_, part)| part.is_unfiltered())
            })
    }

    /// Whether rows become fewer by aggregates: by keys, or all into one.
    pub fn is_aggregated(&self) -> bool {
        !self.group_by.is_empty() || self.having.is_some() || self.has_aggregates()
    }

    /// Whether all its rows become one, whatever they are.
    pub fn is_single_group(&self) -> bool {
        self.group_by.is_empty() && self.is_aggregated()
    }

    /// Whether it gives one row at most: it says so by a limit, all rows become one, or a condition names the values of a unique
    /// key.
    pub fn is_one_row(&self) -> bool {
        if self.limit.is_some_and(|limit| limit <= 1) || self.is_single_group() {
            return true;
        }
        let Some(filter) = self.filter.as_ref().filter(|_| self.combined.is_none() && self.joins.is_empty())
        else {
            return false;
        };
        let model = self.from.model;
        let fixed = |column: &u16| any_conjunct(filter, &mut |expr| self.fixes(expr, *column));
        let unique = model.indexes.iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
        std::iter::once(model.primary_key).chain(unique).any(|key| !key.is_empty() && key.iter().all(fixed))
    }

    /// Whether a condition gives a column of the root one value.
    fn fixes(&self, condition: &Expr, column: u16) -> bool {
        let Expr::Binary(BinaryOp::Eq, both, _) = condition else { return false };
        let own = |expr: &Expr| matches!(expr, Expr::Column(own) if own.source == self.from);
        let is =
            |expr: &Expr| matches!(expr, Expr::Column(own) if own.source == self.from && own.index == column);
        let constant = |expr: &Expr| matches!(expr, Expr::Value(..) | Expr::Column(_)) && !own(expr);
        (is(&both.0) && constant(&both.1)) || (is(&both.1) && constant(&both.0))
    }

    /// Names the keys of the grouping in its order and in HAVING by their place: written out again they have parameters of
    /// their own, which a database may take for another expression.
    pub(crate) fn name_keys(&mut self) {
        if self.group_by.is_empty() {
            return;
        }
        let mut keys = NameKeys(&self.group_by);
        self.order.iter_mut().for_each(|order| keys.expr(&mut order.expr));
        self.having.iter_mut().for_each(|having| keys.expr(having));
    }

    /// The expression of a distinct row that an order names, by its place: on a database whose parameters are told apart, the same
    /// expression with a value in it is the same only with the same parameter.
    ///
    /// Keys of `DISTINCT ON` come first, or else what is selected.
    pub fn shared_order(&self, order: &Order) -> Option<usize> {
        let keys = match &self.output {
            _ if !self.distinct_on.is_empty() => self.distinct_on.as_slice(),
            Output::Exprs(exprs) if self.distinct => exprs.as_slice(),
            _ => return None,
        };
        keys.iter().position(|key| same(key, &order.expr))
    }

    fn has_aggregates(&self) -> bool {
        let output = match &self.output {
            Output::CountOf(output) => output,
            output => output,
        };
        match output {
            Output::Exprs(exprs) | Output::ModelAnd(exprs) => exprs.iter().any(has_aggregate),
            _ => false,
        }
    }
}

struct NameKeys<'k>(&'k [Expr]);

impl Rewrite for NameKeys<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        match self.0.iter().position(|key| same(key, expr)) {
            Some(place) => *expr = Expr::Key(place as u16, type_of(expr).unwrap_or(ColumnType::Text)),
            // What is aggregated are values of rows.
            None if matches!(expr, Expr::Aggregate { .. } | Expr::Value(..)) => {}
            None => rewrite_expr(self, expr),
        }
    }
    fn inner(&mut self, _: &mut Expr) {}
    fn select(&mut self, _: &mut Select) {}
}

impl Command {
    /// The models that a command names anywhere, each once.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm_core::ir::Command;
    /// let query = User::filter(User::posts.any(Post::score.gt(3)));
    /// let models = Command::Select(Box::new(query.into_select())).models();
    /// assert_eq!(models.iter().map(|model| model.name).collect::<Vec<_>>(), ["User", "Post"]);
    /// ```
    pub fn models(&self) -> Vec<&'static ModelMeta> {
        let mut models = Models(Vec::new());
        self.model().into_iter().for_each(|model| models.name(model));
        walk_command(&mut models, self);
        models.0
    }
}

struct Models(Vec<&'static ModelMeta>);

impl Models {
    fn name(&mut self, model: &'static ModelMeta) {
        if !self.0.iter().any(|known| std::ptr::eq(*known, model)) {
            self.0.push(model);
        }
    }

    fn relation(&mut self, relation: &'static crate::meta::RelationMeta) {
        relation.through().into_iter().for_each(|through| self.name((through.model)()));
        self.name((relation.target)());
    }
}

impl<'a> Visit<'a> for Models {
    fn expr(&mut self, expr: &'a Expr) {
        if let Expr::Relation(test) = expr {
            self.relation(test.relation);
        }
        walk_expr(self, expr);
    }

    fn select(&mut self, select: &'a Select) {
        self.name(select.from.model);
        for join in &select.joins {
            match join.relation {
                Some((_, relation)) => self.relation(relation),
                None => self.name(join.target.model),
            }
        }
        walk_select(self, select);
    }
}
