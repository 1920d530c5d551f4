//! A stand-in for the registry's two Nettskjema operations: it keeps every delivery by its source, returns results, and
//! fails on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use super::mock::{Reply, Request, serve};

/// The token that the stand-in accepts.
pub const TOKEN: &str = "token-of-the-importer";

/// A failure instead of the next answer to a batch.
#[derive(Clone)]
pub enum Mood {
    /// Answers 429 with this `Retry-After`.
    TooFast(&'static str),
    /// The server answers 503.
    Busy,
    /// Stores everything, and breaks the answer off after this number of results.
    Torn(usize),
    /// Stores everything, and reports an internal error for one delivery.
    Fails,
}

/// The state of the stand-in.
#[derive(Default)]
pub struct Held {
    /// Form and submission -> the texts received, without consecutive repetitions.
    pub stored: BTreeMap<(String, String), Vec<String>>,
    /// The number of repeated deliveries.
    pub repeated: usize,
    /// Form -> its definitions.
    pub definitions: BTreeMap<String, Vec<String>>,
    /// Every batch: path, media type, number of deliveries, key.
    pub batches: Vec<(String, String, usize, String)>,
    /// The failures of the next batches.
    pub moods: VecDeque<Mood>,
    /// The duration of every batch.
    pub delay: Duration,
    /// Whether it keeps only the source of a delivery, not its text.
    pub forgets: bool,
}

/// The stand-in, while it listens.
#[derive(Clone)]
pub struct StandIn {
    /// The address it listens on.
    pub url: String,
    held: Arc<Mutex<Held>>,
}

impl StandIn {
    /// Starts a stand-in on loopback.
    pub fn new() -> Self {
        let held = Arc::new(Mutex::new(Held::default()));
        let own = Arc::clone(&held);
        let url = format!("http://{}", serve(move |request| answer(&own, request)));
        Self { url, held }
    }

    /// Returns the state of the stand-in.
    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no thread panicked")
    }

    /// Returns the number of deliveries.
    pub fn count(&self) -> usize {
        self.held().stored.len()
    }

    /// Returns the numbers of deliveries, of repeated deliveries and of batches.
    pub fn counts(&self) -> (usize, usize, usize) {
        let held = self.held();
        (held.stored.len(), held.repeated, held.batches.len())
    }

    /// Sets the failures of the next batches.
    pub fn is(&self, moods: impl IntoIterator<Item = Mood>) {
        self.held().moods.extend(moods);
    }
}

/// Splits a body: the first line and the text of each delivery.
fn deliveries(media: &str, body: &str) -> Vec<(usize, String, Value)> {
    let mut cut: Vec<(usize, String, Value)> = Vec::new();
    let lines = body.lines().zip(1..);
    if media == "text/csv" {
        let rows = lines.skip(1);
        return rows
            .map(|(row, line)| {
                let id = row.split([';', '\t']).next().unwrap_or_default().trim_matches('"');
                (line, row.to_owned(), json!({"submission": id, "answers": row}))
            })
            .collect();
    }
    for (text, line) in lines {
        let document: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let id = ["/submissionMetadata/submissionId", "/metadata/submission_id", "/submissionId"]
            .iter()
            .find_map(|at| document.pointer(at))
            .map_or(Value::Null, |it| json!(it.to_string().trim_matches('"')));
        let long = document.get("submissionId").is_some();
        match cut.last_mut() {
            Some((_, whole, last)) if long && last["long"] == true && last["submission"] == id => {
                whole.push('\n');
                whole.push_str(text);
            }
            _ => cut.push((line, text.to_owned(), json!({"submission": id, "answers": document, "long": long}))),
        }
    }
    cut
}

fn answer(held: &Mutex<Held>, request: &Request) -> Reply {
    let problem = |status: u16, code: &str| {
        Reply::new(status, json!({"status": status, "code": code, "title": "No", "errors": []}).to_string())
    };
    let delay = held.lock().expect("no thread panicked").delay;
    std::thread::sleep(delay);
    let mut held = held.lock().expect("no thread panicked");
    if request.header("authorization") != format!("Bearer {TOKEN}") {
        return problem(401, "unauthenticated");
    }
    let key = request.header("idempotency-key").to_owned();
    if key.is_empty() {
        return problem(400, "idempotency_key_missing");
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let steps: Vec<&str> = path.split('/').collect();
    let ["", "v1", "tenants", "ous", "nettskjema", form, operation] = steps[..] else {
        return problem(404, "not_found");
    };
    if operation == "definitions" {
        let definitions = held.definitions.entry(form.to_owned()).or_default();
        let known = definitions.contains(&request.text());
        definitions.push(request.text());
        return Reply::new(if known { 200 } else { 201 }, "{}");
    }
    let mood = held.moods.pop_front();
    match mood {
        Some(Mood::TooFast(wait)) => return problem(429, "too_many_requests").with("retry-after", wait),
        Some(Mood::Busy) => return problem(503, "busy"),
        _ => {}
    }
    let media = request.header("content-type").to_owned();
    let cut = deliveries(&media, &request.text());
    if cut.len() > 1 && cut.iter().any(|(_, text, _)| text.contains("POISON")) {
        return problem(400, "bad_request");
    }
    held.batches.push((path.to_owned(), media, cut.len(), key));
    let dry = query == "dry_run=true";
    let mut results: Vec<String> = Vec::new();
    for (line, text, what) in cut {
        let id = what["submission"].as_str().map(str::to_owned);
        let mut result = json!({"line": line, "reasons": [], "quarantine_id": null, "receipt": null, "problem": null});
        let outcome = match &id {
            None => {
                result["problem"] =
                    json!({"status": 422, "code": "invalid", "errors": [{"pointer": "", "code": "invalid_format"}]});
                "refused"
            }
            Some(_) if text.contains("POISON") => {
                result["problem"] = json!({"status": 422, "code": "invalid", "errors": []});
                "refused"
            }
            Some(_) if text.contains("unheard_of") => {
                result["quarantine_id"] = json!("0192aaaa-0000-7000-8000-000000000001");
                result["reasons"] = json!([{"pointer": "/answers/unheard_of", "code": "unknown_key", "proposed": "x"}]);
                "quarantined"
            }
            Some(_) if matches!(mood, Some(Mood::Fails)) && results.is_empty() => {
                result["problem"] = json!({"status": 503, "code": "busy", "errors": []});
                "refused"
            }
            Some(_) if dry => "acceptable",
            Some(id) => {
                let text = if held.forgets { String::new() } else { text };
                let texts = held.stored.entry((form.to_owned(), id.clone())).or_default();
                result["receipt"] = json!(format!("receipt.of.{id}"));
                if texts.contains(&text) {
                    held.repeated += 1;
                    "unchanged"
                } else {
                    texts.push(text);
                    if texts.len() == 1 { "created" } else { "revised" }
                }
            }
        };
        result["outcome"] = json!(outcome);
        result["source"] = json!({"system": "nettskjema", "form_id": form, "submission_id": id});
        results.push(result.to_string() + "\n");
    }
    let torn_at = match mood {
        Some(Mood::Torn(after)) => Some(results.iter().take(after).map(String::len).sum::<usize>() + 5),
        _ => None,
    };
    let reply = Reply::new(200, results.concat()).with("content-type", "application/x-ndjson");
    match torn_at {
        Some(bytes) => reply.torn_at(bytes.min(results.concat().len() - 1)),
        None => reply,
    }
}
