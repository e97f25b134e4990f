//! Changes of lists of embedded structs, in place.

use super::assign::Assign;
use super::update::UpdateQuery;
use crate::backend::capabilities::Elements;
use crate::backend::{And, Needs, Plus};
use crate::expr::{Column, Condition, Only, column_ir};
use crate::ir::{Expr, ListChange, ListOp};
use crate::model::{Element, Model};
use crate::value::{Datum, List, Scalar, Value};

type Changed<M, N> = UpdateQuery<M, And<N, (Elements, ())>>;

/// Changes of lists of embedded structs, in place: no other element is sent or overwritten. Several changes of one list are
/// made one after the other.
impl<M: Model, N: Needs + Plus<(Elements, ())>> UpdateQuery<M, N> {
    fn change<E: Element>(self, column: Column<M, List<E>>, op: ListOp) -> Changed<M, N> {
        let before = self.value_of(column.index()).cloned();
        let list = before.unwrap_or_else(|| column_ir(column));
        let change = ListChange { list, element: E::element(), op };
        self.assign(column.index(), Expr::ListChange(Box::new(change)))
    }

    /// Adds elements at the end of a list.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let serve = Step { text: "serve".into(), minutes: None };
    /// let update = Recipe::filter(Recipe::id.eq(1)).update().push(Recipe::steps, [serve]);
    /// # let _ = update;
    /// ```
    pub fn push<E: Element>(
        self,
        column: Column<M, List<E>>,
        elements: impl IntoIterator<Item = E>,
    ) -> Changed<M, N> {
        self.change(column, ListOp::Push(values(elements)))
    }

    /// Adds those of the elements that the list does not hold yet.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let serve = Step { text: "serve".into(), minutes: None };
    /// let update = Recipe::filter(Recipe::id.eq(1)).update().add_to_set(Recipe::steps, [serve]);
    /// # let _ = update;
    /// ```
    pub fn add_to_set<E: Element>(
        self,
        column: Column<M, List<E>>,
        elements: impl IntoIterator<Item = E>,
    ) -> Changed<M, N> {
        self.change(column, ListOp::AddToSet(values(elements)))
    }

    /// Removes the elements that meet a condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let update = Recipe::filter(Recipe::id.eq(1)).update().pull(Recipe::steps, Step::minutes.gt(60));
    /// # let _ = update;
    /// ```
    pub fn pull<E: Element, I>(
        self,
        column: Column<M, List<E>>,
        condition: impl Condition<Only<E>, I, ()>,
    ) -> Changed<M, N> {
        self.change(column, ListOp::Pull(condition.condition()))
    }

    /// Gives a field of the elements that meet a condition a value, or an expression over the element.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let recipe = Recipe::filter(Recipe::id.eq(1)).update();
    /// let update = recipe.set_elements(Recipe::steps, Step::text.eq("boil"), Step::minutes, Step::minutes + 1);
    /// # let _ = update;
    /// ```
    pub fn set_elements<E: Element, T: Value, V, I, J>(
        self,
        column: Column<M, List<E>>,
        condition: impl Condition<Only<E>, I, ()>,
        field: Column<E, T>,
        value: V,
    ) -> Changed<M, N>
    where
        V: Assign<E, T, J, N = ()>,
    {
        let set = vec![(field.index(), value.value())];
        self.change(column, ListOp::Set(condition.condition(), set))
    }
}

fn values<E: Element>(elements: impl IntoIterator<Item = E>) -> Vec<Datum> {
    match Scalar::encode(List(elements.into_iter().collect::<Vec<E>>())) {
        Datum::List(list) => list.values,
        other => vec![other],
    }
}
