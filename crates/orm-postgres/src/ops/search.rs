//! Full-text search: <https://www.postgresql.org/docs/current/textsearch.html>.

use orm_core::backend::capabilities::FullText;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps};
use orm_core::value::{Textual, Value};

use super::{raw, text};

type Needing<E, T> = Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (FullText, ())>, <E as ExprOps>::K>;

/// Searching text as people write it. `language` is a configuration of the server: `english`, `german`, `simple` …
///
/// The query is that of `websearch_to_tsquery`: words, `"a phrase"`, `or`, `-without`. It never fails.
pub trait SearchOps: ExprOps
where
    <Self::T as Value>::Base: Textual,
    Self::N: Plus<(FullText, ())>,
{
    /// Whether the text matches the query. An index on `to_tsvector('language', column)` serves it.
    fn matches_search(
        self,
        language: impl Into<String>,
        query: impl Into<String>,
    ) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        let (language, again) = twice(language);
        raw(
            &[
                "(to_tsvector(",
                "::text::regconfig, ",
                ") @@ websearch_to_tsquery(",
                "::text::regconfig, ",
                "::text))",
            ],
            vec![text(language), self.node(), text(again), text(query)],
        )
    }

    /// How well the text matches the query; more is better.
    fn search_rank(
        self,
        language: impl Into<String>,
        query: impl Into<String>,
    ) -> Needing<Self, <Self::T as Value>::Lift<f32>> {
        let (language, again) = twice(language);
        raw(
            &[
                "ts_rank(to_tsvector(",
                "::text::regconfig, ",
                "), websearch_to_tsquery(",
                "::text::regconfig, ",
                "::text))",
            ],
            vec![text(language), self.node(), text(again), text(query)],
        )
    }

    /// The parts of the text that match, the words in `<b>`.
    fn search_headline(
        self,
        language: impl Into<String>,
        query: impl Into<String>,
    ) -> Needing<Self, <Self::T as Value>::Lift<String>> {
        let (language, again) = twice(language);
        raw(
            &[
                "ts_headline(",
                "::text::regconfig, ",
                ", websearch_to_tsquery(",
                "::text::regconfig, ",
                "::text))",
            ],
            vec![text(language), self.node(), text(again), text(query)],
        )
    }
}

impl<E: ExprOps> SearchOps for E
where
    <E::T as Value>::Base: Textual,
    E::N: Plus<(FullText, ())>,
{
}

fn twice(language: impl Into<String>) -> (String, String) {
    let language = language.into();
    (language.clone(), language)
}
