//! The patients of a tenant, and the requests about them.

use std::net::SocketAddr;
use std::time::Duration;

use painreg_api::commands::Failure;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::{BASELINE_FORM_ID, Generator, Person};
use serde_json::{Value, json};

use super::client::{Connection, FRESH, Template};
use super::{Bench, SHORT_FORM_ID};

/// The prepared requests about the patients of one tenant.
#[derive(Default)]
pub struct Patients {
    pub ids: Vec<String>,
    pub short: Vec<Template>,
    pub baseline: Vec<Template>,
    pub reads: Vec<Template>,
}

impl Bench<'_> {
    /// Registers patients over the API and prepares the requests about them.
    pub fn register(&self, address: SocketAddr, tenant: &str, seed: u64, wanted: u32) -> Result<Patients, Failure> {
        let secretary = self.token(tenant, Role::Secretary)?;
        let importer = self.token(tenant, Role::Importer)?;
        let clinician = self.token(tenant, Role::Clinician)?;
        let created = self.registry.clock().now();
        let base = format!("/v1/tenants/{tenant}");
        let delivered = |form: &str, body: &Value| {
            let mut body = body.clone();
            if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("submission_id".to_owned(), FRESH.parse::<u64>().unwrap_or_default().into());
            }
            let path = format!("{base}/nettskjema/{form}/deliveries");
            Template::new("POST", &path, &importer, Some(&body.to_string()))
        };
        let mut generator = Generator::new(seed);
        let mut patients = Patients::default();
        let mut registrations = Vec::new();
        for _ in 0..wanted {
            let person = generator.person();
            let body = registration(&person).to_string();
            registrations.push(Template::new("POST", &format!("{base}/patients"), &secretary, Some(&body)));
            let fresh = FRESH.parse().unwrap_or_default();
            patients.baseline.push(delivered(BASELINE_FORM_ID, &generator.baseline_delivery(&person, fresh, created)));
            patients.short.push(delivered(SHORT_FORM_ID, &short(&person, created)));
        }
        // A few at the same time: one after another, each would wait for the disk alone.
        let share = registrations.len().div_ceil(8).max(1);
        let ids: Vec<Result<Vec<String>, Failure>> = std::thread::scope(|threads| {
            let running: Vec<_> = registrations
                .chunks_mut(share)
                .map(|mine| {
                    threads.spawn(move || {
                        let mut connection = Connection::new(address);
                        mine.iter_mut().map(|one| registered(&mut connection, one.with(self.numbers.next()))).collect()
                    })
                })
                .collect();
            let broken = || Err(Failure::from("registering broke off"));
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| broken())).collect()
        });
        for some in ids {
            patients.ids.extend(some?);
        }
        for id in &patients.ids {
            patients.reads.push(Template::new("GET", &format!("{base}/patients/{id}"), &clinician, None));
        }
        Ok(patients)
    }
}

fn registered(connection: &mut Connection, request: &[u8]) -> Result<String, Failure> {
    let mut tries = 0;
    loop {
        let answer = connection.exchange(request)?;
        let body: Value = serde_json::from_slice(answer.body)?;
        if answer.status == 503 && tries < 20 {
            // Not part of the measurement; the load itself counts every such answer.
            tries += 1;
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        let id = body.get("id").and_then(Value::as_str).filter(|_| answer.status == 201);
        return id.map(str::to_owned).ok_or_else(|| format!("registering a patient was refused: {body}").into());
    }
}

pub fn registration(person: &Person) -> Value {
    json!({
        "national_id": {"type": "fnr", "value": person.national_id},
        "sex": person.sex,
        "birth_date": person.birth_date,
        "language": person.language,
        "interpreter_needed": person.interpreter_needed,
        "cognitive_impairment": person.cognitive_impairment,
        "contact": {"mobile": person.mobile, "email": person.email},
    })
}

/// Returns a delivery of the short form.
fn short(person: &Person, created: jiff::Timestamp) -> Value {
    json!({
        "version": "2024-09",
        "version_minor": 2,
        "metadata": {
            "created": created,
            "answer_time": 265_150,
            "submission_id": 0,
            "number_of_attachments": 0,
            "respondent": {"provider": "idporten", "sub": "2f7c0d6e5b4a3928", "personal_identifier": person.national_id},
        },
        "answers": {
            "kortversjon_aarsak": "own_equipment",
            "eq5d_mo": "3", "eq5d_sc": "1", "eq5d_ua": "3", "eq5d_pd": "4", "eq5d_ad": "2", "eq5d_vas": 45,
            "nrs_worst": 8, "nrs_least": 4, "nrs_average": 6, "nrs_now": 5,
        },
    })
}
