//! The overview of the loaded demonstration: figures, tokens, requests to paste.

use std::fmt::Write as _;
use std::net::SocketAddr;

use jiff::Timestamp;
use painreg_domain::policy::Role;
use serde_json::Value;
use strum::IntoEnumIterator as _;

use super::client::{Client, UNIT};
use crate::commands::demo_issuer::{DemoKey, Wanted};
use crate::commands::{Failure, say};

/// The figures of each registry: heading, instrument, scale.
const SHOWN: &[(&str, &str, &str)] = &[
    ("EQ-5D", "eq5d5l", "index"),
    ("EQ VAS", "eq5d5l", "vas"),
    ("NRS avg", "nrs", "average"),
    ("ODI %", "odi_opr_mod", "total"),
    ("HSCL-25", "hscl25", "total"),
    ("ISI", "isi", "total"),
    ("PCS", "pcs", "total"),
    ("CFQ-11", "cfq11", "total"),
    ("GSE", "gse10", "total"),
];

/// Prints the figures of every registry, tokens and requests to paste.
pub(super) fn print(address: SocketAddr, key: &DemoKey, slugs: &[&str], now: Timestamp) -> Result<(), Failure> {
    let mut heading = format!("\n{:<12} {:>8} {:>11}", "registry", "patients", "submissions");
    for (name, ..) in SHOWN {
        let _ = write!(heading, " {name:>8}");
    }
    say(&heading);
    let mut patient = None;
    for slug in slugs {
        let client = Client::new(address, slug, key, now)?;
        let summary = client.summary()?;
        let count = |name: &str| summary.get(name).and_then(Value::as_u64).unwrap_or(0);
        let mut line = format!("{slug:<12} {:>8} {:>11}", count("patients"), count("submissions"));
        for (_, instrument, scale) in SHOWN {
            let mean = summary.get("means").and_then(Value::as_array).into_iter().flatten().find(|mean| {
                mean.get("instrument").and_then(Value::as_str) == Some(instrument)
                    && mean.get("scale").and_then(Value::as_str) == Some(scale)
            });
            let _ = match mean.and_then(|mean| mean.get("mean")).and_then(Value::as_f64) {
                Some(mean) => write!(line, " {mean:>8.2}"),
                None => write!(line, " {:>8}", "-"),
            };
        }
        say(&line);
        if patient.is_none() {
            let listed = client.get("/patients?limit=1")?;
            patient =
                listed.pointer("/items/0/id").and_then(Value::as_str).map(|id| ((*slug).to_owned(), id.to_owned()));
        }
    }
    let Some((slug, patient)) = patient else { return Err("no patient was loaded".into()) };
    say(&format!("\nTokens of {slug}'s demonstration issuer, good for 12 hours:"));
    let mut clinician = String::new();
    for role in Role::iter().filter(|role| *role != Role::System) {
        let operator = role == Role::Operator;
        let token = key.sign(
            &Wanted {
                tenant: Some(slug.as_str()).filter(|_| !operator),
                role,
                subject: None,
                unit: Some(UNIT),
                patient: (role == Role::Patient).then_some(patient.as_str()),
                seconds: 12 * 3600,
            },
            now,
        )?;
        say(&format!("  {role:<17} {token}"));
        if role == Role::Clinician {
            clinician = token;
        }
    }
    let base = format!("http://{address}");
    say(&format!("\nDocumentation: {base}/docs/\n\nReady to paste:\n"));
    say(&format!("TOKEN={clinician}"));
    say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/patients?limit=3'"));
    say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" {base}/v1/tenants/{slug}/patients/{patient}"));
    for path in ["submissions", "timeline", "omeq-series", "permissions", "differences?from=2026-01-01T00:00:00Z"] {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/patients/{patient}/{path}'"));
    }
    let carriers = Client::new(address, &slug, key, now)?.get("/implant-components?ongoing=true&limit=200")?;
    let mut carriers = carriers.get("items").and_then(Value::as_array).into_iter().flatten();
    if let Some(carrier) = carriers.find(|carrier| carrier.get("udi_di").is_some_and(Value::is_string)) {
        let text = |name: &str| carrier.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (whose, device) = (text("patient_id"), text("udi_di"));
        say(&format!(
            "curl -sH \"Authorization: Bearer $TOKEN\" {base}/v1/tenants/{slug}/patients/{whose}/current-implants"
        ));
        say(&format!(
            "curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/device-recalls?udi_di={device}'"
        ));
    }
    for path in ["episodes?ongoing=true&limit=3", "code-systems/icd11/codes?query=chronic%20primary", "code-lists"] {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/v1/tenants/{slug}/{path}'"));
    }
    say(&format!(
        "curl -sH \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
         -d '{{\"answers\":{{\"isi_01\":2,\"isi_02\":1,\"isi_03\":0,\"isi_04\":3,\"isi_05\":1,\"isi_06\":2,\"isi_07\":2}}}}' \
         {base}/v1/tenants/{slug}/instruments/isi/scores"
    ));
    print_follow_up(&Client::new(address, &slug, key, now)?)?;
    say("\nServing until interrupted (Ctrl-C).");
    Ok(())
}

/// Prints requests for response rates and for the reasons of a decision.
fn print_follow_up(client: &Client) -> Result<(), Failure> {
    let base = &client.base;
    say(&format!("\nFollow-up, as a registry manager:\n\nTOKEN={}", client.manager));
    let mut paths =
        vec!["follow-up-statistics?from=2021-06-01&to=2022-05-31".to_owned(), "follow-up-counts".to_owned()];
    let unasked = client.get("/follow-up-decisions?rule=closed_12&reason=category_missing&limit=1")?;
    if let Some(patient) = unasked.pointer("/items/0/patient_id").and_then(Value::as_str) {
        paths.push(format!("patients/{patient}/follow-up"));
    }
    for path in paths {
        say(&format!("curl -sH \"Authorization: Bearer $TOKEN\" '{base}/{path}'"));
    }
    Ok(())
}
