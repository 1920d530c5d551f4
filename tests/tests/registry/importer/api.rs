//! Nettskjema's API, simulated by the tests: tokens that expire, streams that break off, pauses, forms that change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::json;

use super::mock::{Reply, Request, serve};
use super::program::{Folder, long, run, start, v3};
use super::stand_in::StandIn;
use super::{held, ndjson};

/// `client:s/cret+` with reserved characters escaped, in Base64.
const BASIC: &str = "Basic Y2xpZW50OnMlMkZjcmV0JTJC";

#[derive(Default)]
struct State {
    /// The number of issued tokens.
    tokens: usize,
    /// The number of further requests for which the current token is valid.
    good_for: usize,
    /// Form -> its answers as a stream.
    answers: BTreeMap<String, String>,
    /// Operation -> number of requests.
    asked: BTreeMap<String, usize>,
    /// The numbers of bytes after which the next streams of answers break off.
    tears: Vec<usize>,
    /// The number of further answers that ask for a pause.
    pauses: usize,
    /// Whether only the older operation for definitions exists.
    elements_only: bool,
}

#[derive(Clone)]
struct Nettskjema {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Nettskjema {
    fn new() -> Self {
        let state = Arc::new(Mutex::new(State { good_for: usize::MAX, ..State::default() }));
        let own = Arc::clone(&state);
        let url = format!("http://{}", serve(move |request| answer(&own, request)));
        Self { url, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panicked")
    }

    fn asked(&self, what: &str) -> usize {
        self.state().asked.get(what).copied().unwrap_or(0)
    }

    fn import(&self, folder: &Folder, into: &StandIn, forms: &[&str]) -> std::process::Command {
        let mut command = folder.import(into, &["--api", &format!("{}/api/v3/", self.url)]);
        command.args(["--token-url", &format!("{}/token", self.url), "--client-id", "client"]);
        command.env("NETTSKJEMA_CLIENT_SECRET", "s/cret+").args(forms.iter().flat_map(|form| ["--form", form]));
        command.args(["--report", "report"]);
        command
    }
}

fn answer(state: &Mutex<State>, request: &Request) -> Reply {
    let mut state = state.lock().expect("no thread panicked");
    if request.path == "/token" {
        if request.header("authorization") != BASIC || request.text() != "grant_type=client_credentials" {
            return Reply::new(401, r#"{"error":"invalid_client"}"#);
        }
        state.tokens += 1;
        let token = format!("token-{}", state.tokens);
        return Reply::new(200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}).to_string());
    }
    if request.header("authorization") != format!("Bearer token-{}", state.tokens) || state.good_for == 0 {
        // Only the next token is accepted.
        state.good_for = usize::MAX;
        return Reply::new(401, r#"{"message":"Unauthorized"}"#);
    }
    state.good_for -= 1;
    let steps: Vec<&str> = request.path.split('/').collect();
    let ["", "api", "v3", "form", form, what] = steps[..] else { return Reply::new(404, "") };
    *state.asked.entry(what.to_owned()).or_default() += 1;
    if state.pauses > 0 {
        state.pauses -= 1;
        return Reply::new(429, "").with("retry-after", 1);
    }
    let Some(answers) = state.answers.get(form).cloned() else {
        let message = format!("Skjemaet med id {form} finnes ikke");
        return Reply::new(404, json!({"message": message}).to_string());
    };
    match what {
        "info" => Reply::new(
            200,
            json!({"modifiedDate": null, "lastSubmissionDate": "2026-03-01", "numberOfSubmissions": answers.len()})
                .to_string(),
        ),
        "definition" if state.elements_only => Reply::new(404, r#"{"message":"No"}"#),
        "definition" | "elements" => Reply::new(200, json!({"from": what}).to_string()),
        "answers" => match state.tears.pop() {
            Some(at) => Reply::new(200, answers).torn_at(at),
            None => Reply::new(200, answers),
        },
        _ => Reply::new(404, ""),
    }
}

#[test]
fn api_import_fetches_forms_and_definitions() {
    let (folder, into, from) = (Folder::new(), StandIn::new(), Nettskjema::new());
    from.state().answers.insert("71".to_owned(), (1..=300).map(|id| long(71, id, &["a", "b"])).collect());
    from.state().answers.insert("72".to_owned(), ndjson([v3(72, 1, "x"), v3(72, 2, "x")]));
    run(from.import(&folder, &into, &["71", "72"])).expect(0);
    assert_eq!((held(&into, "71").len(), held(&into, "72").len()), (300, 2));
    let key = ("71".to_owned(), "7".to_owned());
    assert_eq!(into.held().stored[&key].concat() + "\n", long(71, 7, &["a", "b"]));
    assert_eq!(into.held().definitions["71"], [r#"{"from":"definition"}"#]);
    assert_eq!(from.state().tokens, 1);

    from.state().elements_only = true;
    run(from.import(&folder, &into, &["71"])).expect(0);
    assert_eq!(into.held().definitions["71"][1], r#"{"from":"elements"}"#);
    assert_eq!(folder.json("report")["outcomes"], json!({"earlier": 300}));
    assert!(folder.0.join("nettskjema-ous.painreg-journal").exists());
}

#[test]
fn api_import_renews_tokens_and_honours_retry_after() {
    let (folder, into, from) = (Folder::new(), StandIn::new(), Nettskjema::new());
    from.state().answers.insert("71".to_owned(), long(71, 1, &["a"]));
    from.state().good_for = 1;
    from.state().pauses = 2;
    let began = Instant::now();
    run(from.import(&folder, &into, &["71"])).expect(0);
    assert!(began.elapsed() >= Duration::from_secs(2), "it did not wait as requested");
    assert_eq!((into.count(), from.state().tokens), (1, 2));
}

#[test]
fn api_import_rereads_a_broken_stream() {
    let (folder, into, from) = (Folder::new(), StandIn::new(), Nettskjema::new());
    let answers: String = (1..=50).map(|id| long(71, id, &["a", "b", "c"])).collect();
    // In the middle of a line, between two lines of a submission, and at the end of one.
    let line = answers.find('\n').expect("a line") + 1;
    from.state().tears = vec![line * 31 + 7, answers.match_indices('\n').nth(30).expect("a line").0 + 1, 3, 0];
    from.state().answers.insert("71".to_owned(), answers);
    run(from.import(&folder, &into, &["71"])).expect(0);
    assert_eq!(from.asked("answers"), 5);
    assert_eq!(into.count(), 50);
    assert!(into.held().stored.values().all(|texts| texts.len() == 1 && texts[0].lines().count() == 3));
    assert_eq!(folder.json("report")["outcomes"]["created"], 50);
}

#[test]
fn api_import_reports_nettskjema_errors() {
    let (folder, into, from) = (Folder::new(), StandIn::new(), Nettskjema::new());
    let finished = run(from.import(&folder, &into, &["99"])).expect(1);
    assert!(finished.log.contains("Nettskjema answered 404: Skjemaet med id 99 finnes ikke"), "{}", finished.log);
    let mut command = from.import(&folder, &into, &["99"]);
    command.env("NETTSKJEMA_CLIENT_SECRET", "wrong");
    let finished = run(command).expect(1);
    assert!(finished.log.contains("the token service answered 401: invalid_client"), "{}", finished.log);
}

#[test]
fn api_import_watch_fetches_changes_and_survives_a_kill() {
    let (folder, into, from) = (Folder::new(), StandIn::new(), Nettskjema::new());
    from.state().answers.insert("71".to_owned(), long(71, 1, &["a"]));
    let within = |what: &str, seen: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !seen() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let watch = || {
        let mut command = from.import(&folder, &into, &["71"]);
        command.args(["--watch", "20ms"]);
        start(command)
    };
    let mut child = watch();
    within("the first answers", &|| into.count() == 1);
    let (asked, fetched) = (from.asked("info"), from.asked("answers"));
    within("more questions", &|| from.asked("info") > asked + 5);
    assert_eq!(from.asked("answers"), fetched, "nothing had changed");
    from.state().answers.insert("71".to_owned(), (1..=3).map(|id| long(71, id, &["a"])).collect());
    within("what is new", &|| into.count() == 3);
    // The request after the next comes when this round has been stored.
    let asked = from.asked("info");
    within("the end of the round", &|| from.asked("info") > asked + 1);
    assert_eq!(into.held().repeated, 0, "only what is new");
    child.kill().expect("a kill");
    child.wait().expect("an end");

    from.state().answers.insert("71".to_owned(), (1..=4).map(|id| long(71, id, &["a"])).collect());
    let mut child = watch();
    within("answers after the restart", &|| into.count() == 4);
    assert_eq!(into.held().repeated, 0);
    child.kill().expect("a kill");
    child.wait().expect("an end");
}
