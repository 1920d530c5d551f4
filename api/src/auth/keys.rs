//! Issuers' public keys: fetched, cached and judged. The library checks signatures; which keys are fit to check one is
//! decided here.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use painreg_tenants::{Algorithm, Clock, KeySource};
use serde_json::Value;

/// How large a key set may be, in bytes and keys.
const SET_BYTES: u64 = 64 * 1024;
const SET_KEYS: usize = 32;
/// How long a fetched set is used.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// How soon an unknown key id may ask for the set again.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Why a key or a set of keys is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It could not be fetched or read.
    #[error("the key set cannot be had: {0}")]
    Unreachable(String),
    /// It is no JWK Set, or too large.
    #[error("the key set is not one")]
    NotASet,
    /// Two keys share an id, or one has none.
    #[error("key ids are missing or not unique")]
    Ambiguous,
    /// A key holds private members or is symmetric.
    #[error("the key set holds a secret")]
    Secret,
    /// A key is too weak, of another kind, or meant for something else.
    #[error("the key is not fit")]
    Unfit,
}

/// One key that may check signatures of one algorithm.
pub struct PublicKey {
    /// The algorithm it checks.
    pub algorithm: Algorithm,
    /// The key itself.
    pub decoding: DecodingKey,
}

/// Every key of a set that is fit, by id.
type KeySet = HashMap<String, Arc<PublicKey>>;

/// The key sets of every issuer.
pub struct KeySets {
    folder: PathBuf,
    clock: Clock,
    agent: ureq::Agent,
    sets: RwLock<HashMap<String, Cached>>,
    /// One fetch of one set at a time: a flood of unknown ids asks an issuer once.
    fetching: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

struct Cached {
    /// When the issuer was last asked, in vain or not.
    asked: Timestamp,
    /// When the set was fetched.
    fetched: Timestamp,
    set: Result<Arc<KeySet>, KeyError>,
}

impl KeySets {
    /// Key sets by URL, and by file name in `folder`.
    pub fn new(folder: PathBuf, clock: Clock) -> Self {
        // Hospitals sign with authorities of their own: the machine's trust store decides.
        let tls = ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::Rustls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(5)))
            .http_status_as_error(true)
            .build()
            .new_agent();
        Self { folder, clock, agent, sets: RwLock::default(), fetching: Mutex::default() }
    }

    /// The key of this id, if it is known without asking anybody.
    pub fn known(&self, source: &KeySource, kid: &str) -> Option<Arc<PublicKey>> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        let cached = sets.get(&name_of(source))?;
        if self.clock.now().duration_since(cached.fetched) > FRESH {
            return None;
        }
        cached.set.as_ref().ok()?.get(kid).cloned()
    }

    /// The key of this id; asks the issuer, at most once a minute. Blocking.
    pub fn find(&self, source: &KeySource, kid: &str) -> Result<Option<Arc<PublicKey>>, KeyError> {
        let name = name_of(source);
        let turn =
            Arc::clone(self.fetching.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default());
        let _one = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = self.known(source, kid) {
            return Ok(Some(key));
        }
        let now = self.clock.now();
        {
            let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(cached) = sets.get(&name)
                && now.duration_since(cached.asked) < PATIENCE
            {
                return cached.set.clone().map(|set| set.get(kid).cloned());
            }
        }
        let fetched = self.fetch(source).and_then(|bytes| judge(&bytes)).map(Arc::new);
        if let Err(error) = &fetched {
            tracing::warn!(%error, issuer_keys = %name, "an issuer's keys are not used");
        }
        let found = fetched.clone().map(|set| set.get(kid).cloned());
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        match (sets.get_mut(&name), fetched) {
            // An issuer that cannot be reached for a while, or shows a page of regrets, is still trusted with the keys it
            // had. One that shows a secret or an ambiguous set is not.
            (Some(held), Err(KeyError::Unreachable(_) | KeyError::NotASet)) if held.set.is_ok() => held.asked = now,
            (_, set) => {
                sets.insert(name, Cached { asked: now, fetched: now, set });
            }
        }
        found
    }

    fn fetch(&self, source: &KeySource) -> Result<Vec<u8>, KeyError> {
        let unreachable = |why: String| KeyError::Unreachable(why);
        let mut bytes = Vec::new();
        match source {
            KeySource::File(name) => {
                let file =
                    std::fs::File::open(self.folder.join(name)).map_err(|error| unreachable(error.to_string()))?;
                file.take(SET_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreachable(error.to_string()))?;
            }
            KeySource::Url(url) => {
                let mut answer = self.agent.get(url).call().map_err(|error| unreachable(error.to_string()))?;
                // Redirects are not followed, and their bodies are no key sets.
                if answer.status().as_u16() != 200 {
                    return Err(unreachable(format!("status {}", answer.status().as_u16())));
                }
                answer
                    .body_mut()
                    .as_reader()
                    .take(SET_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|error| unreachable(error.to_string()))?;
            }
        }
        Ok(bytes)
    }
}

fn name_of(source: &KeySource) -> String {
    match source {
        KeySource::Url(url) => format!("url:{url}"),
        KeySource::File(name) => format!("file:{name}"),
    }
}

/// Reads a JWK Set (RFC 7517). Anything secret in it, or an ambiguous id, condemns the whole set; a key that is merely
/// unfit is left out.
fn judge(bytes: &[u8]) -> Result<KeySet, KeyError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SET_BYTES) {
        return Err(KeyError::NotASet);
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|_| KeyError::NotASet)?;
    let keys = document.get("keys").and_then(Value::as_array).ok_or(KeyError::NotASet)?;
    if keys.len() > SET_KEYS {
        return Err(KeyError::NotASet);
    }
    let mut set = KeySet::new();
    let mut ids = std::collections::HashSet::new();
    for key in keys {
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| key.get(member).is_some()) {
            return Err(KeyError::Secret);
        }
        let kid = key.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty() && kid.len() <= 200);
        let kid = kid.ok_or(KeyError::Ambiguous)?;
        if !ids.insert(kid.to_owned()) {
            return Err(KeyError::Ambiguous);
        }
        if let Ok(fit) = public_key(key) {
            for key in fit {
                set.insert(id_for(kid, key.algorithm), Arc::new(key));
            }
        }
    }
    Ok(set)
}

/// An RSA key without `alg` may check two algorithms; sets are keyed by id and algorithm.
pub fn id_for(kid: &str, algorithm: Algorithm) -> String {
    format!("{kid}\0{algorithm:?}")
}

/// What a public key may check, if it is fit: RSA of 2048 to 8192 bits with e = 65537, EC on P-256, Ed25519; meant for
/// signatures.
pub fn public_key(key: &Value) -> Result<Vec<PublicKey>, KeyError> {
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    if text("use").is_some_and(|usage| usage != "sig") {
        return Err(KeyError::Unfit);
    }
    if let Some(operations) = key.get("key_ops") {
        let verifies = operations.as_array().is_some_and(|all| all.len() == 1 && all.first() == Some(&"verify".into()));
        if !verifies {
            return Err(KeyError::Unfit);
        }
    }
    let decoded =
        |member: &str| text(member).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok()).ok_or(KeyError::Unfit);
    let possible: &[Algorithm] = match text("kty") {
        Some("RSA") => {
            let modulus = decoded("n")?;
            let significant = modulus.iter().skip_while(|byte| **byte == 0).collect::<Vec<_>>();
            let bits = significant.len() * 8
                - significant.first().map_or(0, |byte| usize::try_from(byte.leading_zeros()).unwrap_or(0));
            let even = significant.last().is_none_or(|byte| **byte % 2 == 0);
            if !(2048..=8192).contains(&bits) || even || decoded("e")? != [1, 0, 1] {
                return Err(KeyError::Unfit);
            }
            &[Algorithm::PS256, Algorithm::RS256]
        }
        Some("EC") if text("crv") == Some("P-256") => {
            if decoded("x")?.len() != 32 || decoded("y")?.len() != 32 {
                return Err(KeyError::Unfit);
            }
            &[Algorithm::ES256]
        }
        Some("OKP") if text("crv") == Some("Ed25519") => {
            if decoded("x")?.len() != 32 {
                return Err(KeyError::Unfit);
            }
            &[Algorithm::EdDSA]
        }
        _ => return Err(KeyError::Unfit),
    };
    let stated = text("alg");
    let jwk: Jwk = serde_json::from_value(bare(key)).map_err(|_| KeyError::Unfit)?;
    possible
        .iter()
        .filter(|algorithm| stated.is_none_or(|stated| stated == format!("{algorithm:?}")))
        .map(|algorithm| {
            let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| KeyError::Unfit)?;
            Ok(PublicKey { algorithm: *algorithm, decoding })
        })
        .collect()
}

/// Only what makes the key: certificates and addresses in a JWK are never looked at.
fn bare(key: &Value) -> Value {
    let members = ["kty", "crv", "x", "y", "n", "e"];
    Value::Object(members.iter().filter_map(|member| Some(((*member).to_owned(), key.get(member)?.clone()))).collect())
}

/// The library's name for one of our algorithms.
pub const fn library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn set(keys: &Value) -> Result<usize, KeyError> {
        judge(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.len())
    }

    fn ec(extra: &Value) -> Value {
        let mut key = json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "1"});
        for (name, value) in extra.as_object().into_iter().flatten() {
            if let Some(key) = key.as_object_mut() {
                key.insert(name.clone(), value.clone());
            }
        }
        key
    }

    fn rsa(bytes: usize, exponent: &str) -> Value {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0xc1;
        json!({"kty": "RSA", "kid": "1", "n": URL_SAFE_NO_PAD.encode(modulus), "e": exponent})
    }

    #[test]
    fn fit_keys_are_used() {
        assert_eq!(set(&json!([ec(&json!({}))])), Ok(1));
        assert_eq!(set(&json!([ec(&json!({"use": "sig", "key_ops": ["verify"], "alg": "ES256"}))])), Ok(1));
        assert_eq!(set(&json!([rsa(256, "AQAB")])), Ok(2), "PS256 and RS256; the issuer's setting chooses");
    }

    #[test]
    fn unfit_keys_are_left_out() {
        for bad in [
            ec(&json!({"use": "enc"})),
            ec(&json!({"key_ops": ["sign"]})),
            ec(&json!({"key_ops": ["verify", "deriveKey"]})),
            ec(&json!({"alg": "ES384"})),
            ec(&json!({"crv": "P-384"})),
            ec(&json!({"x": "AA"})),
            rsa(128, "AQAB"),
            rsa(255, "AQAB"),
            rsa(1025, "AQAB"),
            rsa(256, "Aw"),
            json!({"kty": "unknown", "kid": "1"}),
        ] {
            assert_eq!(set(&json!([bad])), Ok(0), "{bad}");
        }
    }

    #[test]
    fn a_set_with_a_secret_or_an_ambiguous_id_is_no_set() {
        assert_eq!(set(&json!([ec(&json!({"d": "AA"}))])), Err(KeyError::Secret));
        assert_eq!(set(&json!([{"kty": "oct", "k": "AA", "kid": "1"}])), Err(KeyError::Secret));
        assert_eq!(set(&json!([ec(&json!({})), ec(&json!({}))])), Err(KeyError::Ambiguous));
        assert_eq!(set(&json!([{"kty": "EC", "crv": "P-256", "x": X, "y": Y}])), Err(KeyError::Ambiguous));
        assert_eq!(judge(b"[]").err(), Some(KeyError::NotASet));
        assert_eq!(judge(&vec![b' '; 70_000]).err(), Some(KeyError::NotASet));
        let many: Vec<Value> = (0..33).map(|at| ec(&json!({"kid": at.to_string()}))).collect();
        assert_eq!(set(&json!(many)), Err(KeyError::NotASet));
    }
}
