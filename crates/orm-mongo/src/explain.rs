//! Commands for people: as they would be typed, and as the server means to run them.

use orm_core::Result;
use orm_core::ir::{Command, InsertSource, Select};

use crate::bson::{Elements, Writer, pretty, str_of, tag};
use crate::layout;
use crate::lower::{Lower, read};
use crate::session::{MongoSession, no_sql};

/// A command of the server as text: its name, its collection and the rest. Without `values`, question marks stand for them.
pub fn shell(command: &[u8], values: bool) -> String {
    let mut elements = Elements::of(command);
    let Some((name, ty, value)) = elements.next() else { return String::new() };
    let mut text = format!("{} {}", String::from_utf8_lossy(name), str_of(ty, value).unwrap_or_default());
    let (mut rest, mut concerns) = (Writer::default(), Writer::default());
    for (key, ty, value) in elements {
        match key {
            // An empty cursor is only a form.
            b"cursor" => {}
            // Settings, and no values of a program.
            b"readConcern" | b"writeConcern" => concerns.raw(&*String::from_utf8_lossy(key), ty, value),
            b"documents" if name == b"insert" && !values => {
                let count = Elements::of(value).count();
                if let Some((_, _, first)) = Elements::of(value).next() {
                    let fields: Vec<_> =
                        Elements::of(first).map(|(name, ..)| String::from_utf8_lossy(name)).collect();
                    text += &format!(" ({}) x {count}", fields.join(", "));
                }
            }
            _ => rest.raw(&*String::from_utf8_lossy(key), ty, value),
        }
    }
    for (part, values) in [(rest, values), (concerns, true)] {
        if !part.is_empty() {
            text.push(' ');
            text += &pretty(&part.finish(), values);
        }
    }
    text
}

/// What a command of the library becomes.
pub fn render(session: &MongoSession, command: &Command) -> Result<String> {
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
        Command::UpdateRows(update) => {
            let names: Vec<_> =
                update.columns.iter().map(|index| layout::path(update.source.model, *index)).collect();
            let rows = update.values.len() / update.columns.len().max(1);
            Ok(format!("update {} ({}) x {rows}", update.source.model.table, names.join(", ")))
        }
        Command::Raw(_) => Err(no_sql()),
    }
}

fn with_lookups(lower: &mut Lower<'_>, text: String) -> String {
    let stages = lower.take_stages().iter().map(|stage| pretty(stage, true)).collect::<Vec<_>>();
    if stages.is_empty() { text } else { format!("{} {text}", stages.join(" ")) }
}

/// The server's plan for a query or for the rows that a write would change.
pub async fn plan(session: &MongoSession, command: Command) -> Result<String> {
    let select = match command {
        Command::Select(select) => *select,
        Command::Update(update) => Select { filter: update.filter, ..Select::new(update.source) },
        Command::Delete(delete) => Select { filter: delete.filter, ..Select::new(delete.source) },
        Command::Insert(insert) => return Ok(format!("insert into {}\n", insert.model.table)),
        Command::UpdateRows(update) => return Ok(format!("update {} by key\n", update.source.model.table)),
        Command::Raw(_) => return Err(no_sql()),
    };
    let inner = read(&select, session.shared.settings.times)?.command;
    let mut w = Writer::default();
    w.document("explain", &inner);
    w.str("verbosity", "queryPlanner");
    let reply = session.ask(w.finish(), Some(select.from.model)).await?;
    let wanted: &[&[u8]] = &[b"queryPlanner", b"stages"];
    let mut text = String::new();
    for (name, ty, value) in Elements::of(&reply) {
        if wanted.contains(&name) && matches!(ty, tag::DOCUMENT | tag::ARRAY) {
            text += &format!("{}: {}\n", String::from_utf8_lossy(name), pretty(value, true));
        }
    }
    Ok(text)
}
