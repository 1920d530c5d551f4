//! The demonstration's issuer: a key pair in the folder, trusted only by registries that the demonstration created.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use painreg_domain::policy::Role;
use painreg_tenants::{ClaimMapping, IssuerSettings, KeySource, RequiredClaim};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::Failure;
use super::at_path::AtPath as _;

/// The `iss` of the demonstration's tokens.
pub const ISSUER: &str = "https://issuer.demo.painreg.example";
/// The `aud` of the demonstration's tokens.
pub const AUDIENCE: &str = "painreg";
/// The id of the issuer's only key.
const KEY_ID: &str = "demo-1";
/// The file of the key set, in the folder of key sets.
const SET: &str = "demo.json";
/// The file of the secret key.
const SECRET: &str = "demo-issuer.pk8";

/// Returns settings with which `tenant` trusts the demonstration's issuer; `None` is the platform, for operators.
pub fn demo_issuer(tenant: Option<&str>) -> IssuerSettings {
    let roles = Role::iter().filter(|role| (*role == Role::Operator) == tenant.is_none() && *role != Role::System);
    IssuerSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: KeySource::File(SET.to_owned()),
        algorithms: vec![painreg_tenants::Algorithm::ES256],
        dpop: false,
        required_claim: Some(RequiredClaim {
            name: "painreg_registry".to_owned(),
            value: tenant.unwrap_or("platform").to_owned(),
        }),
        mapping: ClaimMapping {
            role_claim: "painreg_role".to_owned(),
            roles: roles.map(|role| (role.to_string(), role)).collect(),
            unit_claim: Some("painreg_unit".to_owned()),
            default_unit: Some("clinic".to_owned()),
            hpr_claim: Some("helseid://claims/hpr/hpr_number".to_owned()),
            organisation_claim: Some("helseid://claims/client/claims/orgnr_parent".to_owned()),
            patient_id_claim: Some("painreg_patient".to_owned()),
            national_id_claim: None,
            assurance: None,
        },
    }
}

/// The claims of a demonstration token.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The registry's slug; `None` for an operator.
    pub tenant: Option<&'a str>,
    /// The role of the caller.
    pub role: Role,
    /// The subject; by default the role's name.
    pub subject: Option<&'a str>,
    /// The caller's unit.
    pub unit: Option<&'a str>,
    /// The patient's id in the registry, for the role `patient`.
    pub patient: Option<&'a str>,
    /// The lifetime of the token in seconds.
    pub seconds: i64,
}

/// The demonstration's secret key.
pub struct DemoKey(EncodingKey);

impl DemoKey {
    /// Reads the key in `folder`, or creates it with its public key set.
    pub fn in_folder(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(SECRET);
        let sets = folder.join("issuers");
        std::fs::create_dir_all(&sets).at(&sets)?;
        if !path.exists() {
            let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut file| file.write_all(fresh.as_ref()))
                .at(&path)?;
        }
        let key = EncodingKey::from_ec_der(&std::fs::read(&path).at(&path)?);
        let set = sets.join(SET);
        if !set.exists() {
            let mut jwk: Value = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256)?)?;
            if let Some(members) = jwk.as_object_mut() {
                members.insert("kid".to_owned(), json!(KEY_ID));
                members.insert("use".to_owned(), json!("sig"));
            }
            std::fs::write(&set, json!({ "keys": [jwk] }).to_string()).at(&set)?;
        }
        Ok(Self(key))
    }

    /// Signs a token with these claims.
    pub fn sign(&self, wanted: &Wanted<'_>, now: jiff::Timestamp) -> Result<String, Failure> {
        let role = wanted.role.to_string();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY_ID.to_owned());
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": wanted.subject.unwrap_or(&role),
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": now.as_second() + wanted.seconds,
            "client_id": "painreg-demo",
            "painreg_registry": wanted.tenant.unwrap_or("platform"),
            "painreg_role": role,
            "painreg_unit": wanted.unit,
            "painreg_patient": wanted.patient,
        });
        Ok(jsonwebtoken::encode(&header, &claims, &self.0)?)
    }
}
