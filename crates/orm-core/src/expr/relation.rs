//! Tests and counts over the rows that a relation leads to.

use super::scope::Only;
use super::{Condition, Expr};
use crate::backend::Needs;
use crate::ir::{self, Quantifier, RelationTest};
use crate::model::{Model, Named};
use crate::relation::{Rel, Slot, Via};

impl<A: Named, T: Named> Via<A, T> {
    fn test<X, N: Needs>(self, quantifier: Quantifier, filter: Option<ir::Expr>) -> Expr<X, A, N> {
        Expr::new(ir::Expr::Relation(Box::new(RelationTest {
            relation: self.relation(),
            from: A::source(),
            alias: T::source().alias,
            quantifier,
            filter,
        })))
    }

    /// Whether the relation leads to a row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::filter(User::posts.to::<Other>().exists()).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn exists(self) -> Expr<bool, A> {
        self.test(Quantifier::Any, None)
    }

    /// Whether the relation leads to no row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::filter(User::posts.to::<Other>().is_empty()).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn is_empty(self) -> Expr<bool, A> {
        self.test(Quantifier::None, None)
    }

    /// Whether one of the relation's rows meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::filter(User::posts.to::<Other>().any(Other.score.gt(3))).count(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn any<I, N: Needs>(self, condition: impl Condition<Only<T>, I, N>) -> Expr<bool, A, N> {
        self.test(Quantifier::Any, Some(condition.condition()))
    }

    /// Whether every row of the relation meets the condition; true without rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// // True for Cid, too, who has no posts.
    /// assert_eq!(User::filter(User::posts.to::<Other>().all(Other.score.gt(2))).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn all<I, N: Needs>(self, condition: impl Condition<Only<T>, I, N>) -> Expr<bool, A, N> {
        self.test(Quantifier::All, Some(condition.condition()))
    }

    /// Whether no row of the relation meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::filter(User::posts.to::<Other>().none(Other.score.gt(2))).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn none<I, N: Needs>(self, condition: impl Condition<Only<T>, I, N>) -> Expr<bool, A, N> {
        self.test(Quantifier::None, Some(condition.condition()))
    }

    /// How many rows the relation leads to.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// assert_eq!(User::find_many([1]).select(User::posts.to::<Other>().count()).one(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn count(self) -> Expr<i64, A> {
        self.test(Quantifier::Count, None)
    }

    /// How many of the relation's rows meet the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// orm::alias!(Other: Post);
    /// let good = User::posts.to::<Other>().count_where(Other.score.gt(3));
    /// assert_eq!(User::find_many([1]).select(good).one(&db).await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn count_where<I, N: Needs>(self, condition: impl Condition<Only<T>, I, N>) -> Expr<i64, A, N> {
        self.test(Quantifier::Count, Some(condition.condition()))
    }
}

impl<M: Model, S: Slot, V> Rel<M, S, V> {
    /// Whether the relation leads to a row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::posts.exists()).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn exists(self) -> Expr<bool, M> {
        self.via().exists()
    }

    /// Whether the relation leads to no row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::posts.is_empty()).one(&db).await?.name, "Cid");
    /// # Ok(()) }
    /// ```
    pub fn is_empty(self) -> Expr<bool, M> {
        self.via().is_empty()
    }

    /// Whether one of the relation's rows meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let praised = User::posts.any(Post::comments.any(Comment::body.contains("Fine")));
    /// assert_eq!(User::filter(praised).one(&db).await?.name, "Ada");
    /// # Ok(()) }
    /// ```
    pub fn any<I, N: Needs>(self, condition: impl Condition<Only<S::Target>, I, N>) -> Expr<bool, M, N> {
        self.via().any(condition)
    }

    /// Whether every row of the relation meets the condition; true without rows.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// // True for Cid, too, who has no posts.
    /// assert_eq!(User::filter(User::posts.all(Post::score.gt(2))).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn all<I, N: Needs>(self, condition: impl Condition<Only<S::Target>, I, N>) -> Expr<bool, M, N> {
        self.via().all(condition)
    }

    /// Whether no row of the relation meets the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// assert_eq!(User::filter(User::posts.none(Post::score.gt(2))).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn none<I, N: Needs>(self, condition: impl Condition<Only<S::Target>, I, N>) -> Expr<bool, M, N> {
        self.via().none(condition)
    }

    /// How many rows the relation leads to.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let busiest = User::query().order_by(User::posts.count().desc()).first(&db).await?;
    /// assert_eq!(busiest.map(|user| user.name), Some("Ada".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn count(self) -> Expr<i64, M> {
        self.via().count()
    }

    /// How many of the relation's rows meet the condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let good = User::posts.count_where(Post::score.gt(3));
    /// assert_eq!(User::find_many([1]).select((User::posts.count(), good)).one(&db).await?, (2, 1));
    /// # Ok(()) }
    /// ```
    pub fn count_where<I, N: Needs>(
        self,
        condition: impl Condition<Only<S::Target>, I, N>,
    ) -> Expr<i64, M, N> {
        self.via().count_where(condition)
    }
}
