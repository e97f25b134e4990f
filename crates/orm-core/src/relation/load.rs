//! Loading: one query for a relation of any number of rows.
//!
//! Parents' keys are collected and de-duplicated ([`KeySet`]), the child query is built from the plan, the decoder reads
//! each child together with its key and notes the place where it belongs, includes of the children are loaded for all of them
//! at once, and an [`Attach`] puts them into the slots. What depends on no type is in plain functions.

use super::keys::{Key, KeySet};
use super::{BelongsTo, HasMany, HasOne, IncludePlan, ManyToMany, Mark, Rel, Siblings, Slot};
use crate::backend::{Backend, BoxFuture, Decoder, Envelope, Flow, FromRow, Handle, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BinaryOp, ColumnRef, Expr, Join, JoinKind, Output, PerParent, Select, Source};
use crate::meta::{LinkMeta, RelationKind, RelationMeta};
use crate::model::Model;
use crate::value::{ColumnType, Datum};

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
/// A relation that stands in `plans` twice is an error unless both ask for all of its rows; what they include in turn is then loaded
/// for both. Slots that stay empty learn their [`Siblings`].
///
/// ```
/// # use orm_guide::prelude::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
/// use orm::relation::{IncludePlan, attach_includes};
/// let mut posts = Post::query().order_by(Post::id.asc()).all(&db).await?;
/// attach_includes::<Post, Sqlite>(&mut posts, &[IncludePlan::new(Post::author)], db.handle()).await?;
/// assert_eq!(posts[2].author.get()?.name, "Bob");
/// # Ok(()) }
/// ```
pub fn attach_includes<'a, M: Model, B: Backend>(
    rows: &'a mut [M],
    plans: &'a [IncludePlan],
    handle: &'a Handle<B>,
) -> BoxFuture<'a, Result<()>> {
    M::attach::<B>(rows, plans, handle)
}

/// `Model::fetch` of a model.
type Fetch<M, B> = for<'a> fn(&'a [M], &'a IncludePlan, &'a Handle<B>) -> BoxFuture<'a, Result<Attach<M>>>;
/// `Model::attach` of a model.
type AttachTo<T, B> = for<'a> fn(&'a mut [T], &'a [IncludePlan], &'a Handle<B>) -> BoxFuture<'a, Result<()>>;

/// What a derived `Model::attach` calls.
#[doc(hidden)]
pub fn attach<'a, M: Model, B: Backend>(
    rows: &'a mut [M],
    plans: &'a [IncludePlan],
    handle: &'a Handle<B>,
    fetch: Fetch<M, B>,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let plans = IncludePlan::merged(M::meta(), plans)?;
        if rows.is_empty() {
            return Ok(());
        }
        match &*plans {
            [] => {}
            [plan] => {
                let attach = fetch(rows, plan, handle).await?;
                attach(rows)?;
            }
            plans => {
                let shared: &[M] = rows;
                let handle = handle.together().await?;
                let fetches = plans.iter().map(|plan| fetch(shared, plan, &handle));
                // All of them to their ends: a statement that is cut off costs its connection.
                for attach in futures_util::future::join_all(fetches).await {
                    attach?(rows)?;
                }
            }
        }
        Siblings::link(rows, &plans);
        Ok(())
    })
}

macro_rules! fetch {
    ($($(#[$doc:meta])* $name:ident, $slot:ident;)*) => {$(
        $(#[$doc])*
        #[doc(hidden)]
        pub fn $name<'a, M: Model, T: Model, V: 'static, B: Backend>(
            rel: Rel<M, $slot<T>, V>,
            rows: &'a [M],
            plan: &'a IncludePlan,
            handle: &'a Handle<B>,
            attach: AttachTo<T, B>,
        ) -> BoxFuture<'a, Result<Attach<M>>> {
            Box::pin(fetch::<M, $slot<T>, B>(rel.plain(), rows, plan, handle, attach))
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
    handle: &Handle<B>,
    attach: AttachTo<S::Target, B>,
) -> Result<Attach<M>> {
    let keys = KeySet::of(rows.iter().map(|row| Key::of_row(row, rel.local())), &rel.meta().link);
    let (keys, mut contents) = fetch_contents::<S, B>(rel.meta(), keys, plan, handle, attach).await?;
    let mark = Mark::of_load(plan, handle);
    Ok(Box::new(move |rows| {
        for (index, row) in rows.iter_mut().enumerate() {
            let content = content_of::<S>(&keys, &mut contents, index);
            rel.slot_mut(row).put(content, mark.for_print(keys.print_of(index)));
        }
        Ok(())
    }))
}

/// Loads a relation for those of the rows that lack it: for all of them if only some of its rows are wanted, or in an order, or with
/// relations of their own.
pub(super) async fn fetch_missing<M: Model, S: Slot, B: Backend>(
    rel: Rel<M, S>,
    rows: &mut [M],
    plan: &IncludePlan,
    handle: &Handle<B>,
) -> Result<()> {
    let anew = !(plan.is_whole() && plan.select.order.is_empty() && plan.nested.is_empty());
    let mut missing: Vec<&mut M> =
        rows.iter_mut().filter(|row| anew || !is_current(rel, *row, handle)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let keys = KeySet::of(missing.iter().map(|row| Key::of_row::<M>(row, rel.local())), &rel.meta().link);
    let (keys, mut contents) =
        fetch_contents::<S, B>(rel.meta(), keys, plan, handle, <S::Target as Model>::attach::<B>).await?;
    let mark = Mark::of_load(plan, handle);
    for (index, row) in missing.iter_mut().enumerate() {
        let content = content_of::<S>(&keys, &mut contents, index);
        rel.slot_mut(row).put(content, mark.for_print(keys.print_of(index)));
    }
    Ok(())
}

/// Whether the slot of a row holds all rows of the relation as they can be read here.
pub(super) fn is_current<M: Model, S: Slot, B: Backend>(rel: Rel<M, S>, row: &M, handle: &Handle<B>) -> bool {
    let mark = rel.slot(row).mark();
    mark.is_some_and(|mark| mark.serves(Key::of_row(row, rel.local()).as_ref(), handle))
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
    handle: &Handle<B>,
    attach: AttachTo<S::Target, B>,
) -> Result<(KeySet, Vec<S::Content>)> {
    let places = keys.places(S::SHARED);
    if keys.is_empty() {
        let contents = std::iter::repeat_with(S::Content::default).take(places).collect();
        return Ok((keys, contents));
    }
    let (mut select, columns) = child_select(plan, relation, keys.take_list());
    let cut = if keys.has_arrays() { select.per_parent.take() } else { None };
    let ordered = !select.order.is_empty();
    let decoder = Keyed::<S::Target>::new(keys, columns, S::SHARED);
    let found = handle.run(Envelope::of_select(select), decoder).await?;
    let (keys, rows, mut children) = found.settle(relation, ordered, cut)?;
    none_left_out(relation, plan, || keys.unanswered(&rows, S::SHARED), handle).await?;
    attach(&mut children, &plan.nested, handle).await?;
    let contents = S::distribute(relation, places, &rows, children)?;
    Ok((keys, contents))
}

/// Reads children and notes the place of each.
///
/// If several parents have the same key and do not share their children (a join may yield a parent more than once), each
/// gets its own copy, read from the same row.
pub(super) struct Keyed<T> {
    keys: KeySet,
    columns: Vec<(usize, ColumnType)>,
    shared: bool,
    pub(super) places: Vec<u32>,
    pub(super) children: Vec<T>,
    /// Whether a child came that belongs to no row.
    stray: bool,
}

impl<T> Keyed<T> {
    pub(super) fn new(keys: KeySet, columns: Vec<(usize, ColumnType)>, shared: bool) -> Self {
        Keyed { keys, columns, shared, places: Vec::new(), children: Vec::new(), stray: false }
    }
}

impl<T> Keyed<T> {
    /// The row of each child, and the children. Where the rows keep their keys in arrays, children come in the order of these,
    /// unless the query had one, and what is cut off of each list is cut off here.
    ///
    /// # Errors
    /// If the database found a child whose key none of the rows has.
    pub(super) fn settle(
        self,
        relation: &RelationMeta,
        ordered: bool,
        cut: Option<PerParent>,
    ) -> Result<(KeySet, Vec<u32>, Vec<T>)> {
        let Keyed { keys, places, children, stray, .. } = self;
        if stray {
            return Err(compared_otherwise(relation));
        }
        if !keys.has_arrays() {
            return Ok((keys, places, children));
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
        Ok((keys, places, children))
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
            let Keyed { keys, shared, places, children, stray, .. } = self;
            let before = places.len();
            keys.for_each_place(&key, *shared, |place| {
                children.push(T::from_row(row, 0)?);
                places.push(place);
                Ok(())
            })?;
            *stray |= places.len() == before;
        }
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.places.clear();
        self.children.clear();
        self.stray = false;
    }
    fn finish(self, _: u64) -> Result<Self> {
        Ok(self)
    }
}

/// Asks once more, and alone, for the keys of a `BelongsTo` that nothing was found for: the database may have found their rows by
/// the key of another row, which is all that came back. Where keys are not text, or all were answered, nothing is asked.
pub(super) async fn none_left_out<B: Backend>(
    relation: &'static RelationMeta,
    plan: &IncludePlan,
    unanswered: impl FnOnce() -> Vec<Key>,
    handle: &Handle<B>,
) -> Result<()> {
    let target = (relation.target)();
    let mut types = relation.remote.iter().map(|column| target.column(*column).ty());
    if relation.kind != RelationKind::BelongsTo || !types.any(is_text) {
        return Ok(());
    }
    let keys = unanswered();
    if keys.is_empty() {
        return Ok(());
    }
    let list = KeySet::of(keys.into_iter().map(Some), &relation.link).take_list();
    let (select, _) = child_select(plan, relation, list);
    if handle.run(Envelope::of_select(select), AnyRow(false)).await? {
        return Err(compared_otherwise(relation));
    }
    Ok(())
}

/// Whether a collation may compare values of the type, or blanks at their end may not count.
pub(super) fn is_text(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::Text | ColumnType::Char | ColumnType::Native(_))
}

/// Whether a row comes.
struct AnyRow(bool);

impl Decoder for AnyRow {
    type Out = bool;
    fn row<R: Row>(&mut self, _: &R) -> Result<Flow> {
        self.0 = true;
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.0 = false;
    }
    fn finish(self, _: u64) -> Result<bool> {
        Ok(self.0)
    }
}

/// The database compares keys by a collation, or without the blanks at their end; here they are compared byte by byte.
#[cold]
pub(super) fn compared_otherwise(relation: &RelationMeta) -> Error {
    let text = format!(
        "the database found rows for the relation `{}` whose keys equal no key byte by byte, and cannot say to which row each belongs",
        relation.name
    );
    Error::new(ErrorKind::Unsupported, text)
        .with_model((relation.target)().name)
        .with_field(relation.name)
        .with_hint("a collation without case, or a type padded with blanks, makes keys equal that differ: spell them alike on both sides, or compare them with `join`")
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
) -> (Select, Vec<(usize, ColumnType)>) {
    child_select_of(plan, relation, keys, None)
}

/// As [`child_select`], with other columns than those of the model; the key comes after them.
pub(super) fn child_select_of(
    plan: &IncludePlan,
    relation: &RelationMeta,
    keys: Vec<Datum>,
    columns_wanted: Option<Vec<Expr>>,
) -> (Select, Vec<(usize, ColumnType)>) {
    let mut select = plan.select.clone();
    let target = select.from;

    let (source, key, at): (Source, &'static [u16], Option<usize>) = match relation.through() {
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
    let types: Vec<ColumnType> = key.iter().map(|index| source.model.column(*index).ty()).collect();
    let positions = key.iter().enumerate().map(|(part, index)| at.map_or(*index as usize, |at| at + part));
    let cells = positions.zip(types.iter().copied()).collect();

    if let Some(morph) = relation.morph.as_ref().filter(|_| relation.kind != RelationKind::MorphTo) {
        let column = Expr::Column(ColumnRef { source: target, index: morph.column });
        let ty = target.model.column(morph.column).ty();
        let tag = Expr::Value(Datum::Text(morph.tag.to_owned()), ty);
        select.and_filter(Expr::binary(BinaryOp::Eq, column, tag, ty));
    }
    let in_arrays = matches!(relation.link, LinkMeta::KeysThere);
    select.and_filter(match (key, types.as_slice()) {
        ([column], [ColumnType::Array(element)]) if in_arrays => Expr::Overlap {
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
    use crate::ir::Command;
    use crate::meta::{ColumnMeta, ModelMeta, MorphMeta, ThroughMeta};
    use crate::write::NewRow;

    fn model(name: &'static str, columns: &[&str]) -> ModelMeta {
        let columns = columns
            .iter()
            .map(|name| ColumnMeta {
                name: (*name).into(),
                ty: Some(ColumnType::I64),
                ..ColumnMeta::default()
            })
            .collect();
        ModelMeta { name, table: name, columns, primary_key: &[0], ..ModelMeta::default() }
    }
    static TAG: LazyLock<ModelMeta> = LazyLock::new(|| model("Tag", &["id", "name", "owner"]));
    static LINK: LazyLock<ModelMeta> = LazyLock::new(|| model("Link", &["post_id", "tag_id"]));

    fn relation(kind: RelationKind, remote: &'static [u16]) -> RelationMeta {
        RelationMeta {
            name: "tags",
            kind,
            target: || &TAG,
            local: &[0],
            remote,
            link: LinkMeta::Columns,
            morph: None,
        }
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
        assert_eq!(cells, [(2, ColumnType::I64)]);
        let Some(Expr::InList { expr, list, .. }) = &select.filter else { panic!("{:?}", select.filter) };
        assert!(matches!(&**expr, Expr::Column(column) if column.index == 2));
        assert_eq!(list, &[Datum::I64(1)]);
    }

    #[test]
    fn a_composite_key_is_a_list_of_tuples() {
        let keys = vec![Datum::I64(1), Datum::I64(2)];
        let (select, cells) = child_select(&plan(), &relation(RelationKind::HasMany, &[2, 0]), keys);
        assert_eq!(cells, [(2, ColumnType::I64), (0, ColumnType::I64)]);
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
        relation.link = LinkMeta::Join(ThroughMeta {
            model: || &LINK,
            new_row: || NewRow::new(&LINK),
            near: &[0],
            far: &[1],
        });
        let (select, cells) = child_select(&plan(), &relation, vec![Datum::I64(1)]);
        assert_eq!(cells, [(3, ColumnType::I64)]);
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
