//! The secrets of webhooks: generated, sealed, shown once, and used to sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use painreg_domain::ids::WebhookId;
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::crypt::random;
use crate::tx::Tx;

/// Returns a secret as it is shown, once: `whsec_` and base 64.
pub(super) fn shown_secret(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// Generates a secret; returns it sealed for storage and as it is shown.
pub(super) fn new_secret(tx: &Tx<'_>, id: WebhookId) -> (Vec<u8>, String) {
    let secret = Zeroizing::new(random::<32>());
    let place = tx.place();
    (place.keys.webhooks.seal(secret.as_slice(), &secret_aad(&place.id, id.uuid())), shown_secret(secret.as_slice()))
}

pub(super) fn secret_aad(tenant: &[u8], id: Uuid) -> [Vec<u8>; 4] {
    [tenant.to_vec(), b"webhook".to_vec(), b"secret".to_vec(), id.into_bytes().to_vec()]
}

/// Returns the signature of a message as defined by Standard Webhooks: `v1,` and base 64 of HMAC-SHA-256.
pub(super) fn signature(secret: &[u8], id: &str, second: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", second.to_string().as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signature_equals_the_example_of_standard_webhooks() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base 64");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
