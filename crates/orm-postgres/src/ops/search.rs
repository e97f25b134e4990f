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
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::SearchOps;
/// let words = "engine -steam";
/// let found = Post::query()
///     .filter(Post::title.matches_search("english", words))
///     .order_by(Post::title.search_rank("english", words).desc())
///     .all(&db)
///     .await?;
/// # Ok(()) }
/// ```
pub trait SearchOps: ExprOps
where
    <Self::T as Value>::Base: Textual,
    Self::N: Plus<(FullText, ())>,
{
    /// Whether the text matches the query. An index on `to_tsvector('language', column)` serves it.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::SearchOps;
    /// let found = Post::query().filter(Post::title.matches_search("english", "\"analytical engine\"")).all(&db).await?;
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::SearchOps;
    /// let rank = Post::title.search_rank("english", "engine");
    /// let ranked: Vec<(String, f32)> = Post::query().select((Post::title, rank)).all(&db).await?;
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::SearchOps;
    /// let parts: Vec<String> = Post::query().select(Post::title.search_headline("english", "engine")).all(&db).await?;
    /// # Ok(()) }
    /// ```
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
