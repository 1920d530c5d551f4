//! The PostgreSQL process of a folder: started, watched, started again when it ends, stopped.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::{Connection as _, PgConnection};

use super::error::{LocalError, file};
use super::folder::Account;

/// Names the socket's file; no TCP port is ever opened.
pub(super) const PORT: u16 = 5432;
/// How often the process is looked at.
const POLL: Duration = Duration::from_millis(200);
/// The pause after the first failed restart; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between restarts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the process is started with.
pub(super) struct Launch {
    pub(super) bin: PathBuf,
    pub(super) data: PathBuf,
    pub(super) sockets: PathBuf,
    /// The folder of the log.
    pub(super) folder: PathBuf,
    pub(super) account: Option<Account>,
    /// The address with which the tests for an answer connect.
    pub(super) address: String,
}

/// Whether the private PostgreSQL runs, for those who must know it without asking the database.
#[derive(Clone)]
pub struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Whether the process runs: from its end until it runs again it does not.
    pub fn is_running(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A running process and the thread that starts it again when it ends.
pub(super) struct Server {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    launch: Launch,
    guard: Mutex<Child>,
    stopping: AtomicBool,
    running: Arc<AtomicBool>,
}

impl Server {
    /// Starts the process, waits until it accepts connections, and supervises it from then on.
    pub(super) fn start(launch: Launch) -> Result<Self, LocalError> {
        let mut guard = launch.spawn(true)?;
        if let Err(error) = launch.wait(&mut guard, Accepts::Connections, &AtomicBool::new(false)) {
            end(&mut guard);
            return Err(error);
        }
        let shared = Arc::new(Shared {
            launch,
            guard: Mutex::new(guard),
            stopping: AtomicBool::new(false),
            running: Arc::new(AtomicBool::new(true)),
        });
        let seen = Arc::clone(&shared);
        let supervisor = std::thread::Builder::new()
            .name("private-postgres".to_owned())
            .spawn(move || seen.supervise())
            .map_err(|source| file(Path::new("a thread"), source))?;
        Ok(Self { shared, supervisor: Some(supervisor) })
    }

    pub(super) fn launch(&self) -> &Launch {
        &self.shared.launch
    }

    pub(super) fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.shared.running))
    }
}

impl Drop for Server {
    /// Stops the process in an orderly way and waits for it.
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.thread().unpark();
            let _ = supervisor.join();
        }
        end(&mut self.shared.guard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn supervise(&self) {
        let mut pause = FIRST_PAUSE;
        while !self.stopping.load(Ordering::Relaxed) {
            let ended = self.guard.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            if !matches!(ended, Ok(Some(_))) {
                std::thread::park_timeout(POLL);
                continue;
            }
            self.running.store(false, Ordering::Relaxed);
            tracing::error!("the private PostgreSQL ended unexpectedly; starting it again");
            match self.restart() {
                Ok(()) => {
                    self.running.store(true, Ordering::Relaxed);
                    pause = FIRST_PAUSE;
                    tracing::warn!("the private PostgreSQL runs again");
                }
                Err(_) if self.stopping.load(Ordering::Relaxed) => return,
                Err(error) => {
                    tracing::error!(%error, next_attempt_in = ?pause, "the private PostgreSQL could not be started again");
                    std::thread::park_timeout(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Starts the process again. Recovery after a crash may take long: a process that recovers counts as running.
    fn restart(&self) -> Result<(), LocalError> {
        let mut guard = self.launch.spawn(false)?;
        let started = self.launch.wait(&mut guard, Accepts::ConnectionsOrRecovers, &self.stopping);
        if started.is_err() {
            end(&mut guard);
        }
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = guard;
        started
    }
}

/// What a start waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepts {
    Connections,
    ConnectionsOrRecovers,
}

impl Launch {
    /// PostgreSQL runs under a small shell that waits for its own standard input to close, which happens when this
    /// process ends in whatever way, and then shuts the server down. No server outlives its painreg, even one that was
    /// killed. The log of an earlier process is kept unless this is the `first`.
    fn spawn(&self, first: bool) -> Result<Child, LocalError> {
        const GUARD: &str = "\"$@\" </dev/null & server=$!; trap '' INT TERM HUP; \
                             (while kill -0 $server 2>/dev/null; do sleep 1; done; kill $$ 2>/dev/null; kill -9 $$ 2>/dev/null) & watch=$!; \
                             cat >/dev/null; kill $watch 2>/dev/null; kill -INT $server 2>/dev/null; wait $server";
        let log = self.log();
        let mut options = std::fs::OpenOptions::new();
        options.create(true).mode(0o600);
        let out = if first { options.write(true).truncate(true) } else { options.append(true) };
        let out = out.open(&log).map_err(|source| file(&log, source))?;
        let err = out.try_clone().map_err(|source| file(&log, source))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARD, "painreg-postgres"])
            .arg(self.bin.join("postgres"))
            .arg("-D")
            .arg(&self.data)
            .arg("-k")
            .arg(&self.sockets)
            .args(["-p", &PORT.to_string()])
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .current_dir("/");
        as_account(&mut command, self.account.as_ref()).spawn().map_err(|source| file(Path::new("sh"), source))
    }

    fn wait(&self, guard: &mut Child, until: Accepts, stopping: &AtomicBool) -> Result<(), LocalError> {
        let started = Instant::now();
        loop {
            if let Ok(Some(_)) = guard.try_wait() {
                let log = tail(&self.log());
                return Err(if log.contains("lock file \"postmaster.pid\" already exists") {
                    LocalError::InUse(self.folder.display().to_string())
                } else {
                    LocalError::NotReady(log)
                });
            }
            match PgConnection::establish(&self.address) {
                Ok(_) => return Ok(()),
                // Its words while it starts, recovers or stops.
                Err(error)
                    if until == Accepts::ConnectionsOrRecovers
                        && error.to_string().contains("the database system is") =>
                {
                    return Ok(());
                }
                Err(_) => {}
            }
            if started.elapsed() > Duration::from_mins(1) || stopping.load(Ordering::Relaxed) {
                return Err(LocalError::NotReady(tail(&self.log())));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }
}

/// Closing the guard's standard input is the signal to shut the server down.
fn end(guard: &mut Child) {
    drop(guard.stdin.take());
    let _ = guard.wait();
}

pub(super) fn as_account<'a>(command: &'a mut Command, account: Option<&Account>) -> &'a mut Command {
    match account {
        Some(account) => command.uid(account.uid).gid(account.gid),
        None => command,
    }
}

fn tail(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut log) = std::fs::File::open(path) {
        let _ = log.read_to_string(&mut text);
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(8)).copied().collect::<Vec<_>>().join("\n")
}
