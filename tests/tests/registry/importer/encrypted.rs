//! Encrypted files: written by this implementation and by GnuPG, with the wrong key, changed, large; and the files left
//! on the disk afterwards.

use std::time::Duration;

use pgp::composed::{
    ArmorOptions, EncryptionCaps, KeyType, MessageBuilder, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::types::CompressionAlgorithm;
use rand::thread_rng;
use serde_json::json;

use super::program::{Folder, csv, long, run, start, tsd};
use super::stand_in::StandIn;
use super::{held, ndjson};

/// Made by GnuPG 2.2.40 for these tests, with the passphrase below; it decrypts only test files.
const GNUPG_KEY: &str = include_str!("gnupg-key.asc");
const GNUPG_PASSPHRASE: &str = "an open secret";
/// The same key as `gpg --export-secret-subkeys` writes it, for a primary key that is kept offline.
const GNUPG_SUBKEYS: &str = include_str!("gnupg-subkeys.asc");
/// Made by GnuPG 2.2.40, compressed: submission 4711.
const GNUPG_MESSAGE: &str = include_str!("gnupg-message.asc");
/// A text in every answer, and in no other place.
const WORDS: &str = "known to nobody else";

/// A separate OpenPGP key.
pub struct Key(SignedSecretKey);

impl Key {
    /// Creates a key without a passphrase.
    pub fn new() -> Self {
        let mut subkey = SubkeyParamsBuilder::default();
        subkey.key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy)).can_encrypt(EncryptionCaps::All);
        let mut key = SecretKeyParamsBuilder::default();
        key.key_type(KeyType::Ed25519Legacy).can_certify(true).primary_user_id("Import".into());
        key.subkeys(vec![subkey.build().expect("a subkey")]);
        Self(key.build().expect("a key").generate(thread_rng()).expect("a key"))
    }

    /// Returns the secret key as an armoured file.
    pub fn armoured(&self) -> String {
        self.0.to_armored_string(ArmorOptions::default()).expect("text")
    }

    /// Returns a message that only this key decrypts.
    pub fn encrypts(&self, text: &str) -> String {
        let public = SignedPublicKey::from(self.0.clone());
        let mut message = MessageBuilder::from_bytes("", text.as_bytes().to_vec())
            .seipd_v1(thread_rng(), SymmetricKeyAlgorithm::AES256);
        message.compression(CompressionAlgorithm::ZLIB);
        message.encrypt_to_key(thread_rng(), &public.public_subkeys[0]).expect("a recipient");
        message.to_armored_string(thread_rng(), ArmorOptions::default()).expect("text")
    }
}

/// Fails if a file of the folder holds the answers' words in plain text.
fn assert_no_plain_text(folder: &Folder) {
    for file in folder.files() {
        let bytes = std::fs::read(&file).expect("a file");
        let open = bytes.windows(WORDS.len()).any(|it| it == WORDS.as_bytes());
        assert!(!open, "{} holds answers in the open", file.display());
    }
}

#[test]
fn import_decrypts_files_in_memory_only() {
    let (folder, into, key) = (Folder::new(), StandIn::new(), Key::new());
    folder.file("key.asc", key.armoured());
    let at = "sns/0123456789ABCDEF/1000001";
    folder.file(&format!("{at}/form_v2.json.asc"), key.encrypts(&json!({"formId": 1_000_001}).to_string()));
    for id in 0..60 {
        folder.file(&format!("{at}/{id}.json.asc"), key.encrypts(&tsd(id, WORDS).to_string()));
    }
    folder.file(&format!("{at}/100.csv.asc"), key.encrypts(&csv(&[(100, WORDS)])));
    folder.file(&format!("{at}/answers.ndjson.asc"), key.encrypts(&long(1_000_001, 101, &[WORDS, WORDS])));
    folder.file(&format!("{at}/100_upload.json.asc"), key.encrypts(WORDS));
    into.held().delay = Duration::from_millis(10);
    let arguments = ["sns", "--pgp-key", "key.asc", "--receipts", "receipts", "--report", "report", "--batch", "5"];

    // A killed run leaves no plain text either.
    let mut child = start(folder.import(&into, &arguments));
    while into.count() < 10 {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("a kill");
    child.wait().expect("an end");
    assert_no_plain_text(&folder);

    run(folder.import(&into, &arguments)).expect(0);
    assert_eq!(held(&into, "1000001").len(), 62);
    assert!(into.held().stored.values().all(|texts| texts.len() == 1 && texts[0].contains(WORDS)));
    assert_eq!(into.held().definitions["1000001"][0], json!({"formId": 1_000_001}).to_string());
    assert!(folder.text("report").contains("100_upload.json.asc"));
    assert!(folder.files().len() > 66, "the journal, the report and the receipts were looked at too");
    assert_no_plain_text(&folder);
}

#[test]
fn import_decrypts_gnupg_files_with_key_and_passphrase() {
    for (file, code) in [(None, 1), (Some("wrong"), 1), (Some(GNUPG_PASSPHRASE), 0)] {
        let (folder, into) = (Folder::new(), StandIn::new());
        folder.file("key.asc", GNUPG_KEY);
        folder.file("1000001/4711.json.asc", GNUPG_MESSAGE);
        let mut command = folder.import(&into, &["1000001", "--pgp-key", "key.asc"]);
        if let Some(passphrase) = file {
            folder.file("passphrase", format!("{passphrase}\n"));
            command.args(["--pgp-passphrase-file", "passphrase"]);
        }
        let finished = run(command).expect(code);
        assert_eq!(finished.log.contains("the passphrase does not open this key"), code == 1, "{}", finished.log);
        assert_eq!(held(&into, "1000001").len(), usize::from(code == 0));
        if code == 0 {
            assert!(into.held().stored.values().all(|texts| texts[0].contains(WORDS)));
            std::fs::remove_file(folder.0.join("1000001.painreg-journal")).expect("a journal");
            let mut command = folder.import(&into, &["1000001", "--pgp-key", "key.asc"]);
            command.env("PAINREG_PGP_PASSPHRASE", GNUPG_PASSPHRASE);
            run(command).expect(0);
            assert_eq!(into.held().repeated, 1);
        }
    }
}

#[test]
fn import_decrypts_with_subkeys_of_an_offline_primary_key() {
    for (passphrase, code) in [(GNUPG_PASSPHRASE, 0), ("wrong", 1)] {
        let (folder, into) = (Folder::new(), StandIn::new());
        folder.file("key.asc", GNUPG_SUBKEYS);
        folder.file("1000001/4711.json.asc", GNUPG_MESSAGE);
        let mut command = folder.import(&into, &["1000001", "--pgp-key", "key.asc"]);
        command.env("PAINREG_PGP_PASSPHRASE", passphrase);
        let finished = run(command).expect(code);
        assert_eq!(held(&into, "1000001").len(), usize::from(code == 0), "{}", finished.log);
    }
}

#[test]
fn import_decrypts_with_every_key_of_a_file_and_any_ending() {
    let (folder, into, old, new) = (Folder::new(), StandIn::new(), Key::new(), Key::new());
    let public = SignedPublicKey::from(old.0.clone()).to_armored_string(ArmorOptions::default()).expect("text");
    folder.file("keys.asc", format!("Comment\n{}{public}\n{}", old.armoured(), new.armoured()));
    for (id, (key, ending)) in [(&old, "asc"), (&new, "gpg"), (&new, "PGP")].into_iter().enumerate() {
        let id = u64::try_from(id).expect("small");
        folder.file(&format!("7/{id}.json.{ending}"), key.encrypts(&tsd(id, WORDS).to_string()));
    }
    run(folder.import(&into, &["7", "--pgp-key", "keys.asc"])).expect(0);
    assert_eq!(held(&into, "7"), ["0", "1", "2"]);
    assert_no_plain_text(&folder);

    folder.file("keys.asc", public);
    let finished = run(folder.import(&into, &["7", "--pgp-key", "keys.asc"])).expect(1);
    assert!(finished.log.contains("there is no secret key in this file"), "{}", finished.log);
}

#[test]
fn import_names_undecryptable_files_and_sends_nothing() {
    let (folder, into, key) = (Folder::new(), StandIn::new(), Key::new());
    folder.file("key.asc", key.armoured());
    folder.file("7/1.json.asc", Key::new().encrypts(&tsd(1, WORDS).to_string()));
    folder.file("7/2.json.asc", tsd(2, WORDS).to_string());
    // Many lines, the first of which would be read: a changed end must invalidate them all.
    let lines = key.encrypts(&ndjson((10..400).map(|id| tsd(id, &format!("{WORDS} {}", id * 7919)))));
    let middle = lines.len() * 3 / 4;
    let changed = if lines.as_bytes()[middle] == b'A' { "B" } else { "A" };
    folder.file("7/3.ndjson.asc", format!("{}{changed}{}", &lines[..middle], &lines[middle + 1..]));
    folder.file("7/4.json.asc", key.encrypts(&tsd(4, WORDS).to_string()));
    let finished = run(folder.import(&into, &["7", "--pgp-key", "key.asc"])).expect(2);
    assert_eq!(held(&into, "7"), ["4"], "{}", finished.said);
    for (file, why) in [("1.json", "it is encrypted for another key"), ("2.json", "it is no OpenPGP"), ("3.ndjson", "")]
    {
        assert!(finished.said.contains(&format!("not taken: 7/{file}.asc: {why}")), "{}", finished.said);
    }
    assert!(!finished.said.contains(WORDS) && !finished.log.contains(WORDS));

    let finished = run(folder.import(&into, &["7"])).expect(2);
    assert!(
        finished.said.contains("7/1.json.asc: it is encrypted: say with --pgp-key which key opens it"),
        "{}",
        finished.said
    );
}

#[test]
fn import_streams_highly_compressed_files() {
    let (folder, into, key) = (Folder::new(), StandIn::new(), Key::new());
    folder.file("key.asc", key.armoured());
    let words = WORDS.repeat(5_000);
    let encrypted = key.encrypts(&ndjson((0..110).map(|id| tsd(id, &words))));
    assert!(encrypted.len() < 1 << 20);
    folder.file("7/all.ndjson.asc", encrypted);
    run(folder.import(&into, &["7", "--pgp-key", "key.asc"])).expect(0);
    assert_eq!(into.count(), 110);
    assert_no_plain_text(&folder);
}
