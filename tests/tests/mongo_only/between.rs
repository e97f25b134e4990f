//! A program between the driver and its server: it sees every command as it is sent, and loses some of them on demand.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document, doc};
use orm::mongo::{Mongo, MongoBuilder};
use orm::prelude::*;
use orm_tests::models::TestSchema;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a command.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It never arrives.
    Lost,
    /// It is done, and the connection ends before the answer.
    Unanswered,
    /// It is answered with an error of this code.
    Refused(i32),
}

#[derive(Default)]
struct State {
    seen: Vec<Document>,
    /// The name of a command, what happens to it, and how often.
    faults: Vec<(&'static str, Fault, usize)>,
    /// Commands that the server has not answered.
    open: usize,
    /// Transactions that were begun and not ended, by their session and number.
    transactions: HashSet<String>,
}

/// The program between.
pub struct Between {
    state: Arc<Mutex<State>>,
    port: u16,
}

impl Between {
    pub async fn start() -> Between {
        let url = super::url();
        let server = url.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&shared)));
            }
        });
        Between { state, port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A builder of handles that reach the server through here; `options` are those of a URL.
    pub fn builder(&self, options: &str) -> MongoBuilder {
        // A server that is lost is looked for every so often.
        let settings = "directConnection=true&heartbeatFrequencyMS=500";
        let url = format!("mongodb://127.0.0.1:{}/?{settings}{options}", self.port);
        Mongo::builder(url).database(super::name())
    }

    /// A handle of an empty database.
    pub async fn fresh(&self, options: &str) -> Mongo {
        let db = self.builder(options).connect().await.unwrap();
        TestSchema::create_all(&db).await.unwrap();
        self.take("");
        db
    }

    /// Lets something happen to the next command of this name.
    pub fn next(&self, command: &'static str, fault: Fault) {
        self.times(command, fault, 1);
    }

    pub fn times(&self, command: &'static str, fault: Fault, times: usize) {
        self.state.lock().unwrap().faults.push((command, fault, times));
    }

    /// Waits until every command is answered and no transaction is open. The driver ends what was dropped in tasks of its own, so
    /// it has to be quiet for a while.
    pub async fn settled(&self) {
        let start = Instant::now();
        let mut quiet = 0;
        while quiet < 3 {
            tokio::time::sleep(Duration::from_millis(4)).await;
            let state = self.state.lock().unwrap();
            quiet = if state.open == 0 && state.transactions.is_empty() { quiet + 1 } else { 0 };
            let (open, left) = (state.open, state.transactions.len());
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{open} commands and {left} transactions open"
            );
        }
    }

    /// The commands of a name (of all, if it is empty) since the last call, but for those of the driver's own.
    pub fn take(&self, name: &str) -> Vec<Document> {
        let mut state = self.state.lock().unwrap();
        assert!(state.faults.is_empty(), "{:?} did not happen", state.faults);
        let seen = std::mem::take(&mut state.seen);
        seen.into_iter().filter(|command| name.is_empty() || command.keys().next().unwrap() == name).collect()
    }
}

impl State {
    fn sees(&mut self, command: Document) {
        if let (Some(session), Some(number)) = (command.get("lsid"), command.get("txnNumber")) {
            let transaction = format!("{session} {number}");
            if command.contains_key("startTransaction") {
                self.transactions.insert(transaction);
            } else if command.contains_key("commitTransaction") || command.contains_key("abortTransaction") {
                self.transactions.remove(&transaction);
            }
        }
        self.seen.push(command);
    }

    fn fault(&mut self, name: &str) -> Option<Fault> {
        let place = self.faults.iter().position(|(command, ..)| *command == name)?;
        let (_, fault, times) = &mut self.faults[place];
        let fault = *fault;
        *times -= 1;
        if *times == 0 {
            self.faults.remove(place);
        }
        Some(fault)
    }
}

async fn carry(client: TcpStream, server: TcpStream, state: Arc<Mutex<State>>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let link = Arc::new(Link { to_client: to_client.into(), asked: Mutex::default(), state });
    let back = tokio::spawn(answer(from_server, Arc::clone(&link)));
    while let Some(message) = message(&mut from_client).await {
        let command = command(&message);
        let name = command.keys().next().cloned().unwrap_or_default();
        let own = matches!(&*name, "" | "hello" | "isMaster" | "ismaster" | "endSessions" | "ping");
        let fault = link.state.lock().unwrap().fault(&name);
        if matches!(fault, Some(Fault::Lost)) {
            link.state.lock().unwrap().seen.push(command);
            back.abort();
            break;
        }
        if let Some(Fault::Refused(code)) = fault {
            link.state.lock().unwrap().seen.push(command);
            let error = doc! {"ok": 0, "code": code, "errmsg": "refused", "codeName": "Refused"};
            let reply = reply(number(&message, 4), &error);
            let _ = link.to_client.lock().await.write_all(&reply).await;
            continue;
        }
        if !own {
            let mut state = link.state.lock().unwrap();
            state.sees(command);
            state.open += 1;
            link.asked.lock().unwrap().insert(number(&message, 4), fault.is_some());
        }
        if to_server.write_all(&message).await.is_err() {
            break;
        }
    }
    // Who left gets no answers, but the server is heard out: it has to be known when it is done.
    let _ = tokio::time::timeout(Duration::from_secs(10), async {
        while !link.asked.lock().unwrap().is_empty() && !back.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    back.abort();
    link.forget();
}

/// A connection of a client with its connection to the server.
struct Link {
    to_client: tokio::sync::Mutex<OwnedWriteHalf>,
    /// The numbers of commands without an answer, and whether the answer is to be lost.
    asked: Mutex<HashMap<i32, bool>>,
    state: Arc<Mutex<State>>,
}

impl Link {
    fn forget(&self) {
        let left = std::mem::take(&mut *self.asked.lock().unwrap()).len();
        self.state.lock().unwrap().open -= left;
    }
}

async fn answer(mut from_server: OwnedReadHalf, link: Arc<Link>) {
    while let Some(message) = message(&mut from_server).await {
        let lost = link.asked.lock().unwrap().remove(&number(&message, 8));
        if lost.is_some() {
            link.state.lock().unwrap().open -= 1;
        }
        let mut to_client = link.to_client.lock().await;
        if lost == Some(true) {
            let _ = to_client.shutdown().await;
        } else {
            // The client may be gone.
            let _ = to_client.write_all(&message).await;
        }
    }
    link.forget();
    let _ = link.to_client.lock().await.shutdown().await;
}

/// A message of the protocol: its length, the number of the request, of the one that it answers, the kind, and the rest.
async fn message(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await.ok()?;
    let mut message = length.to_vec();
    message.resize(usize::try_from(i32::from_le_bytes(length)).ok()?, 0);
    from.read_exact(&mut message[4..]).await.ok()?;
    Some(message)
}

fn number(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The command of an OP_MSG, with the lists that travel beside it.
fn command(message: &[u8]) -> Document {
    const OP_MSG: i32 = 2013;
    let mut command = Document::new();
    if number(message, 12) != OP_MSG {
        return command;
    }
    let document = |bytes: &[u8]| Document::from_reader(bytes).unwrap();
    let end = if number(message, 16) & 1 == 1 { message.len() - 4 } else { message.len() };
    let mut at = 20;
    while at < end {
        let (kind, length) = (message[at], number(message, at + 1) as usize);
        let section = &message[at + 1..at + 1 + length];
        if kind == 0 {
            command.extend(document(section));
        } else {
            let name_end = section[4..].iter().position(|byte| *byte == 0).unwrap() + 4;
            let mut rest = &section[name_end + 1..];
            let mut list = Vec::new();
            while !rest.is_empty() {
                let (first, others) = rest.split_at(number(rest, 0) as usize);
                list.push(Bson::Document(document(first)));
                rest = others;
            }
            command.insert(String::from_utf8_lossy(&section[4..name_end]), list);
        }
        at += 1 + length;
    }
    command
}

fn reply(to: i32, document: &Document) -> Vec<u8> {
    let body = document.to_vec().unwrap();
    let mut message = Vec::new();
    for number in [body.len() as i32 + 21, 0, to, 2013, 0] {
        message.extend_from_slice(&number.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(&body);
    message
}
