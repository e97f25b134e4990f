//! The names of a schema: how those of indexes and constraints are derived, and that no two are one.
//!
//! A database that folds case or cuts long names takes two different names for one, and `IF NOT EXISTS` then leaves the second
//! thing out without a word. So derived names are never ambiguous and never longer than any supported database keeps, and all
//! names of a schema are compared, as the database would have them, before the first statement.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::meta::{ForeignKeyMeta, ModelMeta};
use crate::schema::optional_embeds;

/// The longest name that every supported database keeps whole, in bytes: that of PostgreSQL.
const LONGEST: usize = 63;

/// The name of an index or constraint: its kind, the table and the columns, told apart by `_`, or by `__` where one of them has a
/// `_` itself. What would be ambiguous or too long ends in a hash of all of it.
///
/// ```
/// use orm_core::schema::derived_name;
/// assert_eq!(derived_name("uq", "users", &["email"]), "uq_users_email");
/// assert_eq!(derived_name("uq", "shop", &["item_code"]), "uq_shop__item_code");
/// assert_eq!(derived_name("uq", "shop_item", &["code"]), "uq_shop_item__code");
/// let long = derived_name("idx", &"measurement".repeat(9), &["taken_at"]);
/// assert_eq!(long.len(), 63);
/// ```
pub fn derived_name(kind: &str, table: &str, columns: &[&str]) -> String {
    let parts = || std::iter::once(table).chain(columns.iter().copied());
    let simple = parts().all(|part| !part.is_empty() && !part.contains('_'));
    let separator = if simple { "_" } else { "__" };
    let parts: Vec<&str> = parts().collect();
    let plain = format!("{kind}_{}", parts.join(separator));
    let clear = simple
        || parts.iter().all(|part| {
            !part.is_empty() && !part.contains("__") && !part.starts_with('_') && !part.ends_with('_')
        });
    if clear && plain.len() <= LONGEST {
        return plain;
    }
    // A byte that no name has keeps the parts apart.
    let hash = fold(parts.iter().flat_map(|part| part.bytes().chain([0xff])));
    format!("{}_{hash:08x}", cut(&plain, LONGEST - 9))
}

/// 32 bits of FNV-1a, which stays the same in every version of every program.
fn fold(bytes: impl Iterator<Item = u8>) -> u32 {
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}

fn cut(name: &str, bytes: usize) -> &str {
    let mut end = name.len().min(bytes);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// The name of a foreign key. A second one over the same columns names its target, too.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::foreign_key_name;
/// assert_eq!(foreign_key_name(Post::meta(), &Post::meta().foreign_keys[0]), "fk_posts__author_id");
/// ```
pub fn foreign_key_name(model: &ModelMeta, key: &ForeignKeyMeta) -> String {
    let mut parts: Vec<&str> = key.columns.iter().map(|index| model.column(*index).name.as_str()).collect();
    let first = model.foreign_keys.iter().find(|other| other.columns == key.columns);
    if !first.is_some_and(|first| std::ptr::eq(first, key) || same_target(first, key)) {
        let target = (key.target)();
        parts.push(target.table);
        parts.extend(key.referenced().iter().map(|index| target.column(*index).name.as_str()));
    }
    derived_name("fk", model.table, &parts)
}

fn same_target(a: &ForeignKeyMeta, b: &ForeignKeyMeta) -> bool {
    std::ptr::eq((a.target)(), (b.target)()) && a.referenced() == b.referenced()
}

/// The name of the check that holds a column to what its field can hold.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::column_check_name;
/// assert_eq!(column_check_name(User::meta(), User::email.index()), "ck_users_email");
/// ```
pub fn column_check_name(model: &ModelMeta, column: u16) -> String {
    derived_name("ck", model.table, &[&model.column(column).name])
}

/// How a database takes names.
///
/// ```
/// use orm_core::schema::NameRules;
/// let rules = NameRules { folds_case: true, longest: usize::MAX, implicit: |_| Vec::new() };
/// assert!(rules.folds_case);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct NameRules {
    /// Whether names that differ in the case of ASCII letters are one.
    pub folds_case: bool,
    /// How many bytes of a name are kept.
    pub longest: usize,
    /// What the database names by itself for a table, where tables and indexes have their names.
    pub implicit: fn(&ModelMeta) -> Vec<String>,
}

impl NameRules {
    fn folded(&self, name: &str) -> String {
        let kept = cut(name, self.longest);
        if self.folds_case { kept.to_ascii_lowercase() } else { kept.to_owned() }
    }
}

/// A namespace, filled name by name.
struct Names<'r> {
    rules: &'r NameRules,
    taken: HashMap<String, String>,
}

impl<'r> Names<'r> {
    fn new(rules: &'r NameRules) -> Self {
        Names { rules, taken: HashMap::new() }
    }

    /// Takes a name for `what`; if it is taken, the error says by what.
    fn take(&mut self, name: &str, what: String) -> Result<()> {
        if name.len() > self.rules.longest {
            let text =
                format!("the database keeps {} bytes of a name, and {what} has more", self.rules.longest);
            return Err(Error::new(ErrorKind::Schema, text));
        }
        match self.taken.get(&self.rules.folded(name)) {
            Some(other) => Err(Error::new(
                ErrorKind::Schema,
                format!("{other} and {what} have one name in the database"),
            )),
            None => {
                self.taken.insert(self.rules.folded(name), what);
                Ok(())
            }
        }
    }
}

/// Refuses models whose tables, columns, indexes or constraints a database would take for one another.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::{NameRules, check_names};
/// let rules = NameRules { folds_case: true, longest: usize::MAX, implicit: |_| Vec::new() };
/// assert!(check_names(&[User::meta(), Post::meta()], &rules).is_ok());
/// let error = check_names(&[User::meta(), User::meta()], &rules).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Schema);
/// ```
///
/// # Errors
/// [`ErrorKind::Schema`], with both in the text.
pub fn check_names(models: &[&'static ModelMeta], rules: &NameRules) -> Result<()> {
    let mut tables = Names::new(rules);
    for model in models {
        let named = |error: Error| {
            error.with_model(model.name).with_hint("name one of them otherwise with `table = \"…\"`")
        };
        tables
            .take(model.table, format!("the table `{}` of `{}`", model.table, model.name))
            .map_err(named)?;
    }
    for model in models {
        let table = model.table;
        let mut columns = Names::new(rules);
        for column in &model.columns {
            let what = format!("the column `{}` of the field `{}`", column.name, column.field);
            columns.take(&column.name, what).map_err(|error| {
                error.with_model(model.name).with_field(column.field.clone()).with_hint(
                    "name one of them otherwise with `column = \"…\"`, or `embed(prefix = \"…\")` for an embedded struct",
                )
            })?;
        }
        let of_model = |error: Error| error.with_model(model.name);
        for index in &model.indexes {
            let of_index = |error: Error| {
                of_model(error)
                    .with_constraint(index.name.clone())
                    .with_hint("leave one of them out, or give a table another name")
            };
            let kind = if index.unique { "unique constraint" } else { "index" };
            tables
                .take(&index.name, format!("the {kind} `{}` of `{table}`", index.name))
                .map_err(of_index)?;
        }
        for name in (rules.implicit)(model) {
            let what = format!("`{name}`, which the database adds to `{table}`,");
            tables.take(&name, what).map_err(of_model)?;
        }
        let mut constraints = Names::new(rules);
        for check in &model.checks {
            let what = format!("the check `{}`", check.name);
            constraints.take(check.name, what).map_err(of_model)?;
        }
        for index in 0..model.columns.len() as u16 {
            let what = format!("the check of the column `{}`", model.column(index).name);
            constraints.take(&column_check_name(model, index), what).map_err(of_model)?;
        }
        for embed in optional_embeds(model) {
            let what = format!("the check of the embedded `{}`", embed.field);
            constraints.take(&embed.check, what).map_err(of_model)?;
        }
        for (at, key) in model.foreign_keys.iter().enumerate() {
            let twin = model.foreign_keys[..at].iter().any(|other| {
                other.columns == key.columns
                    && same_target(other, key)
                    && (other.on_delete, other.on_update, other.deferral)
                        == (key.on_delete, key.on_update, key.deferral)
            });
            // Two relations over one key are one constraint.
            if !twin {
                let name = foreign_key_name(model, key);
                let what = format!("the foreign key `{name}`");
                constraints.take(&name, what).map_err(of_model)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::{ColumnMeta, IndexMeta};

    #[test]
    fn different_things_have_different_names_that_no_server_cuts() {
        let long = "x".repeat(70);
        let lists: &[(&str, &[&str])] = &[
            ("shop", &["item_code"]),
            ("shop_item", &["code"]),
            ("shop", &["item", "code"]),
            ("shop__item", &["code"]),
            ("shop_", &["item_code"]),
            ("shop", &["_item_code"]),
            ("shop", &["item__code"]),
            (&long, &["a"]),
            (&long, &["b"]),
            ("a", &[&long]),
            ("ä".repeat(40).leak(), &["b"]),
        ];
        let names: Vec<String> =
            lists.iter().map(|(table, columns)| derived_name("uq", table, columns)).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(name.len() <= LONGEST, "{name}");
            assert!(!names[..at].contains(name), "{name} twice in {names:?}");
        }
    }

    fn model(name: &'static str, table: &'static str, columns: &[&str]) -> &'static ModelMeta {
        let column =
            |name: &&str| ColumnMeta { name: (*name).into(), field: (*name).into(), ..Default::default() };
        let columns = columns.iter().map(column).collect();
        Box::leak(Box::new(ModelMeta { name, table, columns, ..Default::default() }))
    }

    #[test]
    fn names_are_compared_as_the_database_has_them() {
        let folding = NameRules { folds_case: true, longest: usize::MAX, implicit: |_| Vec::new() };
        let exact = NameRules { folds_case: false, longest: LONGEST, implicit: |_| Vec::new() };
        let (a, b) = (model("A", "items", &["id"]), model("B", "Items", &["id"]));
        let error = check_names(&[a, b], &folding).expect_err("one table");
        assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("B")));
        assert!(check_names(&[a, b], &exact).is_ok());
        let twice = model("C", "c", &["id", "ID"]);
        assert_eq!(check_names(&[twice], &folding).expect_err("one column").fields(), ["ID"]);
        assert!(check_names(&[twice], &exact).is_ok());
        let long = model("D", "d".repeat(64).leak(), &["id"]);
        assert!(check_names(&[long], &exact).is_err());
        assert!(check_names(&[long], &folding).is_ok());
    }

    #[test]
    fn an_index_is_not_called_like_a_table() {
        let rules = NameRules {
            folds_case: false,
            longest: LONGEST,
            implicit: |model| vec![format!("{}_pkey", model.table)],
        };
        let mut shop = ModelMeta { name: "Shop", table: "shop", ..Default::default() };
        shop.indexes.push(IndexMeta {
            name: "items".into(),
            columns: Vec::new(),
            unique: true,
            nulls_not_distinct: false,
        });
        let shop: &'static ModelMeta = Box::leak(Box::new(shop));
        let error = check_names(&[shop, model("Item", "items", &[])], &rules).expect_err("one name");
        assert_eq!(error.constraint(), Some("items"));
        assert!(check_names(&[model("A", "a", &[]), model("B", "a_pkey", &[])], &rules).is_err());
    }
}
