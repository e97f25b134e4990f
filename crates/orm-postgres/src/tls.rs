//! How the connection is encrypted.
//!
//! Without a word in the settings, a server on this machine is spoken to in the clear and any other by TLS with its certificate
//! checked: a password never travels in the clear by default, and a server that somebody put in between is refused.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use orm_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_postgres::config::{Host, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Notification, SimpleQueryMessage};

use crate::errors;
use crate::wire::{Watched, Wire};

/// Whether a connection is encrypted.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::PgTls;
/// let builder = Postgres::builder("postgres://app@db.example.org/app").tls(PgTls::Require);
/// let db = builder.connect().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PgTls {
    /// Never.
    Disable,
    /// If the server offers it; its certificate is checked then. An attacker can make the server seem not to.
    Prefer,
    /// Always, with the server's certificate and name checked.
    Require,
}

/// Makes connections, plain or encrypted, whose messages are [watched](crate::wire).
#[derive(Clone)]
pub struct Connector {
    mode: PgTls,
    #[cfg(feature = "tls")]
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
    /// Whether TLS begins without the question whether the server knows it.
    direct: bool,
    /// Folders of Unix sockets, with the ports in their names.
    sockets: Vec<(PathBuf, u16)>,
}

impl Connector {
    /// By the builder's word, else the URL's, else by where the server is. `roots` are certificates in PEM beside those of the
    /// platform.
    pub fn new(mode: Option<PgTls>, url: &str, config: &mut Config, roots: &[Vec<u8>]) -> Result<Self> {
        let named = url.contains("sslmode=");
        let mode = mode.unwrap_or_else(|| match config.get_ssl_mode() {
            SslMode::Disable if named => PgTls::Disable,
            SslMode::Require if named => PgTls::Require,
            _ if named => PgTls::Prefer,
            _ if config.get_hosts().iter().all(is_here) => PgTls::Disable,
            _ => PgTls::Require,
        });
        let direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        // Whatever the mode, the handshake is ours, and the first thing on a new socket: that is how the messages can be watched.
        config.ssl_mode(SslMode::Require);
        config.ssl_negotiation(SslNegotiation::Direct);
        if config.get_hosts().is_empty() {
            // A handshake wants a name.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let port = |index: usize| {
            let ports = config.get_ports();
            ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432)
        };
        let socket = |(index, host): (usize, &Host)| match host {
            #[cfg(unix)]
            Host::Unix(folder) => Some((folder.clone(), port(index))),
            Host::Tcp(_) => None,
        };
        let sockets = config.get_hosts().iter().enumerate().filter_map(socket).collect();
        Ok(Connector {
            mode,
            #[cfg(feature = "tls")]
            tls: if mode == PgTls::Disable { None } else { Some(Self::rustls(roots)?) },
            #[cfg(not(feature = "tls"))]
            sockets: if mode == PgTls::Disable { sockets } else { return Err(Self::no_tls(roots)) },
            #[cfg(feature = "tls")]
            sockets,
            direct,
        })
    }

    #[cfg(feature = "tls")]
    fn rustls(roots: &[Vec<u8>]) -> Result<tokio_postgres_rustls::MakeRustlsConnect> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;

        let wrong = |text: &str| Error::new(ErrorKind::Configuration, text);
        let mut store = rustls::RootCertStore::empty();
        // Some of the platform's certificates may be unreadable; those that are read count.
        for certificate in rustls_native_certs::load_native_certs().certs {
            let _ = store.add(certificate);
        }
        for pem in roots {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| {
                    wrong("the root certificate is not PEM").with_source(io::Error::other(error))
                })?;
                store
                    .add(certificate)
                    .map_err(|error| wrong("the root certificate cannot be used").with_source(error))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS cannot be set up").with_source(error))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
    }

    #[cfg(not(feature = "tls"))]
    fn no_tls(_: &[Vec<u8>]) -> Error {
        Error::new(ErrorKind::Configuration, "this program was built without TLS")
            .with_hint("enable the feature `tls` of orm-postgres, or say `sslmode=disable` in the URL")
    }

    fn handshake(&self, wire: &Arc<Wire>) -> Handshake {
        Handshake {
            mode: self.mode,
            direct: self.direct,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
            wire: Arc::clone(wire),
        }
    }

    /// Opens a connection and drives it on a task of its own.
    pub async fn connect(&self, config: &Config) -> Result<(Client, Arc<Wire>)> {
        let wire = Arc::new(Wire::default());
        let client = match self.open_socket(config, &wire).await? {
            #[cfg(unix)]
            Some((client, connection)) => {
                drive(connection);
                check_attributes(&client, config).await?;
                client
            }
            _ => {
                let opened = config.connect(self.handshake(&wire)).await;
                let (client, connection) = opened.map_err(|error| errors::map(error, None))?;
                drive(connection);
                client
            }
        };
        Ok((client, wire))
    }

    /// As [`connect`](Connector::connect), for notifications. What waits in the channel holds the server back.
    pub async fn connect_listening(
        &self,
        config: &Config,
        heard: mpsc::Sender<Notification>,
    ) -> Result<Client> {
        let wire = Arc::new(Wire::default());
        Ok(match self.open_socket(config, &wire).await? {
            #[cfg(unix)]
            Some((client, connection)) => {
                tokio::spawn(hear(connection, heard));
                client
            }
            _ => {
                let opened = config.connect(self.handshake(&wire)).await;
                let (client, connection) = opened.map_err(|error| errors::map(error, None))?;
                tokio::spawn(hear(connection, heard));
                client
            }
        })
    }

    /// A connection by the first Unix socket that answers; `None` where there are other servers to try.
    #[cfg(unix)]
    async fn open_socket(&self, config: &Config, wire: &Arc<Wire>) -> Result<Option<OverSocket>> {
        let mut failed = None;
        for (folder, port) in &self.sockets {
            let path = folder.join(format!(".s.PGSQL.{port}"));
            let opened = async {
                let stream = UnixStream::connect(&path).await.map_err(errors::of_io)?;
                let handshake = self.handshake(wire).make("");
                let opened = config.connect_raw(stream, handshake).await;
                opened.map_err(|error| errors::map(error, None))
            };
            match opened.await {
                Ok(opened) => return Ok(Some(opened)),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if self.sockets.len() == config.get_hosts().len() => Err(error),
            _ => Ok(None),
        }
    }

    #[cfg(not(unix))]
    async fn open_socket(&self, _: &Config, _: &Arc<Wire>) -> Result<Option<()>> {
        Ok(None)
    }

    /// Asks the server to stop what a connection is doing.
    pub async fn cancel(&self, token: CancelToken) {
        let wire = Arc::new(Wire::default());
        // If it cannot be sent, the closed connection ends the statement as soon as the server notices.
        if token.cancel_query(self.handshake(&wire)).await.is_ok() {
            return;
        }
        #[cfg(unix)]
        for (folder, port) in &self.sockets {
            if let Ok(stream) = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await {
                let _ = token.cancel_query_raw(stream, self.handshake(&wire).make("")).await;
            }
        }
    }
}

/// What tokio-postgres asks by itself of a server that it connected to.
#[cfg(unix)]
async fn check_attributes(client: &Client, config: &Config) -> Result<()> {
    let wanted = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok(()),
    };
    let answer = client.simple_query("SHOW transaction_read_only").await;
    let answer = answer.map_err(|error| errors::map(error, None))?;
    let fits = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.try_get(0).is_ok_and(|value| value == Some(wanted)));
    if answer.iter().any(fits) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::ConnectionLost,
        "no server has the session attributes of `target_session_attrs`",
    ))
}

#[cfg(unix)]
type OverSocket = (Client, tokio_postgres::Connection<UnixStream, Watched<Channel<UnixStream>>>);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What happens on a new socket before the first message: TLS, if it is wanted and offered.
#[derive(Clone)]
struct Handshake {
    mode: PgTls,
    direct: bool,
    #[cfg(feature = "tls")]
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
    wire: Arc<Wire>,
}

impl Handshake {
    fn make(self, server: &str) -> HandshakeWith {
        HandshakeWith { handshake: self, server: server.to_owned() }
    }
}

/// A handshake with a server of a name.
struct HandshakeWith {
    handshake: Handshake,
    server: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Handshake {
    type Stream = Watched<Channel<S>>;
    type TlsConnect = HandshakeWith;
    type Error = std::convert::Infallible;

    fn make_tls_connect(&mut self, server: &str) -> std::result::Result<HandshakeWith, Self::Error> {
        Ok(self.clone().make(server))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for HandshakeWith {
    type Stream = Watched<Channel<S>>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self::Stream, Failure>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let wire = Arc::clone(&self.handshake.wire);
            Ok(Watched::new(self.channel(stream).await?, wire))
        })
    }
}

impl HandshakeWith {
    async fn channel<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        mut stream: S,
    ) -> std::result::Result<Channel<S>, Failure> {
        let mode = self.handshake.mode;
        if mode == PgTls::Disable {
            return Ok(Channel::Plain(stream));
        }
        if !self.handshake.direct {
            let mut request = BytesMut::new();
            postgres_protocol::message::frontend::ssl_request(&mut request);
            stream.write_all(&request).await?;
            let offered = stream.read_u8().await? == b'S';
            match mode {
                PgTls::Prefer if !offered => return Ok(Channel::Plain(stream)),
                _ if !offered => return Err("the server does not support TLS".into()),
                _ => {}
            }
        }
        #[cfg(feature = "tls")]
        if let Some(mut tls) = self.handshake.tls {
            let Ok(tls) = MakeTlsConnect::<S>::make_tls_connect(&mut tls, &self.server);
            return Ok(Channel::PgTls(Box::new(tls.connect(stream).await?)));
        }
        Err("this program was built without TLS".into())
    }
}

#[cfg(feature = "tls")]
type Encrypted<S> = <tokio_postgres_rustls::MakeRustlsConnect as MakeTlsConnect<S>>::Stream;

/// A socket, plain or encrypted.
enum Channel<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    Plain(S),
    #[cfg(feature = "tls")]
    PgTls(Box<Encrypted<S>>),
}

/// Calls a method of whichever socket it is.
macro_rules! either {
    ($channel:expr, $stream:ident => $call:expr) => {
        match $channel.get_mut() {
            Channel::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "tls")]
            Channel::PgTls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncRead for Channel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(context, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AsyncWrite for Channel<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(context, bytes))
    }
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(context))
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(context))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsStream for Watched<Channel<S>> {
    fn channel_binding(&self) -> ChannelBinding {
        match self.get_ref() {
            Channel::Plain(_) => ChannelBinding::none(),
            #[cfg(feature = "tls")]
            Channel::PgTls(stream) => stream.channel_binding(),
        }
    }
}

fn drive(connection: impl Future<Output = std::result::Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        // What ends the connection is seen by the statement that is under way, or by the next one.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
}

/// Drives a connection until it ends or nobody listens.
async fn hear<S, T>(mut connection: tokio_postgres::Connection<S, T>, heard: mpsc::Sender<Notification>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message
            && heard.send(notification).await.is_err()
        {
            return;
        }
    }
}

/// Whether a server is on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}
