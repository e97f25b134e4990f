//! What happens to the rows of a model between the driver and the user.

use super::{IncludePlan, Siblings, attach_includes};
use crate::backend::{Backend, Handle};
use crate::error::Result;
use crate::model::Model;

/// Loads what was included and tells the rows of one result of each other, for lazy loading in batches.
#[doc(hidden)]
pub async fn complete<M: Model, B: Backend>(
    rows: &mut [M],
    includes: &[IncludePlan],
    handle: &Handle<B>,
) -> Result<()> {
    if includes.is_empty() {
        Siblings::link(rows, &[]);
        return Ok(());
    }
    attach_includes::<M, B>(rows, includes, handle).await
}
