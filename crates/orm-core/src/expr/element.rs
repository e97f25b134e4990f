//! Conditions on the elements of a list, and changes of some of them in place.

use super::scope::Only;
use super::{Column, Condition, Expr, ExprOps};
use crate::backend::Needs;
use crate::backend::capabilities::Elements;
use crate::ir::{self, ElementTest, Quantifier};
use crate::model::{Element, Named};
use crate::value::List;

type Test<T, S, N> = Expr<T, S, (Elements, N)>;

impl<S: Named, E: Element> Column<S, List<E>> {
    fn test<T, N: Needs>(self, quantifier: Quantifier, filter: Option<ir::Expr>) -> Test<T, S, N> {
        let list = self.node();
        Expr::new(ir::Expr::Elements(Box::new(ElementTest {
            list,
            element: E::element(),
            quantifier,
            filter,
        })))
    }

    /// At least one element meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let slow = Recipe::query().filter(Recipe::steps.any(Step::minutes.gt(30)));
    /// # let _ = slow;
    /// ```
    pub fn any<I, N: Needs>(self, condition: impl Condition<Only<E>, I, N>) -> Test<bool, S, N> {
        self.test(Quantifier::Any, Some(condition.condition()))
    }

    /// Every element meets the condition: true for an empty list. A condition that is NULL is not met.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let quick = Recipe::query().filter(Recipe::steps.all(Step::minutes.le(5)));
    /// # let _ = quick;
    /// ```
    pub fn all<I, N: Needs>(self, condition: impl Condition<Only<E>, I, N>) -> Test<bool, S, N> {
        self.test(Quantifier::All, Some(condition.condition()))
    }

    /// No element meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let raw = Recipe::query().filter(Recipe::steps.none(Step::text.contains("cook")));
    /// # let _ = raw;
    /// ```
    pub fn none<I, N: Needs>(self, condition: impl Condition<Only<E>, I, N>) -> Test<bool, S, N> {
        self.test(Quantifier::None, Some(condition.condition()))
    }

    /// There are no elements.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let unwritten = Recipe::query().filter(Recipe::steps.is_empty());
    /// # let _ = unwritten;
    /// ```
    pub fn is_empty(self) -> Test<bool, S, ()> {
        self.test(Quantifier::None, None)
    }

    /// How many elements there are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Embedded)]
    /// # pub struct Step { pub text: String, pub minutes: Option<i32> }
    /// # #[derive(Debug, Model)]
    /// # pub struct Recipe { #[orm(primary_key, auto)] pub id: i64, #[orm(embed)] pub steps: Vec<Step> }
    /// let long = Recipe::query().filter(Recipe::steps.count().gt(10));
    /// # let _ = long;
    /// ```
    pub fn count(self) -> Test<i64, S, ()> {
        self.test(Quantifier::Count, None)
    }
}
