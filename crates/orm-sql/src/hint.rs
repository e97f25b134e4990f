//! What to do about a column that a table does not have.

use orm_core::meta::ModelMeta;

/// The hint for a missing column. A column of the model is missing in the table; another name is misspelt, and the model may
/// have one that is alike.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_sql::missing_column;
/// let hint = |name| missing_column(Some(User::meta()), name);
/// assert!(hint("emial").contains("`email`"));
/// assert!(!hint("colour").contains("similar"));
/// assert!(hint("email").starts_with("the table lacks a column of the model"));
/// ```
pub fn missing_column(model: Option<&ModelMeta>, wanted: &str) -> String {
    let names = || model.into_iter().flat_map(|model| &model.columns).map(|column| column.name.as_str());
    if names().any(|name| name == wanted) {
        return "the table lacks a column of the model: run the pending migrations, or say how the table calls it by \
                `#[orm(column = \"…\")]`"
            .to_owned();
    }
    // A third of the letters may differ; what differs more is another word.
    let near = names()
        .map(|name| (strsim::osa_distance(name, wanted), name))
        .filter(|(distance, name)| *distance * 3 <= name.chars().count().max(3))
        .min();
    match near {
        Some((_, name)) => format!("the model has a similar column `{name}`"),
        None => "the table may lack a migration".to_owned(),
    }
}
