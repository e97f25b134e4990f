//! What the client does without a server, for `cargo xtask bench mongo`: not part of the API.

use orm_core::backend::{Collect, Decoder};
use orm_core::ir::Select;
use orm_core::query::Query;
use orm_core::{Model, Result};

use crate::bson::Elements;
use crate::cell::Spots;
use crate::layout::Layout;
use crate::lower;
use crate::read::Feed;
use crate::value::MongoTimes;

/// Decodes the documents of an array as the rows of a model.
pub fn decode<M: Model>(array: &[u8]) -> Result<Vec<M>> {
    let layout = Layout::of_model(M::meta());
    let mut decoder = Collect::<M>::default();
    let mut feed = Feed { layout: &layout, spots: Spots::default(), rows: 0, enough: false };
    for (_, _, document) in Elements::of(array) {
        feed.document(document, &mut decoder)?;
    }
    decoder.finish(0)
}

/// The command of a query.
pub fn command<M, Q, Out, N>(query: Query<M, Q, Out, N>) -> Result<Vec<u8>>
where
    Query<M, Q, Out, N>: IntoSelect,
{
    Ok(lower::read(&query.select(), MongoTimes::default())?.command)
}

/// The select of a query, whatever its types.
pub trait IntoSelect {
    /// The select.
    fn select(self) -> Select;
}

impl<M, Q, Out, N> IntoSelect for Query<M, Q, Out, N> {
    fn select(self) -> Select {
        self.into_select()
    }
}
