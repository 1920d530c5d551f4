//! Sends events to webhooks: over HTTPS, to public addresses only, without following redirects. Of an answer only the
//! status is read.

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

use crate::views::event::EventView;

/// Concurrent deliveries of one step.
const CONCURRENCY: i64 = 16;
/// The longest time of one delivery.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a webhook may have this URL: `https`; with test national ids also `http`.
pub fn is_allowed(url: &str, acceptance: Acceptance) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    let scheme = uri.scheme_str().unwrap_or_default();
    let secure = scheme == "https" || (scheme == "http" && acceptance == Acceptance::Test);
    secure && !authority.as_str().contains('@') && !authority.host().is_empty()
}

/// Resolves names to permitted addresses. The addresses checked here are the ones that are connected to.
#[derive(Debug)]
struct Guarded {
    local: bool,
    inner: DefaultResolver,
}

impl Guarded {
    fn permits(&self, uri: &Uri, address: &SocketAddr) -> bool {
        let loopback = self.local && address.ip().is_loopback();
        loopback || (uri.scheme_str() == Some("https") && is_public(address.ip()))
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
        if found.iter().all(|address| self.permits(uri, address)) {
            return Ok(found);
        }
        Err(ureq::Error::Io(std::io::ErrorKind::PermissionDenied.into()))
    }
}

/// Sends events to the webhooks of a registry.
pub struct WebhookSender {
    agent: ureq::Agent,
}

impl WebhookSender {
    /// Creates a sender that may reach loopback addresses only where test national ids are accepted.
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
            .timeout_global(Some(TIMEOUT))
            .user_agent("painreg")
            .build();
        let resolver = Guarded { local: acceptance == Acceptance::Test, inner: DefaultResolver::default() };
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver) }
    }

    /// Enqueues deliveries of new events and sends some of those that are due; returns whether there are more.
    /// Deliveries of a process that is killed are sent again after lease expiry.
    pub fn step(&self, scope: &TenantScope) -> Result<bool, StoreError> {
        let (more, dispatches) = scope.run(Action::DeliverEvents, |tx| {
            Ok::<_, StoreError>((webhooks::enqueue_deliveries(tx)?, webhooks::claim_due_deliveries(tx, CONCURRENCY)?))
        })?;
        if dispatches.is_empty() {
            return Ok(more);
        }
        let now = scope.clock().now().as_second();
        let outcomes: Vec<DeliveryOutcome> = std::thread::scope(|threads| {
            let sending: Vec<_> =
                dispatches.iter().map(|dispatch| threads.spawn(move || self.send(dispatch, now))).collect();
            let lost = |_| DeliveryOutcome::Failed(None, "unreachable");
            sending.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
        });
        scope.run(Action::DeliverEvents, |tx| {
            for (dispatch, outcome) in dispatches.iter().zip(&outcomes) {
                webhooks::record_outcome(tx, dispatch, *outcome)?;
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(true)
    }

    fn send(&self, dispatch: &Dispatch, second: i64) -> DeliveryOutcome {
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
