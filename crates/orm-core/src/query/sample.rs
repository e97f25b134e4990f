//! A random part of a table, for databases that can choose one.

use super::query::Query;
use crate::backend::capabilities::TableSample;
use crate::backend::{And, Needs, Plus};
use crate::ir;
use crate::model::Model;

/// A random part of a table: `Sample::rows(10.0).seed(42)`.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm::query::Sample;
/// // Runs on databases that have `TableSample`.
/// let _ = Post::query().sample(Sample::rows(10.0).seed(42));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use = "it does nothing until it is passed to `.sample(..)`"]
pub struct Sample(ir::Sample);

impl Sample {
    /// Each row with this chance in percent: the whole table is read.
    ///
    /// ```
    /// use orm::query::Sample;
    /// assert_ne!(Sample::rows(10.0), Sample::pages(10.0));
    /// ```
    pub fn rows(percent: f64) -> Self {
        Sample(ir::Sample { pages: false, percent, seed: None })
    }

    /// Each page with this chance in percent, with all its rows: only the chosen pages are read.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::query::Sample;
    /// let quick = Post::query().sample(Sample::pages(0.5)).select(Post::score.avg());
    /// # let _ = quick;
    /// ```
    pub fn pages(percent: f64) -> Self {
        Sample(ir::Sample { pages: true, percent, seed: None })
    }

    /// Chooses the same rows each time, while the table does not change.
    ///
    /// ```
    /// use orm::query::Sample;
    /// assert_eq!(Sample::rows(10.0).seed(42), Sample::rows(10.0).seed(42));
    /// ```
    pub fn seed(mut self, seed: u32) -> Self {
        self.0.seed = Some(seed);
        self
    }
}

impl<M: Model, Q, Out, N: Needs> Query<M, Q, Out, N> {
    /// Only a random part of the model's table, chosen before filters and joins.
    ///
    /// ```
    /// # use orm_guide::prelude::*;
    /// use orm::query::Sample;
    /// let some = Post::query().sample(Sample::rows(25.0)).filter(Post::score.gt(0));
    /// # let _ = some;
    /// ```
    ///
    /// A chance outside of 0 to 100 is an error of kind [`Usage`](crate::ErrorKind::Usage) when the query runs.
    pub fn sample(mut self, sample: Sample) -> Query<M, Q, Out, And<N, (TableSample, ())>>
    where
        N: Plus<(TableSample, ())>,
    {
        self.select.sample = Some(sample.0);
        self.retype()
    }
}
