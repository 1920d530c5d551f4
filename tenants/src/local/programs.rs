//! Finding the PostgreSQL programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the newest PostgreSQL's programs: the path, `pg_config`, Debian's and Homebrew's places.
pub(super) fn find_programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (parent, below) in [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        folders.extend(entries.flatten().map(|entry| entry.path().join(below)));
    }
    folders
        .into_iter()
        .filter(|folder| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).exists()))
        .filter_map(|folder| Some((major(&folder)?, folder)))
        .filter(|(major, _)| *major >= 15)
        .max_by_key(|(major, _)| *major)
        .map(|(_, folder)| folder)
}

fn major(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
