//! The registry as its users meet it: black box over HTTP against a real PostgreSQL.

#[path = "registry/answers.rs"]
mod answers;
#[path = "registry/calls.rs"]
mod calls;
#[path = "registry/catalogue.rs"]
mod catalogue;
#[path = "registry/clinical.rs"]
mod clinical;
#[path = "registry/codes.rs"]
mod codes;
#[path = "registry/connections.rs"]
mod connections;
#[path = "registry/demo.rs"]
mod demo;
#[path = "registry/diesel_schema.rs"]
mod diesel_schema;
#[path = "registry/document.rs"]
mod document;
#[path = "registry/events.rs"]
mod events;
#[path = "registry/examples.rs"]
mod examples;
#[path = "registry/fhir.rs"]
mod fhir;
#[path = "registry/follow_up.rs"]
mod follow_up;
#[path = "registry/foreign.rs"]
mod foreign;
#[path = "registry/forms.rs"]
mod forms;
#[path = "registry/harness.rs"]
mod harness;
#[path = "registry/hostile.rs"]
mod hostile;
#[path = "registry/idempotency.rs"]
mod idempotency;
#[path = "registry/importer.rs"]
mod importer;
#[path = "registry/instruments.rs"]
mod instruments;
#[path = "registry/intake.rs"]
mod intake;
#[path = "registry/invitations.rs"]
mod invitations;
#[path = "registry/isolation.rs"]
mod isolation;
#[path = "registry/kit.rs"]
mod kit;
#[path = "registry/licences.rs"]
mod licences;
#[path = "registry/lists.rs"]
mod lists;
#[path = "registry/numbers.rs"]
mod numbers;
#[path = "registry/openapi.rs"]
mod openapi;
#[path = "registry/operations.rs"]
mod operations;
#[path = "registry/patients.rs"]
mod patients;
#[path = "registry/policy.rs"]
mod policy;
#[path = "registry/preconditions.rs"]
mod preconditions;
#[path = "registry/problems.rs"]
mod problems;
#[path = "registry/resilience.rs"]
mod resilience;
#[path = "registry/scene.rs"]
mod scene;
#[path = "registry/sending.rs"]
mod sending;
#[path = "registry/statistics.rs"]
mod statistics;
#[path = "registry/strangers.rs"]
mod strangers;
#[path = "registry/submissions.rs"]
mod submissions;
#[path = "registry/tenants.rs"]
mod tenants;
#[path = "registry/tokens.rs"]
mod tokens;
#[path = "registry/traces.rs"]
mod traces;
#[path = "registry/webhooks.rs"]
mod webhooks;
