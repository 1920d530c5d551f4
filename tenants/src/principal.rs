//! The authenticated caller and the origin of a request. Holds facts only; decides nothing.

use painreg_domain::ids::PatientId;
use painreg_domain::national_id::NationalId;
use painreg_domain::policy::Role;

/// The authenticated caller, as the issuer of the token describes it.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Unique over every issuer: the issuer's row and its `sub`. Idempotency keys and rate limits belong to it.
    pub key: String,
    /// The token's `sub`, as the access log shows it.
    pub actor: String,
    /// The one role of the token.
    pub role: Role,
    /// The caller's unit, where the role's reach is a unit.
    pub unit: Option<String>,
    /// Health personnel number (HPR-nummer).
    pub hpr: Option<String>,
    /// The organisation number that the caller acts for; `None` where the token has none.
    pub organisation: Option<String>,
    /// The client the token was issued to.
    pub client: Option<String>,
    /// The caller's own record, where the caller is a patient.
    pub own: Option<OwnRecord>,
    /// Whether the issuer vouches at the level of assurance that patient data asks for.
    pub highly_assured: bool,
}

impl Principal {
    /// An operator without a token: a person who can read the key file and reach the database as its owner.
    pub fn operator_at_the_machine(actor: &str) -> Self {
        Self {
            key: format!("command-line:{actor}"),
            actor: actor.to_owned(),
            client: Some("painreg command line".to_owned()),
            ..Self::of_role(Role::Operator)
        }
    }

    /// The registry itself, for work that follows from days and plans and not from a request.
    pub(crate) fn worker() -> Self {
        Self {
            key: "worker".to_owned(),
            actor: "painreg".to_owned(),
            client: Some("painreg worker".to_owned()),
            ..Self::of_role(Role::System)
        }
    }

    const fn of_role(role: Role) -> Self {
        Self {
            key: String::new(),
            actor: String::new(),
            role,
            unit: None,
            hpr: None,
            organisation: None,
            client: None,
            own: None,
            highly_assured: true,
        }
    }
}

/// How a patient's token identifies the patient.
#[derive(Clone, Debug)]
pub enum OwnRecord {
    /// By the id in this registry.
    Id(PatientId),
    /// By national id.
    NationalId(NationalId),
}

/// The origin of a request, for the access log.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The request id that the response carries.
    pub request_id: String,
    /// The peer's address.
    pub origin: Option<String>,
}
