//! Writes of one document outside of transactions.
//!
//! The server can tell that such a write came twice, by the number that the driver gives it, and a driver may therefore send it
//! again when the connection was lost: <https://www.mongodb.com/docs/manual/core/retryable-writes/>. The driver does so for operations
//! of its own. It has no way to number a command that it is handed as bytes (the counter of a session is private, and a number
//! that was used already would make the server skip the write), so a command that writes one document is handed over as the
//! operation that it stands for.

use mongodb::bson::{Document, RawDocument, RawDocumentBuf};
use mongodb::error::Result as Driver;
use mongodb::options::{FindOneAndUpdateOptions, ReturnDocument, UpdateModifications};

use crate::bson::{Elements, Writer, get, i32_of, str_of, tag};

/// A write of one document, as an operation of the driver.
pub(crate) struct Single {
    collection: String,
    operation: Operation,
}

enum Operation {
    Insert(RawDocumentBuf),
    Update { filter: Document, change: UpdateModifications, upsert: bool },
    Delete(Document),
    FindAndUpdate { filter: Document, change: UpdateModifications, options: Box<FindOneAndUpdateOptions> },
    FindAndDelete { filter: Document, sort: Option<Document> },
}

impl Single {
    /// What a command stands for, if it writes one document and means the same as an operation.
    pub fn of(command: &[u8]) -> Option<Single> {
        let (name, ty, value) = Elements::of(command).next()?;
        let operation = match name {
            b"insert" => {
                Operation::Insert(RawDocumentBuf::from_bytes(only(command, "documents")?.to_vec()).ok()?)
            }
            b"update" => {
                let update = only(command, "updates")?;
                if flag(update, "multi") {
                    return None;
                }
                Operation::Update {
                    filter: tree(get(update, "q")?)?,
                    change: change(get(update, "u")?)?,
                    upsert: flag(update, "upsert"),
                }
            }
            b"delete" => {
                let delete = only(command, "deletes")?;
                let (ty, limit) = get(delete, "limit")?;
                if (ty, i32_of(limit)) != (tag::INT32, 1) {
                    return None;
                }
                Operation::Delete(tree(get(delete, "q")?)?)
            }
            b"findAndModify" => {
                let filter = tree(get(command, "query")?)?;
                let sort = match get(command, "sort") {
                    None => None,
                    Some(sort) => Some(tree(sort)?),
                };
                if flag(command, "remove") {
                    Operation::FindAndDelete { filter, sort }
                } else {
                    let returned =
                        if flag(command, "new") { ReturnDocument::After } else { ReturnDocument::Before };
                    let mut options = FindOneAndUpdateOptions::default();
                    options.return_document = Some(returned);
                    options.upsert = flag(command, "upsert").then_some(true);
                    options.sort = sort;
                    Operation::FindAndUpdate {
                        filter,
                        change: change(get(command, "update")?)?,
                        options: Box::new(options),
                    }
                }
            }
            _ => return None,
        };
        Some(Single { collection: str_of(ty, value)?.to_owned(), operation })
    }

    /// Sends it, and writes the reply that the command would have had.
    pub async fn send(self, db: &mongodb::Database) -> Driver<Vec<u8>> {
        let collection = db.collection::<RawDocumentBuf>(&self.collection);
        let mut reply = Writer::default();
        match self.operation {
            Operation::Insert(document) => {
                collection.insert_one(document).await?;
                reply.i32("n", 1);
            }
            Operation::Update { filter, change, upsert } => {
                let result = collection.update_one(filter, change).upsert(upsert).await?;
                let found = result.matched_count + u64::from(result.upserted_id.is_some());
                reply.i64("n", found as i64);
            }
            Operation::Delete(filter) => {
                let result = collection.delete_one(filter).await?;
                reply.i64("n", result.deleted_count as i64);
            }
            Operation::FindAndUpdate { filter, change, options } => {
                let found = collection.find_one_and_update(filter, change).with_options(*options).await?;
                value(&mut reply, found);
            }
            Operation::FindAndDelete { filter, sort } => {
                let mut delete = collection.find_one_and_delete(filter);
                if let Some(sort) = sort {
                    delete = delete.sort(sort);
                }
                value(&mut reply, delete.await?);
            }
        }
        Ok(reply.finish())
    }
}

fn value(reply: &mut Writer, found: Option<RawDocumentBuf>) {
    match found {
        Some(document) => reply.document("value", document.as_bytes()),
        None => reply.null("value"),
    }
}

/// The element of a list that has one.
fn only<'c>(command: &'c [u8], list: &str) -> Option<&'c [u8]> {
    let mut elements = Elements::of(get(command, list)?.1);
    let (_, _, first) = elements.next()?;
    elements.next().is_none().then_some(first)
}

fn flag(document: &[u8], name: &str) -> bool {
    get(document, name) == Some((tag::BOOL, &[1]))
}

/// A document as the driver's operations take it. A name that comes twice would be lost in it, with one of the two conditions.
fn tree((ty, bytes): (u8, &[u8])) -> Option<Document> {
    if ty != tag::DOCUMENT {
        return None;
    }
    let tree = Document::try_from(RawDocument::from_bytes(bytes).ok()?).ok()?;
    let same = RawDocumentBuf::try_from(&tree).is_ok_and(|again| again.as_bytes() == bytes);
    same.then_some(tree)
}

/// What an update changes: operators, or stages. A whole document in place of another is neither.
fn change((ty, bytes): (u8, &[u8])) -> Option<UpdateModifications> {
    if ty == tag::ARRAY {
        let stages = Elements::of(bytes).map(|(_, ty, stage)| tree((ty, stage)));
        return stages.collect::<Option<Vec<_>>>().map(UpdateModifications::Pipeline);
    }
    let tree = tree((ty, bytes))?;
    tree.keys()
        .next()
        .is_some_and(|name| name.starts_with('$'))
        .then_some(UpdateModifications::Document(tree))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{doc, serialize_to_vec};

    use super::*;

    fn is_single(command: Document) -> bool {
        Single::of(&serialize_to_vec(&command).unwrap()).is_some()
    }

    #[test]
    fn commands_that_write_one_document_are_known() {
        assert!(is_single(doc! {"insert": "a", "documents": [{"_id": 1}]}));
        assert!(is_single(doc! {"update": "a", "updates": [{"q": {"_id": 1}, "u": {"$set": {"b": 2}}}]}));
        assert!(is_single(
            doc! {"update": "a", "updates": [{"q": {}, "u": [{"$set": {"b": 2}}], "multi": false}]}
        ));
        assert!(is_single(doc! {"delete": "a", "deletes": [{"q": {"_id": 1}, "limit": 1}]}));
        assert!(is_single(doc! {"findAndModify": "a", "query": {}, "sort": {"b": 1}, "remove": true}));
        assert!(is_single(
            doc! {"findAndModify": "a", "query": {}, "update": {"$inc": {"b": 1}}, "new": true}
        ));
    }

    #[test]
    fn commands_that_may_write_more_are_not() {
        assert!(!is_single(doc! {"find": "a"}));
        assert!(!is_single(doc! {"insert": "a", "documents": [{"_id": 1}, {"_id": 2}]}));
        assert!(!is_single(
            doc! {"update": "a", "updates": [{"q": {}, "u": {"$set": {"b": 2}}, "multi": true}]}
        ));
        assert!(!is_single(doc! {"delete": "a", "deletes": [{"q": {}, "limit": 0}]}));
        // The driver's update does not put a document in the place of another.
        assert!(!is_single(doc! {"update": "a", "updates": [{"q": {}, "u": {"b": 2}, "upsert": true}]}));
    }

    #[test]
    fn a_name_that_comes_twice_is_not_lost() {
        let mut filter = Writer::default();
        filter.i32("b", 1);
        filter.i32("b", 2);
        let mut command = Writer::default();
        command.str("delete", "a");
        let deletes = command.open_array("deletes");
        let delete = command.open(0_usize);
        command.document("q", &filter.finish());
        command.i32("limit", 1);
        command.close(delete);
        command.close(deletes);
        assert!(Single::of(&command.finish()).is_none());
    }
}
