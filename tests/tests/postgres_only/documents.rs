//! JSON documents: conditions on their parts, and changes in place.

use orm::postgres::ops::JsonOps;

use super::*;

/// A model with a document.
#[derive(Debug, Clone, Model)]
struct Setting {
    #[orm(primary_key, auto)]
    id: i64,
    name: String,
    data: serde_json::Value,
}
orm::schema!(Settings: Setting);

#[tokio::test]
async fn documents_are_searched_and_changed_in_place() -> Result<()> {
    use serde_json::{Value, json};
    let Place { db, .. } = place(1).await?;
    Settings::create_all(&db).await?;
    let setting = |name: &str, data: Value| Setting::create().name(name).data(data).insert(&db);
    setting("a", json!({ "theme": "dark", "sizes": [1, 2], "deep": { "x\"y": 7 } })).await?;
    setting("b", json!({ "theme": "light", "beta": true })).await?;
    macro_rules! names {
        ($condition:expr) => {
            Setting::query()
                .filter($condition)
                .order_by(Setting::id.asc())
                .select(Setting::name)
                .all(&db)
                .await?
        };
    }
    assert_eq!(names!(Setting::data.json_text(["theme"]).eq("dark")), ["a"]);
    assert_eq!(names!(Setting::data.json_text(["deep", "x\"y"]).eq("7")), ["a"]);
    assert_eq!(names!(Setting::data.json_contains(json!({ "beta": true }))), ["b"]);
    assert_eq!(names!(Setting::data.json_has_any(["sizes", "none"])), ["a"]);
    assert_eq!(
        names!(Setting::data.json_has_all(["theme", "beta"]) & Setting::data.json_has_key("beta")),
        ["b"]
    );
    assert_eq!(names!(Setting::data.json_path_exists("$.sizes[*] ? (@ > 1)")), ["a"]);
    let sizes: Vec<Option<Value>> = Setting::query()
        .order_by(Setting::id.asc())
        .select(Setting::data.json_get(["sizes"]))
        .all(&db)
        .await?;
    assert_eq!(sizes, [Some(json!([1, 2])), None]);
    let changed = Setting::filter(Setting::name.eq("b"))
        .update()
        .set(
            Setting::data,
            Setting::data
                .json_set(["theme"], json!("blue"))
                .json_merge(json!({ "n": 1 }))
                .json_remove(["beta"]),
        )
        .returning(&db)
        .await?;
    assert_eq!(changed[0].data, json!({ "theme": "blue", "n": 1 }));
    Ok(())
}
