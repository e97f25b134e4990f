//! How the connection is encrypted.
//!
//! Without a word in the settings, a server on this machine is spoken to in the clear and any other by TLS with its certificate
//! checked: a password never travels in the clear by default, and a server that somebody put in between is refused.

use std::future::poll_fn;

use orm_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, NoTls, Notification};

/// Whether a connection is encrypted.
///
/// ```no_run
/// # use orm_guide::prelude::*;
/// # async fn example(db: Postgres) -> Result<()> {
/// use orm::postgres::Tls;
/// let builder = Postgres::builder("postgres://app@db.example.org/app").tls(Tls::Require);
/// let db = builder.connect().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tls {
    /// Never.
    Disable,
    /// If the server offers it; its certificate is checked then. An attacker can make the server seem not to.
    Prefer,
    /// Always, with the server's certificate and name checked.
    Require,
}

/// Makes connections, plain or encrypted.
#[derive(Clone)]
pub enum Connector {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_postgres_rustls::MakeRustlsConnect),
}

impl Connector {
    /// By the builder's word, else the URL's, else by where the server is. `roots` are certificates in PEM beside those of the
    /// platform.
    pub fn new(mode: Option<Tls>, url: &str, config: &mut Config, roots: &[Vec<u8>]) -> Result<Self> {
        let named = url.contains("sslmode=");
        let mode = mode.unwrap_or_else(|| match config.get_ssl_mode() {
            SslMode::Disable if named => Tls::Disable,
            SslMode::Require if named => Tls::Require,
            _ if named => Tls::Prefer,
            _ if config.get_hosts().iter().all(is_here) => Tls::Disable,
            _ => Tls::Require,
        });
        config.ssl_mode(match mode {
            Tls::Disable => SslMode::Disable,
            Tls::Prefer => SslMode::Prefer,
            Tls::Require => SslMode::Require,
        });
        if mode == Tls::Disable {
            return Ok(Connector::Plain);
        }
        Self::encrypted(roots)
    }

    #[cfg(feature = "tls")]
    fn encrypted(roots: &[Vec<u8>]) -> Result<Self> {
        use std::sync::Arc;

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
                    wrong("the root certificate is not PEM").with_source(std::io::Error::other(error))
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
        Ok(Connector::Tls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
    }

    #[cfg(not(feature = "tls"))]
    fn encrypted(_: &[Vec<u8>]) -> Result<Self> {
        Err(Error::new(ErrorKind::Configuration, "this program was built without TLS")
            .with_hint("enable the feature `tls` of orm-postgres, or say `sslmode=disable` in the URL"))
    }

    /// Opens a connection and drives it on a task of its own.
    pub async fn connect(&self, config: &Config) -> std::result::Result<Client, tokio_postgres::Error> {
        match self {
            Connector::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                drive(connection);
                Ok(client)
            }
            #[cfg(feature = "tls")]
            Connector::Tls(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                drive(connection);
                Ok(client)
            }
        }
    }

    /// As [`connect`](Connector::connect), for notifications. What waits in the channel holds the server back.
    pub async fn connect_listening(
        &self,
        config: &Config,
        heard: mpsc::Sender<Notification>,
    ) -> std::result::Result<Client, tokio_postgres::Error> {
        match self {
            Connector::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(hear(connection, heard));
                Ok(client)
            }
            #[cfg(feature = "tls")]
            Connector::Tls(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(hear(connection, heard));
                Ok(client)
            }
        }
    }

    /// Asks the server to stop what a connection is doing.
    pub async fn cancel(&self, token: CancelToken) {
        // If it cannot be sent, the closed connection ends the statement as soon as the server notices.
        let _ = match self {
            Connector::Plain => token.cancel_query(NoTls).await,
            #[cfg(feature = "tls")]
            Connector::Tls(tls) => token.cancel_query(tls.clone()).await,
        };
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
