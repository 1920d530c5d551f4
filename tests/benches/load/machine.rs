//! Figures of the operating system: processor time and memory of processes, and the speed of the disk; the folder on it.

use std::fs::{File, read_dir, read_to_string};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use painreg_api::commands::Failure;

use super::{say, setting};

/// Processor seconds used by the three parties.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// Processor seconds of the server process.
    pub server: f64,
    /// PostgreSQL: the postmaster, its children and those that have ended.
    pub postgres: f64,
    /// The load generator; pgbench where that has ended.
    pub client: f64,
}

impl Spent {
    /// Reads the processor times now.
    pub fn now(server: Option<u32>, postmaster: Option<u32>) -> Self {
        let postgres = postmaster.map_or(0.0, |postmaster| {
            let children = read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
                let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
                let stat = stat(pid)?;
                (stat.parent == postmaster).then_some(stat.own)
            });
            let own = stat(postmaster).map_or(0, |stat| stat.own + stat.ended);
            seconds(own + children.sum::<u32>())
        });
        Self {
            server: server.and_then(stat).map_or(0.0, |stat| seconds(stat.own)),
            postgres,
            client: stat(std::process::id()).map_or(0.0, |stat| seconds(stat.own + stat.ended)),
        }
    }

    /// Returns milliseconds since `before` divided by the number of `answers`.
    pub fn each_since(self, before: Self, answers: f64) -> Self {
        let each = |now: f64, then: f64| (now - then) * 1000.0 / answers.max(1.0);
        Self {
            server: each(self.server, before.server),
            postgres: each(self.postgres, before.postgres),
            client: each(self.client, before.client),
        }
    }
}

struct Stat {
    parent: u32,
    own: u32,
    ended: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(Stat { parent: field(1)?, own: field(11)? + field(12)?, ended: field(13)? + field(14)? })
}

/// Converts ticks to seconds; Linux counts in hundredths of a second on every supported machine.
fn seconds(ticks: u32) -> f64 {
    f64::from(ticks) / 100.0
}

/// Returns the megabytes of a line of `/proc/<pid>/status`, such as `VmRSS`.
pub fn megabytes(pid: u32, what: &str) -> f64 {
    let text = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    f64::from(kilobytes.unwrap_or(0)) / 1024.0
}

/// Returns the process id of the postmaster of the cluster in `folder`.
pub fn postmaster(folder: &Path) -> Option<u32> {
    read_to_string(folder.join("postgres/postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// Returns how many times a second 8 kB can be written and made durable, one write after the other: the limit for the
/// commits of one client.
pub fn durable_writes(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("durable-writes");
    let mut file = File::create(&path)?;
    let block = [0x5a; 8192];
    let started = Instant::now();
    let mut writes = 0_u32;
    while started.elapsed() < Duration::from_millis(500) {
        file.write_all(&block)?;
        file.sync_data()?;
        writes += 1;
    }
    std::fs::remove_file(&path)?;
    Ok(f64::from(writes) / started.elapsed().as_secs_f64())
}

/// A folder that is removed when this value is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates the folder.
    pub fn new() -> Result<Self, Failure> {
        let parent = setting("FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = parent.join(format!("painreg-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if setting("KEEP").is_some() {
            say(format!("Left behind: {}", self.0.display()));
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
