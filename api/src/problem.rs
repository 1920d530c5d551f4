//! RFC 9457 problems. This table lists every error of the API; bodies never contain a value that was submitted.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use painreg_domain::clinical::legal_basis::PermissionReason;
use painreg_domain::code::Suggestion;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_tenants::{AuditOutcome, CryptError, StoreError};
use serde::Serialize;
use strum::{EnumIter, IntoStaticStr};

macro_rules! problems {
    ($($code:ident $status:literal $en:literal $nb:literal $help:literal;)+) => {
        /// The problems of the API. Codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
        #[strum(serialize_all = "snake_case")]
        pub enum Code { $(#[doc = $en] $code),+ }
        impl Code {
            /// The HTTP status of the problem.
            pub const fn status(self) -> u16 { match self { $(Self::$code => $status),+ } }
            /// The title in English.
            pub const fn en(self) -> &'static str { match self { $(Self::$code => $en),+ } }
            /// The title in Norwegian bokmål.
            pub const fn nb(self) -> &'static str { match self { $(Self::$code => $nb),+ } }
            /// The advice to a client that receives the problem.
            pub const fn help(self) -> &'static str { match self { $(Self::$code => $help),+ } }
        }
    };
}

problems! {
    BadRequest            400 "The request cannot be understood"                            "Forespørselen kan ikke forstås" "Check the request line, headers and query against the specification.";
    MalformedJson         400 "The body is not JSON"                                        "Innholdet er ikke JSON" "Send UTF-8 JSON (RFC 8259), nested at most 127 deep.";
    DuplicateMember       400 "A JSON object contains the same member twice"                "Et felt står to ganger i samme JSON-objekt" "Send each member once; `errors` points to the member.";
    InvalidParameter      400 "A query parameter or header is not valid"                    "En parameter eller et hodefelt er ugyldig" "`errors` names the parameter; see the specification for its form.";
    InvalidCursor         400 "The cursor does not belong to this list"                     "Markøren hører ikke til denne listen" "Use a cursor only with the same list, filter and caller; start again without one.";
    IdempotencyKeyMissing 400 "An Idempotency-Key is required of machine clients"           "Maskinklienter må sende Idempotency-Key" "Send a new unique key with every POST, and the same key with a retry.";
    Unauthenticated       401 "No valid credentials were presented"                         "Gyldig legitimasjon mangler" "Fetch a new access token from a trusted issuer and send it as `Authorization: Bearer`.";
    Forbidden             403 "The role does not permit this operation"                     "Denne rollen har ikke lov til dette" "See openapi/permissions.md for the permissions of each role.";
    LowAssurance          403 "The login's assurance level is too low for this"             "Innloggingen har ikke høyt nok sikkerhetsnivå for dette" "Log in again at the level that patient data asks for (level 4), and send the new token.";
    Unlicensed            403 "No valid licence covers this wording"                        "Ingen gyldig lisens dekker denne ordlyden" "`errors` gives the reason; the registry manager is responsible for the licence.";
    NotFound              404 "Not found, or not accessible to this caller"                 "Dette finnes ikke, eller du har ikke tilgang til det" "Check the id and the registry in the path.";
    MethodNotAllowed      405 "The method is not allowed here"                              "Metoden er ikke tillatt her" "The `Allow` header lists the methods of this resource.";
    NotAcceptable         406 "No acceptable representation exists"                         "Ingen form du godtar, finnes" "Accept `application/json`.";
    RequestTimeout        408 "The request did not arrive in time"                          "Forespørselen kom ikke fram i tide" "Send the whole body within ten seconds.";
    InProgress            409 "The same request is being processed"                         "Samme forespørsel er under behandling" "Repeat it with the same Idempotency-Key after `Retry-After`.";
    AlreadyExists         409 "The resource exists already"                                 "Noe slikt finnes allerede" "`errors` names the member; read the existing resource.";
    NotPermitted          409 "The patient's legal basis does not permit storing this"      "Pasientens behandlingsgrunnlag tillater ikke at dette lagres" "`errors` gives the reason; read the patient's permissions, and record the legal basis if it has changed.";
    LicenceBlocked        409 "This registry refuses answers outside a licence"             "Dette registeret tar ikke imot svar utenfor lisens" "`errors` gives the reason; the registry manager is responsible for the licence, or can make the registry warn instead (`use_outside_licence`).";
    StateConflict         409 "The resource's state does not permit this"                   "Tilstanden tillater ikke dette" "Read the resource again and check its state.";
    NotHeld               409 "The claim does not hold this invitation"                     "Invitasjonen er ikke lenger din å sende" "The lease has expired or another claim has the invitation: send nothing, and claim again.";
    NotAtThisHour         409 "The hour is outside the plan's hours for sending"            "Ingenting sendes på denne tiden" "Send nothing, and claim again after `Retry-After`.";
    NotToBeSent           409 "The invitation must no longer be sent"                       "Dette skal ikke sendes lenger" "The form was answered, sending is no longer permitted, or the address is no longer the patient's: send nothing.";
    EpochEnded            410 "The event feed has begun again: read it once more from the start, without `after`" "Hendelsesstrømmen er startet på nytt: les den fra begynnelsen igjen, uten `after`" "The registry's database was restored or moved since `after` was given, so that positions have other meanings. Request `GET /v1/tenants/{tenant}/events` without `after` and continue from its `next_after`; events that are still there keep their ids.";
    Stale                 412 "The resource has changed since you read it"                  "Ressursen er endret siden du leste den" "Read it again, apply your change, and send the new ETag in `If-Match`.";
    TooLarge              413 "The body is too large"                                       "Innholdet er for stort" "Keep within the operation's limit.";
    UnsupportedMediaType  415 "The body's media type or encoding is not supported"          "Innholdets medietype eller koding støttes ikke" "Send `application/json` (PATCH: `application/merge-patch+json`), not compressed.";
    Invalid               422 "The request breaks a rule"                                   "Forespørselen bryter en regel" "`errors` names every refused part with its rule.";
    KeyReused             422 "The Idempotency-Key belongs to another request"              "Idempotency-Key hører til en annen forespørsel" "Use a new key for a new request.";
    PreconditionRequired  428 "If-Match is required"                                        "If-Match må sendes" "Read the resource and send its ETag in `If-Match`.";
    TooManyRequests       429 "Too many requests"                                           "Du sender forespørsler for raskt" "Wait as `Retry-After` says; `RateLimit` gives the remaining quota.";
    HeadersTooLarge       431 "The request's headers are too large"                         "Hodefeltene er for store" "Keep the headers under 32 KiB.";
    Internal              500 "An internal error occurred"                                  "Noe gikk galt hos oss" "Report the request id to the operator; repeating the request is safe with the same Idempotency-Key.";
    Busy                  503 "The service is busy"                                         "Tjenesten er opptatt" "Repeat the request after `Retry-After`.";
    Unavailable           503 "The service cannot reach its database"                       "Tjenesten mangler forbindelse med databasen" "Repeat the request after `Retry-After`, with the same Idempotency-Key: the outcome of the first attempt is unknown.";
    NotReady              503 "The service is not ready"                                    "Tjenesten er ikke klar" "`errors` names what cannot be served and why, for the operator; other requests may be served.";
    Migrating             503 "This registry is being migrated"                             "Registeret oppgraderes" "Repeat the request after `Retry-After`; other registries are served.";
    Suspended             503 "This registry is suspended"                                  "Registeret er stanset" "Contact the operator; no data is lost.";
    StorageFull           507 "The disk of the database is full"                            "Databasens disk er full" "Nothing was stored. Repeat the request after `Retry-After`, with the same Idempotency-Key; the operator must free space.";
}

impl Code {
    /// The stable name, in snake case.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The language of titles and details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English; the default.
    #[default]
    En,
    /// Norwegian bokmål; also for `no` and `nn`.
    Nb,
}

impl Language {
    /// Returns the supported language of `Accept-Language` (RFC 9110) with the greatest weight; else English.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let weight = |range: &str| {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .filter(|quality| (0.0..=1.0).contains(quality))
                .unwrap_or(1.0);
            let language = match tag.split('-').next() {
                Some("nb" | "no" | "nn") => Some(Self::Nb),
                Some("en" | "*") => Some(Self::En),
                _ => None,
            };
            language.filter(|_| quality > 0.0).map(|language| (quality, language))
        };
        accept
            .unwrap_or_default()
            .split(',')
            .take(20)
            .filter_map(weight)
            .fold(None, |best: Option<(f32, Self)>, found| match best {
                Some((quality, _)) if quality >= found.0 => best,
                _ => Some(found),
            })
            .map_or(Self::default(), |(_, language)| language)
    }

    /// The value of `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nb => "nb",
        }
    }
}

/// The error of one request.
#[derive(Debug, thiserror::Error)]
#[error("{}", code.en())]
pub struct Problem {
    /// The code of the problem.
    pub code: Code,
    /// The refused parts of the request.
    pub errors: Vec<Fault>,
    /// The time after which a retry may succeed.
    pub retry_after: Option<Duration>,
    /// The cause, for the log; never part of a response.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The body of every error response (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// The URI of the problem's type.
    #[schema(format = "uri", max_length = 100, example = "urn:painreg:problem:not_found")]
    r#type: String,
    /// The title, in the language of `Accept-Language`.
    #[schema(max_length = 200)]
    title: &'static str,
    /// The HTTP status code, repeated from the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The stable code: match on this.
    #[schema(max_length = 50, example = "not_found")]
    code: &'static str,
    /// The URI of the request id, for support requests.
    #[schema(format = "uri", max_length = 120)]
    instance: String,
    /// The refused parts of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    errors: Vec<FaultView>,
}

/// One refused part of the request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Fault)]
pub struct FaultView {
    /// RFC 6901 pointer into the body; for a query parameter or header its name after `/query/` or `/header/`.
    #[schema(max_length = 1000, example = "/answers/isi_03")]
    pointer: String,
    /// The code of the rule that is broken.
    code: FaultCode,
    /// The rule in words, in the language of `Accept-Language`.
    #[schema(max_length = 200)]
    detail: &'static str,
    /// Suggested codes of the code system, the likeliest first, each valid on the day in question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 5)]
    suggestions: Vec<SuggestionView>,
}

/// A suggested code of a code system.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Suggestion)]
pub struct SuggestionView {
    /// The code, as the catalogue writes it.
    #[schema(max_length = 40, example = "M79.7")]
    code: String,
    /// The title of the code.
    #[schema(max_length = 500)]
    title: String,
}

impl From<&Suggestion> for SuggestionView {
    fn from(it: &Suggestion) -> Self {
        Self { code: it.code.clone(), title: it.title.clone() }
    }
}

impl Problem {
    /// Returns a problem with the refused parts of the request.
    pub fn with(code: Code, errors: Vec<Fault>) -> Self {
        Self { code, errors, retry_after: None, source: None }
    }

    /// Returns the problem of a request that breaks a rule: 422.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        Self::with(Code::Invalid, errors)
    }

    /// Returns an internal error, with its cause for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { code: Code::Internal, errors: Vec::new(), retry_after: None, source: Some(source.into()) }
    }

    /// Returns the internal error for a stored value that cannot be read, with its faults for the log.
    pub fn internal_faults(faults: &[Fault]) -> Self {
        let one = |fault: &Fault| format!("{} {}", fault.pointer, <&str>::from(fault.code));
        Self::internal(faults.iter().map(one).collect::<Vec<_>>().join(", "))
    }

    /// Returns the problem with the time after which a retry may succeed.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Returns the body of the response for one request.
    pub fn view(&self, language: Language, request_id: &str) -> ProblemView {
        let errors = self.errors.iter().take(1000).map(|fault| FaultView {
            pointer: fault.pointer.chars().take(1000).collect(),
            code: fault.code,
            detail: match language {
                Language::En => fault.code.en(),
                Language::Nb => fault.code.nb(),
            },
            suggestions: fault.suggestions.iter().take(5).map(SuggestionView::from).collect(),
        });
        ProblemView {
            r#type: format!("urn:painreg:problem:{}", self.code.name()),
            title: match language {
                Language::En => self.code.en(),
                Language::Nb => self.code.nb(),
            },
            status: self.code.status(),
            code: self.code.name(),
            instance: format!("urn:painreg:request:{request_id}"),
            errors: errors.collect(),
        }
    }

    /// Returns the complete response for one request.
    pub fn answer(&self, language: Language, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.content_type("application/problem+json");
        answer.insert_header((header::CONTENT_LANGUAGE, language.tag()));
        if let Some(wait) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, wait.as_secs().max(1)));
        }
        if self.code == Code::Unauthenticated {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer, DPoP algs=\"ES256 PS256\""));
        }
        answer.body(serde_json::to_string(&self.view(language, request_id)).unwrap_or_default())
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::with(code, Vec::new())
    }
}

impl From<Vec<Fault>> for Problem {
    fn from(errors: Vec<Fault>) -> Self {
        Self::invalid(errors)
    }
}

/// Converts the reason for a refused permission to a fault code.
const fn fault_of(reason: PermissionReason) -> FaultCode {
    match reason {
        PermissionReason::ReservedAgainstRegistry => FaultCode::ReservedAgainstRegistry,
        PermissionReason::ConsentRefused => FaultCode::ConsentRefused,
        PermissionReason::ConsentWithdrawn => FaultCode::ConsentWithdrawn,
        _ => FaultCode::NoBasis,
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let retry_after = error.retry_after();
        let (code, errors) = match error {
            StoreError::Forbidden => (Code::Forbidden, Vec::new()),
            StoreError::LowAssurance => (Code::LowAssurance, Vec::new()),
            StoreError::NotFound => (Code::NotFound, Vec::new()),
            StoreError::Stale => (Code::Stale, Vec::new()),
            StoreError::Conflict(faults) => (Code::AlreadyExists, faults),
            StoreError::Invalid(faults) => (Code::Invalid, faults),
            StoreError::InUse => (Code::StateConflict, vec![Fault::new("", FaultCode::InUse)]),
            StoreError::NotPermitted(reason) => (Code::NotPermitted, vec![Fault::new("", fault_of(reason))]),
            StoreError::LicenceBlocked(faults) => (Code::LicenceBlocked, faults),
            StoreError::InProgress => (Code::InProgress, Vec::new()),
            StoreError::KeyReused => (Code::KeyReused, Vec::new()),
            StoreError::Suspended => (Code::Suspended, Vec::new()),
            StoreError::Active | StoreError::WrongState => (Code::StateConflict, Vec::new()),
            StoreError::WrongVersion => (Code::Migrating, Vec::new()),
            StoreError::BadCursor => (Code::InvalidCursor, vec![Fault::new("/query/cursor", FaultCode::InvalidFormat)]),
            StoreError::OtherEpoch => (Code::EpochEnded, vec![Fault::new("/query/after", FaultCode::InvalidFormat)]),
            StoreError::Busy => (Code::Busy, Vec::new()),
            other @ StoreError::Unavailable(_) => {
                return Self { code: Code::Unavailable, errors: Vec::new(), retry_after, source: Some(other.into()) };
            }
            other @ StoreError::StorageFull(_) => {
                return Self { code: Code::StorageFull, errors: Vec::new(), retry_after, source: Some(other.into()) };
            }
            other @ StoreError::Crypt(CryptError::OtherKey | CryptError::OtherKeyOf { .. }) => {
                let errors = vec![Fault::at("key", FaultCode::OtherKey)];
                return Self { code: Code::NotReady, errors, retry_after, source: Some(other.into()) };
            }
            other @ (StoreError::Crypt(_) | StoreError::Database(_)) => return Self::internal(other),
        };
        Self { code, errors, retry_after, source: None }
    }
}

impl AuditOutcome for Problem {
    fn audit_outcome(&self) -> Option<&'static str> {
        match self.code {
            Code::NotFound => Some("not_found"),
            Code::AlreadyExists => Some("conflict"),
            // The policy's own refusal is logged where it is made; one that names a part came after a record was
            // opened.
            Code::Forbidden if !self.errors.is_empty() => Some("forbidden"),
            Code::Stale
            | Code::Invalid
            | Code::StateConflict
            | Code::NotPermitted
            | Code::Unlicensed
            | Code::LicenceBlocked => Some("refused"),
            _ => None,
        }
    }
}

impl From<actix_web::error::BlockingError> for Problem {
    fn from(error: actix_web::error::BlockingError) -> Self {
        Self::internal(error)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The middleware replaces this response, with the request's language and id.
    fn error_response(&self) -> HttpResponse {
        self.answer(Language::default(), "unknown")
    }
}

/// The error responses in every operation's `responses(..)`.
pub struct Problems;

impl utoipa::IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::response::Response>> {
        let one = |text: &str| {
            utoipa::openapi::ResponseBuilder::new()
                .description(text)
                .content(
                    "application/problem+json",
                    utoipa::openapi::ContentBuilder::new()
                        .schema(Some(utoipa::openapi::Ref::from_schema_name("Problem")))
                        .build(),
                )
                .build()
                .into()
        };
        [
            ("400", "The request cannot be understood."),
            ("401", "No valid credentials were presented."),
            ("403", "The caller's role does not permit this."),
            ("404", "Not found, or not accessible to this caller."),
            ("429", "Too many requests."),
            ("4XX", "The request was refused; `code` gives the reason."),
            ("5XX", "The service failed or is busy; repeat with the same Idempotency-Key."),
        ]
        .into_iter()
        .map(|(status, text)| (status.to_owned(), one(text)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn codes_and_statuses_make_sense() {
        for code in Code::iter() {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(!code.help().is_empty() && code.en() != code.nb(), "{code:?}");
        }
    }

    #[test]
    fn suggestions_are_shown_where_there_are_any() {
        let near = Suggestion { code: "M79.7".to_owned(), title: "Fibromyalgi".to_owned() };
        let faults = vec![
            Fault::at("code", FaultCode::UnknownCode).with_suggestions(vec![near; 7]),
            Fault::at("code", FaultCode::Required),
        ];
        let shown = serde_json::to_value(Problem::invalid(faults).view(Language::Nb, "1")).expect("JSON");
        assert_eq!(shown["errors"][0]["suggestions"].as_array().map(Vec::len), Some(5));
        assert_eq!(shown["errors"][0]["suggestions"][0]["code"], "M79.7");
        assert_eq!(shown["errors"][0]["detail"], "Koden finnes ikke i kodeverket.");
        assert!(shown["errors"][1].get("suggestions").is_none());
    }

    #[test]
    fn the_language_is_the_callers() {
        for (accept, language) in [
            (None, Language::En),
            (Some(""), Language::En),
            (Some("nb"), Language::Nb),
            (Some("no, en;q=0.5"), Language::Nb),
            (Some("en;q=0.5, nn-NO;q=0.9"), Language::Nb),
            (Some("nb;q=0, en"), Language::En),
            (Some("de, fr"), Language::En),
            (Some("nb;q=99,en"), Language::Nb),
        ] {
            assert_eq!(Language::negotiate(accept), language, "{accept:?}");
        }
    }
}
