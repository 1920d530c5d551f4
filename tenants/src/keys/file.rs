//! The file of the key-encryption key: 64 hexadecimal digits that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::crypt::{CryptError, Key, hex, random, unhex};

/// The number of hexadecimal digits in the file.
const DIGITS: usize = 64;

/// Writes a key to a new file. The file appears complete or not at all, and replaces no other.
pub(super) fn create(path: &Path, key: &Key) -> Result<(), CryptError> {
    let refused = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => refuse(path, "it exists already and is not overwritten"),
        _ => refuse(path, &error.to_string()),
    };
    let unfinished = PathBuf::from(format!("{}.{}", path.display(), hex(&random::<8>())));
    let text = Zeroizing::new(hex(key.seed()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::hard_link(&unfinished, path));
    let _ = std::fs::remove_file(&unfinished);
    written.map_err(refused)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)
}

/// Reads the key.
pub(super) fn read(path: &Path) -> Result<Key, CryptError> {
    let refused = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => refuse(
            path,
            "it does not exist. For a new database create it with `painreg key create`; for a database in use bring it \
             back from where it is kept: without it no encrypted value can be read",
        ),
        _ => refuse(path, &error.to_string()),
    };
    if std::fs::metadata(path).map_err(refused)?.permissions().mode() & 0o077 != 0 {
        return Err(refuse(path, "others than its owner may use it; set mode 0600"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(refused)?);
    let digits = text.trim();
    let bytes = unhex(digits).filter(|_| digits.len() == DIGITS);
    let key = bytes.and_then(|bytes| Key::from_slice(&bytes).ok());
    key.ok_or_else(|| {
        refuse(
            path,
            &format!("it must hold {DIGITS} hexadecimal digits and holds {} characters", digits.chars().count()),
        )
    })
}

fn refuse(path: &Path, why: &str) -> CryptError {
    CryptError::KeyFile { path: path.display().to_string(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    /// A folder that is removed when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("painreg-key-{}", hex(&random::<8>())));
            std::fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn why(refused: Result<Key, CryptError>) -> String {
        refused.expect_err("refused").to_string()
    }

    #[test]
    fn key_file_is_created_once_and_read() {
        let folder = Folder::new();
        let path = folder.0.join("key");
        assert!(why(read(&path)).contains("painreg key create"));
        assert!(!path.exists(), "reading creates nothing");
        let key = Key::random();
        create(&path, &key).expect("a key file");
        assert_eq!(std::fs::metadata(&path).expect("it exists").permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).expect("a key").mac(b"x"), key.mac(b"x"));
        let again = create(&path, &Key::random()).expect_err("refused").to_string();
        assert!(again.contains("not overwritten"), "{again}");
        assert_eq!(read(&path).expect("a key").mac(b"x"), key.mac(b"x"), "the first key is kept");
        assert_eq!(std::fs::read_dir(&folder.0).expect("a folder").count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn unusable_key_file_is_refused_with_its_path() {
        let folder = Folder::new();
        let path = folder.0.join("key");
        create(&path, &Key::random()).expect("a key file");
        let whole = std::fs::read_to_string(&path).expect("a file");
        let half = whole.get(..32).expect("64 digits");
        let words = "x".repeat(DIGITS);
        for (text, reason) in
            [(half, "holds 32 characters"), ("", "holds 0 characters"), (words.as_str(), "64 hexadecimal digits")]
        {
            std::fs::write(&path, text).expect("a file");
            let said = why(read(&path));
            assert!(said.contains(reason) && said.contains(&path.display().to_string()), "{said}");
            assert!(text.is_empty() || !said.contains(text), "the content is not shown");
        }
        std::fs::write(&path, &whole).expect("a file");
        for mode in [0o640, 0o604, 0o644] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
            assert!(why(read(&path)).contains("mode 0600"), "{mode:o}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        read(&path).expect("a key");
    }
}
