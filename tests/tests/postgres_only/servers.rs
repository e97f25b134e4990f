//! Servers of the test's own: encrypted ones, and one that is killed.

use std::time::Instant;

use futures_util::StreamExt;
use orm::postgres::PgTls;

use super::*;

/// A server of its own with a certificate that nobody knows, started by the programs that `cargo xtask test` found.
struct Throwaway {
    child: std::process::Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Throwaway {
    fn command(program: &str, folder: &std::path::Path) -> std::process::Command {
        use std::os::unix::fs::MetadataExt;
        use std::os::unix::process::CommandExt;
        let bin = std::env::var("ORM_TEST_POSTGRES_BIN").expect(
            "ORM_TEST_POSTGRES_BIN names the folder of PostgreSQL's programs; `cargo xtask test` sets it",
        );
        let mut command = std::process::Command::new(std::path::Path::new(&bin).join(program));
        if let Ok(libraries) = std::env::var("ORM_TEST_POSTGRES_LIB") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0) {
            // PostgreSQL does not run as root.
            command.uid(65_534).gid(65_534);
        }
        command.current_dir(folder).env("HOME", folder);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    }

    /// Starts it; `certificate` and its key are in PEM.
    async fn start(tls: Option<(&str, &str)>) -> Throwaway {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().prefix("orm-throwaway-").tempdir().unwrap();
        let root = folder.path();
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o777)).unwrap();
        let data = root.join("data");
        let made = Self::command("initdb", root)
            .args(["-U", "orm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(made.success());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Throwaway { child: Self::launch(root, port, tls), folder, port };
        server.wait().await;
        server
    }

    fn launch(root: &std::path::Path, port: u16, tls: Option<(&str, &str)>) -> std::process::Child {
        let mut command = Self::command("postgres", root);
        command.arg("-D").arg(root.join("data")).arg("-k").arg(root);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off"]);
        if let Some((certificate, key)) = tls {
            let (certificate_file, key_file) = (root.join("server.crt"), root.join("server.key"));
            std::fs::write(&certificate_file, certificate).unwrap();
            std::fs::write(&key_file, key).unwrap();
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
            let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(root.join("data")).unwrap());
            std::os::unix::fs::chown(&key_file, Some(owner), None).unwrap();
            command.args(["-c", "ssl=on"]);
            command.arg("-c").arg(format!("ssl_cert_file={}", certificate_file.display()));
            command.arg("-c").arg(format!("ssl_key_file={}", key_file.display()));
        }
        command.spawn().unwrap()
    }

    async fn wait(&mut self) {
        let start = Instant::now();
        while Postgres::builder(self.url()).tls(PgTls::Disable).connect().await.is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not come up");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    fn url(&self) -> String {
        format!("postgres://orm@127.0.0.1:{}/postgres", self.port)
    }

    /// `kill -9`, and the same server again on the same data.
    fn kill(&mut self) {
        // The children of the server notice that their parent is gone.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        let start = Instant::now();
        loop {
            self.child = Self::launch(self.folder.path(), self.port, None);
            tokio::time::sleep(Duration::from_millis(300)).await;
            if self.child.try_wait().unwrap().is_none() {
                break;
            }
            // Processes of the killed server may still hold its shared memory.
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not start again");
        }
        self.wait().await;
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn connections_are_encrypted_and_certificates_checked() -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let server = Throwaway::start(Some((&certificate, &key))).await;
    let encrypted = async |db: &Postgres| {
        sql::<bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").one(db).await
    };
    let known =
        Postgres::builder(server.url()).tls(PgTls::Require).root_certificate(certificate).connect().await?;
    assert!(encrypted(&known).await?);
    let sleeping = known.execute_batch("SELECT pg_sleep(60)");
    assert!(tokio::time::timeout(Duration::from_millis(100), sleeping).await.is_err());
    assert!(encrypted(&known).await?, "a dropped statement is cancelled by TLS, too");
    let unknown = Postgres::builder(server.url()).tls(PgTls::Require).connect().await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Configuration, "{unknown}");
    let plain = Postgres::connect(server.url()).await?;
    assert!(!encrypted(&plain).await?, "to this machine in the clear unless told otherwise");
    let no_tls = Postgres::connect(url() + "?sslmode=require").await.unwrap_err();
    assert_eq!(no_tls.kind(), ErrorKind::Configuration, "{no_tls}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again() -> Result<()> {
    let mut server = Throwaway::start(None).await;
    let db = Postgres::builder(server.url()).max_connections(6).connect().await?;
    TestSchema::create_all(&db).await?;
    user(&db, "saved").await?;
    let names: Vec<_> = (0..20_000).map(|number| Tag::create().name(format!("{number:01000}"))).collect();
    Tag::insert_many(names).exec(&db).await?;

    let tx = db.begin().await?;
    user(&tx, "lost").await?;
    let mut stream = Tag::query().stream(&db);
    stream.next().await.unwrap()?;
    let mut copied = Postgres::copy_out(Tag::query(), &db);
    copied.next().await.unwrap()?;
    // Rows for as long as somebody takes them.
    let endless = futures_util::stream::unfold(0, |number| async move {
        if number % 1000 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Some((Ok(Tag::create().name(format!("copied {number}"))), number + 1))
    });
    let copying = tokio::spawn({
        let db = db.clone();
        async move { Postgres::copy_in_stream::<Tag, _, _, _>(endless, &db).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!copying.is_finished(), "rows are on their way");
    server.kill();

    // The server's processes notice one after the other that their parent is gone.
    let mut error = None;
    for number in 0..200 {
        error = user(&tx, &format!("never {number}")).await.err();
        if error.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = error.expect("a server that was killed answers no more");
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert_ne!(tx.commit().await.unwrap_err().kind(), ErrorKind::Usage);
    for mut rows in [stream, copied] {
        let broken = loop {
            match rows.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("a stream that was cut off looks complete"),
            }
        };
        assert_eq!(broken.kind(), ErrorKind::ConnectionLost, "{broken}");
    }
    let cut = tokio::time::timeout(Duration::from_secs(20), copying).await.expect("it ends").unwrap();
    assert_eq!(cut.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(User::query().count(&db).await.unwrap_err().kind(), ErrorKind::ConnectionLost);

    server.start_again().await;
    assert_eq!(User::query().select(User::name).all(&db).await?, ["saved"]);
    assert_eq!(Tag::query().count(&db).await?, 20_000, "a COPY is whole or nothing");
    Ok(())
}
