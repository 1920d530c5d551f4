//! Deliveries from Nettskjema's API, version 3: forms are polled for changes and read as streams. It must keep nothing
//! but the state of each form when it was last imported.

use std::collections::HashMap;
use std::io::{BufReader, Read as _};

use serde::Deserialize;
use serde_json::Value;

use super::batch_queue::{BatchQueue, Origin, Sorting};
use super::framing::{FramingError, lines};
use super::registry_client::RegistryClient;
use super::service::{Service, Stop};
use crate::wire::LINES_LIMIT;

/// The forms that are polled.
pub struct Poll {
    /// The client of Nettskjema's API.
    pub service: Service,
    /// The API's address, as the report names it.
    pub address: String,
    /// The numbers of the forms.
    pub forms: Vec<String>,
    /// The state of each form when it was last imported completely.
    pub seen: HashMap<String, Info>,
}

/// The members that show whether a form has changed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    #[serde(default)]
    modified_date: Value,
    #[serde(default)]
    last_submission_date: Value,
    #[serde(default)]
    number_of_submissions: Value,
}

impl Poll {
    /// Returns the forms that have changed since they were last imported.
    pub fn changed(&self) -> Result<HashMap<String, Info>, Stop> {
        let mut changed = HashMap::new();
        for form in &self.forms {
            let info: Info = self.service.persist(|| {
                let mut answer = self.service.ask(&format!("/form/{form}/info"), None)?;
                answer.body_mut().read_json().map_err(|error| self.service.torn(&error))
            })?;
            if self.seen.get(form) != Some(&info) {
                changed.insert(form.clone(), info);
            }
        }
        Ok(changed)
    }

    /// Enqueues every submission of a form, after its definition.
    pub fn feed(&self, form: &str, queue: &mut BatchQueue<'_>, target: &RegistryClient) -> Result<(), Stop> {
        if target.define(form, &self.definition(form)?)? {
            queue.defined()?;
        }
        let origin = Origin::new(format!("{}/form/{form}/answers", self.address), None, 0);
        // A stream that breaks off is read again; the queue drops deliveries that it has seen.
        self.service.persist(|| {
            let answer = self.service.ask(&format!("/form/{form}/answers"), None)?;
            let mut input = BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader());
            let mut sorting = Sorting::new(Some(form), None);
            lines(&mut input, &mut |it| sorting.push(it, queue, &origin)).map_err(|error| match error {
                FramingError::Unreadable(why) => self.service.torn(&why),
                FramingError::Stop(stop) => stop.into(),
            })
        })?;
        queue.read(&origin)
    }

    /// Returns the definition; where the API has no such operation, the list of elements.
    fn definition(&self, form: &str) -> Result<Vec<u8>, Stop> {
        let fetched = |what: &str| {
            self.service.persist(|| {
                let answer = self.service.ask(&format!("/form/{form}/{what}"), None)?;
                let mut text = Vec::new();
                let most = u64::try_from(LINES_LIMIT).unwrap_or(u64::MAX);
                let read = answer.into_body().into_reader().take(most).read_to_end(&mut text);
                read.map(|_| text).map_err(|error| self.service.torn(&error))
            })
        };
        match fetched("definition") {
            Err(Stop::Refused(refusal)) if refusal.status == 404 => fetched("elements"),
            other => other,
        }
    }
}
