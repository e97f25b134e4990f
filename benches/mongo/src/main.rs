//! One job of the client, so many times: `mongo decode orm 1000`. Under callgrind the difference of two runs is what one round
//! costs; the number of allocations of a round is printed.
//!
//! The server's reply is canned: a batch of 100 documents, as it comes in a reply. The bare driver deserializes each into a serde
//! struct, which is what its cursors do; its filter is a `Document`, written as BSON when it is sent.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use mongodb::bson::{RawArray, RawBson, RawDocumentBuf, doc, rawdoc};
use orm::prelude::*;
use serde::Deserialize;

struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "users")]
struct User {
    #[orm(primary_key)]
    id: i64,
    email: String,
    name: String,
    active: bool,
    age: Option<i32>,
    score: f64,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Plain {
    #[serde(rename = "_id")]
    id: i64,
    email: String,
    name: String,
    active: bool,
    age: Option<i32>,
    score: f64,
}

const ROWS: usize = 100;

/// The array of documents in a reply.
fn batch() -> RawDocumentBuf {
    let mut array = mongodb::bson::RawArrayBuf::new();
    for id in 0..ROWS as i64 {
        let age = if id % 3 == 0 { RawBson::Null } else { RawBson::Int32(20 + id as i32) };
        array.push(rawdoc! {
            "_id": id, "email": format!("user{id}@example.org"), "name": format!("User {id}"), "active": id % 2 == 0,
            "age": age, "score": id as f64 / 7.0,
        });
    }
    rawdoc! { "firstBatch": array }
}

fn decode_orm(batch: &RawArray) -> usize {
    let rows: Vec<User> = orm::mongo::cost::decode(batch.as_bytes()).expect("documents of the model");
    rows.len()
}

fn decode_bare(batch: &RawArray) -> usize {
    let rows: Vec<Plain> = batch
        .into_iter()
        .map(|document| {
            let document = document.expect("an element").as_document().expect("a document");
            mongodb::bson::deserialize_from_slice(document.as_bytes()).expect("documents of the struct")
        })
        .collect();
    rows.len()
}

fn encode_orm(id: i64) -> usize {
    let query = User::filter(User::age.ge(18) & User::name.eq("User 7") & User::id.in_([1, 2, id]))
        .order_by(User::name.asc())
        .limit(20);
    orm::mongo::cost::command(query).expect("a command").len()
}

/// What `collection.find(filter).sort(..).limit(..)` does before it sends: the documents, the options, the command.
fn encode_bare(id: i64) -> usize {
    let filter = doc! { "age": { "$gte": 18 }, "name": "User 7", "_id": { "$in": [1_i64, 2, id] } };
    let sort = doc! { "name": 1 };
    let mut command = RawDocumentBuf::new();
    command.append(mongodb::bson::raw::cstr!("find"), "users");
    let raw = |document: &mongodb::bson::Document| RawDocumentBuf::try_from(document).expect("BSON");
    command.append(mongodb::bson::raw::cstr!("sort"), raw(&sort));
    command.append(mongodb::bson::raw::cstr!("limit"), 20_i64);
    command.append(mongodb::bson::raw::cstr!("filter"), raw(&filter));
    command.into_bytes().len()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [job, library, rounds] = arguments.as_slice() else {
        eprintln!("usage: mongo decode|encode orm|bare ROUNDS");
        std::process::exit(2);
    };
    let rounds: i64 = rounds.parse().expect("a number of rounds");
    let reply = batch();
    let batch = reply.get_array("firstBatch").expect("the batch");
    let round = |number: i64| match (job.as_str(), library.as_str()) {
        ("decode", "orm") => decode_orm(batch),
        ("decode", _) => decode_bare(batch),
        (_, "orm") => encode_orm(number),
        _ => encode_bare(number),
    };
    // The first round fills caches.
    black_box(round(0));
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for number in 1..=rounds {
        black_box(round(black_box(number)));
    }
    println!("{}", (ALLOCATIONS.load(Ordering::Relaxed) - before) / rounds.max(1) as u64);
}
