//! Joins along a relation, and tests of the rows that it leads to.

use orm_core::Error;
use orm_core::ir::{Join, JoinKind, Quantifier, RelationTest, Source};
use orm_core::meta::{ModelMeta, RelationKind, RelationMeta, ThroughMeta};
use orm_core::value::ColumnType;

use super::operand::{Level, Sql};
use super::{Render, usage};

impl Render<'_> {
    /// `column = column` for each part of a key, both sides given as qualifier, model and columns.
    fn key_pairs(&self, left: Side, right: Side) -> Result<Vec<String>, Error> {
        if left.columns.len() != right.columns.len() {
            return Err(usage(format!(
                "the keys of `{}` and `{}` differ in length",
                left.model.name, right.model.name
            )));
        }
        let name = |side: &Side, index: u16| {
            Ok::<_, Error>(super::qualified(side.qualifier, &self.column_name(side.model, index)?))
        };
        let pair = |(a, b): (&u16, &u16)| {
            let types = [left.model.column(*a).ty(), right.model.column(*b).ty()];
            let (a, b) = (name(&left, *a)?, name(&right, *b)?);
            // Keys kept in an array, on one side or the other.
            match types {
                [ColumnType::Array(_), ColumnType::Array(_)] => Ok(format!("{a} = {b}")),
                [ColumnType::Array(_), ty] => self.dialect.held_by(&b, &a, ty),
                [ty, ColumnType::Array(_)] => self.dialect.element_of(&a, &b, ty, false),
                _ => Ok(format!("{a} = {b}")),
            }
        };
        left.columns.iter().zip(right.columns).map(pair).collect()
    }

    fn morph(&self, relation: &RelationMeta, qualifier: &str, out: &mut Vec<String>) -> Result<(), Error> {
        if let Some(morph) = &relation.morph {
            let column = self.column_name((relation.target)(), morph.column)?;
            out.push(format!("{qualifier}.{column} = {}", self.dialect.text_literal(morph.tag)));
        }
        Ok(())
    }

    /// Brings a join's target into scope under a fresh alias. The join itself is rendered later: what comes
    /// before it may use its columns.
    pub(super) fn enter_join(&mut self, join: &Join) -> Result<JoinNames, Error> {
        if self.scopes.last().is_some_and(|scope| scope.iter().any(|entry| entry.source == join.target)) {
            let name = join.target.model.name;
            return Err(
                usage(format!("`{name}` is part of this query twice")).with_hint("give one of them an alias")
            );
        }
        let through = join.relation.and_then(|(_, relation)| relation.through());
        let link = through.map(|_| self.alias());
        let alias = self.alias();
        self.enter(join.target, Some(alias.clone()), join.kind == JoinKind::Left);
        Ok(JoinNames { link, alias })
    }

    /// A join clause, with a leading space.
    pub(super) fn join(&mut self, join: &Join, names: &JoinNames) -> Result<String, Error> {
        let optional = join.kind == JoinKind::Left;
        let word = if optional { "LEFT JOIN" } else { "INNER JOIN" };
        let alias = &names.alias;
        if let Some(select) = &join.lateral {
            let query = self.subquery(select)?;
            return Ok(format!(" {word} LATERAL ({query}) AS {alias}{}", self.on(join, Vec::new())?));
        }
        let target_sql = format!("{} AS {alias}", self.dialect.table(join.target.model));
        let Some((from, relation)) = join.relation else {
            return Ok(format!(" {word} {target_sql}{}", self.on(join, Vec::new())?));
        };
        check(relation, join.target)?;
        let near = self.entry(from)?.qualifier.clone();
        let local = Side { qualifier: near.as_deref(), model: from.model, columns: relation.local };
        let remote = Side::new(alias, join.target.model, relation.remote);
        let (Some(through), Some(link)) = (relation.through(), &names.link) else {
            let mut on = self.key_pairs(remote, local)?;
            self.morph(relation, alias, &mut on)?;
            return Ok(format!(" {word} {target_sql}{}", self.on(join, on)?));
        };
        let middle = (through.model)();
        let near_on = self.key_pairs(Side::new(link, middle, through.near), local)?;
        let mut far_on = self.key_pairs(remote, Side::new(link, middle, through.far))?;
        self.morph(relation, alias, &mut far_on)?;
        let middle_sql = format!("{} AS {link}", self.dialect.table(middle));
        let plain = join.on.is_none() && join.on_columns.is_empty() && relation.morph.is_none();
        if !optional || (plain && always_leads_on(through, relation)) {
            let near_on = near_on.join(" AND ");
            return Ok(format!(
                " {word} {middle_sql} ON {near_on} {word} {target_sql}{}",
                self.on(join, far_on)?
            ));
        }
        // A link without a target (or one that the condition refuses) must not give a row of NULLs.
        let far_on = far_on.join(" AND ");
        Ok(format!(
            " LEFT JOIN ({middle_sql} INNER JOIN {target_sql} ON {far_on}){}",
            self.on(join, near_on)?
        ))
    }

    /// The ON clause: what the relation says and what the query adds.
    fn on(&mut self, join: &Join, mut parts: Vec<String>) -> Result<String, Error> {
        for (left, right) in &join.on_columns {
            parts.push(format!("{} = {}", self.column(*left)?, self.column(*right)?));
        }
        if let Some(condition) = &join.on {
            let level = if parts.is_empty() { Level::Raw } else { Level::And };
            parts.push(self.expr(condition)?.at(level));
        }
        if parts.is_empty() {
            parts.push(self.dialect.boolean(true).into());
        }
        Ok(format!(" ON {}", parts.join(" AND ")))
    }

    /// `[NOT] EXISTS` or a count over the rows that a relation leads to.
    pub(super) fn relation_test(&mut self, test: &RelationTest) -> Result<Sql, Error> {
        self.nested = true;
        let relation = test.relation;
        let target = Source { model: (relation.target)(), alias: test.alias };
        check(relation, target)?;
        // The outer side is looked up before the inner one hides it: a model may lead to itself.
        let outer = self.entry(test.from)?.qualifier.clone();
        let local = Side { qualifier: outer.as_deref(), model: test.from.model, columns: relation.local };
        let alias = self.alias();
        let mut tables = format!("{} AS {alias}", self.dialect.table(target.model));
        let remote = Side::new(&alias, target.model, relation.remote);
        let mut parts = match relation.through() {
            None => self.key_pairs(remote, local)?,
            Some(through) => {
                let (link, middle) = (self.alias(), (through.model)());
                let far = self.key_pairs(remote, Side::new(&link, middle, through.far))?;
                tables +=
                    &format!(" INNER JOIN {} AS {link} ON {}", self.dialect.table(middle), far.join(" AND "));
                self.key_pairs(Side::new(&link, middle, through.near), local)?
            }
        };
        self.morph(relation, &alias, &mut parts)?;
        self.scopes.push(Vec::new());
        self.enter(target, Some(alias), false);
        let aggregated = self.aggregated;
        let filter = test.filter.as_ref().map(|filter| self.expr(filter)).transpose()?;
        self.aggregated = aggregated;
        self.scopes.pop();
        match (test.quantifier, filter) {
            // Every row meets no condition at all.
            (Quantifier::All, None) => parts.push(self.dialect.boolean(false).into()),
            (Quantifier::All, Some(filter)) => parts.push(format!("({}) IS NOT TRUE", filter.text)),
            (_, Some(filter)) => parts.push(filter.at(Level::And)),
            (_, None) => {}
        }
        let rest = format!("FROM {tables} WHERE {}", parts.join(" AND "));
        Ok(match test.quantifier {
            Quantifier::Any => Sql::atom(self.dialect.exists(&format!("SELECT 1 {rest}"))),
            Quantifier::All | Quantifier::None => {
                Sql::new(format!("NOT EXISTS (SELECT 1 {rest})"), Level::Not)
            }
            Quantifier::Count => Sql::atom(format!("(SELECT COUNT(*) {rest})")),
        })
    }
}

/// The aliases of a join.
pub(super) struct JoinNames {
    /// The model between, for many-to-many.
    link: Option<String>,
    alias: String,
}

/// One side of a key.
struct Side<'a> {
    qualifier: Option<&'a str>,
    model: &'static ModelMeta,
    columns: &'a [u16],
}

impl<'a> Side<'a> {
    fn new(qualifier: &'a str, model: &'static ModelMeta, columns: &'a [u16]) -> Self {
        Side { qualifier: Some(qualifier), model, columns }
    }
}

fn check(relation: &RelationMeta, target: Source) -> Result<(), Error> {
    if relation.kind == RelationKind::MorphTo {
        return Err(usage(format!("`{}` leads to a different model in each row", relation.name))
            .with_hint("start the query at one of the target models"));
    }
    if !std::ptr::eq((relation.target)(), target.model) {
        return Err(usage(format!("`{}` does not lead to `{}`", relation.name, target.model.name)));
    }
    Ok(())
}

/// Whether the database sees to it that each row of the model between has its target.
fn always_leads_on(through: &ThroughMeta, relation: &RelationMeta) -> bool {
    let (middle, target) = ((through.model)(), (relation.target)());
    let required =
        |index: &u16| middle.columns.get(usize::from(*index)).is_some_and(|column| !column.nullable);
    through.far.iter().all(required)
        && middle.foreign_keys.iter().any(|key| {
            key.columns == through.far
                && std::ptr::eq((key.target)(), target)
                && key.referenced() == relation.remote
        })
}
