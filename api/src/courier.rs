//! Tells receivers of webhooks what happened: over HTTPS, at addresses on the open internet, following nobody elsewhere. What
//! they answer is read for its status only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use painreg_domain::national_id::Acceptance;
use painreg_domain::policy::Action;
use painreg_domain::webhook::is_public;
use painreg_tenants::store::webhooks::{self, DeliveryOutcome, Dispatch};
use painreg_tenants::{StoreError, TenantScope};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::routes::events::EventView;

/// How many are told at once, and how long each may take.
const HANDS: i64 = 16;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a webhook may lead: `https` to somewhere; with invented people also to this machine itself.
pub fn is_allowed(url: &str, acceptance: Acceptance) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let scheme = uri.scheme_str().unwrap_or_default();
    let secure = scheme == "https" || (scheme == "http" && acceptance == Acceptance::Test);
    secure && !authority.as_str().contains('@') && !authority.host().is_empty()
}

/// Resolves names to addresses that may be told at: checked here, they are the very ones that are connected to.
#[derive(Debug)]
struct Guarded {
    local: bool,
    inner: DefaultResolver,
}

impl Guarded {
    fn lets(&self, uri: &Uri, address: &SocketAddr) -> bool {
        let itself = self.local && address.ip().is_loopback();
        itself || (uri.scheme_str() == Some("https") && is_public(address.ip()))
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        if found.iter().all(|address| self.lets(uri, address)) {
            return Ok(found);
        }
        Err(ureq::Error::Io(std::io::ErrorKind::PermissionDenied.into()))
    }
}

/// Whoever tells.
pub struct Courier {
    agent: ureq::Agent,
}

impl Courier {
    /// One that reaches this machine itself only where people are invented.
    pub fn new(acceptance: Acceptance) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::Rustls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .user_agent("painreg")
            .build();
        let resolver = Guarded { local: acceptance == Acceptance::Test, inner: DefaultResolver::default() };
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver) }
    }

    /// Gives webhooks what happened, and tells some of what is to be told; whether there is more. Who is killed on the way
    /// leaves it to be told again when the lease runs out.
    pub fn step(&self, scope: &TenantScope) -> Result<bool, StoreError> {
        let (more, dispatches) = scope.run(Action::DeliverEvents, |tx| {
            Ok::<_, StoreError>((webhooks::enqueue_deliveries(tx)?, webhooks::claim_due_deliveries(tx, HANDS)?))
        })?;
        if dispatches.is_empty() {
            return Ok(more);
        }
        let now = scope.clock().now().as_second();
        let outcomes: Vec<DeliveryOutcome> = std::thread::scope(|hands| {
            let telling: Vec<_> =
                dispatches.iter().map(|dispatch| hands.spawn(move || self.tell(dispatch, now))).collect();
            let lost = |_| DeliveryOutcome::Failed(None, "unreachable");
            telling.into_iter().map(|hand| hand.join().unwrap_or_else(lost)).collect()
        });
        scope.run(Action::DeliverEvents, |tx| {
            for (dispatch, outcome) in dispatches.iter().zip(&outcomes) {
                webhooks::record_outcome(tx, dispatch, *outcome)?;
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(true)
    }

    fn tell(&self, dispatch: &Dispatch, second: i64) -> DeliveryOutcome {
        let Ok(body) = serde_json::to_vec(&EventView::from(dispatch.event.clone())) else {
            return DeliveryOutcome::Failed(None, "unreachable");
        };
        let answer = self
            .agent
            .post(&dispatch.url)
            .header("content-type", "application/json")
            .header("webhook-id", dispatch.event.id.to_string())
            .header("webhook-timestamp", second.to_string())
            .header("webhook-signature", dispatch.signatures(second, &body))
            .send(&body[..]);
        let outcome = match answer {
            Ok(answer) if answer.status().is_success() => DeliveryOutcome::Delivered(answer.status().as_u16()),
            Ok(answer) => DeliveryOutcome::Failed(Some(answer.status().as_u16()), "status"),
            Err(ureq::Error::Timeout(_)) => DeliveryOutcome::Failed(None, "timeout"),
            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                DeliveryOutcome::Failed(None, "refused_address")
            }
            Err(_) => DeliveryOutcome::Failed(None, "unreachable"),
        };
        let word = if matches!(outcome, DeliveryOutcome::Delivered(_)) { "delivered" } else { "failed" };
        metrics::counter!("painreg_webhook_attempts_total", "outcome" => word).increment(1);
        outcome
    }
}
