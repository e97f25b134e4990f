//! A server process: started, waited for, stopped by its number.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The user that servers run as when this program runs as root, which PostgreSQL refuses: `nobody`.
const NOBODY: u32 = 65_534;

/// A server of this run; dropped, it is stopped and its folder removed.
pub struct Server {
    child: Option<Child>,
    folder: PathBuf,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets it run on after this program.
    pub fn leave(mut self) {
        self.child = None;
        self.folder = PathBuf::new();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        signal(child.id(), "-INT");
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if !matches!(child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Stops a server of an earlier run.
pub fn stop(pid: u32, folder: &Path) {
    signal(pid, "-INT");
    let start = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        if start.elapsed() > Duration::from_secs(10) {
            signal(pid, "-KILL");
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = std::fs::remove_dir_all(folder);
}

fn signal(pid: u32, signal: &str) {
    let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// A command that runs without root's rights.
pub fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A folder outside of the checkout that the server's user owns: a checkout may lie where others cannot search.
pub fn folder(name: &str) -> Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix(&format!("orm-{name}-")).tempdir()?.keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    if is_root() {
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(folder)
}

/// A port of the loopback address that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts a server whose folder this is and waits until it takes connections.
pub fn start(mut command: Command, folder: PathBuf, port: u16) -> Result<Server> {
    let log_path = folder.join("server.log");
    let log = std::fs::File::create(&log_path)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(&folder);
    let child = command.spawn().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let mut server = Server { child: Some(child), folder };
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = server.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        if ended || start.elapsed() > Duration::from_secs(30) {
            bail!("the server did not come up:\n{}", std::fs::read_to_string(&log_path).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}
