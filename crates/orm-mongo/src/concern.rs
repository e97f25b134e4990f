//! How safe a read or a write has to be, and who may answer: the read concern, the write concern and the read preference of the
//! URL and the builder.
//!
//! The driver gives them to operations of its own and to no command that it is handed as it is, so they are added to the
//! command here. A transaction has them once, in its options, and its commands may not name them.

use mongodb::options::{Acknowledgment, ClientOptions, SelectionCriteria};
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Elements, get, tag};

/// What the commands of a handle ask for.
#[derive(Default)]
pub(crate) struct Concerns {
    read: Option<Vec<u8>>,
    write: Option<Vec<u8>>,
    /// Which server reads.
    pub criteria: Option<SelectionCriteria>,
    pub retry_reads: bool,
    pub retry_writes: bool,
}

/// What a command does, as far as concerns go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Does {
    Read,
    Write,
    /// A pipeline that ends by writing what it read.
    Both,
    Neither,
}

impl Does {
    pub fn of(command: &[u8]) -> Self {
        match Elements::of(command).next().map_or(&b""[..], |(name, ..)| name) {
            b"find" => Does::Read,
            b"aggregate" => {
                let stages = get(command, "pipeline").map(|(_, stages)| stages).unwrap_or_default();
                let last = Elements::of(stages).last().and_then(|(_, _, stage)| Elements::of(stage).next());
                match last {
                    Some((b"$merge" | b"$out", ..)) => Does::Both,
                    _ => Does::Read,
                }
            }
            b"insert" | b"update" | b"delete" | b"findAndModify" | b"bulkWrite" | b"create"
            | b"createIndexes" | b"drop" => Does::Write,
            _ => Does::Neither,
        }
    }

    pub fn writes(self) -> bool {
        matches!(self, Does::Write | Does::Both)
    }
}

impl Concerns {
    /// # Errors
    /// [`ErrorKind::Configuration`] for `w=0`: nobody would learn whether a rule was broken.
    pub fn of(options: &ClientOptions) -> Result<Self> {
        let wrong = |error: mongodb::bson::error::Error| {
            Error::new(ErrorKind::Configuration, "a concern cannot be written as BSON").with_source(error)
        };
        if options.write_concern.as_ref().is_some_and(|concern| concern.w == Some(Acknowledgment::Nodes(0))) {
            return Err(Error::new(
                ErrorKind::Configuration,
                "writes without an answer (`w=0`) are not offered",
            )
            .with_hint("leave `w` out, or ask for one server or more"));
        }
        let bytes = |concern: mongodb::bson::error::Result<Vec<u8>>| {
            let bytes = concern.map_err(wrong)?;
            Ok((bytes.len() > EMPTY).then_some(bytes))
        };
        let read = options.read_concern.as_ref().map(mongodb::bson::serialize_to_vec);
        let write = options.write_concern.as_ref().map(mongodb::bson::serialize_to_vec);
        Ok(Concerns {
            read: read.map(bytes).transpose()?.flatten(),
            write: write.map(bytes).transpose()?.flatten(),
            criteria: options.selection_criteria.clone(),
            retry_reads: options.retry_reads != Some(false),
            retry_writes: options.retry_writes != Some(false),
        })
    }

    /// The command with the concerns that belong to it. Not for commands of a transaction.
    pub fn complete(&self, mut command: Vec<u8>, does: Does) -> Vec<u8> {
        if let (Some(concern), Does::Read | Does::Both) = (&self.read, does) {
            append(&mut command, "readConcern", concern);
        }
        if let (Some(concern), true) = (&self.write, does.writes()) {
            append(&mut command, "writeConcern", concern);
        }
        command
    }
}

/// A document without elements: its length and a zero.
const EMPTY: usize = 5;

/// Adds a document as the last element.
fn append(command: &mut Vec<u8>, name: &str, document: &[u8]) {
    command.pop();
    command.push(tag::DOCUMENT);
    command.extend_from_slice(name.as_bytes());
    command.push(0);
    command.extend_from_slice(document);
    command.push(0);
    let length = command.len() as u32;
    command[..4].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{doc, serialize_to_vec};
    use mongodb::options::{ReadConcern, WriteConcern};

    use super::*;
    use crate::bson::pretty;

    #[test]
    fn concerns_go_to_the_commands_that_know_them() {
        let mut options = ClientOptions::default();
        options.read_concern = Some(ReadConcern::majority());
        options.write_concern = Some(WriteConcern::majority());
        let concerns = Concerns::of(&options).unwrap();
        let completed = |command: mongodb::bson::Document| {
            let command = serialize_to_vec(&command).unwrap();
            let does = Does::of(&command);
            pretty(&concerns.complete(command, does), true)
        };
        let (read, write) =
            (r#""readConcern": {"level": "majority"}"#, r#""writeConcern": {"w": "majority"}"#);
        assert_eq!(completed(doc! {"find": "a"}), format!(r#"{{"find": "a", {read}}}"#));
        assert_eq!(completed(doc! {"drop": "a"}), format!(r#"{{"drop": "a", {write}}}"#));
        assert_eq!(completed(doc! {"explain": "a"}), r#"{"explain": "a"}"#);
        let merged = completed(doc! {"aggregate": "a", "pipeline": [{"$match": {}}, {"$merge": "b"}]});
        assert!(merged.ends_with(&format!("{read}, {write}}}")), "{merged}");
        let plain = completed(doc! {"aggregate": "a", "pipeline": [{"$match": {}}]});
        assert!(plain.ends_with(&format!("{read}}}")), "{plain}");
    }

    #[test]
    fn nothing_is_added_that_nobody_asked_for() {
        let concerns = Concerns::of(&ClientOptions::default()).unwrap();
        let command = serialize_to_vec(&doc! {"insert": "a"}).unwrap();
        assert_eq!(concerns.complete(command.clone(), Does::Write), command);
        let mut options = ClientOptions::default();
        options.write_concern = Some(WriteConcern::nodes(0));
        assert_eq!(Concerns::of(&options).err().unwrap().kind(), ErrorKind::Configuration);
    }
}
