//! A server process: started, waited for, and stopped whatever becomes of this program.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The user that servers run as when this program runs as root, which PostgreSQL refuses: `nobody`.
const NOBODY: u32 = 65_534;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that the server's user owns, outside of the checkout, which may lie where others cannot search.
///
/// It goes with this program, and with it the server in it, even if this program is killed: a shell watches, whose input
/// ends then.
pub struct Folder {
    path: TempDir,
    watch: Child,
}

/// A server of this run; dropped, it is stopped and its folder removed.
pub struct Server {
    child: Child,
    stop: &'static str,
    folder: Option<Folder>,
}

/// A server that outlives this program, as `up` notes it.
#[derive(Serialize, Deserialize)]
pub struct Left {
    pid: u32,
    /// When it started: a number alone may by now be that of a stranger.
    born: String,
    /// The signal that stops it at once.
    stop: String,
    folder: PathBuf,
}

impl Folder {
    pub fn new(name: &str) -> Result<Self> {
        let path = tempfile::Builder::new().prefix(&format!("orm-{name}-")).tempdir()?;
        hand_over(path.path(), 0o755)?;
        // Lines are "end", or the number and the signal of a process. An `initdb` may still write while the folder goes.
        let script = "while read -r word more; do [ \"$word\" = end ] && exit; pid=$word; stop=$more; done
            if [ \"$pid\" ]; then
                kill -s $stop $pid
                for round in 1 2 3 4 5 6 7 8 9; do kill -s 0 $pid && sleep 0.2; done
                kill -s KILL $pid
            fi
            for round in 1 2 3 4 5 6 7 8 9; do rm -rf \"$0\" && break; sleep 0.2; done";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(path.path()).process_group(0).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = command.spawn().with_context(|| cannot_run(&command))?;
        Ok(Self { path, watch })
    }

    pub fn path(&self) -> &Path {
        self.path.path()
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.watch.stdin.as_mut().context("the watch has no input")?;
        Ok(writeln!(input, "{line}")?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.tell("end");
        let _ = self.watch.wait();
    }
}

impl Server {
    /// Starts a server whose folder this is, and which a signal stops at once, and waits until it is ready.
    pub fn start(
        mut command: Command,
        stop: &'static str,
        folder: Folder,
        ready: impl Fn() -> bool,
    ) -> Result<Self> {
        let log_path = folder.path().join("server.log");
        let log = std::fs::File::create(&log_path)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(folder.path());
        // Control-C is for this program; the watch then stops the server.
        let child = command.process_group(0).spawn().with_context(|| cannot_run(&command))?;
        let pid = child.id();
        let mut server = Server { child, stop, folder: Some(folder) };
        server.folder.as_mut().map_or(Ok(()), |folder| folder.tell(&format!("{pid} {stop}")))?;
        let start = Instant::now();
        while !ready() {
            let ended = server.child.try_wait()?.is_some();
            if ended || start.elapsed() > PATIENCE {
                bail!("it did not come up:\n{}", std::fs::read_to_string(&log_path).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// What has to be noted for a server to be stopped later.
    pub fn note(&self) -> Result<Left> {
        let pid = self.child.id();
        let folder = self.folder.as_ref().context("the server has no folder")?.path().to_owned();
        let born = born(pid).context("the server has ended")?;
        Ok(Left { pid, born, stop: self.stop.to_owned(), folder })
    }

    /// Lets it run on after this program.
    pub fn leave(mut self) {
        if let Some(folder) = &mut self.folder.take() {
            folder.path.disable_cleanup(true);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is left has given its folder away.
        if self.folder.is_some() {
            signal(self.stop, self.child.id());
            wait_until(|| !matches!(self.child.try_wait(), Ok(None)));
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Left {
    pub fn runs(&self) -> bool {
        born(self.pid).as_ref() == Some(&self.born)
    }

    /// Stops it and removes its folder.
    pub fn stop(&self) -> Result<()> {
        if self.runs() {
            signal(&self.stop, self.pid);
            if !wait_until(|| !self.runs()) {
                signal("KILL", self.pid);
            }
            if !wait_until(|| !self.runs()) {
                bail!("process {} does not end", self.pid);
            }
        }
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

/// When a process started, in words that only it has; none if it has ended.
fn born(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        // The name of the program, in parentheses, may hold anything; then come state, …, start: fields 3 and 22.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ended = matches!(fields.first()?, &("Z" | "X"));
        return (!ended).then(|| fields.get(19).map(|start| (*start).to_owned())).flatten();
    }
    let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// The shell's own `kill`: a small container has no other.
fn signal(name: &str, pid: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]);
    let _ = command.stderr(Stdio::null()).status();
}

/// Whether it came true in time.
fn wait_until(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
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

/// Gives a path to the user that servers run as.
pub fn hand_over(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
}

/// A port of the loopback address that is free now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The context of a command that does not even start.
pub fn cannot_run(command: &Command) -> String {
    format!("cannot run {}", command.get_program().display())
}
