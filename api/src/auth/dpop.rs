//! Proof of possession (DPoP, RFC 9449): the caller holds the key that the token is bound to. A proof is accepted once.

use std::fmt::Write as _;

use actix_web::{HttpMessage as _, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Validation;
use painreg_tenants::Algorithm;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::jws::{Object, Refused, algorithm_of, is_type, parts, seconds};
use super::keys::{library, public_key};
use crate::request_info::RequestInfo;

/// The largest difference between a proof's `iat` and now, in seconds.
const WINDOW: i64 = 60;

/// A proof with correct signature, method, address and token hash. Time and thumbprint are not checked yet.
pub(super) struct Proof {
    thumbprint: String,
    issued: i64,
    /// SHA-256 over the key's thumbprint and `jti`, which may be used once.
    pub(super) id: [u8; 32],
    /// The instant after which the proof is not accepted and its id can be deleted.
    pub(super) expires: Timestamp,
}

/// Checks the one `DPoP` header of a request that presents `token`.
pub(super) fn proof(request: &HttpRequest, token: &str, public_address: &str) -> Result<Proof, Refused> {
    let mut headers = request.headers().get_all("dpop");
    let (Some(header), None) = (headers.next(), headers.next()) else { return Err(Refused::Proof) };
    let compact = header.to_str().map_err(|_| Refused::Proof)?;
    let address = format!("{}{}", public_address.trim_end_matches('/'), request.path());
    // The method that was sent: a HEAD is routed as GET.
    let method = request.extensions().get::<RequestInfo>().map(|info| info.method.clone());
    check(compact, token, method.as_ref().unwrap_or(request.method()).as_str(), &address)
}

/// Returns an address as it is compared (RFC 9449 4.3, RFC 3986 6.2.2 and 6.2.3): without query and fragment, scheme and host
/// in small letters, without the scheme's own port, with no more percent-encoding than needed. `None` for another form.
fn normalised(address: &str) -> Option<String> {
    let (scheme, rest) = address.split(['?', '#']).next()?.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, mut host) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    for port in [own_port, ":"] {
        host = host.strip_suffix(port).map_or_else(|| host.clone(), str::to_owned);
    }
    let mut shown = String::new();
    let mut parts = if path.is_empty() { "/" } else { path }.split('%');
    shown.push_str(parts.next()?);
    for part in parts {
        let (digits, after) = part.split_at_checked(2)?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        match char::from(byte) {
            plain if plain.is_ascii_alphanumeric() || "-._~".contains(plain) => shown.push(plain),
            _ => write!(shown, "%{byte:02X}").ok()?,
        }
        shown.push_str(after);
    }
    Some(format!("{scheme}://{host}{shown}"))
}

fn check(compact: &str, token: &str, method: &str, address: &str) -> Result<Proof, Refused> {
    if compact.len() > 8192 {
        return Err(Refused::Proof);
    }
    let (header, claims) = parts(compact).map_err(|_| Refused::Proof)?;
    let algorithm = algorithm_of(&header).map_err(|_| Refused::Proof)?;
    let acceptable = matches!(algorithm, Algorithm::ES256 | Algorithm::PS256 | Algorithm::EdDSA)
        && is_type(&header, "dpop+jwt")
        && !header.contains_key("crit");
    let jwk = header.get("jwk").filter(|_| acceptable).ok_or(Refused::Proof)?;
    if jwk.get("d").is_some() || jwk.get("k").is_some() {
        return Err(Refused::Proof);
    }
    let keys = public_key(jwk).map_err(|_| Refused::Proof)?;
    let key = keys.iter().find(|key| key.algorithm == algorithm).ok_or(Refused::Proof)?;
    let mut validation = Validation::new(library(algorithm));
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Object>(compact, &key.decoding, &validation).map_err(|_| Refused::Proof)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).ok_or(Refused::Proof);
    let claimed = normalised(text("htu")?).ok_or(Refused::Proof)?;
    let same_address = normalised(address).is_some_and(|address| address == claimed);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()));
    let same_token: bool = text("ath")?.as_bytes().ct_eq(hash.as_bytes()).into();
    if text("htm")? != method || !same_address || !same_token {
        return Err(Refused::Proof);
    }
    let issued = seconds(&claims, "iat").ok().flatten().ok_or(Refused::Proof)?;
    let thumbprint = thumbprint(jwk)?;
    let mut id = Sha256::new();
    id.update(thumbprint.as_bytes());
    id.update(Some(text("jti")?).filter(|id| !id.is_empty()).ok_or(Refused::Proof)?.as_bytes());
    let expires = Timestamp::from_second(issued)
        .and_then(|at| at.checked_add(SignedDuration::from_secs(2 * WINDOW)))
        .map_err(|_| Refused::Proof)?;
    Ok(Proof { thumbprint, issued, id: id.finalize().into(), expires })
}

impl Proof {
    /// Checks that the proof is recent and of the key that the token is bound to (`cnf.jkt`).
    pub(super) fn settle(&self, bound_to: &str, now: Timestamp) -> Result<(), Refused> {
        let same: bool = self.thumbprint.as_bytes().ct_eq(bound_to.as_bytes()).into();
        let near = now.as_second().abs_diff(self.issued) <= WINDOW.unsigned_abs();
        if same && near { Ok(()) } else { Err(Refused::Proof) }
    }
}

/// RFC 7638: SHA-256 over the required members in lexicographic order.
fn thumbprint(jwk: &Value) -> Result<String, Refused> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(Refused::Proof);
    let canonical = match member("kty")? {
        "EC" => json!({"crv": member("crv")?, "kty": "EC", "x": member("x")?, "y": member("y")?}),
        "RSA" => json!({"e": member("e")?, "kty": "RSA", "n": member("n")?}),
        "OKP" => json!({"crv": member("crv")?, "kty": "OKP", "x": member("x")?}),
        _ => return Err(Refused::Proof),
    };
    // serde_json sorts members by name: the required order.
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.to_string().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_after_normalisation() {
        let plain = normalised("https://registry.example/v1/tenants/a/patients");
        assert!(plain.is_some());
        for same in [
            "HTTPS://Registry.Example/v1/tenants/a/patients",
            "https://registry.example:443/v1/tenants/a/patients",
            "https://registry.example:/v1/tenants/a/patients?limit=1#x",
            "https://registry.example/v1/tenants/%61/patients",
        ] {
            assert_eq!(normalised(same), plain, "{same}");
        }
        for other in [
            "http://registry.example/v1/tenants/a/patients",
            "https://registry.example:80/v1/tenants/a/patients",
            "https://registry.example/v1/tenants/A/patients",
            "https://registry.example/v1/tenants/a/patients/",
            "https://registry.example/v1/tenants/a%2Fpatients",
            "/v1/tenants/a/patients",
        ] {
            assert_ne!(normalised(other), plain, "{other}");
        }
        assert_eq!(normalised("https://a/%2f%c3"), normalised("https://a/%2F%C3"));
        assert_eq!(normalised("https://a"), normalised("https://a/"));
        assert_eq!(normalised("https://a/%f"), None);
        assert_eq!(normalised("https://a/%+1"), None);
    }

    #[test]
    fn thumbprint_is_that_of_rfc_7638() {
        let jwk = json!({"kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
        assert_eq!(thumbprint(&jwk).ok().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }
}
