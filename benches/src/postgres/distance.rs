//! A network between the libraries and the server: every packet arrives half a millisecond later, in both directions.
//!
//! Threads and not a runtime, whose timers count whole milliseconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use url::Url;

const WAY: Duration = Duration::from_micros(500);

/// A port that leads to the server by a detour.
pub struct Distance {
    port: u16,
}

impl Distance {
    /// Opens it. It ends with the program.
    pub fn before(server: &Url) -> Result<Self> {
        let host = server.host_str().context("the server has no host")?;
        let server = (host, server.port().unwrap_or(5432)).to_socket_addrs()?.next().context("no address")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let _ = join(near, server);
            }
        });
        Ok(Distance { port })
    }

    /// A URL of the server, by the detour.
    pub fn url(&self, url: &str) -> Result<String> {
        let mut url: Url = url.parse()?;
        let set = url.set_port(Some(self.port)).and_then(|()| url.set_host(Some("127.0.0.1")).map_err(drop));
        set.ok().context("the URL has no host")?;
        Ok(url.into())
    }
}

fn join(near: TcpStream, server: SocketAddr) -> Result<()> {
    let far = TcpStream::connect(server)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    carry(near.try_clone()?, far.try_clone()?);
    carry(far, near);
    Ok(())
}

/// Carries bytes one way, each as long after it came as the way is.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let (send, receive) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if send.send((Instant::now() + WAY, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receive {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}
