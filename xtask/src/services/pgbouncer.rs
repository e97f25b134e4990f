//! PgBouncer, in transaction mode before the PostgreSQL server of the same run.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::process::{Folder, Server, free_port, hand_over, unprivileged};
use super::{Running, debian, postgres};

const URL: &str = "ORM_TEST_PGBOUNCER_URL";

pub fn start(running: &mut Running) -> Result<()> {
    if let Some(url) = running.given(URL) {
        eprintln!("PgBouncer: the pooler of {URL}");
        running.set(URL, url);
        return Ok(());
    }
    let server = running.variable(postgres::URL).context("it needs the PostgreSQL server")?;
    let behind =
        Behind::parse(server).with_context(|| format!("{} has no user, host and database", postgres::URL))?;
    let folder = Folder::new("pgbouncer")?;
    let (program, libraries) = match program(folder.path()) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("PgBouncer: none, and the test that needs {URL} will fail: {error:#}");
            return Ok(());
        }
    };
    let port = free_port()?;
    let url = format!("postgres://{}@127.0.0.1:{port}/{}", behind.user, behind.database);
    let file = folder.path().join("pgbouncer.ini");
    std::fs::write(&file, behind.settings(port))?;
    hand_over(&file, 0o600)?;
    let mut command = unprivileged(&program);
    command.arg(&file);
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    // It keeps nothing, and what other signals do to it depends on its version.
    let server = Server::start(command, "KILL", folder, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    eprintln!("PgBouncer: {} on port {port}", program.display());
    running.servers.push(server);
    running.set(URL, url);
    Ok(())
}

/// The server behind the pooler.
#[derive(Debug, PartialEq)]
struct Behind {
    user: String,
    password: Option<String>,
    host: String,
    port: String,
    database: String,
}

impl Behind {
    /// Reads `postgres://user:password@host:port/database?…`.
    fn parse(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (login, address) = rest.split('?').next()?.rsplit_once('@')?;
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (login, None),
        };
        let (place, database) = address.split_once('/')?;
        let (host, port) = place.split_once(':').unwrap_or((place, "5432"));
        let own = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        Some(Self {
            user: own(user)?,
            password,
            host: own(host)?,
            port: own(port)?,
            database: own(database)?,
        })
    }

    fn settings(&self, port: u16) -> String {
        let Behind { user, host, port: behind, database, .. } = self;
        let password = self.password.as_ref().map(|word| format!(" password={word}")).unwrap_or_default();
        // With `auth_type = any` the user of the server is fixed.
        format!(
            "[databases]\n{database} = host={host} port={behind} dbname={database} user={user}{password}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\nmax_client_conn = 200\ndefault_pool_size = 4\n\
             ignore_startup_parameters = extra_float_digits\n"
        )
    }
}

/// The program, and the libraries it needs if it was unpacked.
fn program(folder: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let installed = folders.map(|folder| folder.join("pgbouncer")).find(|program| program.exists());
    if let Some(program) = installed.filter(|_| !debian::wanted()) {
        return Ok((program, None));
    }
    let tree = debian::unpacked("pgbouncer", |_| Ok(vec!["pgbouncer".to_owned()]))
        .context("it is not in PATH and /usr/sbin, and Debian's package cannot be fetched")?;
    let tree = debian::readable(&tree, folder)?;
    Ok((tree.join("usr/sbin/pgbouncer"), Some(debian::libraries(&tree))))
}

#[cfg(test)]
mod tests {
    use super::Behind;

    #[test]
    fn the_server_behind_is_read_from_its_url() {
        let behind = Behind::parse("postgres://orm:secret@localhost/shop?sslmode=disable").unwrap();
        assert_eq!((behind.host.as_str(), behind.port.as_str()), ("localhost", "5432"));
        assert!(behind.settings(1).contains("dbname=shop user=orm password=secret\n"));
        assert_eq!(Behind::parse("postgres://localhost/shop"), None);
    }
}
