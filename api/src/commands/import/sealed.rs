//! Files, plain or encrypted with OpenPGP (RFC 9580). Decrypted content is held in memory only, and none of it is
//! returned before its integrity has been checked.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read as _};
use std::path::Path;

use painreg_domain::delimited::grow;
use pgp::composed::{DecryptionOptions, Deserializable as _, Message, SignedSecretKey, TheRing};
use pgp::types::{Password, S2kParams, SecretParams, Seipdv1ReadMode, StringToKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::source::is_encrypted;
use crate::commands::Failure;

/// The largest encrypted file, in bytes, that is decrypted into memory ahead of time.
const WHOLE: u64 = 8 << 20;

/// The secret keys that decrypt files.
#[derive(Default)]
pub struct Keys(Vec<SignedSecretKey>);

/// An opened file.
pub enum OpenedFile {
    /// A plain file.
    Plain(BufReader<File>),
    /// Decrypted content in memory, wiped when dropped.
    Decrypted(Cursor<Zeroizing<Vec<u8>>>),
    /// A file that is decrypted while it is read; a first pass has checked its integrity.
    Decrypting(Box<Message<'static>>),
}

impl OpenedFile {
    /// Returns a reader of the content.
    pub fn reader(&mut self) -> &mut dyn BufRead {
        match self {
            Self::Plain(it) => it,
            Self::Decrypted(it) => it,
            Self::Decrypting(it) => it,
        }
    }
}

impl Keys {
    /// Reads and unlocks every secret key of a file, in any number of armoured blocks or none. A part of a key whose
    /// secret is elsewhere (an offline primary key, a smart card) is passed over: the other parts decrypt.
    pub fn read(path: &Path, passphrase: Option<&SecretString>) -> Result<Self, Failure> {
        let place = |error: &dyn std::fmt::Display| Failure::from(format!("{}: {error}", path.display()));
        let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| place(&error))?);
        let passphrase = Password::from(passphrase.map_or("", ExposeSecret::expose_secret));
        let mut unlocked = Vec::new();
        for block in blocks(&bytes) {
            let (keys, _) = SignedSecretKey::from_reader_many(block).map_err(|error| place(&error))?;
            for key in keys {
                let mut key = key.map_err(|error| place(&error))?;
                let wrong = || place(&"the passphrase does not open this key");
                if !is_elsewhere(key.primary_key.secret_params()) {
                    key.primary_key.remove_password(&passphrase).map_err(|_| wrong())?;
                }
                key.secret_subkeys.retain(|it| !is_elsewhere(it.key.secret_params()));
                for subkey in &mut key.secret_subkeys {
                    subkey.key.remove_password(&passphrase).map_err(|_| wrong())?;
                }
                unlocked.push(key);
            }
        }
        if unlocked.is_empty() { Err(place(&"there is no secret key in this file")) } else { Ok(Self(unlocked)) }
    }

    /// Opens a file; one whose name says that it is encrypted is decrypted.
    pub fn open(&self, path: &Path) -> Result<OpenedFile, String> {
        let file = || File::open(path).map(|file| BufReader::with_capacity(64 * 1024, file)).map_err(text_of);
        if !is_encrypted(path) {
            return Ok(OpenedFile::Plain(file()?));
        }
        if self.0.is_empty() {
            return Err("it is encrypted: say with --pgp-key which key opens it".to_owned());
        }
        let size = path.metadata().map_err(text_of)?.len();
        if size <= WHOLE {
            let whole = usize::try_from(WHOLE).map_err(text_of)?;
            let mut message = self.decrypting(file()?, Seipdv1ReadMode::CheckFirst { max_message_size: whole })?;
            // Compressed content may be much longer than the file: where it does not fit, it is decrypted while it is
            // read.
            let mut text = Zeroizing::new(Vec::new());
            loop {
                let piece = message.fill_buf().map_err(text_of)?;
                if piece.is_empty() {
                    return Ok(OpenedFile::Decrypted(Cursor::new(text)));
                }
                if text.len() + piece.len() > whole {
                    break;
                }
                grow(&mut text, piece.len());
                text.extend_from_slice(piece);
                let used = piece.len();
                message.consume(used);
            }
            std::io::copy(&mut message, &mut std::io::sink()).map_err(text_of)?;
        } else {
            std::io::copy(&mut self.decrypting(file()?, Seipdv1ReadMode::Streaming)?, &mut std::io::sink())
                .map_err(text_of)?;
        }
        Ok(OpenedFile::Decrypting(Box::new(self.decrypting(file()?, Seipdv1ReadMode::Streaming)?)))
    }

    fn decrypting(&self, file: BufReader<File>, mode: Seipdv1ReadMode) -> Result<Message<'static>, String> {
        let (message, _) = Message::from_reader(file).map_err(|_| "it is no OpenPGP message")?;
        if !message.is_encrypted() {
            return Err("an OpenPGP message that is not encrypted".to_owned());
        }
        let unlocked = Password::empty();
        let ring = TheRing {
            secret_keys: self.0.iter().collect(),
            key_passwords: vec![&unlocked],
            decrypt_options: DecryptionOptions::new().enable_gnupg_aead().set_seipdv1_read_mode(mode),
            ..TheRing::default()
        };
        let refused = |error| match error {
            pgp::errors::Error::MissingKey => "it is encrypted for another key".to_owned(),
            other => format!("cannot be decrypted: {other}"),
        };
        let (mut message, _) = message.decrypt_the_ring(ring, true).map_err(refused)?;
        while message.is_compressed() {
            message = message.decompress().map_err(|error| format!("cannot be decompressed: {error}"))?;
        }
        if message.is_encrypted() { Err("encrypted twice".to_owned()) } else { Ok(message) }
    }
}

/// Returns the armoured secret keys of a file, or the whole file if it has no armour.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    let begins = |at: &usize| bytes.get(*at..).is_some_and(|rest| rest.starts_with(BEGIN));
    let starts: Vec<usize> = (0..bytes.len()).filter(begins).collect();
    if starts.is_empty() {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let blocks = starts.iter().zip(ends).filter_map(|(start, end)| bytes.get(*start..end));
    blocks.filter(|it| it.get(BEGIN.len()..).is_some_and(|it| it.starts_with(b"PRIVATE KEY"))).collect()
}

/// Returns whether the file has a placeholder instead of a secret (GnuPG's own kinds of keys).
fn is_elsewhere(secret: &SecretParams) -> bool {
    let SecretParams::Encrypted(secret) = secret else { return false };
    matches!(
        secret.string_to_key_params(),
        S2kParams::Cfb { s2k: StringToKey::Private { .. }, .. }
            | S2kParams::MalleableCfb { s2k: StringToKey::Private { .. }, .. }
    )
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Returns the SHA-256 of a file's bytes, encrypted or not.
pub fn digest(mut file: File) -> std::io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(piece.get(..read).unwrap_or_default());
    }
}
