//! The wording of an instrument in one language, from the licence holder's file. None of it is in the repository.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Term;
use crate::fault::{Fault, FaultCode, escape};
use crate::instrument::Instrument;

/// A label, for the specification only: texts have limits there.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 500)]
pub struct Label(pub String);

/// The wording of an instrument in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ItemTexts)]
pub struct Wording {
    /// The name of the licence holder's file with the wording.
    #[schema(min_length = 1, max_length = 200)]
    pub source: String,
    /// The instructions above the items.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub instructions: Option<String>,
    /// Item code -> its wording: every item of the instrument and no other.
    #[schema(value_type = BTreeMap<Term, ItemWording>)]
    pub items: BTreeMap<String, ItemWording>,
}

/// The wording of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ItemText)]
pub struct ItemWording {
    /// The question of the item.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
    /// Answer -> its label, of those answers that have one.
    #[serde(default)]
    #[schema(value_type = BTreeMap<Term, Label>)]
    pub responses: BTreeMap<String, String>,
}

impl Wording {
    /// Returns the faults of the wording for this instrument.
    pub fn faults(&self, instrument: &Instrument) -> Vec<Fault> {
        let mut faults = Vec::new();
        text("/source".to_owned(), &self.source, 200, &mut faults);
        if let Some(instructions) = &self.instructions {
            text("/instructions".to_owned(), instructions, 4000, &mut faults);
        }
        for item in instrument.items() {
            let place = format!("/items/{}", item.code());
            let Some(worded) = self.items.get(item.code()) else {
                faults.push(Fault::new(place, FaultCode::Required));
                continue;
            };
            text(format!("{place}/text"), &worded.text, 2000, &mut faults);
            for (answer, label) in &worded.responses {
                let place = format!("{place}/responses/{}", escape(answer));
                // One spelling only: reading returns exactly the stored text.
                match answer.parse::<i32>().ok().filter(|number| number.to_string() == *answer) {
                    None => faults.push(Fault::new(place, FaultCode::InvalidFormat)),
                    Some(number) if !(item.min()..=item.max()).contains(&number) => {
                        faults.push(Fault::new(place, FaultCode::OutOfRange));
                    }
                    Some(_) => text(place, label, 500, &mut faults),
                }
            }
        }
        let known = |code: &&String| instrument.items().iter().any(|item| item.code() == code.as_str());
        let unknown = self.items.keys().filter(|code| !known(code));
        faults.extend(unknown.map(|code| Fault::new(format!("/items/{}", escape(code)), FaultCode::UnknownItem)));
        faults.sort();
        faults
    }
}

fn text(place: String, text: &str, limit: usize, faults: &mut Vec<Fault>) {
    if text.trim().is_empty() {
        faults.push(Fault::new(place, FaultCode::Required));
    } else if text.chars().count() > limit {
        faults.push(Fault::new(place, FaultCode::TooLong));
    }
}
