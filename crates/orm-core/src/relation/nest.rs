//! Rows nested in a projection: as an include, but into plain fields instead of slots.

use super::IncludePlan;
use super::keys::{Key, KeySet};
use super::load::{Keyed, child_select_of, none_left_out};
use crate::backend::{Backend, Envelope, Handle, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::meta::RelationMeta;
use crate::query::Projection;
use crate::value::ColumnType;

/// The key of a row in a nested relation; `None` if it is NULL.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::relation::NestKey;
/// /// Made and used by `#[derive(Projection)]`, one for each row and nested relation.
/// struct Found {
///     author: NestKey,
///     title: String,
/// }
/// # let _ = |found: Found| (found.author, found.title);
/// ```
#[derive(Debug)]
pub struct NestKey(Option<Key>);

impl NestKey {
    /// Reads it from these columns.
    #[doc(hidden)]
    pub fn read<R: Row>(row: &R, columns: &[(usize, ColumnType)]) -> Result<Self> {
        Key::of_cells(row, columns).map(NestKey)
    }
}

/// The rows that a relation leads to, for each of the keys.
pub(crate) async fn nest<C: Projection, B: Backend>(
    relation: &'static RelationMeta,
    plan: &IncludePlan,
    keys: Vec<NestKey>,
    handle: &Handle<B>,
) -> Result<Vec<Vec<C>>> {
    let mut keys = KeySet::of(keys.into_iter().map(|key| key.0), &relation.link);
    let mut lists: Vec<Vec<C>> = Vec::new();
    lists.resize_with(keys.places(false), Vec::new);
    if keys.is_empty() {
        return Ok(lists);
    }
    if !plan.nested.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            "a nested field of a projection has no slots to include into",
        )
        .with_field(relation.name)
        .with_hint("nest the relation in the struct of the field instead of `.include(..)`"));
    }
    let (mut select, columns) = child_select_of(plan, relation, keys.take_list(), Some(C::columns()));
    let cut = if keys.has_arrays() { select.per_parent.take() } else { None };
    let ordered = !select.order.is_empty();
    let decoder = Keyed::<C::Raw>::new(keys, columns, false);
    let found = handle.run(Envelope::of_select(select), decoder).await?;
    let (keys, rows, children) = found.settle(relation, ordered, cut)?;
    none_left_out(relation, plan, || keys.unanswered(&rows, false), handle).await?;
    let children = Box::pin(C::finish::<B>(children, &[], handle)).await?;
    for (place, child) in rows.into_iter().zip(children) {
        lists[place as usize].push(child);
    }
    Ok(lists)
}
