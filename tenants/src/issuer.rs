//! The issuers that a tenant trusts to identify callers: settings only, no keys and no network.

use std::collections::BTreeMap;

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::policy::Role;
use serde::{Deserialize, Serialize};

/// Where an issuer's public keys (RFC 7517 JWK Set) come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeySource {
    /// An https address; http only on the loopback interface.
    Url(String),
    /// The name of a file in the server's folder of key sets; never a path.
    File(String),
}

/// The signature algorithms that may be switched on. PS256 and ES256 are on unless the setting says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for issuers that offer nothing better.
    RS256,
    /// `EdDSA` with Ed25519 (RFC 8037).
    EdDSA,
}

/// A claim that must hold one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredClaim {
    /// The claim's name.
    pub name: String,
    /// The value that the claim must have.
    pub value: String,
}

/// How claims become a role, a unit and a person. A claim that is not mapped is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// The claim that names the role: a string, or an array of strings of which exactly one may be known.
    pub role_claim: String,
    /// The claim's values -> roles.
    pub roles: BTreeMap<String, Role>,
    /// The claim that names the caller's unit.
    #[serde(default)]
    pub unit_claim: Option<String>,
    /// The unit of callers whose token names none.
    #[serde(default)]
    pub default_unit: Option<String>,
    /// The claim with the caller's HPR number.
    #[serde(default)]
    pub hpr_claim: Option<String>,
    /// The claim with the caller's organisation number.
    #[serde(default)]
    pub organisation_claim: Option<String>,
    /// The claim with the patient's id in this registry.
    #[serde(default)]
    pub patient_id_claim: Option<String>,
    /// The claim with the patient's national id.
    #[serde(default)]
    pub national_id_claim: Option<String>,
    /// The claim with the level of assurance, and the values that are high enough for patient data. Absent: every token
    /// is.
    #[serde(default)]
    pub assurance: Option<Assurance>,
}

/// Which level of assurance a token must show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    /// The claim's name, such as `helseid://claims/identity/security_level`.
    pub claim: String,
    /// Values that are high enough.
    pub accepted: Vec<String>,
}

/// One trusted issuer, as the platform's table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that must be among a token's audiences.
    pub audience: String,
    /// The source of the issuer's signing keys.
    pub keys: KeySource,
    /// The algorithms it may sign with; at least one.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Whether its tokens are bound to a key whose possession every request must prove (DPoP, RFC 9449). A plain
    /// bearer token is then refused.
    #[serde(default)]
    pub dpop: bool,
    /// What else a token must claim to belong to this tenant: for issuers that serve many, such as HelseID.
    #[serde(default)]
    pub required_claim: Option<RequiredClaim>,
    /// From claims to a role.
    pub mapping: ClaimMapping,
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::PS256, Algorithm::ES256]
}

impl IssuerSettings {
    /// Everything that is wrong with the settings; `prefix` is where they stand.
    pub fn faults(&self, prefix: &str, of_operators: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |place: &str, code| faults.push(Fault::new(format!("{prefix}{place}"), code));
        if self.issuer.is_empty() || self.issuer.len() > 500 {
            refuse("/issuer", FaultCode::InvalidFormat);
        }
        if self.audience.is_empty() || self.audience.len() > 500 {
            refuse("/audience", FaultCode::InvalidFormat);
        }
        match &self.keys {
            KeySource::Url(url) if !is_permitted_url(url) => refuse("/keys/url", FaultCode::InvalidFormat),
            KeySource::File(name) if !is_plain_name(name) => refuse("/keys/file", FaultCode::InvalidFormat),
            _ => {}
        }
        if self.algorithms.is_empty() {
            refuse("/algorithms", FaultCode::Required);
        }
        if self.mapping.roles.is_empty() {
            refuse("/mapping/roles", FaultCode::Required);
        }
        // An operator has no role in a tenant, and no role in a tenant operates the platform.
        if self.mapping.roles.values().any(|role| (*role == Role::Operator) != of_operators || *role == Role::System) {
            refuse("/mapping/roles", FaultCode::UnknownOption);
        }
        faults
    }
}

fn is_permitted_url(url: &str) -> bool {
    let rest = |scheme: &str| url.strip_prefix(scheme);
    let plain = url.len() <= 500 && url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('@');
    let loopback = rest("http://").is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        matches!(authority.split(':').next(), Some("127.0.0.1" | "localhost"))
    });
    plain && (rest("https://").is_some_and(|rest| !rest.is_empty()) || loopback)
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_addresses_are_https_or_on_this_machine() {
        for good in ["https://helseid.example/jwks", "http://127.0.0.1:9000/jwks", "http://localhost/jwks"] {
            assert!(is_permitted_url(good), "{good}");
        }
        for bad in [
            "http://helseid.example/jwks",
            "http://127.0.0.1.evil.example/",
            "http://localhost@evil.example/",
            "file:///etc/passwd",
            "https://",
            "",
        ] {
            assert!(!is_permitted_url(bad), "{bad}");
        }
    }

    #[test]
    fn key_files_are_names_not_paths() {
        assert!(is_plain_name("demo.json"));
        for bad in ["", "../x", "a/b", ".hidden", "/etc/passwd", "a\0b"] {
            assert!(!is_plain_name(bad), "{bad}");
        }
    }
}
