//! The demonstration's client of the API, with tokens of a secretary, an importer, a sender and a registry manager.

use std::net::SocketAddr;

use jiff::Timestamp;
use painreg_domain::policy::Role;
use painreg_domain::synthetic::BASELINE_FORM_ID;
use serde_json::{Value, json};

use super::batches::{PROJECT, PatientBatch};
use crate::commands::Failure;
use crate::commands::demo_issuer::{DemoKey, Wanted};

/// The unit of the demonstration's patients and clinicians.
pub(super) const UNIT: &str = "smerteklinikk";

/// A client of one registry's API, with a token for each role that the demonstration needs.
pub(super) struct Client {
    agent: ureq::Agent,
    pub(super) base: String,
    secretary: String,
    importer: String,
    pub(super) sender: String,
    pub(super) manager: String,
}

impl Client {
    pub(super) fn new(address: SocketAddr, slug: &str, key: &DemoKey, now: Timestamp) -> Result<Self, Failure> {
        let sign = |role| {
            key.sign(
                &Wanted { tenant: Some(slug), role, subject: None, unit: Some(UNIT), patient: None, seconds: 3600 },
                now,
            )
        };
        Ok(Self {
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_idle_connections_per_host(64)
                .build()
                .new_agent(),
            base: format!("http://{address}/v1/tenants/{slug}"),
            secretary: sign(Role::Secretary)?,
            importer: sign(Role::Importer)?,
            sender: sign(Role::Sender)?,
            manager: sign(Role::RegistryManager)?,
        })
    }

    /// Creates the project that some patients participate in, unless it exists.
    pub(super) fn project(&self) -> Result<(), Failure> {
        let project = json!({"code": PROJECT, "title": "Nedtrapping av opioider (oppdiktet)", "kind": "quality",
            "starts_on": "2015-10-01", "fields": [{"code": "taper_wanted", "kind": "boolean"}]});
        match self.post("/projects", &self.manager, "demo-project", &project)? {
            (201 | 409, _) => Ok(()),
            (_, said) => Err(format!("the project was refused: {said}").into()),
        }
    }

    /// Registers the patients of a batch and delivers their answers. Returns the number of stored entries.
    pub(super) fn send(&self, seed: u64, batch: &PatientBatch) -> Result<u64, Failure> {
        let mut entries = 0;
        for result in self.register(&format!("demo-{seed}-{}", batch.number), &batch.lines)? {
            let stored = result.pointer("/registered/entries").and_then(Value::as_array).map_or(0, Vec::len);
            entries += u64::try_from(stored).unwrap_or(0);
        }
        for (number, delivery) in &batch.deliveries {
            self.deliver(BASELINE_FORM_ID, &format!("demo-{seed}-answers-{number}"), delivery)?;
        }
        Ok(entries)
    }

    /// Registers patients with their entries and returns a result per line.
    pub(super) fn register(&self, key: &str, lines: &str) -> Result<Vec<Value>, Failure> {
        let (_, text) = self.send_text(
            "POST",
            "/patient-batches",
            (&self.secretary, &[("idempotency-key", key), ("content-type", "application/x-ndjson")]),
            lines,
        )?;
        let results = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let results = results.map_err(|_| format!("a batch was refused: {text}"))?;
        for result in &results {
            let code = result.pointer("/problem/code").and_then(Value::as_str);
            // An earlier run registered the patient, and its stored result has expired.
            if !matches!(code, None | Some("already_exists" | "key_reused")) {
                return Err(format!("registering a patient was refused: {result}").into());
            }
        }
        Ok(results)
    }

    /// Delivers one patient's answers.
    pub(super) fn deliver(&self, form_id: &str, key: &str, delivery: &Value) -> Result<(), Failure> {
        match self.post(&format!("/nettskjema/{form_id}/deliveries"), &self.importer, key, delivery)? {
            (200 | 201, _) => Ok(()),
            (_, said) => Err(format!("a delivery was refused: {said}").into()),
        }
    }

    pub(super) fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<(u16, Value), Failure> {
        self.send_json("POST", path, (token, &[("idempotency-key", key)]), body)
    }

    pub(super) fn send_json(
        &self,
        method: &str,
        path: &str,
        (token, headers): (&str, &[(&str, &str)]),
        body: &Value,
    ) -> Result<(u16, Value), Failure> {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let (status, text) = self.send_text(method, path, (token, &headers), &body.to_string())?;
        Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? }))
    }

    pub(super) fn send_text(
        &self,
        method: &str,
        path: &str,
        (token, headers): (&str, &[(&str, &str)]),
        body: &str,
    ) -> Result<(u16, String), Failure> {
        let mut tries = 0;
        loop {
            let mut request = ureq::http::Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.base))
                .header("authorization", format!("Bearer {token}"));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut answer = self.agent.run(request.body(body)?)?;
            let status = answer.status().as_u16();
            // The server is busy, the rate limit is reached, or a request with the same key is running.
            if matches!(status, 429 | 503) && tries < 20 {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(100 * tries));
                continue;
            }
            return Ok((status, answer.body_mut().read_to_string()?));
        }
    }

    /// Sends a request of the sender and returns the body of a success.
    pub(super) fn expect(&self, path: &str, key: &str, body: &Value) -> Result<Value, Failure> {
        match self.post(path, &self.sender, key, body)? {
            (200 | 201, said) => Ok(said),
            (_, said) => Err(format!("{path} was refused: {said}").into()),
        }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        let mut answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.manager))
            .call()?;
        let body: Value = answer.body_mut().read_json()?;
        if answer.status().as_u16() == 200 { Ok(body) } else { Err(format!("{path} was refused: {body}").into()) }
    }

    pub(super) fn summary(&self) -> Result<Value, Failure> {
        self.get("/summary")
    }
}
