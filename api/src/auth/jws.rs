//! Compact signed tokens (JWS, RFC 7515) before their signature is checked, and why a token is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use painreg_tenants::Algorithm;
use serde_json::{Map, Value};

/// Why a token is refused. For the log only: every refusal is answered with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a compact JWS.
    #[error("not a compact JWS")]
    NotAToken,
    /// A header that is not accepted: algorithm, type, critical extensions, embedded or fetched keys.
    #[error("header not accepted")]
    Header,
    /// The issuer is not trusted, or not for this caller.
    #[error("issuer not trusted")]
    Issuer,
    /// The issuer has no usable key of this id.
    #[error("unknown key")]
    Key,
    /// The signature does not match.
    #[error("wrong signature")]
    Signature,
    /// Expired, not yet valid, or for another audience.
    #[error("claims not valid now or for this audience")]
    Claims,
    /// No role, several, or one that is not mapped.
    #[error("no single known role")]
    Role,
    /// A proof of possession is missing, wrong or used before.
    #[error("no valid proof of possession")]
    Proof,
    /// The shared store of used proofs cannot be asked.
    #[error("database unavailable")]
    Unavailable,
}

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Returns header and claims of a compact JWS, unverified.
pub(super) fn parts(token: &str) -> Result<(Object, Object), Refused> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Refused::NotAToken);
    };
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::NotAToken)?;
        serde_json::from_slice::<Object>(&bytes).map_err(|_| Refused::NotAToken)
    };
    Ok((object(header)?, object(claims)?))
}

/// Whether a header's `typ` is a media type, which is written without its `application/` (RFC 7515 4.1.9) or with it.
pub(super) fn is_type(header: &Object, wanted: &str) -> bool {
    let given = header.get("typ").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    given.strip_prefix("application/").unwrap_or(&given) == wanted
}

/// Returns the algorithm of a header, one of four. `none` and HMAC are refused.
pub(super) fn algorithm_of(header: &Object) -> Result<Algorithm, Refused> {
    match header.get("alg").and_then(Value::as_str) {
        Some("PS256") => Ok(Algorithm::PS256),
        Some("ES256") => Ok(Algorithm::ES256),
        Some("RS256") => Ok(Algorithm::RS256),
        Some("EdDSA") => Ok(Algorithm::EdDSA),
        _ => Err(Refused::Header),
    }
}

/// Returns an instant of the claims in seconds, `None` where it is absent. Fractions are permitted (RFC 7519, `NumericDate`)
/// and ignored.
pub(super) fn seconds(claims: &Object, name: &str) -> Result<Option<i64>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            let whole = number.as_i64().or_else(|| number.to_string().split('.').next()?.parse().ok());
            whole.map(Some).ok_or(Refused::Claims)
        }
        Some(_) => Err(Refused::Claims),
    }
}
