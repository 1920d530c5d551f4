//! The files and folders of the private PostgreSQL: who owns them, where they are, and which are secret.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::{LocalError, file};
use crate::crypt::{digest, hex, random};

/// The account that PostgreSQL runs as where this process is root: PostgreSQL refuses to run as root.
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// The account, or `None` where this process is not root.
    pub(super) fn choose() -> Result<Option<Self>, LocalError> {
        let me = id("-u", None)?;
        if me != 0 {
            return Ok(None);
        }
        let name = ["postgres", "nobody"].into_iter().find(|name| id("-u", Some(name)).is_ok());
        let name = name.ok_or_else(|| {
            LocalError::NotReady("there is no account to run it as; add a user `postgres`".to_owned())
        })?;
        Ok(Some(Self { uid: id("-u", Some(name))?, gid: id("-g", Some(name))? }))
    }
}

fn id(what: &str, name: Option<&str>) -> Result<u32, LocalError> {
    let output = Command::new("id").arg(what).args(name).output().map_err(|source| file(Path::new("id"), source))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| LocalError::Program {
        program: "id",
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

pub(super) fn make_folder(path: &Path) -> Result<(), LocalError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(|source| file(path, source))
}

pub(super) fn own(path: &Path, account: Option<&Account>) -> Result<(), LocalError> {
    let Some(account) = account else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(|source| file(path, source))
}

/// One painreg a folder; the lock goes with the process, however it ends.
pub(super) fn lock(folder: &Path) -> Result<std::fs::File, LocalError> {
    let path = folder.join("lock");
    let held = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| file(&path, source))?;
    match held.try_lock() {
        Ok(()) => Ok(held),
        Err(std::fs::TryLockError::WouldBlock) => Err(LocalError::InUse(folder.display().to_string())),
        Err(std::fs::TryLockError::Error(source)) => Err(file(&path, source)),
    }
}

/// Waits for the server of a painreg that was killed: it shuts down for a moment.
pub(super) fn wait_for_predecessor(data: &Path) {
    let started = Instant::now();
    while data.join("postmaster.pid").exists() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The cluster is in `folder/postgres`. Where this process is root and the account cannot get there (a clone under /root),
/// it is under /var/lib instead, and `folder/postgres` points to it.
pub(super) fn data_folder(folder: &Path, account: Option<&Account>) -> PathBuf {
    let reachable = account.is_none_or(|account| {
        folder.ancestors().all(|step| {
            std::fs::metadata(step).is_ok_and(|found| found.mode() & 0o001 != 0 || found.uid() == account.uid)
        })
    });
    if reachable { folder.join("postgres") } else { PathBuf::from(format!("/var/lib/painreg-{}", name_of(folder))) }
}

/// A short name for what belongs to a folder but is elsewhere.
fn name_of(folder: &Path) -> String {
    hex(digest(folder.to_string_lossy().as_bytes()).first_chunk::<6>().unwrap_or(&[0; 6]))
}

/// A socket's path may have 107 characters; a deep clone gets a folder under the system's temporary one.
pub(super) fn socket_folder(folder: &Path, account: Option<&Account>) -> Result<PathBuf, LocalError> {
    let near = folder.join("run");
    let reachable = folder.ancestors().all(|step| std::fs::metadata(step).is_ok_and(|found| found.mode() & 0o001 != 0));
    let sockets = if reachable && near.as_os_str().len() < 80 {
        near
    } else {
        PathBuf::from(format!("/tmp/painreg-{}", name_of(folder)))
    };
    match std::fs::DirBuilder::new().mode(0o700).create(&sockets) {
        Ok(()) => own(&sockets, account)?,
        // A folder of another account could hold that account's socket, which would receive our password.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = std::fs::symlink_metadata(&sockets).map_err(|source| file(&sockets, source))?;
            let ours = account.map_or(id("-u", None)?, |account| account.uid);
            if !found.is_dir() || found.uid() != ours || found.mode() & 0o077 != 0 {
                return Err(LocalError::InUse(sockets.display().to_string()));
            }
        }
        Err(source) => return Err(file(&sockets, source)),
    }
    Ok(sockets)
}

pub(super) fn password(path: &Path) -> Result<String, LocalError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = hex(&random::<24>());
            write_secret(path, &text)?;
            Ok(text)
        }
        Err(source) => Err(file(path, source)),
    }
}

/// A new file that its owner alone can read, on the disk when this returns.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), LocalError> {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()))
        .map_err(|source| file(path, source))
}
