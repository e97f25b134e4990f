//! Arrays of values: what every database can ask of one and change in one.

use super::operand::Literal;
use super::{Expr, ExprOps};
use crate::ir::{self, BinaryOp, Func};
use crate::value::{Array, Datum, Scalar, Value};

type Lifted<E, X> =
    Expr<<<E as ExprOps>::T as Value>::Lift<X>, <E as ExprOps>::S, <E as ExprOps>::N, <E as ExprOps>::K>;
type Changed<E> = Expr<<E as ExprOps>::T, <E as ExprOps>::S, <E as ExprOps>::N, <E as ExprOps>::K>;

/// Columns and expressions of type [`Array`].
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::expr::ArrayExpr;
/// use orm::value::Array;
/// #[derive(Debug, Model)]
/// pub struct Article {
///     #[orm(primary_key, auto)]
///     pub id: i64,
///     pub words: Array<String>,
/// }
/// orm::schema!(Articles: Article);
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let db = Sqlite::memory().await?;
/// Articles::create_all(&db).await?;
/// Article::create().words(["rust", "sql"].map(String::from)).insert(&db).await?;
/// Article::filter(Article::words.has("rust")).update().set(Article::words, Article::words.append("orm")).exec(&db).await?;
/// let words = Article::query().select(Article::words).one(&db).await?;
/// assert_eq!(*words, ["rust", "sql", "orm"]);
/// # Ok(()) }
/// ```
pub trait ArrayExpr<T: Value>: ExprOps
where
    Self::T: Value<Base = Array<T>>,
{
    /// Whether the array holds a value. NULL if the array is, or if it is not found and an element is NULL.
    ///
    /// On SQLite, where an array is JSON, looking for a floating-point number or a document is an error of kind
    /// [`Unsupported`](crate::ErrorKind::Unsupported); so it is for `has_any` and `without`.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # use orm::value::Array;
    /// # #[derive(Debug, Model)]
    /// # pub struct Article { #[orm(primary_key, auto)] pub id: i64, pub words: Array<String> }
    /// use orm::expr::ArrayExpr;
    /// let about_rust = Article::filter(Article::words.has("rust"));
    /// # let _ = about_rust;
    /// ```
    fn has(self, element: impl Literal<T::Base>) -> Lifted<Self, bool> {
        let value = ir::Expr::Value(element.datum(), <T::Base as Scalar>::TYPE);
        Expr::new(ir::Expr::binary(BinaryOp::ElementOf, value, self.node(), <T::Base as Scalar>::TYPE))
    }

    /// Whether the array holds at least one of some values; false for none. NULL if the array is.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # use orm::value::Array;
    /// # #[derive(Debug, Model)]
    /// # pub struct Article { #[orm(primary_key, auto)] pub id: i64, pub words: Array<String> }
    /// use orm::expr::ArrayExpr;
    /// let about_either = Article::filter(Article::words.has_any(["rust", "sql"]));
    /// # let _ = about_either;
    /// ```
    fn has_any<V: Literal<T::Base>>(self, elements: impl IntoIterator<Item = V>) -> Lifted<Self, bool> {
        let list = elements.into_iter().map(Literal::datum).collect();
        Expr::new(ir::Expr::Overlap { array: Box::new(self.node()), list, ty: <T::Base as Scalar>::TYPE })
    }

    /// The array with one more element at its end.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # use orm::value::Array;
    /// # #[derive(Debug, Model)]
    /// # pub struct Article { #[orm(primary_key, auto)] pub id: i64, pub words: Array<String> }
    /// use orm::expr::ArrayExpr;
    /// let update = Article::find_many([1]).update().set(Article::words, Article::words.append("new"));
    /// # let _ = update;
    /// ```
    fn append(self, element: impl Literal<T::Base>) -> Changed<Self>
    where
        Self: ExprOps<T = Array<T>>,
    {
        let one = ir::Expr::Value(Datum::Array(vec![element.datum()]), <Array<T> as Scalar>::TYPE);
        Expr::new(ir::Expr::Func(Func::Append, vec![self.node(), one]))
    }

    /// The array without the elements that equal a value.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # use orm::value::Array;
    /// # #[derive(Debug, Model)]
    /// # pub struct Article { #[orm(primary_key, auto)] pub id: i64, pub words: Array<String> }
    /// use orm::expr::ArrayExpr;
    /// let update = Article::find_many([1]).update().set(Article::words, Article::words.without("old"));
    /// # let _ = update;
    /// ```
    fn without(self, element: impl Literal<T::Base>) -> Changed<Self>
    where
        Self: ExprOps<T = Array<T>>,
    {
        let value = ir::Expr::Value(element.datum(), <T::Base as Scalar>::TYPE);
        Expr::new(ir::Expr::Func(Func::Without, vec![self.node(), value]))
    }
}

impl<E: ExprOps, T: Value> ArrayExpr<T> for E where E::T: Value<Base = Array<T>> {}
