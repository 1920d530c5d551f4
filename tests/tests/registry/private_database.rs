//! The private PostgreSQL of `painreg serve`: started again when it ends, and shown by the liveness check until then.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::importer::program::{Folder, run};

/// A server with a private PostgreSQL in the folder `p`.
struct Serving {
    folder: Folder,
    child: Child,
    address: String,
}

impl Serving {
    fn start() -> Self {
        let folder = Folder::new();
        run(folder.program(&["key", "create", "--folder", "p"])).expect(0);
        let arguments = ["serve", "--folder", "p", "--environment", "test", "--listen", "127.0.0.1:0"];
        let log = std::fs::File::create(folder.0.join("log")).expect("a file");
        let mut command = folder.program(&arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stderr(log);
        let mut child = command.spawn().expect("a program");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let said = out.lines().map_while(Result::ok).find(|line| line.starts_with("Serving at "));
        let said = said.unwrap_or_else(|| panic!("it does not serve: {}", folder.text("log")));
        let address = said.split([' ', ';']).nth(2).expect("an address").to_owned();
        Self { folder, child, address }
    }

    /// Returns the status of a health check; 0 where there is no answer.
    fn health(&self, check: &str) -> u16 {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        agent.get(format!("{}/health/{check}", self.address)).call().map_or(0, |answer| answer.status().as_u16())
    }

    #[track_caller]
    fn until(&self, check: &str, status: u16) {
        let started = Instant::now();
        while self.health(check) != status {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{check} is not {status}: {}",
                self.folder.text("log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills the postmaster, which cannot clean up.
    fn kills_postgres(&self) {
        let pid = self.folder.text("p/postgres/postmaster.pid");
        let pid = pid.lines().next().expect("a process id");
        let killed = Command::new("kill").args(["-9", pid]).status().expect("a program");
        assert!(killed.success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn killed_postgres_is_started_again() {
    let serving = Serving::start();
    serving.until("ready", 200);
    for _ in 0..2 {
        serving.kills_postgres();
        serving.until("ready", 503);
        serving.until("ready", 200);
        serving.until("live", 200);
    }
    let log = serving.folder.text("log");
    assert_eq!(log.matches("the private PostgreSQL ended unexpectedly").count(), 2, "{log}");
    assert_eq!(log.matches("the private PostgreSQL runs again").count(), 2, "{log}");
}

#[test]
fn server_is_not_alive_while_postgres_cannot_be_started_again() {
    let serving = Serving::start();
    serving.until("live", 200);
    let data = serving.folder.0.join("p/postgres/global");
    let away = serving.folder.0.join("p/postgres/away");
    std::fs::rename(&data, &away).expect("it is ours");
    serving.kills_postgres();
    serving.until("live", 503);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(serving.health("live"), 503, "as long as it cannot be started");
    let log = serving.folder.text("log");
    assert!(log.contains("could not be started again") && log.contains("next_attempt_in"), "{log}");
    std::fs::rename(&away, &data).expect("it is ours");
    serving.until("live", 200);
    serving.until("ready", 200);
}

#[test]
fn serve_without_a_key_starts_nothing() {
    let folder = Folder::new();
    let mut command = folder.program(&["serve", "--folder", "p", "--environment", "test"]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdout(Stdio::piped());
    let refused = run(command).expect(1);
    assert!(refused.log.contains("p/key") && refused.log.contains("painreg key create"), "{}", refused.log);
    assert!(!folder.0.join("p/postgres").exists() && !folder.0.join("p/key").exists());
}

#[test]
fn demo_creates_a_key_only_where_the_database_was_used_with_none() {
    let folder = Folder::new();
    let demo = || {
        let arguments =
            ["demo", "--folder", "p", "--tenants", "1", "--patients", "1", "--listen", "127.0.0.1:0", "--once"];
        let mut command = folder.program(&arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        run(command)
    };
    demo().expect(0);
    let key = folder.0.join("p/key");
    assert_eq!(std::fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    std::fs::rename(&key, folder.0.join("p/lost")).expect("it is ours");
    let refused = demo().expect(1);
    assert!(refused.log.contains("p/key") && refused.log.contains("it does not exist"), "{}", refused.log);
    assert!(!key.exists(), "no key beside encrypted data");
    std::fs::rename(folder.0.join("p/lost"), &key).expect("it is ours");
    demo().expect(0);
}

#[test]
fn error_of_a_file_operation_names_the_path() {
    let folder = Folder::new();
    folder.file("file", "");
    for arguments in [
        &["key", "create", "--folder", "file/p"][..],
        &["serve", "--folder", "file/p"],
        &["token", "--folder", "file/p", "--tenant", "ous", "--role", "clinician"],
    ] {
        let refused = run(folder.program(arguments)).expect(1);
        assert!(refused.log.contains("file/p") && refused.log.contains("os error 20"), "{arguments:?} {}", refused.log);
    }
}
