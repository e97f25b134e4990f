//! What the server says of itself on the wire.
//!
//! Every answer of the server ends with the state of the transaction, and every statement with the name of what was done; tokio-postgres
//! reads both and keeps them to itself. [`Watched`] stands between it and the socket, takes the messages apart by their
//! lengths, and notes in a [`Wire`] what the driver has to know: whether a transaction is open or has failed, whether answers
//! are still to come, what COMMIT really did, whether a statement left something behind in the session, and how many bytes were sent.
//! So the state of a connection is known after any SQL, without a question to the server.
//!
//! The messages: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The state of the transaction, as the server last said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// There is none.
    Idle,
    /// One is open.
    Open,
    /// One is open and has failed: the server refuses everything but its end.
    Failed,
}

/// What a statement was that ended, as far as the driver asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Other,
    Commit,
    Rollback,
}

/// What is known of a connection. One side writes it, any may read it.
#[derive(Debug)]
pub struct Wire {
    status: AtomicU8,
    done: AtomicU8,
    /// Whether a statement changed the session in a way that outlives it.
    marked: AtomicBool,
    /// Whether a statement dropped statements that were prepared.
    forgot: AtomicBool,
    /// Bytes that went to the socket.
    sent: AtomicU64,
    /// Requests that went to the socket, and answers that came to their end.
    asked: AtomicU64,
    answered: AtomicU64,
}

impl Default for Wire {
    fn default() -> Self {
        Wire {
            status: AtomicU8::new(b'I'),
            done: AtomicU8::new(Done::Other as u8),
            marked: AtomicBool::new(false),
            forgot: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        }
    }
}

impl Wire {
    /// The state of the transaction; exact when the connection [is at rest](Wire::at_rest).
    pub fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            b'I' => Status::Idle,
            b'T' => Status::Open,
            _ => Status::Failed,
        }
    }

    /// Whether everything that was sent is answered to its end.
    pub fn at_rest(&self) -> bool {
        self.asked.load(Ordering::Acquire) == self.answered.load(Ordering::Acquire)
    }

    /// Whether the last statement that ended rolled back, whatever it was sent as.
    pub fn rolled_back(&self) -> bool {
        self.done.load(Ordering::Acquire) == Done::Rollback as u8
    }

    /// Whether a statement left something behind in the session.
    pub fn is_marked(&self) -> bool {
        self.marked.load(Ordering::Acquire)
    }

    /// Notes that a statement leaves something behind of which its name says nothing.
    pub fn mark(&self) {
        self.marked.store(true, Ordering::Release);
    }

    /// Takes what was left behind until now for the session's own.
    pub fn unmark(&self) {
        self.marked.store(false, Ordering::Release);
    }

    /// Whether prepared statements were dropped since this was asked last.
    pub fn take_forgot(&self) -> bool {
        self.forgot.load(Ordering::Acquire) && self.forgot.swap(false, Ordering::AcqRel)
    }

    /// How many bytes were given to the socket.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// A new socket: nothing is known yet.
    pub fn reset(&self) {
        self.status.store(b'I', Ordering::Release);
        self.asked.store(0, Ordering::Release);
        self.answered.store(0, Ordering::Release);
    }

    /// A message of the server, with the first bytes of its body.
    fn received(&self, kind: u8, body: &[u8]) {
        match kind {
            b'Z' => {
                self.status.store(body.first().copied().unwrap_or(b'E'), Ordering::Release);
                self.answered.fetch_add(1, Ordering::AcqRel);
            }
            // An error in a transaction fails it; its state is repeated after the error, and may come later.
            b'E' => {
                let _ = self.status.compare_exchange(b'T', b'E', Ordering::AcqRel, Ordering::Acquire);
            }
            b'C' => self.completed(body),
            // Rows may come in: the end of the group of messages that asked for it is skipped by the server.
            b'G' => {
                self.answered.fetch_add(1, Ordering::AcqRel);
            }
            _ => {}
        }
    }

    /// The name of a statement that ended, with a zero behind it.
    fn completed(&self, tag: &[u8]) {
        let tag = tag.split(|byte| *byte == 0).next().unwrap_or_default();
        let done = match tag {
            b"COMMIT" => Done::Commit,
            b"ROLLBACK" => Done::Rollback,
            // `SET CONSTRAINTS` ends with its transaction, `DECLARE CURSOR` unless it says otherwise.
            b"SET" | b"RESET" | b"LISTEN" | b"PREPARE" | b"LOAD" | b"DO" | b"DECLARE CURSOR" => {
                self.mark();
                Done::Other
            }
            tag if tag.starts_with(b"DEALLOCATE") || tag.starts_with(b"DISCARD") => {
                self.mark();
                self.forgot.store(true, Ordering::Release);
                Done::Other
            }
            _ => Done::Other,
        };
        self.done.store(done as u8, Ordering::Release);
    }
}

/// How much of a message's body is kept: the longest name that is asked for.
const HEAD: usize = 20;

/// Takes a stream of messages apart: a letter, the length, the body.
#[derive(Debug)]
struct Messages {
    kind: u8,
    /// Of the header, or of the first message, which has no letter.
    header: [u8; 5],
    filled: usize,
    wanted: usize,
    /// What is missing of the body.
    rest: usize,
    head: [u8; HEAD],
    kept: usize,
}

impl Messages {
    /// The messages of the server; those of the client begin with one without a letter.
    fn new(first_has_letter: bool) -> Self {
        let skipped = usize::from(!first_has_letter);
        Messages { kind: 0, header: [0; 5], filled: skipped, wanted: 5, rest: 0, head: [0; HEAD], kept: 0 }
    }

    fn read(&mut self, mut bytes: &[u8], mut message: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            if self.rest == 0 {
                let count = bytes.len().min(self.wanted - self.filled);
                self.header[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
                self.filled += count;
                bytes = &bytes[count..];
                if self.filled < self.wanted {
                    return;
                }
                let [kind, length @ ..] = self.header;
                self.kind = kind;
                self.header[0] = 0;
                self.filled = 0;
                self.kept = 0;
                self.rest = (u32::from_be_bytes(length) as usize).saturating_sub(4);
            }
            let count = bytes.len().min(self.rest);
            let keep = count.min(HEAD - self.kept);
            if keep > 0 && matches!(self.kind, b'C' | b'Z') {
                self.head[self.kept..self.kept + keep].copy_from_slice(&bytes[..keep]);
                self.kept += keep;
            }
            self.rest -= count;
            bytes = &bytes[count..];
            if self.rest == 0 {
                message(self.kind, &self.head[..self.kept]);
            }
        }
    }
}

/// A socket whose messages are noted as they pass.
#[derive(Debug)]
pub struct Watched<S> {
    inner: S,
    wire: std::sync::Arc<Wire>,
    read: Messages,
    written: Messages,
}

impl<S> Watched<S> {
    pub fn new(inner: S, wire: std::sync::Arc<Wire>) -> Self {
        wire.reset();
        Watched { inner, wire, read: Messages::new(true), written: Messages::new(false) }
    }

    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        let Watched { wire, read, .. } = &mut *self;
        read.read(&buffer.filled()[before..], |kind, body| wire.received(kind, body));
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = result {
            let Watched { wire, written, .. } = &mut *self;
            wire.sent.fetch_add(count as u64, Ordering::AcqRel);
            written.read(&bytes[..count], |kind, _| {
                // A query, or the end of a group of messages: each is answered by the state of the transaction. So is the start, which
                // has no letter.
                if matches!(kind, b'Q' | b'S' | 0) {
                    wire.asked.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend((body.len() as u32 + 4).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn messages_are_found_wherever_the_stream_is_cut() {
        let stream: Vec<u8> = [
            message(b'D', &[b'Z'; 300]),
            message(b'C', b"INSERT 0 1\0"),
            message(b'Z', b"T"),
            message(b'1', b""),
            message(b'C', b"SOMETHING LONGER THAN WHAT IS KEPT\0"),
            message(b'Z', b"E"),
        ]
        .concat();
        for step in [1, 2, 3, 5, 7, 64, 4096] {
            let mut messages = Messages::new(true);
            let mut found = Vec::new();
            for part in stream.chunks(step) {
                messages.read(part, |kind, body| found.push((kind, body.to_vec())));
            }
            let kinds: Vec<u8> = found.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds, b"DCZ1CZ", "in steps of {step}");
            assert_eq!(found[1].1, b"INSERT 0 1\0");
            assert_eq!((found[2].1.as_slice(), found[5].1.as_slice()), (&b"T"[..], &b"E"[..]));
        }
    }

    #[test]
    fn the_first_message_of_a_client_has_no_letter() {
        let mut stream = 8_u32.to_be_bytes().to_vec();
        stream.extend([0, 3, 0, 0]);
        stream.extend(message(b'Q', b"BEGIN\0"));
        let mut kinds = Vec::new();
        Messages::new(false).read(&stream, |kind, _| kinds.push(kind));
        assert_eq!(kinds, [0, b'Q']);
    }

    #[test]
    fn the_server_says_what_state_the_connection_is_in() {
        let wire = Wire::default();
        wire.received(b'C', b"BEGIN\0");
        wire.received(b'Z', b"T");
        assert_eq!(wire.status(), Status::Open);
        wire.received(b'E', b"");
        assert_eq!(wire.status(), Status::Failed);
        wire.received(b'C', b"ROLLBACK\0");
        wire.received(b'Z', b"I");
        assert!(wire.rolled_back() && wire.status() == Status::Idle && !wire.is_marked());
        wire.received(b'C', b"SET CONSTRAINTS\0");
        assert!(!wire.is_marked());
        wire.received(b'C', b"SET\0");
        assert!(wire.is_marked() && !wire.take_forgot());
        wire.received(b'C', b"DEALLOCATE ALL\0");
        assert!(wire.take_forgot() && !wire.take_forgot());
    }
}
