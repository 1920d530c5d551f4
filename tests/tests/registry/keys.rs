//! The key-encryption key: it is created by a command only, and a database refuses every key but its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use diesel::PgConnection;
use painreg_tenants::Clock;
use painreg_tenants::local::{Durability, Local};
use painreg_tests::{Cluster, execute, rows};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::importer::program::{Finished, Folder, run};

/// A PostgreSQL that the program accepts: the tests' own does not write to the disk.
static DURABLE: LazyLock<Local> = LazyLock::new(|| {
    Local::start(&Cluster::shared().folder.join("durable"), Durability::Durable).expect("a private PostgreSQL")
});

/// A folder with a program in it, and an empty database.
struct Place {
    folder: Folder,
    database: String,
}

impl Place {
    fn new() -> Self {
        let database = format!("keys_{}", Clock::system().random_id().simple());
        execute(&mut Cluster::shared().connect(&DURABLE.address()), &format!("CREATE DATABASE {database}"));
        Self { folder: Folder::new(), database }
    }

    /// Runs the program on the database with the key file of this name.
    fn runs(&self, key: &str, arguments: &[&str]) -> Finished {
        let mut command = self.folder.program(arguments);
        let address = DURABLE.address_of(&self.database);
        command.env("DATABASE_URL", address.expose_secret()).env("PAINREG_KEY_FILE", key);
        run(command)
    }

    fn creates_key(&self, name: &str) -> Finished {
        run(self.folder.program(&["key", "create", "--key-file", name]))
    }

    /// Creates the key `key`, migrates, and creates a registry.
    fn in_use() -> Self {
        let place = Self::new();
        place.creates_key("key").expect(0);
        place.runs("key", &["migrate"]).expect(0);
        place.runs("key", &["tenant", "create", "alpha", "--name", "Alpha"]).expect(0);
        place
    }

    fn sql(&self) -> PgConnection {
        Cluster::shared().connect(&DURABLE.superuser_address(&self.database))
    }

    /// Returns the rows that a command with another key must not change.
    fn state(&self) -> Vec<serde_json::Map<String, Value>> {
        let query = "SELECT slug, version, encode(tenant_key, 'hex') AS sealed, \
                     (SELECT encode(value, 'hex') FROM platform.key_check) AS check FROM platform.tenant ORDER BY slug";
        rows(&mut self.sql(), query)
    }
}

/// Every command that reads the key.
const COMMANDS: [&[&str]; 9] = [
    &["serve", "--environment", "test", "--listen", "127.0.0.1:0"],
    &["worker", "--environment", "test"],
    &["migrate"],
    &["tenant", "list"],
    &["tenant", "create", "beta", "--name", "Beta"],
    &["tenant", "suspend", "alpha"],
    &["tenant", "migrate", "alpha"],
    &["tenant", "drop", "alpha", "--confirm", "alpha"],
    &["codes", "list"],
];

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn key_create_never_overwrites_a_file() {
    let folder = Folder::new();
    let created = run(folder.program(&["key", "create"])).expect(0);
    assert!(created.said.contains(".painreg/key was created") && created.said.contains("apart from the backups"));
    let path = folder.0.join(".painreg/key");
    assert_eq!(mode(&path), 0o600);
    let before = folder.text(".painreg/key");
    assert_eq!(before.len(), 64);
    let again = run(folder.program(&["key", "create"])).expect(1);
    assert!(again.log.contains(".painreg/key") && again.log.contains("not overwritten"), "{}", again.log);
    assert_eq!(folder.text(".painreg/key"), before);
    assert_eq!(folder.files(), [path], "nothing unfinished is left");
    let help = run(folder.program(&["key", "create", "--help"])).expect(0).said;
    assert!(help.contains("apart from the backups"), "{help}");
}

#[test]
fn commands_refuse_a_missing_key_file_and_create_none() {
    let place = Place::in_use();
    let before = place.state();
    for arguments in COMMANDS {
        let refused = place.runs("lost/key", arguments).expect(1);
        assert!(refused.log.contains("lost/key") && refused.log.contains("painreg key create"), "{}", refused.log);
        assert!(!place.folder.0.join("lost").exists(), "{arguments:?}");
    }
    assert_eq!(place.state(), before);
}

#[test]
fn commands_refuse_another_key() {
    let place = Place::in_use();
    place.creates_key("other").expect(0);
    let before = place.state();
    for arguments in COMMANDS {
        let refused = place.runs("other", arguments).expect(1);
        assert!(refused.log.contains("other: this is not the key of this database"), "{}", refused.log);
    }
    assert_eq!(place.state(), before);
    place.runs("key", &["tenant", "list"]).expect(0);
}

#[test]
fn commands_refuse_an_unusable_key_file() {
    let place = Place::in_use();
    let whole = place.folder.text("key");
    let path = place.folder.file("half", &whole[..32]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    let path = place.folder.file("open", &whole);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let before = place.state();
    for (file, why) in [("half", "holds 32 characters"), ("open", "mode 0600")] {
        for arguments in COMMANDS {
            let refused = place.runs(file, arguments).expect(1);
            assert!(refused.log.contains(file) && refused.log.contains(why), "{}", refused.log);
            assert!(!refused.log.contains(&whole[..32]), "the key is not shown");
        }
    }
    assert_eq!(place.state(), before);
}

#[test]
fn database_without_a_check_value_gets_one_from_the_key_of_its_registries_only() {
    let place = Place::in_use();
    place.creates_key("other").expect(0);
    let with_check = place.state();
    execute(&mut place.sql(), "DELETE FROM platform.key_check");
    let without = place.state();
    for arguments in COMMANDS {
        let refused = place.runs("other", arguments).expect(1);
        assert!(refused.log.contains("do not open with it: alpha"), "{}", refused.log);
    }
    assert_eq!(place.state(), without);
    place.runs("key", &["tenant", "list"]).expect(0);
    assert_eq!(place.state(), with_check);
}

#[test]
fn first_key_of_an_empty_database_is_its_key() {
    let place = Place::new();
    place.creates_key("key").expect(0);
    place.creates_key("other").expect(0);
    place.runs("key", &["migrate"]).expect(0);
    let refused = place.runs("other", &["tenant", "create", "alpha", "--name", "Alpha"]).expect(1);
    assert!(refused.log.contains("not the key of this database"), "{}", refused.log);
    assert!(place.state().is_empty());
}
