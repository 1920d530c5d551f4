//! The private PostgreSQL that `painreg demo`, `painreg serve` without an address, and the tests start. It listens on
//! a unix socket only, dies with the process that started it, and is never shared.

mod error;
mod folder;
mod programs;
mod server;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use diesel::prelude::*;
use secrecy::SecretString;

pub use self::error::LocalError;
use self::error::file;
use self::folder::{
    Account, data_folder, lock, make_folder, own, password, socket_folder, wait_for_predecessor, write_secret,
};
use self::programs::find_programs;
pub use self::server::Watch;
use self::server::{Launch, PORT, Server, as_account};
use crate::crypt::{hex, random};
use crate::error::StoreError;
use crate::statement::{run_sql, statement};

/// What a private PostgreSQL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Real data: every acknowledged write survives a crash.
    Durable,
    /// Tests: nothing survives, everything is fast.
    Throwaway,
}

/// A running private PostgreSQL. A process that ends is started again; dropping the value stops it.
pub struct Local {
    server: Server,
    owner_password: String,
    superuser_password: String,
    /// Held as long as the server runs: one painreg a folder.
    _lock: std::fs::File,
}

/// The owner of the platform's schema: may create roles and databases' contents, is no superuser.
const OWNER: &str = "painreg";

impl Local {
    /// Starts the PostgreSQL in `folder`, making it first where there is none.
    pub fn start(folder: &Path, durability: Durability) -> Result<Self, LocalError> {
        let bin = find_programs().ok_or(LocalError::NoPostgres)?;
        make_folder(folder)?;
        let folder = folder.canonicalize().map_err(|source| file(folder, source))?;
        let lock = lock(&folder)?;
        let account = Account::choose()?;
        let data = data_folder(&folder, account.as_ref());
        let sockets = socket_folder(&folder, account.as_ref())?;
        let owner_password = password(&folder.join("database.password"))?;
        let superuser_password = password(&folder.join("superuser.password"))?;
        if data.exists() {
            wait_for_predecessor(&data);
        } else {
            initialise(&bin, &data, account.as_ref(), &superuser_password)?;
            if data.parent() != Some(&folder) {
                let link = folder.join("postgres");
                let _ = std::fs::remove_file(&link);
                std::os::unix::fs::symlink(&data, &link).map_err(|source| file(&link, source))?;
            }
        }
        let chosen = data.join("painreg.conf");
        std::fs::write(&chosen, settings(durability)).map_err(|source| file(&chosen, source))?;
        own(&chosen, account.as_ref())?;
        let address = conninfo(&sockets, ("postgres", &superuser_password), "postgres");
        let server = Server::start(Launch { bin, data, sockets, folder, account, address })?;
        let local = Self { server, owner_password, superuser_password, _lock: lock };
        local.prepare()?;
        Ok(local)
    }

    /// The address of the platform's owner in the database `painreg`.
    pub fn address(&self) -> SecretString {
        self.address_of("painreg")
    }

    /// The owner's address of another database.
    pub fn address_of(&self, database: &str) -> SecretString {
        SecretString::from(self.conninfo(OWNER, database))
    }

    /// The superuser's address, for tests that look behind the walls and for benchmarks.
    pub fn superuser_address(&self, database: &str) -> SecretString {
        SecretString::from(self.conninfo("postgres", database))
    }

    /// The folder of the PostgreSQL programs.
    pub fn programs(&self) -> &Path {
        &self.server.launch().bin
    }

    /// Returns what knows whether the process runs.
    pub fn watch(&self) -> Watch {
        self.server.watch()
    }

    fn conninfo(&self, user: &str, database: &str) -> String {
        let password = if user == OWNER { &self.owner_password } else { &self.superuser_password };
        conninfo(&self.server.launch().sockets, (user, password), database)
    }

    /// Makes the owner and its database where they are missing.
    fn prepare(&self) -> Result<(), LocalError> {
        let connect = |database: &str| {
            PgConnection::establish(&self.conninfo("postgres", database))
                .map_err(|error| LocalError::NotReady(error.to_string()))
        };
        let mut conn = connect("postgres")?;
        if !exists(&mut conn, "SELECT count(*) AS n FROM pg_catalog.pg_roles WHERE rolname = 'painreg'")? {
            run_sql(
                &mut conn,
                &format!("CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{}'", self.owner_password),
            )?;
        }
        if !exists(&mut conn, "SELECT count(*) AS n FROM pg_catalog.pg_database WHERE datname = 'painreg'")? {
            run_sql(&mut conn, &format!("CREATE DATABASE painreg OWNER {OWNER}"))?;
        }
        // A tenant's login role has no business in any database but its own.
        run_sql(&mut conn, "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")?;
        Ok(())
    }

    /// Stops the server in an orderly way and waits for it.
    pub fn stop(self) {
        drop(self);
    }
}

/// The address of a database behind the socket in this folder.
fn conninfo(sockets: &Path, (user, password): (&str, &str), database: &str) -> String {
    // The folder's path is percent-encoded where a URI asks for it.
    let host: String = sockets
        .to_string_lossy()
        .bytes()
        .map(|byte| match byte {
            b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("postgres:///{database}?host={host}&port={PORT}&user={user}&password={password}")
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

fn exists(conn: &mut PgConnection, text: &'static str) -> Result<bool, LocalError> {
    let row: CountRow = statement(text).get_result(conn).map_err(StoreError::from)?;
    Ok(row.n > 0)
}

/// Makes the cluster beside its place and moves it there when it is complete: an interrupted one is started over.
fn initialise(bin: &Path, data: &Path, account: Option<&Account>, password: &str) -> Result<(), LocalError> {
    let fresh = data.with_extension("new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(|source| file(&fresh, source))?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&fresh).map_err(|source| file(&fresh, source))?;
    own(&fresh, account)?;
    let secret = data.with_file_name(format!("painreg-initdb-{}", hex(&random::<8>())));
    write_secret(&secret, password)?;
    own(&secret, account)?;
    let mut command = Command::new(bin.join("initdb"));
    command
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"])
        .arg("--pwfile")
        .arg(&secret)
        .arg("-D")
        .arg(&fresh)
        .stdin(Stdio::null())
        .current_dir("/");
    let output = as_account(&mut command, account).output();
    let _ = std::fs::remove_file(&secret);
    let output = output.map_err(|source| file(&fresh, source))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(LocalError::Program { program: "initdb", output: said });
    }
    let main = fresh.join("postgresql.conf");
    let mut text = std::fs::read_to_string(&main).map_err(|source| file(&main, source))?;
    text.push_str("\ninclude 'painreg.conf'\n");
    std::fs::write(&main, text).map_err(|source| file(&main, source))?;
    std::fs::rename(&fresh, data).map_err(|source| file(data, source))
}

/// The database's log must never hold a row: PostgreSQL's defaults write a failing one out in full.
fn settings(durability: Durability) -> &'static str {
    match durability {
        Durability::Durable => {
            "listen_addresses = ''\nmax_connections = 250\nshared_buffers = 128MB\nfsync = on\nfull_page_writes = on\n\
             synchronous_commit = on\nlog_error_verbosity = terse\nlog_statement = none\nlog_min_error_statement = panic\n\
             log_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\nlog_min_duration_statement = -1\n"
        }
        Durability::Throwaway => {
            "listen_addresses = ''\nmax_connections = 300\nshared_buffers = 128MB\nfsync = off\nfull_page_writes = off\n\
             synchronous_commit = off\nlog_error_verbosity = terse\nlog_statement = none\nlog_min_error_statement = panic\n\
             log_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\nlog_min_duration_statement = -1\n\
             autovacuum = off\nwal_level = minimal\nmax_wal_senders = 0\n"
        }
    }
}
