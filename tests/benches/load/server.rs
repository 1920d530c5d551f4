//! The server as a child process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use painreg_api::commands::Failure;
use painreg_tenants::local::Local;
use secrecy::ExposeSecret as _;

use super::client::{Connection, Template};
use super::machine::megabytes;

/// The server as a child process, which ends when this value is dropped.
pub struct Server {
    child: Child,
    /// The address it listens on.
    pub address: SocketAddr,
}

impl Server {
    /// Starts the server, and waits until it is ready. `works`: whether it also runs background jobs.
    pub fn start(program: &Path, folder: &Path, local: &Local, works: bool) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program)
            .arg("serve")
            .env("DATABASE_URL", local.address().expose_secret())
            .env("PAINREG_FOLDER", folder)
            .env("PAINREG_KEY_FILE", folder.join("key"))
            .env("PAINREG_LISTEN", address.to_string())
            .env("PAINREG_ENVIRONMENT", "test")
            .env("PAINREG_LOG", "error")
            .env("PAINREG_WITHOUT_WORKER", if works { "false" } else { "true" })
            // Rate limits must not slow the load.
            .env("PAINREG_PEOPLE_PER_SECOND", "1000000")
            .env("PAINREG_MACHINES_PER_SECOND", "1000000")
            .stdin(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address };
        let started = Instant::now();
        let mut ready = Template::new("GET", "/health/ready", "none", None);
        while started.elapsed() < Duration::from_secs(20) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended at once: {status}").into());
            }
            let answered = Connection::new(address).exchange(ready.with(0)).map(|answer| answer.status);
            if matches!(answered, Ok(200)) {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server is not ready after 20 s".into())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn memory(&self) -> String {
        let pid = self.pid();
        format!("{:.1} MB resident, at most {:.1} MB", megabytes(pid, "VmRSS"), megabytes(pid, "VmHWM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if started.elapsed() > Duration::from_secs(10) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
