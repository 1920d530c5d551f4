//! Lists the keys that verify receipts.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};

/// A set of keys (RFC 7517).
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReceiptKeys {
    /// The public keys, the current one included.
    #[schema(max_items = 10)]
    keys: Vec<ReceiptKey>,
}

/// A public key (RFC 8037).
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReceiptKey {
    /// The key type: `OKP`.
    #[schema(max_length = 10)]
    kty: &'static str,
    /// The curve: `Ed25519`.
    #[schema(max_length = 10)]
    crv: &'static str,
    /// The algorithm: `EdDSA`.
    #[schema(max_length = 10)]
    alg: &'static str,
    /// The use of the key: `sig`.
    #[schema(rename = "use", max_length = 10)]
    #[serde(rename = "use")]
    purpose: &'static str,
    /// The id of the key, as in the header of receipts.
    #[schema(max_length = 40)]
    kid: String,
    /// The key, 32 bytes in base64url.
    #[schema(max_length = 43)]
    x: String,
}

/// List the keys that verify the registry's receipts (JWKS).
///
/// A receipt is a compact JWS. Its claims: `tenant`, `iat` (the time of issue), `sub` (`submissions/<id>` or
/// `quarantine/<id>`), `revision`, `source`, and `payload_sha256`: the hash of the line or body as it was delivered.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadReceiptKeys"))),
    responses((status = 200, description = "The keys.", body = ReceiptKeys), Problems))]
#[get("/receipt-keys")]
pub async fn list_receipt_keys(caller: Caller, _path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (kid, x) = caller.run(|tx| Ok(tx.receipt_key())).await?;
    let key = ReceiptKey { kty: "OKP", crv: "Ed25519", alg: "EdDSA", purpose: "sig", kid, x };
    Ok(HttpResponse::Ok().json(ReceiptKeys { keys: vec![key] }))
}
