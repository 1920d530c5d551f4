//! Public keys of issuers: fetched, cached and checked. The library verifies signatures; this file decides which keys
//! are suitable.

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

/// The largest key set, in bytes and in keys.
const SET_BYTES: u64 = 64 * 1024;
const SET_KEYS: usize = 32;
/// The time for which a fetched set is used.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// The shortest time between two fetches of a set because of an unknown key id.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// An error of a key or a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The set could not be fetched or read.
    #[error("key set not available: {0}")]
    Unreachable(String),
    /// The document is not a JWK Set, or too large.
    #[error("not a key set")]
    NotASet,
    /// Two keys share an id, or one has none.
    #[error("key ids are missing or not unique")]
    Ambiguous,
    /// A key holds private members or is symmetric.
    #[error("key set with a secret")]
    Secret,
    /// A key is too weak, of another kind, or meant for something else.
    #[error("unsuitable key")]
    Unfit,
}

/// A key that may verify signatures of one algorithm.
pub struct PublicKey {
    /// The algorithm of the signatures.
    pub algorithm: Algorithm,
    /// The key as the library takes it.
    pub decoding: DecodingKey,
}

/// The suitable keys of a set, by id.
type KeySet = HashMap<String, Arc<PublicKey>>;

/// The cached key sets of all issuers.
pub struct KeySets {
    folder: PathBuf,
    clock: Clock,
    agent: ureq::Agent,
    sets: RwLock<HashMap<String, Cached>>,
    /// A lock per set, so that concurrent requests with unknown ids fetch it once.
    fetching: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

struct Cached {
    /// The instant of the last attempt to fetch the set.
    asked: Timestamp,
    /// The instant of the last successful fetch.
    fetched: Timestamp,
    set: Result<Arc<KeySet>, KeyError>,
}

impl KeySets {
    /// Creates a cache of key sets, which are named by URL or by file name in `folder`.
    pub fn new(folder: PathBuf, clock: Clock) -> Self {
        // Hospitals have private certificate authorities: the machine's trust store decides.
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

    /// Returns the key of this id if it is in the cache.
    pub fn known(&self, source: &KeySource, kid: &str) -> Option<Arc<PublicKey>> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        let cached = sets.get(&name_of(source))?;
        if self.clock.now().duration_since(cached.fetched) > FRESH {
            return None;
        }
        cached.set.as_ref().ok()?.get(kid).cloned()
    }

    /// Returns the key of this id; fetches the set if needed, at most once a minute. Blocking.
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
            tracing::warn!(%error, issuer_keys = %name, "key set of an issuer refused");
        }
        let found = fetched.clone().map(|set| set.get(kid).cloned());
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        match (sets.get_mut(&name), fetched) {
            // The old keys stay valid while an issuer cannot be reached or answers with an error page. They do not
            // after a set with a secret or with ambiguous ids.
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
                // Redirects are not followed.
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

/// Reads a JWK Set (RFC 7517). A secret or an ambiguous id refuses the whole set; an unsuitable key is left out.
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

/// Returns the index of a key in a set. It includes the algorithm, because an RSA key without `alg` has two.
pub fn id_for(kid: &str, algorithm: Algorithm) -> String {
    format!("{kid}\0{algorithm:?}")
}

/// Returns the algorithms of a suitable public key: RSA of 2048 to 8192 bits with e = 65537, EC on P-256 or Ed25519,
/// for signatures.
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

/// Returns the members that define the key. Certificates and URLs in a JWK are ignored.
fn bare(key: &Value) -> Value {
    let members = ["kty", "crv", "x", "y", "n", "e"];
    Value::Object(members.iter().filter_map(|member| Some(((*member).to_owned(), key.get(member)?.clone()))).collect())
}

/// Converts an algorithm to the library's type.
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
    fn judge_keeps_suitable_keys() {
        assert_eq!(set(&json!([ec(&json!({}))])), Ok(1));
        assert_eq!(set(&json!([ec(&json!({"use": "sig", "key_ops": ["verify"], "alg": "ES256"}))])), Ok(1));
        assert_eq!(set(&json!([rsa(256, "AQAB")])), Ok(2), "PS256 and RS256; the issuer's setting chooses");
    }

    #[test]
    fn judge_drops_unsuitable_keys() {
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
    fn judge_refuses_sets_with_secrets_or_ambiguous_ids() {
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
