//! The demonstration: the report's table of responses results from plans, claims, receipts and answers, in spite of
//! interruptions, and only in the registry that it describes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diesel::{Connection as _, PgConnection};
use painreg_tenants::local::{Durability, Local};
use painreg_tests::execute;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::importer::program::Folder;

/// Numbers of questions sent and answered by rule, as published in the annual report for 2021.
const TABLE: [(&str, (usize, usize)); 7] = [
    ("closed_12", (58, 15)),
    ("ongoing_12", (61, 28)),
    ("rf_12", (7, 3)),
    ("rf_3", (28, 21)),
    ("rf_6", (22, 12)),
    ("scs_12", (4, 1)),
    ("scs_6", (16, 14)),
];

fn demo(folder: &Folder) -> Command {
    let arguments = ["demo", "--folder", "p", "--tenants", "2", "--patients", "3", "--listen", "127.0.0.1:0"];
    let mut command = folder.program(&arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stderr(Stdio::null());
    command
}

/// A running demonstration, and its output.
struct Serving(Child, Vec<String>);

impl Serving {
    fn start(folder: &Folder) -> Self {
        let mut child = demo(folder).spawn().expect("a program");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let mut said: Vec<String> = Vec::new();
        for line in out.lines().map_while(Result::ok) {
            let is_ready = line.starts_with("Serving until");
            said.push(line);
            if is_ready {
                break;
            }
        }
        assert!(said.last().is_some_and(|line| line.starts_with("Serving until")), "{said:?}");
        Self(child, said)
    }

    /// Runs the printed command that is ready to paste, and returns the answer.
    fn pasted(&self, what: &str) -> Value {
        let line = self.1.iter().find(|line| line.starts_with("curl") && line.contains(what));
        let url = line.and_then(|line| line.split('\'').nth(1)).unwrap_or_else(|| panic!("no {what}: {:?}", self.1));
        self.get(url)
    }

    fn get(&self, url: &str) -> Value {
        // The manager's token is printed last.
        let token = self.1.iter().rev().find_map(|line| line.strip_prefix("TOKEN=")).expect("a token");
        let mut answer = ureq::get(url).header("authorization", format!("Bearer {token}")).call().expect(url);
        answer.body_mut().read_json().expect("JSON")
    }

    /// Returns every item of a list of the first registry.
    fn all(&self, path: &str) -> Vec<Value> {
        let line = self.1.iter().find(|line| line.contains("/v1/tenants/ous/")).expect("a command");
        let base = line.split_once("http://").and_then(|(_, rest)| rest.split_once("/v1/")).expect("an address").0;
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("http://{base}/v1/tenants/ous/{path}limit=200{cursor}"));
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Returns the numbers of questions sent and answered by rule, counted from invitations and decisions.
    fn table(&self) -> BTreeMap<String, (usize, usize)> {
        let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let of = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        for sent in self.all("invitations?") {
            assert_eq!((of(&sent, "state"), of(&sent, "channel")), ("delivered".to_owned(), "sms".to_owned()));
            assert_eq!((&sent["attempt"], &sent["reminder"]), (&Value::from(1), &Value::from(0)));
            let day = of(&sent, "sent_at");
            assert!(("2021-06-01".."2022-06-01").contains(&day.as_str()), "{sent}");
            table.entry(of(&sent, "rule")).or_default().0 += 1;
        }
        for answered in self.all("follow-up-decisions?state=answered&past=true&") {
            assert_eq!(answered["reasons"][0]["code"], "answered_in_time", "{answered}");
            assert_eq!(answered["reasons"].as_array().map(Vec::len), Some(1), "{answered}");
            table.entry(of(&answered, "rule")).or_default().1 += 1;
        }
        table
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn demo_reaches_the_reports_response_rates_across_interruptions() {
    let folder = Folder::new();
    // Killed in the autumn.
    let mut broken_off = demo(&folder).stdout(Stdio::null()).spawn().expect("a program");
    let day = || std::fs::read_to_string(folder.0.join("p/demo-past")).unwrap_or_default();
    for _ in 0..30_000 {
        if day().as_str() > "2021-10" {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    broken_off.kill().expect("it runs");
    broken_off.wait().expect("it ends");
    assert!(("2021-10".."2022-05").contains(&day().as_str()), "{}", day());

    let expected: BTreeMap<String, (usize, usize)> = TABLE.iter().map(|(rule, it)| ((*rule).to_owned(), *it)).collect();
    for lives in [true, false] {
        // The second interruption simulates that an older version began it.
        if !lives {
            let local = Local::start(&folder.0.join("p"), Durability::Durable).expect("its PostgreSQL");
            let address = local.superuser_address("painreg");
            let mut conn = PgConnection::establish(address.expose_secret()).expect("a connection");
            execute(
                &mut conn,
                "UPDATE platform.tenant SET schema_version = '2020-01-01-000000', version = version + 1",
            );
            local.stop();
        }
        let serving = Serving::start(&folder);
        assert_eq!(serving.1.iter().any(|line| line.starts_with("Lived through")), lives, "{:?}", serving.1);
        assert_eq!(serving.table(), expected);
        let statistics = serving.pasted("follow-up-statistics?from=2021-06-01&to=2022-05-31");
        let cells = statistics["cells"].as_array().expect("cells");
        let read = |cell: &Value, name: &str| usize::try_from(cell[name].as_u64().expect(name)).expect(name);
        let both = |cell: &Value| (read(cell, "sent"), read(cell, "answered"));
        let by_rule = cells.iter().map(|it| (it["group"][0].as_str().expect("a rule").to_owned(), both(it)));
        assert_eq!(by_rule.collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(both(&statistics["total"]), (196, 94));
        // The reason why a patient was not asked; no patient of another registry was asked.
        let why = serving.pasted("/follow-up'");
        let rules = why["rules"].as_array().expect("rules");
        let closed = &rules.iter().find(|it| it["rule"] == "closed_12").expect("a rule")["current"]["decision"];
        assert_eq!(
            (&closed["state"], &closed["reasons"][0]["code"]),
            (&"suppressed".into(), &"category_missing".into())
        );
        let other = serving.1.iter().rev().find(|line| line.starts_with("sorlandet")).expect("a line");
        assert_eq!(other.split_whitespace().nth(1), Some("3"), "{other}");
    }
}
