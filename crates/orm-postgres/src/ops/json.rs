//! `jsonb`: <https://www.postgresql.org/docs/current/functions-json.html>.

use orm_core::backend::capabilities::JsonOperators;
use orm_core::backend::{And, Plus};
use orm_core::expr::{Expr, ExprOps};
use orm_core::ir;
use orm_core::value::{ColumnType, Datum, JsonDocument, Value};

use super::{raw, text};

type Needing<E, T> =
    Expr<T, <E as ExprOps>::S, And<<E as ExprOps>::N, (JsonOperators, ())>, <E as ExprOps>::K>;

/// What can be done with a column of `jsonb`.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # use serde_json::json;
/// # #[derive(Debug, Clone, Model)]
/// # pub struct Article {
/// #     #[orm(primary_key, auto)]
/// #     pub id: i64,
/// #     pub tags: orm::value::Array<String>,
/// #     pub extra: serde_json::Value,
/// # }
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::ops::JsonOps;
/// let query = Article::query().filter(Article::extra.json_contains(json!({ "kind": "essay" })));
/// let authors: Vec<Option<String>> = query.select(Article::extra.json_text(["author", "name"])).all(&db).await?;
/// # Ok(()) }
/// ```
pub trait JsonOps: ExprOps
where
    <Self::T as Value>::Base: JsonDocument,
    Self::N: Plus<(JsonOperators, ())>,
{
    /// The document at a path of keys, NULL if there is none: `#>`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let query = Article::query().select(Article::extra.json_get::<serde_json::Value>(["author"]));
    /// let authors: Vec<Option<serde_json::Value>> = query.all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_get<'p, J: JsonDocument>(
        self,
        path: impl IntoIterator<Item = &'p str>,
    ) -> Needing<Self, Option<J>> {
        raw(&["(", " #> ", "::text[])"], vec![self.node(), text_array(path)])
    }

    /// What is at a path of keys as text, NULL if there is nothing or a JSON null: `#>>`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let by_ada = Article::extra.json_text(["author", "name"]).eq("Ada");
    /// let found = Article::query().filter(by_ada).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_text<'p>(self, path: impl IntoIterator<Item = &'p str>) -> Needing<Self, Option<String>> {
        raw(&["(", " #>> ", "::text[])"], vec![self.node(), text_array(path)])
    }

    /// Whether the document contains the other: `@>`. An index of kind GIN serves it.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # use serde_json::json;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let found = Article::query().filter(Article::extra.json_contains(json!({ "kind": "essay" }))).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_contains<J: JsonDocument>(self, part: J) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["(", " @> ", ")"], vec![self.node(), document(part)])
    }

    /// Whether the document is contained in the other: `<@`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # use serde_json::json;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let whole = json!({ "kind": "essay", "pages": 3 });
    /// let found = Article::query().filter(Article::extra.json_contained_in(whole)).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_contained_in<J: JsonDocument>(self, whole: J) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["(", " <@ ", ")"], vec![self.node(), document(whole)])
    }

    /// Whether an object has the key, or an array the text: `?`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let signed = Article::query().filter(Article::extra.json_has_key("author")).count(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_has_key(self, key: impl Into<String>) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["jsonb_exists(", ", ", "::text)"], vec![self.node(), text(key)])
    }

    /// Whether one of the keys is there: `?|`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let found = Article::query().filter(Article::extra.json_has_any(["author", "editor"])).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_has_any<'p>(
        self,
        keys: impl IntoIterator<Item = &'p str>,
    ) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["jsonb_exists_any(", ", ", "::text[])"], vec![self.node(), text_array(keys)])
    }

    /// Whether all of the keys are there: `?&`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let found = Article::query().filter(Article::extra.json_has_all(["author", "kind"])).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_has_all<'p>(
        self,
        keys: impl IntoIterator<Item = &'p str>,
    ) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["jsonb_exists_all(", ", ", "::text[])"], vec![self.node(), text_array(keys)])
    }

    /// The document with the value at the path set, made if it is missing: `jsonb_set`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # use serde_json::json;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let rated = Article::extra.json_set(["rating"], json!(5));
    /// Article::filter(Article::id.eq(1)).update().set(Article::extra, rated).exec(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_set<'p, J: JsonDocument>(
        self,
        path: impl IntoIterator<Item = &'p str>,
        value: J,
    ) -> Needing<Self, Self::T> {
        raw(&["jsonb_set(", ", ", "::text[], ", ")"], vec![self.node(), text_array(path), document(value)])
    }

    /// The document without what is at the path: `#-`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let unsigned = Article::extra.json_remove(["author", "name"]);
    /// Article::filter(Article::id.eq(1)).update().set(Article::extra, unsigned).exec(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_remove<'p>(self, path: impl IntoIterator<Item = &'p str>) -> Needing<Self, Self::T> {
        raw(&["(", " #- ", "::text[])"], vec![self.node(), text_array(path)])
    }

    /// Both documents as one, keys of the second winning: `||`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # use serde_json::json;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let merged = Article::extra.json_merge(json!({ "kind": "note" }));
    /// Article::filter(Article::id.eq(1)).update().set(Article::extra, merged).exec(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_merge<J: JsonDocument>(self, other: J) -> Needing<Self, Self::T> {
        raw(&["(", " || ", ")"], vec![self.node(), document(other)])
    }

    /// Whether an SQL/JSON path finds anything: `@?`.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # #[derive(Debug, Clone, Model)]
    /// # pub struct Article {
    /// #     #[orm(primary_key, auto)]
    /// #     pub id: i64,
    /// #     pub tags: orm::value::Array<String>,
    /// #     pub extra: serde_json::Value,
    /// # }
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::ops::JsonOps;
    /// let long = Article::extra.json_path_exists("$.pages ? (@ > 100)");
    /// let found = Article::query().filter(long).all(&db).await?;
    /// # Ok(()) }
    /// ```
    fn json_path_exists(self, path: impl Into<String>) -> Needing<Self, <Self::T as Value>::Lift<bool>> {
        raw(&["jsonb_path_exists(", ", ", "::text::jsonpath)"], vec![self.node(), text(path)])
    }
}

impl<E: ExprOps> JsonOps for E
where
    <E::T as Value>::Base: JsonDocument,
    E::N: Plus<(JsonOperators, ())>,
{
}

fn document<J: JsonDocument>(value: J) -> ir::Expr {
    ir::Expr::Value(Value::encode(value), ColumnType::Json)
}

/// A list of texts as the text of an array, which the server reads after a cast.
fn text_array<'p>(items: impl IntoIterator<Item = &'p str>) -> ir::Expr {
    let mut out = String::from("{");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        for c in item.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push('}');
    ir::Expr::Cast(
        Box::new(ir::Expr::Value(Datum::Text(out), ColumnType::Text)),
        ColumnType::Text,
        ColumnType::Text,
    )
}
