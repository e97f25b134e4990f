//! What a query yields, and structs that name the parts they want.

use crate::backend::{Backend, FromRow, Handle, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::ExprOps;
use crate::expr::kind::PerRow;
use crate::expr::{InScope, Only};
use crate::ir::{self, ColumnRef};
use crate::meta::RelationMeta;
use crate::model::{Model, Named};
use crate::relation::{IncludeOf, IncludePlan, NestKey};
use crate::value::Value;

/// What a query yields: rows as they are read, or structs that load further rows once all of them are there.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::expr::Only;
/// use orm::query::QueryOutput;
/// async fn newest<T: QueryOutput>(query: Query<Post, Only<Post>, T>, db: &Sqlite) -> Result<Option<T>> {
///     query.order_by(Post::id.desc()).first(db).await
/// }
/// let title = newest(Post::query().select(Post::title), &db).await?;
/// let post = newest(Post::query(), &db).await?;
/// assert_eq!((title, post.map(|post| post.id)), (Some("Hello".to_owned()), Some(3)));
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a query",
    label = "not a model, a column type, a projection or a tuple of them"
)]
pub trait QueryOutput: Sized + Send + 'static {
    /// What is read from each row.
    type Raw: FromRow + Send + 'static;
    /// Makes results of all rows: loads what was included and what is nested.
    #[doc(hidden)]
    fn finish<B: Backend>(
        rows: Vec<Self::Raw>,
        includes: &[IncludePlan],
        handle: &Handle<B>,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send;
}

impl<T: FromRow + Send + 'static> QueryOutput for T {
    type Raw = T;
    async fn finish<B: Backend>(
        mut rows: Vec<T>,
        includes: &[IncludePlan],
        handle: &Handle<B>,
    ) -> Result<Vec<T>> {
        T::complete::<B>(&mut rows, includes, handle).await?;
        Ok(rows)
    }
}

/// A struct that holds some columns of a model, values computed from it, and rows that it leads to. Implemented by
/// `#[derive(Projection)]`, and by every model.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// #[derive(Debug, Projection)]
/// #[orm(model = Post)]
/// struct PostCard {
///     title: String,
/// }
///
/// #[derive(Debug, Projection)]
/// #[orm(model = User)]
/// struct UserCard {
///     name: String,
///     #[orm(count = posts)]
///     post_count: i64,
///     #[orm(nested = User::posts.order_by(Post::id.desc()).limit_per_parent(3))]
///     latest: Vec<PostCard>,
///     #[orm(nested)]
///     profile: Option<Profile>,
/// }
/// let cards = User::query().order_by(User::id.asc()).select_as::<UserCard>().all(&db).await?;
/// assert_eq!((cards[0].name.as_str(), cards[0].post_count), ("Ada", 2));
/// assert_eq!(cards[0].latest[0].title, "Notes");
/// assert!(cards[1].profile.is_none());
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "add `#[derive(Projection)]` and `#[orm(model = …)]` to the struct"
)]
pub trait Projection: QueryOutput {
    /// The model.
    type Model: Model;
    /// What is selected, in the order of the fields.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::query::Projection;
    /// #[derive(Debug, Projection)]
    /// #[orm(model = Post)]
    /// struct PostCard {
    ///     title: String,
    ///     score: i32,
    /// }
    /// assert_eq!(PostCard::columns().len(), 2);
    /// # let _ = |card: PostCard| (card.title, card.score);
    /// ```
    fn columns() -> Vec<ir::Expr>;
}

impl<M: Model> Projection for M {
    type Model = M;
    fn columns() -> Vec<ir::Expr> {
        let source = M::source();
        let columns = 0..source.model.columns.len() as u16;
        columns.map(|index| ir::Expr::Column(ColumnRef { source, index })).collect()
    }
}

/// An expression as a field of a projection of `M`, called by the derive.
#[doc(hidden)]
pub fn projected<M, T, E, I>(expr: E) -> ir::Expr
where
    T: Value,
    E: ExprOps<T = T, N = ()>,
    E::S: InScope<Only<M>, I>,
    E::K: PerRow,
{
    expr.node()
}

/// A relation as a field of a projection of `M`, called by the derive.
#[doc(hidden)]
pub fn nested_plan<M: Model, C: Projection<Model = I::Target>, I: IncludeOf<M>>(relation: I) -> IncludePlan {
    relation.into_plan()
}

/// The columns of `M` that a nested relation starts from, called by the derive.
#[doc(hidden)]
pub fn nested_key<M: Model>(plan: &IncludePlan) -> Vec<ir::Expr> {
    let source = M::source();
    let local = relation_of::<M>(plan).local;
    local.iter().map(|index| ir::Expr::Column(ColumnRef { source, index: *index })).collect()
}

fn relation_of<M: Model>(plan: &IncludePlan) -> &'static RelationMeta {
    &M::meta().relations[usize::from(plan.relation)]
}

/// Reads the key of a nested relation and steps over its columns, called by the derive.
#[doc(hidden)]
pub fn read_nested_key<M: Model, R: Row>(plan: &IncludePlan, row: &R, at: &mut usize) -> Result<NestKey> {
    let meta = M::meta();
    let columns: Vec<_> = relation_of::<M>(plan)
        .local
        .iter()
        .map(|index| {
            *at += 1;
            (*at - 1, meta.column(*index).ty())
        })
        .collect();
    NestKey::read(row, &columns)
}

/// The rows of a nested relation for each row: called by the derive.
#[doc(hidden)]
pub async fn nested<M: Model, C: Projection, B: Backend>(
    plan: &IncludePlan,
    keys: Vec<NestKey>,
    handle: &Handle<B>,
) -> Result<std::vec::IntoIter<Vec<C>>> {
    let rows = crate::relation::nest::<C, B>(relation_of::<M>(plan), plan, keys, handle).await?;
    Ok(rows.into_iter())
}

/// The only row of a nested relation: called by the derive.
#[doc(hidden)]
pub fn nested_one<M: Model, C>(rows: Vec<C>, field: &'static str) -> Result<Option<C>> {
    if rows.len() > 1 {
        return Err(Error::new(ErrorKind::MultipleRows, "a nested relation found more than one row")
            .with_model(M::meta().name)
            .with_field(field)
            .with_hint("make the field a `Vec`, or filter the relation"));
    }
    Ok(rows.into_iter().next())
}

/// As [`nested_one`], where there must be one: called by the derive.
#[doc(hidden)]
pub fn nested_required<M: Model, C>(rows: Vec<C>, field: &'static str) -> Result<C> {
    nested_one::<M, C>(rows, field)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "a nested relation found no row")
            .with_model(M::meta().name)
            .with_field(field)
            .with_hint("make the field an `Option`")
    })
}
