//! What can go wrong below the API, and what a constraint's name means to a caller. SQL states end here.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use painreg_domain::clinical::legal_basis::PermissionReason;
use painreg_domain::fault::{Fault, FaultCode};

use crate::crypt::CryptError;

/// The reason why a unit of work failed. Nothing of it is in the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The policy says no.
    #[error("not permitted")]
    Forbidden,
    /// The caller's identity is not of the level of assurance that the action asks for.
    #[error("too low a level of assurance")]
    LowAssurance,
    /// It does not exist, or not for this caller.
    #[error("no such record")]
    NotFound,
    /// The row has changed since the caller read it.
    #[error("the row has another version")]
    Stale,
    /// Something like it exists already.
    #[error("a uniqueness rule is broken")]
    Conflict(Vec<Fault>),
    /// A rule of the data model is broken.
    #[error("a rule of the data model is broken")]
    Invalid(Vec<Fault>),
    /// Something else still refers to it.
    #[error("something refers to it")]
    InUse,
    /// Its state does not allow that any more.
    #[error("the state does not allow that")]
    WrongState,
    /// The patient's legal basis does not allow this to be kept.
    #[error("no legal basis to keep this")]
    NotPermitted(PermissionReason),
    /// The registry refuses answers to instruments that are used outside a licence.
    #[error("used outside a licence")]
    LicenceBlocked(Vec<Fault>),
    /// The same idempotency key is being worked on right now.
    #[error("a request with the same idempotency key is running")]
    InProgress,
    /// The idempotency key has been used for another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The tenant is suspended.
    #[error("the registry is suspended")]
    Suspended,
    /// The tenant must be suspended first.
    #[error("the registry is active")]
    Active,
    /// The tenant's schema is not at this server's version.
    #[error("the registry is being migrated")]
    WrongVersion,
    /// No connection was free, or a lock was not to be had.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached or refuses work.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The disk of the database is full.
    #[error("the disk of the database is full: {0}")]
    StorageFull(String),
    /// A position of another epoch: the database was restored since it was given.
    #[error("the position is of another epoch")]
    OtherEpoch,
    /// A cursor that was not made for this list.
    #[error("the cursor does not belong to this list")]
    BadCursor,
    /// A sealed value does not open.
    #[error(transparent)]
    Crypt(#[from] CryptError),
    /// Anything else the database said.
    #[error("the database failed")]
    Database(#[source] DieselError),
}

impl StoreError {
    /// After how long the same request may succeed; `None` where waiting does not help.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy | Self::InProgress => Some(Duration::from_secs(1)),
            Self::Unavailable(_) => Some(Duration::from_secs(5)),
            Self::WrongVersion => Some(Duration::from_secs(30)),
            Self::StorageFull(_) => Some(Duration::from_mins(1)),
            Self::Suspended => Some(Duration::from_hours(1)),
            _ => None,
        }
    }
}

/// The error of a stored value that this program cannot read.
pub(crate) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Database(DieselError::DeserializationError(error.into()))
}

/// Constraint -> the member of the request it speaks of, and why. Constraints that no request can break stand nowhere
/// here: breaking one is our fault and shows as such.
const CONSTRAINTS: &[(&str, &str, FaultCode)] = &[
    ("tenant_slug_unique", "/slug", FaultCode::AlreadyExists),
    ("tenant_slug_form", "/slug", FaultCode::InvalidFormat),
    ("patient_identifier_unique", "/national_id", FaultCode::AlreadyExists),
    ("patient_death_after_birth", "/deceased_on", FaultCode::Contradiction),
    ("patient_language_form", "/language", FaultCode::InvalidFormat),
    ("patient_unit_length", "/unit", FaultCode::TooLong),
    ("episode_referral_fk", "/referral_id", FaultCode::UnknownReference),
    ("consultation_episode_fk", "/episode_id", FaultCode::UnknownReference),
    ("diagnosis_episode_fk", "/episode_id", FaultCode::UnknownReference),
    ("procedure_episode_fk", "/episode_id", FaultCode::UnknownReference),
    ("pain_site_episode_fk", "/episode_id", FaultCode::UnknownReference),
    ("treatment_goal_episode_fk", "/episode_id", FaultCode::UnknownReference),
    ("implant_component_implant_fk", "/implant_id", FaultCode::UnknownReference),
    ("implant_programme_implant_fk", "/implant_id", FaultCode::UnknownReference),
    ("implant_event_implant_fk", "/implant_id", FaultCode::UnknownReference),
    ("implant_check_implant_fk", "/implant_id", FaultCode::UnknownReference),
    ("form_draft_pkey", "/definition/code", FaultCode::AlreadyExists),
    ("form_draft_code_form", "/definition/code", FaultCode::InvalidFormat),
    ("form_version_pkey", "/definition/version", FaultCode::AlreadyExists),
    ("project_pkey", "/code", FaultCode::AlreadyExists),
    ("invitation_reference_unique", "/reference", FaultCode::AlreadyExists),
    ("patient_merge_standing", "/duplicate_id", FaultCode::AlreadyExists),
    ("project_participation_project_fk", "/project", FaultCode::UnknownReference),
    ("sample_project_fk", "/project", FaultCode::UnknownReference),
];

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, info) => {
                let known = info
                    .constraint_name()
                    .and_then(|name| CONSTRAINTS.iter().find(|(constraint, ..)| *constraint == name))
                    .map(|(_, pointer, code)| vec![Fault::new(*pointer, *code)]);
                match (kind, known) {
                    (DatabaseErrorKind::UniqueViolation, Some(faults)) => Self::Conflict(faults),
                    // Two requests with one key, or two deliveries of one submission, met: the loser may try again.
                    (DatabaseErrorKind::UniqueViolation, None)
                        if matches!(info.table_name(), Some("idempotency_key" | "submission")) =>
                    {
                        Self::InProgress
                    }
                    (_, Some(faults)) => Self::Invalid(faults),
                    (DatabaseErrorKind::SerializationFailure, None) => Self::Busy,
                    (DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::ClosedConnection, None) => {
                        Self::Unavailable(info.message().to_owned())
                    }
                    (_, None) => transient(info.message()).unwrap_or(Self::Database(error)),
                }
            }
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection is broken".to_owned()),
            _ => Self::Database(error),
        }
    }
}

/// Diesel does not hand out SQL states, so these few are known by PostgreSQL's own words (`lc_messages` C).
fn transient(message: &str) -> Option<StoreError> {
    const BUSY: &[&str] = &[
        "lock timeout",
        "statement timeout",
        "deadlock detected",
        "too many connections",
        "remaining connection slots",
        "too many clients",
    ];
    /// State 53100, and what the system says where PostgreSQL passes it on.
    const FULL: &[&str] = &["could not extend file", "No space left on device", "Disk quota exceeded"];
    const GONE: &[&str] = &[
        "terminating connection",
        "server closed the connection",
        "could not connect",
        "connection to server",
        "no connection to the server",
        "the database system is",
        "SSL SYSCALL error",
        "could not receive data",
        "could not send data",
    ];
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(BUSY) {
        Some(StoreError::Busy)
    } else if says(FULL) {
        Some(StoreError::StorageFull(message.to_owned()))
    } else {
        says(GONE).then(|| StoreError::Unavailable(message.to_owned()))
    }
}

/// The outcome in the access log of an error that reveals something about the registry; logged although nothing was done.
pub trait AuditOutcome {
    /// Returns `not_found`, `conflict`, or `refused` where only an opened record makes it worth logging; `None` where the
    /// caller learns nothing, because the service failed or was busy.
    fn audit_outcome(&self) -> Option<&'static str>;
}

impl AuditOutcome for StoreError {
    fn audit_outcome(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some("not_found"),
            Self::Conflict(_) => Some("conflict"),
            Self::Stale
            | Self::Invalid(_)
            | Self::Active
            | Self::InUse
            | Self::WrongState
            | Self::NotPermitted(_)
            | Self::LicenceBlocked(_) => Some("refused"),
            _ => None,
        }
    }
}
