//! The texts, comments and operators that only PostgreSQL has, in statements of the user's own.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use crate::{Place, place};

#[tokio::test]
async fn dollar_quotes_escapes_and_nested_comments_hide_question_marks() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let text = "SELECT $$ ? $$, $t$ $$ ? $t$, E'\\'?', U&'?', /* ? /* ? */ ? */ ?, 1 AS a$b$, E'a'\n'\\'?'";
    let statement = sql::<(String, String, String, String, String, i32, String)>(text);
    let row = statement.bind("?".to_owned()).one(&db).await?;
    let wanted = (" ? ", " $$ ? ", "'?", "?", "?", 1, "a'?");
    assert_eq!((&*row.0, &*row.1, &*row.2, &*row.3, &*row.4, row.5, &*row.6), wanted);
    Ok(())
}

#[tokio::test]
async fn operators_with_a_question_mark_are_written_with_two() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let text = "SELECT d ?? ?, d ??| ARRAY[?, 'y'], d ??& ARRAY['a', 'z'] FROM (SELECT '{\"a\": 1}'::jsonb AS d) AS x";
    let row: (bool, bool, bool) = sql(text).bind("a".to_owned()).bind("a".to_owned()).one(&db).await?;
    assert_eq!(row, (true, true, false));
    let error = sql::<bool>("SELECT '{}'::jsonb ? 'a'").one(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint().is_some_and(|hint| hint.contains("`??`")), "{error}");
    Ok(())
}
