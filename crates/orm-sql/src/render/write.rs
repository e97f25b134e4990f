//! Writing.

use orm_core::Error;
use orm_core::ir::{
    Assignment, Conflict, ConflictAction, Delete, Expr, Insert, InsertSource, Output, Select, Source, Update,
    UpdateRows,
};
use orm_core::meta::ModelMeta;

use super::{Render, usage};
use crate::Upsert;

impl Render<'_> {
    /// An INSERT and the number of columns that come back.
    pub(super) fn insert(&mut self, insert: &Insert) -> Result<(String, usize), Error> {
        let model = insert.model;
        let table = self.dialect.table(model);
        let mut sql = format!("INSERT INTO {table}");
        if !insert.columns.is_empty() {
            sql += &format!(" ({})", self.column_names(model, &insert.columns)?.join(", "));
        }
        match &insert.source {
            InsertSource::Values(_) if insert.columns.is_empty() && self.rows <= 1 => {
                sql += " DEFAULT VALUES"
            }
            InsertSource::Values(_) if insert.columns.is_empty() => {
                return Err(usage("rows without any value are inserted one at a time"));
            }
            InsertSource::Values(_) => sql += &format!(" {}", self.values(model, &insert.columns)?),
            InsertSource::Select(select) => {
                sql += &format!(" {}", self.insert_select(select, insert.conflict.is_some())?)
            }
        }
        let source = Source { model, alias: "" };
        if let Some(conflict) = &insert.conflict {
            // `count` alone would be the row in the table or the excluded one.
            let upsert = self.within(source, Some(table.clone()), |render| render.upsert(model, conflict))?;
            sql += &self.dialect.upsert(&upsert)?;
        }
        let qualifier = (!self.bare).then_some(table);
        let (returning, columns) =
            self.within(source, qualifier, |render| render.returning(insert.returning.as_ref(), source))?;
        Ok((sql + &returning, columns))
    }

    fn values(&mut self, model: &ModelMeta, columns: &[u16]) -> Result<String, Error> {
        if self.rows == 0 {
            return Err(usage("an INSERT needs at least one row"));
        }
        let types: Vec<_> = columns
            .iter()
            .filter_map(|index| model.columns.get(usize::from(*index)))
            .map(|c| c.ty())
            .collect();
        if self.rows > 1
            && let Some(sql) = self.dialect.bulk_rows(self.parameters + 1, &types)
        {
            self.parameters += types.len();
            return Ok(sql);
        }
        let rows: Vec<String> = (0..self.rows)
            .map(|_| {
                let row: Vec<String> = types.iter().map(|ty| self.parameter(*ty)).collect();
                format!("({})", row.join(", "))
            })
            .collect();
        Ok(format!("VALUES {}", rows.join(", ")))
    }

    fn insert_select(&mut self, select: &Select, conflict: bool) -> Result<String, Error> {
        if conflict && select.filter.is_none() {
            // Without a WHERE, SQLite reads the ON of ON CONFLICT as that of a join
            // (https://sqlite.org/lang_upsert.html#parsing_ambiguity).
            let select = Select { filter: Some(Expr::All(Vec::new())), ..select.clone() };
            return Ok(self.select(&select)?.0);
        }
        Ok(self.select(select)?.0)
    }

    fn upsert(&mut self, model: &ModelMeta, conflict: &Conflict) -> Result<Upsert, Error> {
        let target = self.column_names(model, &conflict.target)?;
        let (set, filter) = match &conflict.action {
            ConflictAction::Nothing => (Vec::new(), None),
            ConflictAction::Update(set, Some(_)) if set.is_empty() => {
                return Err(usage("an upsert with a condition must change a column").with_model(model.name));
            }
            ConflictAction::Update(set, filter) => {
                let set = self.assignments(model, set)?;
                (set, filter.as_ref().map(|filter| self.condition(filter)).transpose()?)
            }
        };
        Ok(Upsert { target, set, filter })
    }

    /// An UPDATE and the number of columns that come back.
    pub(super) fn update(&mut self, update: &Update) -> Result<(String, usize), Error> {
        let model = update.source.model;
        if update.set.is_empty() {
            return Err(usage("an UPDATE must change a column").with_model(model.name));
        }
        let table = self.dialect.table(model);
        let qualifier = (!self.bare).then(|| table.clone());
        self.within(update.source, qualifier, |render| {
            let set = render.assignments(model, &update.set)?.join(", ");
            let filter = render.filter(update.filter.as_ref())?;
            let (returning, columns) = render.returning(update.returning.as_ref(), update.source)?;
            Ok((format!("UPDATE {table} SET {set}{filter}{returning}"), columns))
        })
    }

    /// An UPDATE of many rows, each to its own values, and the number of columns that come back.
    pub(super) fn update_rows(&mut self, update: &UpdateRows) -> Result<(String, usize), Error> {
        let model = update.source.model;
        let table = self.dialect.table(model);
        let values = self.values(model, &update.columns)?;
        let columns = self.column_names(model, &update.columns)?;
        let places: Vec<String> = (0..columns.len()).map(|place| format!("c{place}")).collect();
        let (keys, set) = columns.split_at(update.keys);
        let pairs = |columns: &[String], places: &[String], between: &str, qualifier: &str| {
            let pair = |(column, place)| format!("{qualifier}{column} = orm_rows.{place}");
            columns.iter().zip(places).map(pair).collect::<Vec<_>>().join(between)
        };
        let rows = pairs(keys, &places, " AND ", &format!("{table}."));
        let mut set = pairs(set, &places[update.keys..], ", ", "");
        self.within(update.source, Some(table.clone()), |render| {
            for assignment in render.assignments(model, &update.also)? {
                set += &format!(", {assignment}");
            }
            let (returning, count) = render.returning(update.returning.as_ref(), update.source)?;
            let with = format!("WITH orm_rows({}) AS ({values})", places.join(", "));
            Ok((format!("{with} UPDATE {table} SET {set} FROM orm_rows WHERE {rows}{returning}"), count))
        })
    }

    /// A DELETE and the number of columns that come back.
    pub(super) fn delete(&mut self, delete: &Delete) -> Result<(String, usize), Error> {
        let table = self.dialect.table(delete.source.model);
        let qualifier = (!self.bare).then(|| table.clone());
        self.within(delete.source, qualifier, |render| {
            let filter = render.filter(delete.filter.as_ref())?;
            let (returning, columns) = render.returning(delete.returning.as_ref(), delete.source)?;
            Ok((format!("DELETE FROM {table}{filter}{returning}"), columns))
        })
    }

    fn assignments(&mut self, model: &ModelMeta, set: &[Assignment]) -> Result<Vec<String>, Error> {
        let assign = |assignment: &Assignment| {
            let column = self.column_name(model, assignment.column)?;
            Ok(format!("{column} = {}", self.expr(&assignment.value)?.text))
        };
        set.iter().map(assign).collect()
    }

    fn filter(&mut self, filter: Option<&Expr>) -> Result<String, Error> {
        filter.map_or(Ok(String::new()), |filter| Ok(format!(" WHERE {}", self.condition(filter)?)))
    }

    fn returning(&mut self, output: Option<&Output>, source: Source) -> Result<(String, usize), Error> {
        let Some(output) = output else { return Ok((String::new(), 0)) };
        let columns = self.output(output, source)?;
        Ok((self.dialect.returning(&columns.join(", "))?, columns.len()))
    }

    /// Renders something with one table in sight.
    fn within<T>(
        &mut self,
        source: Source,
        qualifier: Option<String>,
        render: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.scopes.push(Vec::new());
        self.enter(source, qualifier, false);
        let rendered = render(self);
        self.scopes.pop();
        rendered
    }
}
