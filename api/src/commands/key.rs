//! `painreg key`: the key-encryption key.

use clap::{Args, Subcommand};
use painreg_tenants::KeyEncryptionKey;

use super::at_path::AtPath as _;
use super::{Failure, KeyPlace, say};

/// Create the key that everything encrypted in the database depends on.
#[derive(Subcommand)]
pub enum Key {
    /// Create the key of a new database.
    ///
    /// National ids, contact data, free text and deliveries in quarantine are encrypted in the database, and this key is
    /// in a file outside it (mode 0600). Without the file nobody can read them again, and with the file and a backup of
    /// the database anybody can. So keep a copy of the file, apart from the backups of the database, where few people
    /// have access.
    ///
    /// Create the key once, before `painreg migrate` on the new database. The database remembers which key it was used
    /// with, and every command refuses another one. An existing file is never overwritten.
    #[command(verbatim_doc_comment)]
    Create(Create),
}

/// Options of a new key.
#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    place: KeyPlace,
}

impl Key {
    /// Runs the subcommand.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Create(Create { place }) = self;
        let path = place.key_file();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).at(folder)?;
        }
        KeyEncryptionKey::create(&path)?;
        say(&format!("{} was created. Keep a copy of it, apart from the backups of the database.", path.display()));
        Ok(())
    }
}
