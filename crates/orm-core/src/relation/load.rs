//! Loading: one query for a relation of any number of rows.
//!
//! Parents' keys are collected and de-duplicated ([`KeySet`]), the child query is built from the plan, the decoder reads
//! each child together with its key and notes the place where it belongs, includes of the children are loaded for all of them
//! at once, and an [`Attach`] puts them into the slots. What depends on no type is in plain functions.

use super::keys::{Key, KeySet};
use super::{BelongsTo, HasMany, HasOne, IncludePlan, ManyToMany, Rel, Siblings, Slot};
use crate::backend::{Backend, BoxFuture, Decoder, Flow, FromRow, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BinaryOp, ColumnRef, Command, Expr, Join, JoinKind, Output, PerParent, Select, Source};
use crate::meta::{RelationKind, RelationMeta};
use crate::model::Model;
use crate::query::offered;
use crate::value::{Datum, DbType};

/// Puts fetched children into the slots of the rows that they were fetched for, in the same order.
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::Attach;
/// let attach: Attach<User> = Box::new(|users| {
///     for user in users {
///         user.posts = HasMany::loaded([]);
///     }
///     Ok(())
/// });
/// let mut users = User::query().all(&db).await?;
/// attach(&mut users)?;
/// assert!(users[0].posts.get()?.is_empty());
/// # Ok(()) }
/// ```
pub type Attach<M> = Box<dyn FnOnce(&mut [M]) -> Result<()> + Send>;

/// The alias of the model between in a many-to-many load: no user's alias can be the same, they are Rust type names.
const THROUGH: &str = "orm_through";

/// Loads the relations of `plans` for all rows: one query for each, all of them at once, then those of the next level.
///
/// A relation that stands in `plans` twice is loaded as the last one says. Slots that stay empty learn their [`Siblings`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::{IncludePlan, attach_includes};
/// let mut posts = Post::query().order_by(Post::id.asc()).all(&db).await?;
/// attach_includes::<Post, Sqlite>(&mut posts, &[IncludePlan::new(Post::author)], db.session()).await?;
/// assert_eq!(posts[2].author.get()?.name, "Bob");
/// # Ok(()) }
/// ```
pub fn attach_includes<'a, M: Model, B: Backend>(
    rows: &'a mut [M],
    plans: &'a [IncludePlan],
    session: &'a B::Session,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        if rows.is_empty() {
            return Ok(());
        }
        match plans {
            [] => {}
            [plan] => {
                let attach = M::fetch::<B>(rows, plan, session).await?;
                attach(rows)?;
            }
            plans => {
                let shared: &[M] = rows;
                let session = B::together(session).await?;
                let fetches = plans.iter().map(|plan| M::fetch::<B>(shared, plan, &session));
                for attach in futures_util::future::try_join_all(fetches).await? {
                    attach(rows)?;
                }
            }
        }
        Siblings::link(rows, plans);
        Ok(())
    })
}

macro_rules! fetch {
    ($($(#[$doc:meta])* $name:ident, $slot:ident;)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        pub fn $name<'a, M: Model, T: Model, B: Backend>(
            rel: Rel<M, $slot<T>>,
            rows: &'a [M],
            plan: &'a IncludePlan,
            session: &'a B::Session,
        ) -> BoxFuture<'a, Result<Attach<M>>> {
            Box::pin(fetch::<M, $slot<T>, B>(rel, rows, plan, session))
        }
    )*};
}
fetch! {
    /// Fetches parents, each once however many rows point to it.
    fetch_belongs_to, BelongsTo;
    /// Fetches the one child of each row.
    fetch_has_one, HasOne;
    /// Fetches the children of each row.
    fetch_has_many, HasMany;
    /// Fetches what is linked to each row.
    fetch_many_to_many, ManyToMany;
}

async fn fetch<M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    rows: &[M],
    plan: &IncludePlan,
    session: &B::Session,
) -> Result<Attach<M>> {
    let keys = KeySet::of(rows.iter().map(|row| Key::of_row(row, rel.local())), rel.meta().by_array());
    let (keys, mut contents) = fetch_contents::<S, B>(rel.meta(), keys, plan, session).await?;
    Ok(Box::new(move |rows| {
        for (index, row) in rows.iter_mut().enumerate() {
            rel.slot_mut(row).put(content_of::<S>(&keys, &mut contents, index));
        }
        Ok(())
    }))
}

/// Loads a relation for those of the rows that lack it.
pub(super) async fn fetch_missing<M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    rows: &mut [M],
    plan: &IncludePlan,
    session: &B::Session,
) -> Result<()> {
    let mut missing: Vec<&mut M> = rows.iter_mut().filter(|row| !rel.slot(row).is_loaded()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let keys =
        KeySet::of(missing.iter().map(|row| Key::of_row::<M>(row, rel.local())), rel.meta().by_array());
    let (keys, mut contents) = fetch_contents::<S, B>(rel.meta(), keys, plan, session).await?;
    for (index, row) in missing.iter_mut().enumerate() {
        rel.slot_mut(row).put(content_of::<S>(&keys, &mut contents, index));
    }
    Ok(())
}

fn content_of<S: Slot>(keys: &KeySet, contents: &mut [S::Content], row: usize) -> S::Content {
    match keys.place_of(row, S::SHARED).and_then(|place| contents.get_mut(place)) {
        Some(content) => S::hand_out(content),
        None => S::Content::default(),
    }
}

/// The contents for the places of `keys`. Without keys there is no query.
pub(super) async fn fetch_contents<S: Slot, B: Backend>(
    relation: &'static RelationMeta,
    mut keys: KeySet,
    plan: &IncludePlan,
    session: &B::Session,
) -> Result<(KeySet, Vec<S::Content>)> {
    let places = keys.places(S::SHARED);
    if keys.is_empty() {
        let contents = std::iter::repeat_with(S::Content::default).take(places).collect();
        return Ok((keys, contents));
    }
    offered::<B>(&plan.select, session)?;
    let (mut select, columns) = child_select(plan, relation, keys.take_list());
    let cut = if keys.has_arrays() { select.per_parent.take() } else { None };
    let ordered = !select.order.is_empty();
    let decoder = Keyed::<S::Target>::new(keys, columns, S::SHARED);
    let found = B::run(session, Command::Select(Box::new(select)), decoder).await?;
    let (keys, rows, mut children) = found.settle(ordered, cut);
    attach_includes::<S::Target, B>(&mut children, &plan.nested, session).await?;
    let contents = S::distribute(relation, places, &rows, children)?;
    Ok((keys, contents))
}

/// Reads children and notes the place of each.
///
/// If several parents have the same key and do not share their children (a join may yield a parent more than once), each
/// gets its own copy, read from the same row.
pub(super) struct Keyed<T> {
    keys: KeySet,
    columns: Vec<(usize, DbType)>,
    shared: bool,
    pub(super) places: Vec<u32>,
    pub(super) children: Vec<T>,
}

impl<T> Keyed<T> {
    pub(super) fn new(keys: KeySet, columns: Vec<(usize, DbType)>, shared: bool) -> Self {
        Keyed { keys, columns, shared, places: Vec::new(), children: Vec::new() }
    }
}

impl<T> Keyed<T> {
    /// The row of each child, and the children. Where the rows keep their keys in arrays, children come in the order of these,
    /// unless the query had one, and what is cut off of each list is cut off here.
    pub(super) fn settle(self, ordered: bool, cut: Option<PerParent>) -> (KeySet, Vec<u32>, Vec<T>) {
        let Keyed { keys, places, children, .. } = self;
        if !keys.has_arrays() {
            return (keys, places, children);
        }
        let mut found: Vec<(u32, T)> = places.into_iter().zip(children).collect();
        if !ordered {
            found.sort_by_key(|(entry, _)| *entry);
        }
        let (skip, take) =
            cut.map_or((0, u64::MAX), |cut| (cut.offset.unwrap_or(0), cut.limit.unwrap_or(u64::MAX)));
        let mut counts = vec![0_u64; keys.places(false)];
        let (places, children) = found
            .into_iter()
            .map(|(entry, child)| (keys.row_of(entry), child))
            .filter(|(row, _)| {
                let count = &mut counts[*row as usize];
                *count += 1;
                *count > skip && *count - skip <= take
            })
            .unzip();
        (keys, places, children)
    }
}

impl<T: FromRow + Send + 'static> Decoder for Keyed<T> {
    type Out = Self;

    fn reserve(&mut self, rows: usize) {
        self.places.reserve(rows);
        self.children.reserve(rows);
    }
    #[inline]
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        if let Some(key) = Key::of_cells(row, &self.columns)? {
            let Keyed { keys, shared, places, children, .. } = self;
            keys.for_each_place(&key, *shared, |place| {
                children.push(T::from_row(row, 0)?);
                places.push(place);
                Ok(())
            })?;
        }
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.places.clear();
        self.children.clear();
    }
    fn finish(self, _: u64) -> Result<Self> {
        Ok(self)
    }
}

fn columns(source: Source, indexes: &'static [u16]) -> impl Iterator<Item = ColumnRef> {
    indexes.iter().map(move |index| ColumnRef { source, index: *index })
}

fn exprs(source: Source, indexes: &'static [u16]) -> Vec<Expr> {
    columns(source, indexes).map(Expr::Column).collect()
}

/// The query for the children of these keys, and the columns of its result that hold the key.
fn child_select(
    plan: &IncludePlan,
    relation: &RelationMeta,
    keys: Vec<Datum>,
) -> (Select, Vec<(usize, DbType)>) {
    child_select_of(plan, relation, keys, None)
}

/// As [`child_select`], with other columns than those of the model; the key comes after them.
pub(super) fn child_select_of(
    plan: &IncludePlan,
    relation: &RelationMeta,
    keys: Vec<Datum>,
    columns_wanted: Option<Vec<Expr>>,
) -> (Select, Vec<(usize, DbType)>) {
    let mut select = plan.select.clone();
    let target = select.from;

    let (source, key, at): (Source, &'static [u16], Option<usize>) = match &relation.through {
        None => (target, relation.remote, None),
        Some(through) => {
            let source = Source { model: (through.model)(), alias: THROUGH };
            select.joins.push(Join {
                kind: JoinKind::Inner,
                target: source,
                relation: None,
                on_columns: columns(source, through.far).zip(columns(target, relation.remote)).collect(),
                on: None,
                lateral: None,
            });
            select.output = Output::ModelAnd(exprs(source, through.near));
            (source, through.near, Some(target.model.columns.len()))
        }
    };
    let at = match columns_wanted {
        Some(mut list) => {
            let at = list.len();
            list.extend(exprs(source, key));
            select.output = Output::Exprs(list);
            Some(at)
        }
        None => at,
    };
    let types: Vec<DbType> = key.iter().map(|index| source.model.column(*index).ty()).collect();
    let positions = key.iter().enumerate().map(|(part, index)| at.map_or(*index as usize, |at| at + part));
    let cells = positions.zip(types.iter().copied()).collect();

    if let Some(morph) = relation.morph.as_ref().filter(|_| relation.kind != RelationKind::MorphTo) {
        let column = Expr::Column(ColumnRef { source: target, index: morph.column });
        let ty = target.model.column(morph.column).ty();
        let tag = Expr::Value(Datum::Text(morph.tag.to_owned()), ty);
        select.and_filter(Expr::binary(BinaryOp::Eq, column, tag, ty));
    }
    let in_arrays = relation.by_array() && matches!(types.as_slice(), [DbType::Array(_)]);
    select.and_filter(match (key, types.as_slice()) {
        ([column], [DbType::Array(element)]) if in_arrays => Expr::Overlap {
            array: Box::new(Expr::Column(ColumnRef { source, index: *column })),
            list: keys,
            ty: **element,
        },
        ([column], [ty]) => Expr::InList {
            expr: Box::new(Expr::Column(ColumnRef { source, index: *column })),
            list: keys,
            ty: *ty,
            negated: false,
        },
        _ => Expr::InTuples { exprs: exprs(source, key), rows: keys, types },
    });
    if select.limit.is_some() || select.offset.is_some() {
        if in_arrays {
            let text = format!(
                "`{}` comes by keys in arrays of the other rows, which no query can cut off for each parent",
                relation.name
            );
            let error = Error::new(ErrorKind::Unsupported, text)
                .with_field(relation.name)
                .with_hint("leave out the limit and the offset");
            select.and_filter(Expr::invalid(error));
        }
        let (limit, offset) = (select.limit.take(), select.offset.take());
        select.per_parent = Some(PerParent { key: exprs(source, key), limit, offset });
    }
    (select, cells)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::ir;
    use crate::meta::{ColumnMeta, ModelMeta, MorphMeta, ThroughMeta};
    use crate::write::NewRow;

    fn model(name: &'static str, columns: &[&str]) -> ModelMeta {
        let columns = columns
            .iter()
            .map(|name| ColumnMeta { name: (*name).into(), ty: Some(DbType::I64), ..ColumnMeta::default() })
            .collect();
        ModelMeta { name, table: name, columns, primary_key: &[0], ..ModelMeta::default() }
    }
    static TAG: LazyLock<ModelMeta> = LazyLock::new(|| model("Tag", &["id", "name", "owner"]));
    static LINK: LazyLock<ModelMeta> = LazyLock::new(|| model("Link", &["post_id", "tag_id"]));

    fn relation(kind: RelationKind, remote: &'static [u16]) -> RelationMeta {
        RelationMeta { name: "tags", kind, target: || &TAG, local: &[0], remote, through: None, morph: None }
    }
    fn plan() -> IncludePlan {
        IncludePlan {
            relation: 0,
            select: Select::new(Source { model: &TAG, alias: "" }),
            nested: Vec::new(),
        }
    }

    #[test]
    fn children_are_found_by_one_list_of_keys() {
        let (select, cells) =
            child_select(&plan(), &relation(RelationKind::HasMany, &[2]), vec![Datum::I64(1)]);
        assert_eq!(cells, [(2, DbType::I64)]);
        let Some(Expr::InList { expr, list, .. }) = &select.filter else { panic!("{:?}", select.filter) };
        assert!(matches!(&**expr, Expr::Column(column) if column.index == 2));
        assert_eq!(list, &[Datum::I64(1)]);
    }

    #[test]
    fn a_composite_key_is_a_list_of_tuples() {
        let keys = vec![Datum::I64(1), Datum::I64(2)];
        let (select, cells) = child_select(&plan(), &relation(RelationKind::HasMany, &[2, 0]), keys);
        assert_eq!(cells, [(2, DbType::I64), (0, DbType::I64)]);
        assert!(
            matches!(&select.filter, Some(Expr::InTuples { exprs, rows, .. }) if exprs.len() == 2 && rows.len() == 2)
        );
    }

    #[test]
    fn a_limit_counts_per_parent() {
        let mut plan = plan();
        (plan.select.limit, plan.select.offset) = (Some(3), Some(1));
        let (select, _) = child_select(&plan, &relation(RelationKind::HasMany, &[2]), vec![Datum::I64(1)]);
        assert_eq!((select.limit, select.offset), (None, None));
        let per = select.per_parent.unwrap();
        assert_eq!((per.key.len(), per.limit, per.offset), (1, Some(3), Some(1)));
    }

    #[test]
    fn links_bring_their_own_key() {
        let mut relation = relation(RelationKind::ManyToMany, &[0]);
        relation.through =
            Some(ThroughMeta { model: || &LINK, new_row: || NewRow::new(&LINK), near: &[0], far: &[1] });
        let (select, cells) = child_select(&plan(), &relation, vec![Datum::I64(1)]);
        assert_eq!(cells, [(3, DbType::I64)]);
        assert_eq!(select.joins[0].target.alias, THROUGH);
        assert_eq!(select.joins[0].on_columns[0].0.index, 1);
        assert!(matches!(&select.output, Output::ModelAnd(exprs) if exprs.len() == 1));
    }

    #[test]
    fn the_number_of_keys_does_not_change_the_shape() {
        let mut relation = relation(RelationKind::HasMany, &[2]);
        relation.morph = Some(MorphMeta { column: 1, tag: "post" });
        let shape = |keys: Vec<Datum>| {
            ir::shape(&Command::Select(Box::new(child_select(&plan(), &relation, keys).0)))
        };
        assert_eq!(shape(vec![Datum::I64(1)]), shape(vec![Datum::I64(1), Datum::I64(2)]));
    }
}
