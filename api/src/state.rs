//! The state that all requests share. Knows no route and no middleware.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics_exporter_prometheus::PrometheusHandle;
use painreg_domain::national_id::Acceptance;
use painreg_tenants::local::Watch;
use painreg_tenants::{Registry, UnauthenticatedRequest};

use crate::auth::{Limits, Verifier};
use crate::interruptions::Interruptions;
use crate::operations::Operations;

/// The state that all requests share.
pub struct State {
    /// The registry of tenants.
    pub registry: Registry,
    /// The verifier of access tokens.
    pub verifier: Verifier,
    /// The rate limits of callers.
    pub limits: Limits,
    /// Unauthenticated requests that are not stored yet.
    pub unauthenticated: UnauthenticatedCounter,
    /// The table of operations and their actions.
    pub operations: &'static Operations,
    /// The specification, rendered as JSON.
    pub specification: &'static str,
    /// Which national ids are accepted.
    pub acceptance: Acceptance,
    /// The URL that clients use.
    pub public_address: String,
    /// The renderer of `/metrics`.
    pub metrics: PrometheusHandle,
    /// The threads that ended unexpectedly.
    pub interruptions: Arc<Interruptions>,
    /// Knows whether the private PostgreSQL runs; `None` with a database that others run.
    pub private_database: Option<Watch>,
}

impl State {
    /// Returns the address of a registry's forms, which the canonical addresses of its FHIR questionnaires begin with.
    pub fn forms_address(&self, tenant: &str) -> String {
        format!("{}/v1/tenants/{tenant}/forms", self.public_address)
    }
}

/// Counts unauthenticated requests until maintenance stores the counts, at most a second later.
#[derive(Default)]
pub struct UnauthenticatedCounter(Mutex<HashMap<UnauthenticatedRequest, i64>>);

impl UnauthenticatedCounter {
    /// The most distinct combinations of code, operation and origin; further ones are counted together.
    const MOST: usize = 1000;

    /// Counts one request.
    pub fn count(&self, mut stranger: UnauthenticatedRequest) {
        metrics::counter!("painreg_strangers_total").increment(1);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= Self::MOST && !counts.contains_key(&stranger) {
            "many".clone_into(&mut stranger.origin);
            "many".clone_into(&mut stranger.operation);
        }
        *counts.entry(stranger).or_insert(0) += 1;
    }

    /// Removes and returns the counts.
    pub fn take(&self) -> Vec<(UnauthenticatedRequest, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// Returns counts that could not be stored.
    pub fn put_back(&self, counts: Vec<(UnauthenticatedRequest, i64)>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (stranger, count) in counts {
            *held.entry(stranger).or_insert(0) += count;
        }
    }
}
