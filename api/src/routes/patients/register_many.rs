//! Registers patients with their courses in bulk: one result per line.

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, post, web};
use futures_util::{StreamExt as _, stream};
use painreg_domain::clinical::EntryKind;
use painreg_domain::fault::{Fault, FaultCode, escape};
use painreg_domain::ids::{EntryId, PatientId};
use painreg_domain::national_id::Acceptance;
use painreg_tenants::store::patients;
use painreg_tenants::{Reply, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::register::RegisterPatient;
use crate::caller::Caller;
use crate::entry_kinds::record_parsed;
use crate::problem::{Code, Problem, ProblemView, Problems};
use crate::request_info::RequestInfo;
use crate::state::State;
use crate::wire::{Extent, IdempotencyKey, Lines, Query, line_problem, lines_answer, parse, reply};

/// One line: a new patient or a registered one, with entries.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegistrationLine)]
pub struct Line {
    /// A new patient; instead of `patient_id`.
    #[serde(default)]
    patient: Option<RegisterPatient>,
    /// A registered patient; instead of `patient`.
    #[serde(default)]
    patient_id: Option<PatientId>,
    /// The entries to record for the patient, in this order.
    #[serde(default)]
    #[schema(max_items = 500)]
    entries: Vec<LineEntry>,
}

/// One entry of a line.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineEntry {
    /// The kind of the entry.
    kind: EntryKind,
    /// The name of the entry in the line: a later entry refers to it as `"#"` followed by this name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_]{1,40}$", example = "e1")]
    r#as: Option<String>,
    /// The entry, in the format of the operation that records it; references to entries of this line as `"#e1"`.
    #[schema(value_type = Object)]
    content: Value,
}

/// The outcome of a line.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineOutcome {
    /// Everything in the line is stored.
    Registered,
    /// Already stored, with the same key; nothing was done.
    Known,
    /// Dry run: everything in the line would be stored.
    Acceptable,
    /// Nothing in the line is stored.
    Refused,
}

/// The result of a line.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegistrationResult)]
pub struct LineView {
    /// The number of the line, from 1.
    #[schema(minimum = 1, maximum = 1_000_000)]
    line: usize,
    /// The outcome of the line.
    outcome: LineOutcome,
    /// The stored ids; null where the line was refused.
    #[schema(value_type = Option<RegisteredLine>)]
    registered: Option<Value>,
    /// The reason of the refusal; null where the line was stored.
    problem: Option<ProblemView>,
}

/// The ids stored for a line.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RegisteredLine {
    /// The id of the patient.
    patient_id: PatientId,
    /// Sequential number shown to staff; null for a patient who was already registered and in a dry run.
    #[schema(minimum = 1)]
    registry_number: Option<i64>,
    /// The entries, in the order of the line.
    #[schema(max_items = 500)]
    entries: Vec<RegisteredEntry>,
}

/// An entry that was stored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RegisteredEntry {
    /// The kind of the entry.
    kind: EntryKind,
    /// The name of the entry in the line; null without one.
    #[serde(rename = "as")]
    #[schema(max_length = 40)]
    name: Option<String>,
    /// The id of the entry.
    id: EntryId,
}

/// The query of a bulk registration.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BatchParams {
    /// true: dry run. Everything is checked, nothing is stored. Each line is checked independently, so a patient who
    /// is in two lines is acceptable in both.
    #[param(default = false)]
    dry_run: Option<bool>,
}

/// Members that refer to entries.
const REFERENCES: &[&str] = &["referral_id", "episode_id", "implant_id", "component_id", "component_ids"];

/// Replaces references to earlier entries of the line by their ids.
fn resolve(content: &mut Value, refers: bool, pointer: &str, names: &BTreeMap<String, EntryId>) -> Result<(), Fault> {
    match content {
        Value::String(text) if refers => {
            let Some(name) = text.strip_prefix('#') else { return Ok(()) };
            let id = names.get(name).ok_or_else(|| Fault::new(pointer, FaultCode::UnknownReference))?;
            *content = id.to_string().into();
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, item)| resolve(item, refers, &format!("{pointer}/{at}"), names)),
        Value::Object(members) => members.iter_mut().try_for_each(|(name, value)| {
            resolve(value, REFERENCES.contains(&name.as_str()), &format!("{pointer}/{}", escape(name)), names)
        }),
        _ => Ok(()),
    }
}

/// Registers the content of a line.
fn register(tx: &mut Tx<'_>, line: Line, acceptance: Acceptance) -> Result<Reply, Problem> {
    if line.entries.len() > 500 {
        return Err(Problem::invalid(vec![Fault::at("entries", FaultCode::TooLong)]));
    }
    let (access, mut standing, registry_number) = match (line.patient, line.patient_id) {
        (Some(patient), None) => {
            let under = |faults: Vec<Fault>| {
                Problem::invalid(faults.into_iter().map(|fault| fault.under("/patient")).collect())
            };
            let (national_id, details) =
                patient.into_domain(acceptance, tx.principal().unit.as_deref(), tx.today()).map_err(under)?;
            let registered = patients::register(tx, &national_id, &details).map_err(|error| {
                let mut problem = Problem::from(error);
                problem.errors = problem.errors.into_iter().map(|fault| fault.under("/patient")).collect();
                problem
            })?;
            (registered.access, registered.standing, Some(registered.patient.registry_number))
        }
        (None, Some(id)) => {
            tx.about(format!("patient/{id}"));
            let (access, standing) = tx.open_to_record(id)?;
            (access, standing, None)
        }
        (Some(_), Some(_)) => return Err(Problem::invalid(vec![Fault::at("patient_id", FaultCode::Contradiction)])),
        (None, None) => return Err(Problem::invalid(vec![Fault::at("patient", FaultCode::Required)])),
    };
    let mut names = BTreeMap::new();
    let mut entries = Vec::with_capacity(line.entries.len());
    for (at, LineEntry { kind, r#as: name, mut content }) in line.entries.into_iter().enumerate() {
        let place = format!("/entries/{at}/content");
        if !tx.may(kind.row().group.rights().record) {
            return Err(Problem::with(
                Code::Forbidden,
                vec![Fault::new(format!("/entries/{at}/kind"), FaultCode::NotAcceptedHere)],
            ));
        }
        resolve(&mut content, false, &place, &names).map_err(|fault| Problem::invalid(vec![fault]))?;
        let stored = record_parsed(tx, &access, &mut standing, kind, content).map_err(|mut problem| {
            problem.errors = problem.errors.into_iter().map(|fault| fault.under(&place)).collect();
            problem
        })?;
        if let Some(name) = &name {
            let fits = (1..=40).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if !fits || names.insert(name.clone(), stored.id).is_some() {
                let code = if fits { FaultCode::AlreadyExists } else { FaultCode::InvalidFormat };
                return Err(Problem::invalid(vec![Fault::new(format!("/entries/{at}/as"), code)]));
            }
        }
        entries.push(RegisteredEntry { kind, name, id: stored.id });
    }
    let registered = RegisteredLine { patient_id: access.id(), registry_number, entries };
    let mut reply = reply(200, None, None, &registered);
    reply.patient = Some(access.id());
    Ok(reply)
}

#[derive(Clone)]
struct Batch {
    caller: Caller,
    key: IdempotencyKey,
    place: String,
    dry_run: bool,
    acceptance: Acceptance,
}

impl Batch {
    async fn line(self, number: usize, bytes: Bytes) -> Result<Reply, Problem> {
        let line: Line = match parse(&bytes, Extent::Shape) {
            Ok(line) => line,
            // Refused as any other line is, after the caller's right has been asked for.
            Err(problem) => return Err(self.caller.refuse(problem).await),
        };
        let acceptance = self.acceptance;
        if self.dry_run {
            let rehearse = move |tx: &mut Tx<'_>| {
                tx.rehearse();
                register(tx, line, acceptance)
            };
            return self.caller.run(rehearse).await;
        }
        let work = move |tx: &mut Tx<'_>| register(tx, line, acceptance);
        self.caller.run_line(self.key, (number, bytes), &self.place, work).await
    }
}

/// Removes the registry number from the result of a dry run: the later registration gets another one.
fn unnumbered(mut registered: Value) -> Value {
    if let Some(number) = registered.get_mut("registry_number") {
        *number = Value::Null;
    }
    registered
}

/// Returns whether the problem refuses the whole request, not one line.
const fn of_the_request(code: Code) -> bool {
    matches!(
        code,
        Code::LowAssurance | Code::Suspended | Code::Migrating | Code::IdempotencyKeyMissing | Code::Unavailable
    )
}

/// Register patients with their courses in bulk, one patient per line (NDJSON).
///
/// Every line is a separate transaction: stored as a whole or not at all; every line is processed regardless of the
/// others. The response has a result for each line, in order, as soon as available. With an `Idempotency-Key` a retry
/// after a broken connection stores no line twice. At most 10,000 lines and 16 MiB.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("RegisterInBulk"))),
    params(BatchParams,
        IdempotencyKey),
    request_body(content = Line, content_type = "application/x-ndjson"),
    responses((status = 200, description = "One result per line.", body = LineView, content_type = "application/x-ndjson"), Problems))]
#[post("/patient-batches")]
pub async fn register_many(
    request: HttpRequest,
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<String>,
    Query(params): Query<BatchParams>,
    state: web::Data<State>,
    lines: Lines,
) -> Result<HttpResponse, Problem> {
    let lines = lines.whole().await?;
    let place = format!("/v1/tenants/{path}/patient-batches");
    let info = request.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
    let dry_run = params.dry_run.unwrap_or(false);
    let batch = Batch { caller, key, place, dry_run, acceptance: state.acceptance };
    if !dry_run {
        batch.caller.needs(&batch.key)?;
    }
    let mut lines = lines.into_iter();
    let Some((number, bytes)) = lines.next() else {
        return Err(batch.caller.refuse(Problem::invalid(vec![Fault::new("", FaultCode::Required)])).await);
    };
    // The refusal of the first line may concern the caller rather than the line.
    let first = batch.clone().line(number, bytes).await;
    let first = match first {
        Err(problem)
            if of_the_request(problem.code) || (problem.code == Code::Forbidden && problem.errors.is_empty()) =>
        {
            return Err(problem);
        }
        result => (number, result),
    };
    let rest = stream::iter(lines).then(move |(number, bytes)| {
        let batch = batch.clone();
        async move { (number, batch.line(number, bytes).await) }
    });
    let results = stream::iter([first]).chain(rest).map(move |(line, result)| {
        vec![match result {
            Ok(reply) => LineView {
                line,
                outcome: match (dry_run, reply.replayed) {
                    (true, _) => LineOutcome::Acceptable,
                    (_, true) => LineOutcome::Known,
                    _ => LineOutcome::Registered,
                },
                registered: serde_json::from_slice(&reply.body)
                    .ok()
                    .map(|stored| if dry_run { unnumbered(stored) } else { stored }),
                problem: None,
            },
            Err(problem) => {
                let problem = line_problem(line, &problem, &info);
                LineView { line, outcome: LineOutcome::Refused, registered: None, problem: Some(problem) }
            }
        }]
    });
    Ok(lines_answer(results))
}
