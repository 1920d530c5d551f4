//! The program, run in a separate folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::stand_in::{StandIn, TOKEN};

/// A folder that is removed when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates an empty folder.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("painreg-import-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(folder.join("tmp")).expect("a folder");
        Self(folder)
    }

    /// Writes a file in it, with the folders above it.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Returns the text of a file.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect("a file")
    }

    /// Returns the JSON of a file.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).expect("JSON")
    }

    /// Returns every file in the folder.
    pub fn files(&self) -> Vec<PathBuf> {
        fn all(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { all(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        all(&self.0, &mut found);
        found
    }

    /// Returns the command that imports from Nettskjema into the stand-in.
    pub fn import(&self, into: &StandIn, arguments: &[&str]) -> Command {
        let mut command = self.program(&["import", "nettskjema", "--server", &into.url, "--tenant", "ous"]);
        if !arguments.contains(&"--patience") {
            command.args(["--patience", "5s"]);
        }
        command.args(arguments).env("PAINREG_TOKEN", TOKEN);
        command
    }

    /// Returns the command of the program in this folder.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_painreg-for-tests"));
        command.args(arguments).current_dir(&self.0).env_clear().env("TMPDIR", self.0.join("tmp"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The output of a run.
pub struct Finished {
    /// The exit status.
    pub code: i32,
    /// The text of standard output.
    pub said: String,
    /// The text of standard error.
    pub log: String,
}

impl Finished {
    /// Returns the output; fails unless the exit status is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.said, self.log);
        self
    }
}

/// Runs to the end.
pub fn run(mut command: Command) -> Finished {
    finished(command.output().expect("a program"))
}

/// Starts the program.
pub fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a program")
}

fn finished(output: Output) -> Finished {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Finished { code: output.status.code().unwrap_or(-1), said: text(output.stdout), log: text(output.stderr) }
}

/// Returns a submission in the format of TSD.
pub fn tsd(id: u64, answer: &str) -> Value {
    json!({
        "version": "2024-09", "version_minor": 2,
        "metadata": {"created": "2026-03-01T10:00:00+01:00", "answer_time": 26515, "submission_id": id},
        "answers": {"words": answer, "nrs_avg": 7}
    })
}

/// Returns a submission in the format of API v3.
pub fn v3(form: u64, id: u64, answer: &str) -> Value {
    json!({
        "submissionMetadata": {"formId": form, "submissionId": id, "createdDate": "2026-03-01T10:00:00"},
        "answers": [{"submissionId": id, "externalElementId": "words", "textAnswer": answer, "elementType": "QUESTION"}]
    })
}

/// Returns a submission as lines of API v3's answers.
pub fn long(form: u64, id: u64, answers: &[&str]) -> String {
    let line = |answer: &&str| {
        json!({"formId": form, "submissionId": id, "externalElementId": "words", "textAnswer": answer}).to_string()
            + "\n"
    };
    answers.iter().map(line).collect()
}

/// Returns submissions in the format of CSV v1.
pub fn csv(rows: &[(u64, &str)]) -> String {
    let rows = rows.iter().map(|(id, words)| {
        format!("\"{id}\";\"2026-03-01T10:00:00.5+01:00\";\"{}\";\"26515\"\r\n", words.replace('"', "\"\""))
    });
    std::iter::once("\"$submission_id\";\"$created\";\"words\";\"$answer_time_ms\"\r\n".to_owned())
        .chain(rows)
        .collect()
}
