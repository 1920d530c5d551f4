//! The text of the repository's sources.

use std::path::{Path, PathBuf};

use crate::catalogue::in_repository;

/// A source file of the repository.
pub struct Source {
    /// Its path in the repository.
    pub path: String,
    /// The whole text of the file.
    pub text: String,
}

/// Returns the repository, or the checkout that `HOUSE_ROOT` names.
pub fn root() -> PathBuf {
    std::env::var_os("HOUSE_ROOT").map_or_else(|| in_repository(""), PathBuf::from)
}

/// Returns the folders of hand-written source.
pub fn hand_written() -> [&'static str; 6] {
    ["domain/src", "tenants/src", "api/src", "tests/src", "tests/tests", "tests/benches"]
}

/// Returns the Rust files in these folders except generated ones, ordered by path.
pub fn rust_files(folders: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        collect(&root, &root.join(folder), &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no sources in {}", root.display());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let path = path.strip_prefix(root).expect("a file of the repository").to_string_lossy().into_owned();
            if !path.starts_with("tenants/src/schema") {
                found.push(Source { path, text });
            }
        }
    }
}

impl Source {
    /// Returns the text of its whole-line comments, without markers, one line each.
    pub fn comments(&self) -> impl Iterator<Item = &str> {
        let comment = |line: &'_ str| line.trim_start().starts_with("//");
        self.text
            .lines()
            .filter(move |line| comment(line))
            .map(|line| line.trim().trim_start_matches(['/', '!']).trim())
    }

    /// Returns doc comments of one line and at most two words.
    pub fn short_docs(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let doc = |at: Option<&&str>| at.is_some_and(|line| line.starts_with("///") || line.starts_with("//!"));
        let alone = lines.iter().enumerate().filter(|(at, line)| {
            let before = at.checked_sub(1).and_then(|at| lines.get(at));
            doc(Some(line)) && !doc(before) && !doc(lines.get(at + 1)) && line.split_whitespace().count() <= 3
        });
        alone.map(|(_, line)| *line).collect()
    }

    /// Returns the program without comments, texts and its tests, for a search of its paths.
    pub fn program(&self) -> String {
        let text = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let mut program = String::new();
        for line in text.lines() {
            let mut quoted = false;
            let mut before = ' ';
            for (at, letter) in line.char_indices() {
                if !quoted && line[at..].starts_with("//") {
                    break;
                }
                if letter == '"' && before != '\\' && before != '\'' {
                    quoted = !quoted;
                } else if !quoted {
                    program.push(letter);
                }
                before = letter;
            }
            program.push('\n');
        }
        program
    }
}
