//! Commands for people: as they would be typed, and as the server means to run them.

use orm_core::Result;
use orm_core::ir::{Command, InsertSource, Select};

use crate::bson::{Elements, Writer, pretty, str_of, tag};
use crate::database::{Session, no_sql, one_by_one};
use crate::lower::{Lower, read};
use crate::{errors, layout};

/// A command of the server as text: its name, its collection and the rest. Without `values`, question marks stand for them.
pub fn shell(command: &[u8], values: bool) -> String {
    let mut elements = Elements::of(command);
    let Some((name, ty, value)) = elements.next() else { return String::new() };
    let mut text = format!("{} {}", String::from_utf8_lossy(name), str_of(ty, value).unwrap_or_default());
    if name == b"insert" && !values {
        for (_, _, list) in elements {
            let count = Elements::of(list).count();
            if let Some((_, _, first)) = Elements::of(list).next() {
                let fields: Vec<_> =
                    Elements::of(first).map(|(name, ..)| String::from_utf8_lossy(name)).collect();
                text += &format!(" ({}) x {count}", fields.join(", "));
            }
        }
        return text;
    }
    let mut rest = Writer::default();
    for (name, ty, value) in elements {
        // An empty cursor is only a form.
        if name != b"cursor" {
            rest.raw(&*String::from_utf8_lossy(name), ty, value);
        }
    }
    if !rest.is_empty() {
        text.push(' ');
        text += &pretty(&rest.finish(), values);
    }
    text
}

/// What a command of the library becomes.
pub fn render(session: &Session, command: &Command) -> Result<String> {
    let times = session.shared.settings.times;
    match command {
        Command::Select(select) => Ok(shell(&read(select, times)?.command, true)),
        Command::Insert(insert) => {
            let names: Vec<_> =
                insert.columns.iter().map(|index| layout::path(insert.model, *index)).collect();
            let rows = match &insert.source {
                InsertSource::Values(values) => values.len() / insert.columns.len().max(1),
                InsertSource::Select(_) => 0,
            };
            Ok(format!("insert {} ({}) x {rows}", insert.model.table, names.join(", ")))
        }
        Command::Update(update) => {
            let mut w = Writer::default();
            let mut lower = Lower::on(times, update.source);
            let query = w.open("q");
            if let Some(filter) = &update.filter {
                lower.filter(&mut w, filter)?;
            }
            w.close(query);
            let change = w.open("$set");
            for assignment in &update.set {
                let path = layout::path(update.source.model, assignment.column);
                lower.expr(&mut w, (&*path).into(), &assignment.value)?;
            }
            w.close(change);
            Ok(with_lookups(
                &mut lower,
                format!("update {} {}", update.source.model.table, pretty(&w.finish(), true)),
            ))
        }
        Command::Delete(delete) => {
            let mut w = Writer::default();
            let mut lower = Lower::on(times, delete.source);
            if let Some(filter) = &delete.filter {
                lower.filter(&mut w, filter)?;
            }
            Ok(with_lookups(
                &mut lower,
                format!("delete {} {}", delete.source.model.table, pretty(&w.finish(), true)),
            ))
        }
        Command::UpdateRows(_) => Err(one_by_one()),
        Command::Raw(_) => Err(no_sql()),
    }
}

fn with_lookups(lower: &mut Lower<'_>, text: String) -> String {
    let stages = lower.take_stages().iter().map(|stage| pretty(stage, true)).collect::<Vec<_>>();
    if stages.is_empty() { text } else { format!("{} {text}", stages.join(" ")) }
}

/// The server's plan for a query or for the rows that a write would change.
pub async fn plan(session: &Session, command: Command) -> Result<String> {
    let select = match command {
        Command::Select(select) => *select,
        Command::Update(update) => Select { filter: update.filter, ..Select::new(update.source) },
        Command::Delete(delete) => Select { filter: delete.filter, ..Select::new(delete.source) },
        Command::Insert(insert) => return Ok(format!("insert into {}\n", insert.model.table)),
        Command::UpdateRows(_) => return Err(one_by_one()),
        Command::Raw(_) => return Err(no_sql()),
    };
    let inner = read(&select, session.shared.settings.times)?.command;
    let mut w = Writer::default();
    w.document("explain", &inner);
    w.str("verbosity", "queryPlanner");
    let buffer = mongodb::bson::RawDocumentBuf::from_bytes(w.finish()).map_err(errors::encoding)?;
    let reply = session
        .shared
        .db
        .run_raw_command(buffer)
        .await
        .map_err(|error| errors::map(error, Some(select.from.model)))?;
    let reply = mongodb::bson::RawDocumentBuf::try_from(&reply).map_err(errors::encoding)?;
    let wanted: &[&[u8]] = &[b"queryPlanner", b"stages"];
    let mut text = String::new();
    for (name, ty, value) in Elements::of(reply.as_bytes()) {
        if wanted.contains(&name) && matches!(ty, tag::DOCUMENT | tag::ARRAY) {
            text += &format!("{}: {}\n", String::from_utf8_lossy(name), pretty(value, true));
        }
    }
    Ok(text)
}
