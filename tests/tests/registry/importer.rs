//! The importer program, between simulated services, killed, delayed and given wrong answers.

mod api;
mod encrypted;
mod files;
mod mock;
pub mod program;
mod real;
mod stand_in;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use self::mock::{Reply, serve};
use self::program::{Folder, csv, long, run, start, tsd, v3};
use self::stand_in::{Mood, StandIn};

/// Returns the submissions that the stand-in holds of a form.
fn held(into: &StandIn, form: &str) -> Vec<String> {
    into.held().stored.keys().filter(|(of, _)| of == form).map(|(_, id)| id.clone()).collect()
}

fn ndjson(documents: impl IntoIterator<Item = Value>) -> String {
    documents.into_iter().map(|it| it.to_string() + "\n").collect()
}

#[test]
fn import_delivers_every_shape_unchanged() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("in/KEY0/1000001/form.json", json!({"formId": 1_000_001, "elements": []}).to_string());
    folder.file("in/KEY0/1000001/11.json", serde_json::to_string_pretty(&tsd(11, "one")).expect("JSON"));
    folder.file("in/KEY0/1000001/12.json", json!([tsd(12, "two"), tsd(13, "three")]).to_string());
    folder.file("in/KEY0/1000001/11_signed.pdf", "%PDF");
    folder.file("in/KEY0/1000001/11-x.json", "{}");
    folder.file("in/v3.ndjson", ndjson([v3(2_000_002, 21, "æøå"), v3(2_000_002, 22, "\n")]));
    folder.file("in/long.ndjson", long(2_000_002, 23, &["a", "b"]) + &long(2_000_002, 24, &["c"]));
    folder.file("in/1000003/all.csv", csv(&[(31, "half; and \"half\""), (32, "whole")]));
    folder.file("in/read.me", "nothing");
    let finished = run(folder.import(&into, &["in", "--report", "report.json", "--receipts", "receipts"])).expect(0);

    assert_eq!(held(&into, "1000001"), ["11", "12", "13"]);
    assert_eq!(held(&into, "2000002"), ["21", "22", "23", "24"]);
    assert_eq!(held(&into, "1000003"), ["31", "32"]);
    let stored = into.held().stored.clone();
    let text = |form: &str, id: &str| stored[&(form.to_owned(), id.to_owned())].concat();
    assert_eq!(serde_json::from_str::<Value>(&text("1000001", "11")).expect("JSON"), tsd(11, "one"));
    assert_eq!(text("2000002", "21"), v3(2_000_002, 21, "æøå").to_string());
    assert_eq!(text("2000002", "23") + "\n", long(2_000_002, 23, &["a", "b"]));
    assert!(text("1000003", "31").contains("\"half; and \"\"half\"\"\""));
    assert_eq!(into.held().definitions["1000001"], [json!({"formId": 1_000_001, "elements": []}).to_string()]);
    let media: BTreeSet<String> =
        into.held().batches.iter().map(|(path, media, ..)| format!("{path} {media}")).collect();
    assert_eq!(
        media.into_iter().collect::<Vec<_>>(),
        [
            "/v1/tenants/ous/nettskjema/1000001/delivery-batches application/x-ndjson",
            "/v1/tenants/ous/nettskjema/1000003/delivery-batches text/csv",
            "/v1/tenants/ous/nettskjema/2000002/delivery-batches application/x-ndjson",
        ]
    );

    let report = folder.json("report.json");
    assert_eq!((&report["outcomes"], &report["definitions"]), (&json!({"created": 9}), &json!(1)), "{report}");
    assert_eq!(report["forms"]["2000002"], json!({"created": 4}));
    let left = report["files_not_taken"].as_array().expect("files").iter().map(|it| (&it["file"], &it["why"]));
    let left: Vec<String> =
        left.map(|(file, why)| format!("{}: {}", file.as_str().unwrap(), why.as_str().unwrap())).collect();
    assert_eq!(
        left,
        [
            "in/read.me: it is neither JSON, NDJSON nor CSV",
            "in/KEY0/1000001/11-x.json: it is an attachment",
            "in/KEY0/1000001/11_signed.pdf: it is an attachment",
        ]
    );
    assert!(
        finished.said.contains("9 created") && finished.said.contains("not taken: in/read.me"),
        "{}",
        finished.said
    );
    let receipts: BTreeSet<String> = folder
        .text("receipts")
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["receipt"].as_str().expect("a receipt").to_owned()
        })
        .collect();
    assert_eq!(receipts.len(), 9);
    for name in ["receipts", "report.json", "in.painreg-journal"] {
        let mode = folder.0.join(name).metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn import_skips_journalled_deliveries_and_journal_holds_no_names() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("1/in.ndjson", ndjson((0..50).map(|id| tsd(id, "an answer of 17048512345"))));
    run(folder.import(&into, &["1"])).expect(0);
    assert_eq!(into.count(), 50);
    let journal = folder.text("1.painreg-journal");
    assert!(journal.lines().count() == 52 && !journal.contains("an answer") && !journal.contains("17048512345"));

    // A finished file is not opened again; of one that has grown, only the new part is sent.
    let batches = into.held().batches.len();
    let finished = run(folder.import(&into, &["1", "--report", "report"])).expect(0);
    assert!(finished.said.contains("1 files were stored whole by an earlier run"), "{}", finished.said);
    folder.file("1/in.ndjson", ndjson((0..51).map(|id| tsd(id, "an answer of 17048512345"))));
    run(folder.import(&into, &["1", "--report", "report"])).expect(0);
    assert_eq!(folder.json("report")["outcomes"], json!({"created": 1, "earlier": 50}));
    let (stored, repeated, sent) = into.counts();
    assert_eq!((stored, repeated, sent), (51, 0, batches + 1));

    // Without the journal the result is the same.
    run(folder.import(&into, &["1", "--no-journal", "--report", "report"])).expect(0);
    assert_eq!(folder.json("report")["outcomes"], json!({"unchanged": 51}));

    // Receipts are written although the first run kept none.
    run(folder.import(&into, &["1", "--receipts", "receipts"])).expect(0);
    assert_eq!(folder.text("receipts").lines().count(), 51);
    run(folder.import(&into, &["1", "--receipts", "receipts"])).expect(0);
    assert_eq!(folder.text("receipts").lines().count(), 51);
}

#[test]
fn journal_is_bound_to_one_registry_and_drops_a_truncated_line() {
    let (folder, into, other) = (Folder::new(), StandIn::new(), StandIn::new());
    folder.file("1/in.ndjson", ndjson((0..5).map(|id| tsd(id, "x"))));
    run(folder.import(&into, &["1"])).expect(0);
    let finished = run(folder.import(&other, &["1"])).expect(1);
    assert!(finished.log.contains("it is the journal of an import into ous at"), "{}", finished.log);
    assert_eq!(other.count(), 0);

    let whole = folder.text("1.painreg-journal");
    let lines: Vec<&str> = whole.lines().collect();
    folder.file("1.painreg-journal", lines[..3].join("\n") + "\n{\"mark\":\"00");
    run(folder.import(&into, &["1", "--report", "report"])).expect(0);
    assert_eq!(folder.json("report")["outcomes"], json!({"unchanged": 3, "earlier": 2}));
    assert!(folder.text("1.painreg-journal").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));

    // A file that is no journal is not overwritten.
    folder.file("notes", "dear diary");
    let finished = run(folder.import(&into, &["1", "--journal", "notes"])).expect(1);
    assert!(finished.log.contains("it is no journal") && folder.text("notes") == "dear diary", "{}", finished.log);
}

#[test]
fn import_report_lists_quarantined_deliveries_with_reasons() {
    let (folder, into) = (Folder::new(), StandIn::new());
    let mut strange = tsd(2, "x");
    strange["answers"]["unheard_of"] = json!("secret words");
    let lines =
        [tsd(1, "x").to_string(), strange.to_string(), "{\"no\": json".to_owned(), tsd(4, "POISON").to_string()];
    let long =
        format!("{{\"metadata\":{{\"submission_id\":5}},\"answers\":{{\"words\":\"{}\"}}}}", "x".repeat(300_000));
    folder.file("7/in.ndjson", format!("{}\n{long}\n{}\n", lines.join("\n"), tsd(6, "x")));
    folder.file("loose.json", tsd(8, "x").to_string());
    folder.file("broken.json", "[{\"metadata\":");
    let finished = run(folder.import(&into, &["7", "loose.json", "broken.json", "--report", "report"])).expect(2);
    let report = folder.json("report");
    assert_eq!(report["outcomes"], json!({"created": 2, "quarantined": 1, "refused": 3}), "{report}");
    assert_eq!(held(&into, "7"), ["1", "6"]);
    let mut unplaced: Vec<String> = report["unplaced"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| {
            format!("{} {} {} {} {}", it["number"], it["outcome"], it["submission"], it["problem"], it["reasons"])
        })
        .collect();
    unplaced.sort();
    assert_eq!(
        unplaced,
        [
            "2 \"quarantined\" \"2\" null [{\"pointer\":\"/answers/unheard_of\",\"code\":\"unknown_key\"}]",
            "3 \"refused\" null \"invalid\" [{\"pointer\":\"\",\"code\":\"invalid_format\"}]",
            "4 \"refused\" \"4\" \"invalid\" []",
            "5 \"refused\" null \"too_large\" []",
        ]
        .map(|it| it.replace(
            "\"pointer\":\"/answers/unheard_of\",\"code\":\"unknown_key\"",
            "\"code\":\"unknown_key\",\"pointer\":\"/answers/unheard_of\""
        ))
        .map(|it| it
            .replace("\"pointer\":\"\",\"code\":\"invalid_format\"", "\"code\":\"invalid_format\",\"pointer\":\"\""))
    );
    for (file, why) in [("loose.json", "nothing says whose form it is"), ("broken.json", "no JSON at line 1")] {
        assert!(finished.said.contains(&format!("not taken: {file}: {why}")), "{}", finished.said);
    }
    assert!(finished.said.contains("quarantined: form 7 submission 2"), "{}", finished.said);
    assert!(!finished.said.contains("secret words") && !finished.log.contains("secret words"));
    assert!(!folder.text("report").contains("secret words") && report["complete"] == true);

    // Quarantined deliveries are queried again; stored ones are not.
    run(folder.import(&into, &["7", "--report", "report"])).expect(2);
    assert_eq!(folder.json("report")["outcomes"], json!({"earlier": 2, "quarantined": 1, "refused": 3}));
}

#[test]
fn import_dry_run_stores_nothing_and_writes_no_journal() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/form.json", "{}");
    folder.file("7/in.ndjson", ndjson((0..5).map(|id| tsd(id, "x"))));
    let finished =
        run(folder.import(&into, &["7", "--dry-run", "--receipts", "receipts", "--report", "report"])).expect(0);
    assert!(finished.said.contains("A dry run: nothing was stored"), "{}", finished.said);
    assert_eq!(folder.json("report")["outcomes"], json!({"acceptable": 5}));
    assert!(into.held().stored.is_empty() && into.held().definitions.is_empty());
    assert!(!folder.0.join("7.painreg-journal").exists() && !folder.0.join("receipts").exists());
}

#[test]
fn import_delivers_everything_to_a_failing_registry() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/in.ndjson", ndjson((0..100).map(|id| tsd(id, "x"))));
    into.is([Mood::TooFast("1"), Mood::Busy, Mood::Fails, Mood::Torn(0), Mood::Torn(1)]);
    run(folder.import(&into, &["7", "--parallel", "1", "--batch", "10", "--report", "report", "--patience", "1m"]))
        .expect(0);
    let (stored, repeated, _) = into.counts();
    assert_eq!((stored, repeated), (100, 9 + 2 * 10));
    assert!(into.held().stored.values().all(|texts| texts.len() == 1));
    // Results received before the answer broke off are counted: one delivery was stored without a result.
    assert_eq!(folder.json("report")["outcomes"], json!({"created": 99, "unchanged": 1}));
    // Repeated batches have the same key, different batches different keys.
    let keys: Vec<String> = into.held().batches.iter().map(|(.., key)| key.clone()).collect();
    assert!(keys[..4].iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (13, 10), "{keys:?}");
}

#[test]
fn import_rereads_a_refused_token_and_ends_when_refused_again() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/in.ndjson", ndjson((0..3).map(|id| tsd(id, "x"))));
    folder.file("token", "one of yesterday\n");
    let arguments = ["7", "--token-file", "token"];
    let finished = run(folder.import(&into, &arguments)).expect(1);
    assert!(
        finished.log.contains("the access token is not accepted") && !finished.log.contains("yesterday"),
        "{}",
        finished.log
    );
    assert!(finished.said.contains("Not everything was looked at"), "{}", finished.said);
    folder.file("token", format!("{}\n", stand_in::TOKEN));
    run(folder.import(&into, &arguments)).expect(0);
    assert_eq!(into.count(), 3);

    let separate = Folder::new();
    separate.file("7/in.ndjson", tsd(1, "x").to_string());
    let elsewhere = ["import", "nettskjema", "--tenant", "ous", "--server", "http://painreg.example.no", "7"];
    let finished = run(separate.program(&elsewhere));
    assert!(finished.code != 0 && finished.log.contains("an address begins with https://"), "{}", finished.log);
}

#[test]
fn import_authenticates_as_a_client_of_the_issuer() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/in.ndjson", ndjson((0..30).map(|id| tsd(id, "x"))));
    folder.file("secret", "s3cret\n");
    let issuer = serve(|request| {
        // `importer:s3cret`, in Base64.
        let known = request.header("authorization") == "Basic aW1wb3J0ZXI6czNjcmV0";
        if known && request.text() == "grant_type=client_credentials&scope=painreg%3Adeliver" {
            return Reply::new(200, json!({"access_token": stand_in::TOKEN, "expires_in": 600}).to_string());
        }
        Reply::new(400, r#"{"error":"invalid_request"}"#)
    });
    let (server, url) = (into.url.clone(), format!("http://{issuer}/token"));
    let client = |scope: &'static str| {
        let mut command = folder.program(&["import", "nettskjema", "7", "--tenant", "ous", "--server", &server]);
        command.args(["--issuer-token-url", &url, "--issuer-client-id", "importer"]);
        command.args(["--issuer-secret-file", "secret", "--issuer-scope", scope]);
        run(command)
    };
    let finished = client("something-else").expect(1);
    assert!(finished.log.contains("the token service answered 400: invalid_request"), "{}", finished.log);
    client("painreg:deliver").expect(0);
    assert_eq!(into.count(), 30);
}

#[test]
fn import_gives_up_an_unavailable_registry() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/in.ndjson", tsd(1, "x").to_string());
    into.is(std::iter::repeat_n(Mood::Busy, 1000));
    let finished = run(folder.import(&into, &["7", "--patience", "1s", "--report", "report"]));
    assert_eq!(finished.code, 1, "{}", finished.log);
    assert!(finished.log.contains("gave up: the registry answered 503"), "{}", finished.log);
    assert_eq!(folder.json("report")["complete"], false);
}

#[test]
fn import_keeps_the_order_of_one_submissions_deliveries() {
    let (folder, into) = (Folder::new(), StandIn::new());
    let versions = (0..6).flat_map(|version| (0..40).map(move |id| tsd(id, &format!("version {version}"))));
    folder.file("7/in.ndjson", ndjson(versions));
    into.held().delay = Duration::from_millis(3);
    run(folder.import(&into, &["7", "--parallel", "4", "--batch", "7"])).expect(0);
    for (source, texts) in &into.held().stored {
        let finished: Vec<bool> = texts.iter().zip(0..).map(|(it, n)| it.contains(&format!("version {n}\""))).collect();
        assert_eq!(finished, [true; 6], "{source:?}");
    }
}

#[test]
fn import_sends_ambiguous_deliveries_alone() {
    let (folder, into) = (Folder::new(), StandIn::new());
    folder.file("7/1.ndjson", long(7, 1, &["first", "second"]));
    folder.file("7/2.ndjson", long(7, 1, &["changed", "second"]));
    folder.file("7/3.ndjson", "{\"no\": json\n".to_owned() + &long(7, 2, &["x"]));
    run(folder.import(&into, &["7", "--parallel", "1", "--report", "report"])).expect(2);
    assert_eq!(folder.json("report")["outcomes"], json!({"created": 2, "revised": 1, "refused": 1}));
    let (_, _, batches) = into.counts();
    assert_eq!(batches, 4);
}

#[cfg(target_os = "linux")]
#[test]
fn import_reads_files_in_bounded_memory() {
    let (folder, into) = (Folder::new(), StandIn::new());
    into.held().forgets = true;
    let words = "x".repeat(8_000);
    folder.file("7/in.ndjson", ndjson((0..24_000).map(|id| tsd(id, &words))));
    let size = folder.0.join("7/in.ndjson").metadata().expect("a file").len();
    let mut child = start(folder.import(&into, &["7", "--batch-kib", "512"]));
    let mut most = 0;
    // The highest memory use in KiB while the program runs.
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let held =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(held.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(into.count(), 24_000);
    assert!(most > 0 && most * 1024 < size / 2, "{most} KiB for a file of {size} bytes");
}

#[test]
fn import_killed_anywhere_and_rerun_ends_the_same() {
    let expected: BTreeSet<String> = (0..600).map(|id| id.to_string()).collect();
    for journal in [&["--journal", "journal"][..], &["--no-journal"][..]] {
        let (folder, into) = (Folder::new(), StandIn::new());
        folder.file("7/a.ndjson", ndjson((0..200).map(|id| tsd(id, "x"))));
        folder.file("7/b.json", json!((200..400).map(|id| tsd(id, "x")).collect::<Vec<_>>()).to_string());
        for id in 400..600_u64 {
            folder.file(&format!("7/{id}.json"), tsd(id, "x").to_string());
        }
        into.held().delay = Duration::from_millis(4);
        let arguments = || [&["7", "--batch", "10", "--receipts", "receipts"][..], journal].concat();
        let mut killed = 0;
        // The interruption comes a little later each time: before the first answer, within one, between two.
        for (round, wait) in (0..12_u64).map(|round| (round, Duration::from_micros(7_000 + 3_700 * round))) {
            let mut child = start(folder.import(&into, &arguments()));
            let before = into.held().batches.len();
            let began = std::time::Instant::now();
            while round > 0 && into.held().batches.len() == before && began.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_micros(300));
            }
            std::thread::sleep(wait);
            killed += usize::from(child.try_wait().expect("a child").is_none());
            child.kill().expect("a kill");
            child.wait().expect("an end");
        }
        assert!(killed >= 6, "it was done before it could be killed");
        run(folder.import(&into, &[&arguments()[..], &["--report", "report"]].concat())).expect(0);
        assert_eq!(held(&into, "7").into_iter().collect::<BTreeSet<_>>(), expected);
        assert!(into.held().stored.values().all(|texts| texts.len() == 1), "something was changed");
        let receipts = folder.text("receipts");
        let of: BTreeSet<String> = receipts
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["submission"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(of, expected, "a receipt is missing");

        let sent = into.held().batches.len();
        run(folder.import(&into, &arguments())).expect(0);
        let again = into.held().batches.len() - sent;
        assert_eq!(again == 0, journal.len() == 2, "{again}");
    }
}
