//! PgBouncer, in transaction mode before the PostgreSQL server of the same run.

use std::net::TcpStream;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::process::{Folder, Server, free_port, hand_over, unprivileged};
use super::{Running, debian, postgres};

const URL: &str = "ORM_TEST_PGBOUNCER_URL";

pub fn start(running: &mut Running) -> Result<()> {
    if let Some(url) = running.given(URL) {
        running.set(URL, url);
        return Ok(());
    }
    let server = running.variable(postgres::URL).context("it needs the PostgreSQL server")?.to_owned();
    let address = server.split('@').nth(1).context("the URL of the server has no user")?;
    let (host, database) = address.split_once('/').context("the URL of the server has no database")?;
    let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
    let (folder, own_port) = (Folder::new("pgbouncer")?, free_port()?);
    let (program, libraries) = program(folder.path())?;
    let settings = format!(
        "[databases]\n{database} = host={host} port={port} dbname={database}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {own_port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_client_conn = 200\n\
         default_pool_size = 4\nignore_startup_parameters = extra_float_digits\n"
    );
    // With `auth_type = any` the user of the server is fixed.
    let settings = settings.replacen(
        &format!("dbname={database}\n"),
        &format!(
            "dbname={database} user={}\n",
            server.split("//").nth(1).unwrap_or("orm").split(['@', ':']).next().unwrap_or("orm")
        ),
        1,
    );
    let file = folder.path().join("pgbouncer.ini");
    std::fs::write(&file, settings)?;
    hand_over(&file, 0o600)?;
    let mut command = unprivileged(&program);
    command.arg(&file);
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    // It keeps nothing, and what other signals do to it depends on its version.
    let started =
        Server::start(command, "KILL", folder, || TcpStream::connect(("127.0.0.1", own_port)).is_ok())?;
    eprintln!("PgBouncer: {} on port {own_port}", program.display());
    running.servers.push(started);
    running.set(URL, format!("postgres://orm@127.0.0.1:{own_port}/{database}"));
    Ok(())
}

/// The program, and the libraries it needs if it was unpacked.
fn program(folder: &std::path::Path) -> Result<(PathBuf, Option<PathBuf>)> {
    let installed = PathBuf::from("/usr/sbin/pgbouncer");
    if installed.exists() && !debian::wanted() {
        return Ok((installed, None));
    }
    let tree = debian::unpacked("pgbouncer", |_| Ok(vec!["pgbouncer".to_owned()]))?;
    let tree = debian::readable(&tree, folder)?;
    Ok((tree.join("usr/sbin/pgbouncer"), Some(debian::libraries(&tree))))
}
