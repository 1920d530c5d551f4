//! Keys and signatures of invented issuers, and base64url.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::with;

/// A key that signs, and its public half.
pub struct Forger {
    pub kid: String,
    pub algorithm: Algorithm,
    key: EncodingKey,
    public: Value,
}

impl Forger {
    /// Creates a P-256 key.
    pub fn ec(kid: &str) -> Self {
        let fresh =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
        Self::with(kid, Algorithm::ES256, EncodingKey::from_ec_der(fresh.as_ref()))
    }

    /// Creates an RSA key of 2048 bits that signs with `algorithm`.
    pub fn rsa(kid: &str, algorithm: Algorithm) -> Self {
        let fresh = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = fresh.as_der().expect("DER");
        Self::with(kid, algorithm, EncodingKey::from_rsa_der(&pkcs1(der.as_ref())))
    }

    fn with(kid: &str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&key, algorithm).expect("a public half");
        let whole = serde_json::to_value(&jwk).expect("JSON");
        let members = ["kty", "crv", "x", "y", "n", "e"];
        let public = members.iter().filter_map(|name| Some(((*name).to_owned(), whole.get(name)?.clone()))).collect();
        Self { kid: kid.to_owned(), algorithm, key, public: Value::Object(public) }
    }

    /// Returns the public half with only the members of the key.
    pub fn bare(&self) -> Value {
        self.public.clone()
    }

    /// Returns the public half as a member of a key set.
    pub fn jwk(&self) -> Value {
        with(&self.public, &json!({"kid": self.kid, "use": "sig"}))
    }

    /// Returns a compact JWS with exactly this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_as(self.algorithm, header, claims)
    }

    pub fn sign_as(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, algorithm).expect("it signs");
        format!("{message}.{signature}")
    }

    /// Returns the header of an access token.
    pub fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "at+jwt"})
    }

    /// Returns an access token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// Returns the thumbprint of the public key (RFC 7638).
    pub fn thumbprint(&self) -> String {
        // serde_json sorts members, which is the order that RFC 7638 requires.
        hash(self.public.to_string().as_bytes())
    }
}

/// Returns the RSAPrivateKey inside a PKCS#8 document, which jsonwebtoken signs with.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    // Version, AlgorithmIdentifier rsaEncryption, then an OCTET STRING with a two-byte length.
    let at = pkcs8.windows(4).position(|window| window.starts_with(&[0x05, 0x00, 0x04, 0x82])).expect("PKCS#8 of RSA");
    pkcs8.get(at + 6..).expect("a key").to_vec()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes bytes as base64url (RFC 4648 section 5) without padding.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for group in bytes.as_ref().chunks(3) {
        let number =
            group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(char::from(LETTERS[number >> (18 - 6 * at) & 63]));
        }
    }
    text
}

/// Decodes a base64url text.
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let value = |letter: &u8| LETTERS.iter().position(|known| known == letter).expect("a letter of base64url");
        let number =
            group.iter().fold(0_usize, |number, letter| number << 6 | value(letter)) << (6 * (4 - group.len()));
        for at in 1..group.len() {
            bytes.push(u8::try_from(number >> (24 - 8 * at) & 255).expect("a byte"));
        }
    }
    bytes
}

/// Returns the SHA-256 of bytes, in base64url.
pub fn hash(bytes: &[u8]) -> String {
    encoded(digest::digest(&digest::SHA256, bytes))
}
