//! The test issuer: one ES256 key that every tenant trusts, and untrusted keys for tests that need them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use painreg_domain::policy::Role;
use painreg_tenants::{ClaimMapping, IssuerSettings, KeySource, RequiredClaim};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

/// The `iss` of the tests' tokens.
pub const ISSUER: &str = "https://issuer.test.example";
/// The audience of all tokens.
pub const AUDIENCE: &str = "painreg-test";
/// The `kid` of the test key.
const KEY_ID: &str = "test-1";
/// The key set's file in the server's folder of key sets.
pub(crate) const SET: &str = "test.json";

/// Returns settings by which `tenant` trusts the test issuer; `None`: the platform, for operators.
pub fn issuer(tenant: Option<&str>) -> IssuerSettings {
    let roles = Role::iter().filter(|role| (*role == Role::Operator) == tenant.is_none() && *role != Role::System);
    IssuerSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: KeySource::File(SET.to_owned()),
        algorithms: vec![painreg_tenants::Algorithm::ES256],
        dpop: false,
        required_claim: Some(RequiredClaim {
            name: "registry".to_owned(),
            value: tenant.unwrap_or("platform").to_owned(),
        }),
        mapping: ClaimMapping {
            role_claim: "role".to_owned(),
            roles: roles.map(|role| (role.to_string(), role)).collect(),
            unit_claim: Some("unit".to_owned()),
            default_unit: None,
            hpr_claim: Some("hpr".to_owned()),
            organisation_claim: Some("organisation".to_owned()),
            patient_id_claim: Some("patient".to_owned()),
            national_id_claim: Some("pid".to_owned()),
            assurance: None,
        },
    }
}

/// The claims of a token. Members that are `None` are omitted.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The registry; `None` for an operator.
    pub tenant: Option<String>,
    /// The role that the token carries.
    pub role: Role,
    /// The subject (`sub`).
    pub subject: String,
    /// The unit; `None` for a caller without a unit.
    pub unit: Option<String>,
    /// The id of the patient whose token this is.
    pub patient: Option<String>,
    /// The national id of the patient whose token this is.
    pub national_id: Option<String>,
}

impl Claims {
    /// Returns the claims as a token holds them.
    pub fn json(&self, now: jiff::Timestamp, seconds: i64) -> Value {
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.subject,
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": now.as_second() + seconds,
            "client_id": "painreg-tests",
            "registry": self.tenant.as_deref().unwrap_or("platform"),
            "role": self.role.to_string(),
            "unit": self.unit,
            "patient": self.patient,
            "pid": self.national_id,
        });
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        claims
    }
}

/// A key that signs tokens.
pub struct Signer(EncodingKey);

impl Signer {
    /// Creates a key. It is trusted only when its public half is in a key set.
    pub fn fresh() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self(EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref()))
    }

    /// Returns the public half as a key set (RFC 7517).
    pub fn key_set(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.0, Algorithm::ES256).expect("a public key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(KEY_ID);
        jwk["use"] = json!("sig");
        json!({ "keys": [jwk] })
    }

    /// Signs a token with exactly these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY_ID.to_owned());
        jsonwebtoken::encode(&header, claims, &self.0).expect("a token")
    }
}
