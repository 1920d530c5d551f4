//! Authentication: verifies credentials with keys, tokens, proofs of possession and rate limits. Knows no scope and no
//! route.

mod dpop;
mod jws;
pub mod keys;
mod limits;
mod token;

use actix_web::HttpRequest;
use actix_web::http::header;

pub use jws::Refused;
pub use keys::KeySets;
pub use limits::{Limits, Remaining};
pub use token::{Verified, Verifier};

/// Verifies the credentials of a request: a bearer token, or a DPoP-bound token with its proof. Returns `None` where
/// the request has no credentials.
pub async fn verify(
    verifier: &Verifier,
    request: &HttpRequest,
    public_address: &str,
) -> Result<Option<Verified>, Refused> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let presented = match (headers.next(), headers.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.to_str().map_err(|_| Refused::NotAToken)?,
        _ => return Err(Refused::NotAToken),
    };
    let checked = match presented.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => verifier.verify(token.trim(), None).await,
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
            let token = token.trim();
            verifier.verify(token, Some(dpop::proof(request, token, public_address)?)).await
        }
        _ => Err(Refused::NotAToken),
    };
    checked.map(Some)
}
