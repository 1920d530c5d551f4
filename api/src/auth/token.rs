//! Access tokens (RFC 9068, RFC 7519): verification and the mapping of claims to a principal. Issuers are found by the
//! exact `iss`; everything else must match the settings of the trusted issuer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use jiff::Timestamp;
use jsonwebtoken::Validation;
use painreg_domain::ids::PatientId;
use painreg_domain::national_id::{Acceptance, NationalId};
use painreg_domain::policy::Role;
use painreg_tenants::{Algorithm, OwnRecord, Principal, Registry, Tenant, TrustedIssuer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::dpop::Proof;
use super::jws::{Object, Refused, algorithm_of, is_type, parts, seconds};
use super::keys::{KeySets, id_for, library};

/// The permitted difference of clocks, in seconds.
const LEEWAY: i64 = 5;
/// The longest token, in bytes.
const LONGEST: usize = 16 * 1024;
/// The most verified tokens in the cache.
const REMEMBERED: usize = 10_000;

/// A verified caller and the tenant of the token.
pub struct Verified {
    /// The caller's tenant; `None` for an operator.
    pub home: Option<Arc<Tenant>>,
    /// The caller's identity, role and unit.
    pub principal: Principal,
}

/// Verifies tokens against the trusted issuers.
pub struct Verifier {
    registry: Registry,
    keys: Arc<KeySets>,
    acceptance: Acceptance,
    remembered: Mutex<HashMap<[u8; 32], Arc<Checked>>>,
}

/// A token with a signature that this key verified.
struct Checked {
    key: Arc<super::keys::PublicKey>,
    kid: String,
    claims: Object,
}

impl Verifier {
    /// Creates a verifier for the registry's issuers.
    pub fn new(registry: Registry, keys: Arc<KeySets>, acceptance: Acceptance) -> Self {
        Self { registry, keys, acceptance, remembered: Mutex::default() }
    }

    /// Returns the caller of a token.
    pub(super) async fn verify(&self, token: &str, proof: Option<Proof>) -> Result<Verified, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::NotAToken);
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let mut checked = match remembered {
            // The issuer is still trusted and still publishes the key.
            Some(checked) if self.issuer_of(&checked).is_ok() => checked,
            _ => Arc::new(self.check(token).await?),
        };
        let now = self.registry.clock().now();
        let issuer = if let Ok(issuer) = self.issuer_of(&checked) {
            issuer
        } else {
            // The key expired between the two checks: it is fetched again.
            checked = Arc::new(self.check(token).await?);
            self.issuer_of(&checked)?
        };
        times(&checked.claims, now)?;
        let verified = self.caller(&issuer, &checked.claims)?;
        match (issuer.settings.dpop, proof, checked.claims.get("cnf")) {
            (false, None, None) => {}
            (_, Some(proof), Some(confirmed)) => {
                let thumbprint = confirmed.get("jkt").and_then(Value::as_str).ok_or(Refused::Proof)?;
                proof.settle(thumbprint, now)?;
                let registry = self.registry.clone();
                let fresh = off_the_loop(move || registry.first_use_of_proof(&proof.id, proof.expires).map(Some));
                match fresh.await {
                    Ok(Some(true)) => {}
                    Ok(Some(false)) => return Err(Refused::Proof),
                    Ok(None) | Err(_) => return Err(Refused::Unavailable),
                }
            }
            // A bound token without its proof, or a proof of an unbound token.
            _ => return Err(Refused::Proof),
        }
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, checked);
        Ok(verified)
    }

    /// Verifies header and signature of a token.
    async fn check(&self, token: &str) -> Result<Checked, Refused> {
        let (header, claims) = parts(token)?;
        let (algorithm, kid) = header_of(&header)?;
        // The claims are unverified; they only select the issuer.
        let issuer = self.issuers_of(&claims, algorithm)?.into_iter().next().ok_or(Refused::Issuer)?;
        let id = id_for(&kid, algorithm);
        let source = issuer.settings.keys.clone();
        let key = if let Some(key) = self.keys.known(&source, &id) {
            key
        } else {
            let keys = Arc::clone(&self.keys);
            off_the_loop(move || keys.find(&source, &id)).await.ok().flatten().ok_or(Refused::Key)?
        };
        let mut validation = Validation::new(library(algorithm));
        // Times, issuer and audience are checked in `times` and `issuer_of`, against the registry's clock and settings.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let verified =
            jsonwebtoken::decode::<Object>(token, &key.decoding, &validation).map_err(|_| Refused::Signature)?;
        Ok(Checked { key, kid: id_for(&kid, algorithm), claims: verified.claims })
    }

    /// Returns the trusted issuers with the token's name, audience, algorithm and required claim.
    fn issuers_of(&self, claims: &Object, algorithm: Algorithm) -> Result<Vec<Arc<TrustedIssuer>>, Refused> {
        let name = claims.get("iss").and_then(Value::as_str).ok_or(Refused::Issuer)?;
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Err(Refused::Claims),
        };
        let mut fitting = self.registry.issuers(name);
        fitting.retain(|issuer| {
            let settings = &issuer.settings;
            let required = settings.required_claim.as_ref().is_none_or(|required| {
                claims.get(&required.name).and_then(Value::as_str) == Some(required.value.as_str())
            });
            required && audiences.contains(&settings.audience.as_str()) && settings.algorithms.contains(&algorithm)
        });
        Ok(fitting)
    }

    /// Returns the one trusted issuer of the token that still publishes its key. A withdrawn key is unknown, and a key
    /// set older than a day is fetched again.
    fn issuer_of(&self, checked: &Checked) -> Result<Arc<TrustedIssuer>, Refused> {
        let mut fitting = self.issuers_of(&checked.claims, checked.key.algorithm)?;
        fitting.retain(|issuer| {
            let known = self.keys.known(&issuer.settings.keys, &checked.kid);
            known.is_some_and(|known| Arc::ptr_eq(&known, &checked.key))
        });
        match fitting.as_slice() {
            [issuer] => Ok(Arc::clone(issuer)),
            _ => Err(Refused::Issuer),
        }
    }

    fn caller(&self, issuer: &TrustedIssuer, claims: &Object) -> Result<Verified, Refused> {
        let mapping = &issuer.settings.mapping;
        let text = |name: &Option<String>| {
            let value = claims.get(name.as_deref()?)?.as_str()?;
            (!value.is_empty() && value.len() <= 200 && !value.contains('\0')).then(|| value.to_owned())
        };
        let highly_assured = mapping.assurance.as_ref().is_none_or(|assurance| {
            let level = claims.get(&assurance.claim).map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            level.is_some_and(|level| assurance.accepted.contains(&level))
        });
        let subject = text(&Some("sub".to_owned())).ok_or(Refused::Claims)?;
        let named: Vec<&str> = match claims.get(&mapping.role_claim) {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Err(Refused::Role),
        };
        let mut roles: Vec<Role> = named.iter().filter_map(|name| mapping.roles.get(*name)).copied().collect();
        roles.dedup();
        let [role] = roles.as_slice() else { return Err(Refused::Role) };
        if (*role == Role::Operator) == issuer.tenant.is_some() || *role == Role::System {
            return Err(Refused::Role);
        }
        let own = if *role == Role::Patient { self.own_record(mapping, &text)? } else { None };
        Ok(Verified {
            home: issuer.tenant.clone(),
            principal: Principal {
                key: format!("{}:{subject}", issuer.id),
                actor: subject,
                role: *role,
                unit: match mapping.unit_claim.as_deref().and_then(|name| claims.get(name)) {
                    // An unreadable claim is no unit; only a missing one means the default.
                    Some(claimed) if !claimed.is_null() => text(&mapping.unit_claim),
                    _ => mapping.default_unit.clone(),
                },
                hpr: text(&mapping.hpr_claim),
                organisation: text(&mapping.organisation_claim),
                client: text(&Some("client_id".to_owned())).or_else(|| text(&Some("azp".to_owned()))),
                own,
                highly_assured,
            },
        })
    }

    fn own_record(
        &self,
        mapping: &painreg_tenants::ClaimMapping,
        text: &impl Fn(&Option<String>) -> Option<String>,
    ) -> Result<Option<OwnRecord>, Refused> {
        if let Some(id) = text(&mapping.patient_id_claim) {
            let id = id.parse().map_err(|_| Refused::Claims)?;
            return Ok(Some(OwnRecord::Id(PatientId::existing(id))));
        }
        match text(&mapping.national_id_claim) {
            Some(number) => NationalId::detect(&number, self.acceptance)
                .map(OwnRecord::NationalId)
                .map(Some)
                .map_err(|_| Refused::Claims),
            None => Ok(None),
        }
    }
}

/// Returns algorithm and key id of an acceptable header.
fn header_of(header: &Object) -> Result<(Algorithm, String), Refused> {
    const FORBIDDEN: &[&str] = &["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip"];
    if FORBIDDEN.iter().any(|member| header.contains_key(*member)) {
        return Err(Refused::Header);
    }
    if !is_type(header, "at+jwt") && !is_type(header, "jwt") {
        return Err(Refused::Header);
    }
    let algorithm = algorithm_of(header)?;
    let kid = header.get("kid").and_then(Value::as_str).filter(|kid| kid.len() <= 200 && !kid.contains('\0'));
    Ok((algorithm, kid.ok_or(Refused::Key)?.to_owned()))
}

fn times(claims: &Object, now: Timestamp) -> Result<(), Refused> {
    let now = now.as_second();
    let expires = seconds(claims, "exp")?.ok_or(Refused::Claims)?;
    let starts = seconds(claims, "nbf")?.unwrap_or(i64::MIN);
    if now >= expires.saturating_add(LEEWAY) || now < starts.saturating_sub(LEEWAY) {
        return Err(Refused::Claims);
    }
    Ok(())
}

/// Runs work that may wait for the network or the database on a thread for blocking work.
#[expect(clippy::disallowed_methods, reason = "keys are fetched before there is a scope to run in")]
async fn off_the_loop<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<Option<T>, E> + Send + 'static,
) -> Result<Option<T>, E> {
    web::block(work).await.unwrap_or(Ok(None))
}
