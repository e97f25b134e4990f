//! The rows that belong to one row: `User::posts.of(&user)`. `children` and `links` change them.

use rustc_hash::FxHashSet;

use super::{Rel, Slot};
use crate::backend::{Affected, Executor, First, Needs, atomically, run};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Condition, IntoOrder, Only, count_all};
use crate::ir::{BinaryOp, ColumnRef, Command, Expr, Join, JoinKind, Output, Select, Source};
use crate::meta::{LinkMeta, RelationMeta, ThroughMeta};
use crate::model::{Model, Named};
use crate::query::Query;
use crate::value::{ColumnType, Datum};
use crate::write::{ByParent, no_key};

/// The rows that a relation leads to from one row: a query, and the ways to change what belongs to it.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// let ada = User::find(1).one(&db).await?;
/// let weak = User::posts.of(&ada).filter(Post::score.lt(4)).all(&db).await?;
/// let post = User::posts.of(&ada).create(Post::create().title("New").score(1), &db).await?;
/// let rust = Tag::create().name("rust").insert(&db).await?;
/// Post::tags.of(&post).set([&rust], &db).await?;
/// assert_eq!((weak.len(), Post::tags.of(&post).count(&db).await?), (1, 1));
/// # Ok(()) }
/// ```
pub struct Related<M, S, V = ByParent<M>> {
    rel: Rel<M, S, V>,
    pub(super) key: Vec<Datum>,
    /// The primary key of the row, if `key` is its array of keys.
    pub(super) holder: Option<Vec<Datum>>,
}

impl<M, S, V> std::fmt::Debug for Related<M, S, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Related").field("rel", &self.rel).finish_non_exhaustive()
    }
}

impl<M: Model, S: Slot, V> Rel<M, S, V> {
    /// The rows that this relation leads to from one row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn of(self, row: &M) -> Related<M, S, V> {
        let datums = |columns: &[u16]| columns.iter().map(|column| row.datum(*column)).collect();
        let key: Vec<Datum> = datums(self.local());
        let holder = matches!(self.meta().link, LinkMeta::KeysHere).then(|| datums(M::PRIMARY_KEY));
        Related { rel: self, key, holder }
    }
}

/// A unique name for the model between in a query over a relation: no user's alias can be the same, they are Rust type names.
const LINK: &str = "orm_link";

/// The table between as it stands in these statements.
pub(super) fn link_source(through: &ThroughMeta) -> Source {
    Source { model: (through.model)(), alias: "" }
}

pub(super) fn column(source: Source, index: u16) -> Expr {
    Expr::Column(ColumnRef { source, index })
}

/// `columns = values`. A value that is NULL makes it false: such a row is related to nothing.
pub(super) fn equal(source: Source, columns: &[u16], values: &[Datum]) -> Expr {
    if values.iter().any(Datum::is_null) {
        return Expr::Any(Vec::new());
    }
    let parts = columns.iter().zip(values).map(|(index, value)| {
        let column = column(source, *index);
        match (source.model.column(*index).ty(), value) {
            (ty @ ColumnType::Array(_), Datum::Array(_)) => {
                Expr::binary(BinaryOp::Eq, column, Expr::Value(value.clone(), ty), ty)
            }
            (ColumnType::Array(element), value) => held_by(column, value, *element),
            (ty, Datum::Array(keys)) => {
                Expr::InList { expr: Box::new(column), list: keys.clone(), ty, negated: false }
            }
            (ty, value) => Expr::binary(BinaryOp::Eq, column, Expr::Value(value.clone(), ty), ty),
        }
    });
    Expr::All(parts.collect())
}

/// Whether a key is one of those of an array: by the operator that an index on the array serves on every database.
pub(super) fn held_by(array: Expr, key: &Datum, ty: ColumnType) -> Expr {
    Expr::Overlap { array: Box::new(array), list: vec![key.clone()], ty }
}

/// The columns are those of one of the rows.
pub(super) fn one_of<T: Model>(source: Source, columns: &[u16], rows: &[&T], row_columns: &[u16]) -> Expr {
    let values = rows.iter().flat_map(|row| row_columns.iter().map(|index| row.datum(*index))).collect();
    match columns {
        [only] => Expr::InList {
            expr: Box::new(column(source, *only)),
            list: values,
            ty: source.model.column(*only).ty(),
            negated: false,
        },
        several => Expr::InTuples {
            exprs: several.iter().map(|index| column(source, *index)).collect(),
            rows: values,
            types: several.iter().map(|index| source.model.column(*index).ty()).collect(),
        },
    }
}

impl<M: Model, S: Slot, V> Related<M, S, V> {
    pub(super) fn relation(&self) -> &'static RelationMeta {
        self.rel.meta()
    }

    /// The rows as a query of their own.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let titles = User::posts.of(&ada).query().order_by(Post::id.asc()).select(Post::title).all(&db).await?;
    /// assert_eq!(titles, ["Engines", "Notes"]);
    /// # Ok(()) }
    /// ```
    pub fn query(&self) -> Query<S::Target> {
        let mut select = Select::new(<S::Target as Named>::source());
        let (relation, target) = (self.relation(), select.from);
        match relation.through() {
            None => select.and_filter(self.children(target)),
            Some(through) => match (relation.remote, through.far) {
                ([remote], [far]) => {
                    let link = Source { alias: LINK, ..link_source(through) };
                    let mut keys = Select::new(link);
                    keys.output = Output::Exprs(vec![column(link, *far)]);
                    keys.filter = Some(equal(link, through.near, &self.key));
                    select.and_filter(Expr::InSelect {
                        expr: Box::new(column(target, *remote)),
                        select: Box::new(keys),
                        negated: false,
                        rows: false,
                    });
                }
                (remote, far) => {
                    let link = Source { alias: LINK, ..link_source(through) };
                    let pair = |(far, remote): (&u16, &u16)| {
                        let side = |source, index: &u16| ColumnRef { source, index: *index };
                        (side(link, far), side(target, remote))
                    };
                    select.joins.push(Join {
                        kind: JoinKind::Inner,
                        target: link,
                        relation: None,
                        on_columns: far.iter().zip(remote).map(pair).collect(),
                        on: None,
                        lateral: None,
                    });
                    select.and_filter(equal(link, through.near, &self.key));
                }
            },
        }
        Query::from_parts(select, Vec::new())
    }

    /// The rows that meet a condition.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).filter(Post::score.gt(3)).one(&db).await?.title, "Notes");
    /// # Ok(()) }
    /// ```
    pub fn filter<I, N: Needs>(
        &self,
        condition: impl Condition<Only<S::Target>, I, N>,
    ) -> Query<S::Target, Only<S::Target>, S::Target, N> {
        self.query().filter(condition)
    }

    /// The rows in an order.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// let best = User::posts.of(&ada).order_by(Post::score.desc()).first(&db).await?;
    /// assert_eq!(best.map(|post| post.title), Some("Notes".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn order_by<I, N: Needs>(
        &self,
        order: impl IntoOrder<Only<S::Target>, I, N>,
    ) -> Query<S::Target, Only<S::Target>, S::Target, N> {
        self.query().order_by(order)
    }

    /// Every row.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let post = Post::find(1).one(&db).await?;
    /// assert_eq!(Post::tags.of(&post).all(&db).await?[0].name, "machines");
    /// # Ok(()) }
    /// ```
    pub fn all<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<Vec<S::Target>>> + Send {
        self.query().all(db)
    }

    /// How many there are.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let ada = User::find(1).one(&db).await?;
    /// assert_eq!(User::posts.of(&ada).count(&db).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn count<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<u64>> + Send {
        self.query().count(db)
    }

    /// Whether there is one.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
    /// let bob = User::find(2).one(&db).await?;
    /// assert!(!User::profile.of(&bob).exists(&db).await?);
    /// # Ok(()) }
    /// ```
    pub fn exists<E: Executor + ?Sized>(&self, db: &E) -> impl Future<Output = Result<bool>> + Send {
        self.query().exists(db)
    }

    /// The condition on a child that it belongs to the row.
    pub(super) fn children(&self, target: Source) -> Expr {
        let relation = self.relation();
        let mut parts = vec![equal(target, relation.remote, &self.key)];
        if let Some(morph) = &relation.morph {
            let ty = target.model.column(morph.column).ty();
            let tag = Expr::Value(Datum::Text(morph.tag.to_owned()), ty);
            parts.push(Expr::binary(BinaryOp::Eq, column(target, morph.column), tag, ty));
        }
        Expr::All(parts)
    }

    /// A row that was never stored has no key to point to.
    pub(super) fn check(&self) -> Result<()> {
        match self.key.iter().zip(self.rel.local()).find(|(key, _)| key.is_null()) {
            Some((_, column)) => Err(no_key(M::meta(), *column)),
            None => Ok(()),
        }
    }
}

pub(super) async fn affected<E: Executor + ?Sized>(db: &E, command: Command) -> Result<u64> {
    run(db, command, Affected::default()).await
}

/// Runs commands as one, and adds up how many rows they wrote to.
pub(super) async fn all_of<E: Executor + ?Sized>(mut commands: Vec<Command>, db: &E) -> Result<u64> {
    if commands.len() == 1 {
        return affected(db, commands.remove(0)).await;
    }
    atomically(db.handle(), |tx| async move {
        let mut rows = 0;
        for command in commands {
            rows += affected(&tx, command).await?;
        }
        Ok(rows)
    })
    .await
}

/// How many different rows these are.
pub(super) fn distinct<T: Model>(rows: &[&T]) -> usize {
    let id = |row: &&T| -> Vec<Datum> { T::PRIMARY_KEY.iter().map(|index| row.datum(*index)).collect() };
    rows.iter().map(id).collect::<FxHashSet<_>>().len()
}

/// Refuses if fewer rows are there.
pub(super) async fn there<E: Executor + ?Sized>(
    source: Source,
    rows: Expr,
    wanted: usize,
    db: &E,
) -> Result<()> {
    let mut select = Select::new(source);
    select.output = Output::Exprs(vec![count_all().into_ir()]);
    select.filter = Some(rows);
    let found = run(db, Command::Select(Box::new(select)), First::<i64>::default()).await?;
    if found.is_some_and(|found| found >= wanted as i64) { Ok(()) } else { Err(not_there(source)) }
}

#[cold]
pub(super) fn not_there(source: Source) -> Error {
    Error::new(ErrorKind::NotFound, "the row is not there").with_model(source.model.name)
}
