//! Deadlines of licences: expiry, renewal, payment and missing agreements, each with the day by which the registry
//! must act.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use strum::{EnumIter, IntoStaticStr};

use super::{Held, Invoice, Licence, LicenceStatus, licence_status, of_form};
use crate::ids::LicenceId;
use crate::instrument::{Catalogue, Instrument};
use crate::questionnaire::Form;

/// The subject of a deadline. Codes are stable and open: readers must tolerate new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, EnumIter, IntoStaticStr, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DueCode {
    /// An instrument of a published form is used outside a licence.
    InstrumentUnlicensed,
    /// The volume of the licence year is used up.
    VolumeReached,
    /// Eight in ten of them have.
    VolumeNear,
    /// An invoice is not paid.
    InvoiceUnpaid,
    /// A licence ends, and none follows that covers the same.
    LicenceExpires,
    /// A licence year ends, and the licence must be renewed (remelding).
    LicenceRenewal,
}

/// A deadline of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LicenceDue)]
pub struct Due {
    /// The day by which the registry must act.
    pub due_on: Date,
    /// The subject of the deadline.
    pub code: DueCode,
    /// The licence; absent where the deadline concerns none.
    pub licence_id: Option<LicenceId>,
    /// The instrument; absent where the deadline concerns none.
    #[schema(max_length = 40, example = "eq5d5l")]
    pub instrument: Option<&'static str>,
    /// The description in Norwegian.
    #[schema(max_length = 500)]
    pub nb: String,
    /// The description in English.
    #[schema(max_length = 500)]
    pub en: String,
}

/// Returns all deadlines until `horizon`, the earliest first. Overdue ones remain until they are settled. `forms` are
/// the published forms in use.
pub fn due(licences: &[Held], forms: &[Form], today: Date, horizon: Date) -> Vec<Due> {
    let mut all: Vec<Due> = licences.iter().flat_map(|held| held.due(licences, today, horizon)).collect();
    all.extend(unlicensed(licences, forms, today));
    all.retain(|due| due.due_on <= horizon);
    all.sort_by(|a, b| {
        (a.due_on, a.code, a.instrument, a.licence_id).cmp(&(b.due_on, b.code, b.instrument, b.licence_id))
    });
    all
}

/// The instruments of forms that may not be used today, each once.
fn unlicensed(licences: &[Held], forms: &[Form], today: Date) -> Vec<Due> {
    let mut found: Vec<Due> = Vec::new();
    for (instrument, status) in forms.iter().flat_map(|form| of_form(form, today, licences)) {
        let known = found.iter().any(|due| due.instrument == Some(instrument.code()));
        if status.refusal().is_some() && !known {
            found.push(Due::unlicensed(instrument, status, today));
        }
    }
    found
}

impl Due {
    fn unlicensed(instrument: &'static Instrument, status: LicenceStatus, today: Date) -> Self {
        let name = instrument.name();
        let (nb, en) = match status {
            LicenceStatus::Expired { since } => {
                (format!("lisensen er utløpt, fra og med {since}"), format!("the licence has expired, from {since}"))
            }
            LicenceStatus::NotYet { from } => {
                (format!("lisensen gjelder først fra {from}"), format!("the licence begins on {from}"))
            }
            LicenceStatus::LanguageNotCovered => (
                "lisensen gjelder ikke skjemaets språk".to_owned(),
                "the licence does not cover the form's languages".to_owned(),
            ),
            _ => ("det er ikke registrert noen lisens".to_owned(), "no licence is registered".to_owned()),
        };
        Self {
            due_on: today,
            code: DueCode::InstrumentUnlicensed,
            licence_id: None,
            instrument: Some(instrument.code()),
            nb: format!("{name} er i bruk i et publisert skjema, men {nb}."),
            en: format!("{name} is used in a published form, but {en}."),
        }
    }
}

impl Held {
    fn due(&self, licences: &[Self], today: Date, horizon: Date) -> Vec<Due> {
        let Licence { valid_to, volume_cap, lead_days, .. } = self.licence;
        let name = self.name();
        let one = |due_on, code, nb, en| Due { due_on, code, licence_id: Some(self.id), instrument: None, nb, en };
        let in_time = |day: Date| day.saturating_sub(i32::from(lead_days).days());
        let mut all = Vec::new();
        for Invoice { amount, currency, due_on, .. } in self.licence.invoices.iter().filter(|it| it.paid_on.is_none()) {
            let nb = format!("{name}: fakturaen på {amount} {currency} forfaller {due_on} og er ikke betalt.");
            let en = format!("{name}: the invoice of {amount} {currency} falls due on {due_on} and is not paid.");
            all.push(one(*due_on, DueCode::InvoiceUnpaid, nb, en));
        }
        if let Some(end) = valid_to.filter(|end| today <= *end && !self.is_followed(licences, *end)) {
            let (nb, en) = (format!("{name} utløper {end}."), format!("{name} ends on {end}."));
            all.push(one(in_time(end), DueCode::LicenceExpires, nb, en));
        }
        for year in self.renewals(today).take_while(|day| in_time(*day) <= horizon) {
            let nb = format!("{name} må fornyes før {year}.");
            let en = format!("{name} must be renewed before {year}.");
            all.push(one(in_time(year), DueCode::LicenceRenewal, nb, en));
        }
        if let Some((cap, (_, last))) = volume_cap.zip(self.licence.year_of(today)) {
            let answered = self.answered;
            if u64::from(answered) * 10 >= u64::from(cap) * 8 {
                let code = if answered >= cap { DueCode::VolumeReached } else { DueCode::VolumeNear };
                let nb = format!("{name}: {answered} av {cap} besvarelser er brukt i lisensåret som slutter {last}.");
                let en = format!("{name}: {answered} of {cap} answered questionnaires are used in the year to {last}.");
                all.push(one(today, code, nb, en));
            }
        }
        all
    }

    /// The name of the licence for people.
    fn name(&self) -> String {
        let Licence { licensor, agreement, instruments, .. } = &self.licence;
        let number = agreement.as_ref().map(|number| format!(" {number}")).unwrap_or_default();
        let some: Vec<&str> = instruments.iter().take(5).map(String::as_str).collect();
        let more = if instruments.len() > some.len() { ", .." } else { "" };
        let licensor: String = licensor.chars().take(100).collect();
        format!("{licensor}{number} ({}{more})", some.join(", "))
    }

    /// The first days of the licence years to come, from tomorrow to its end.
    fn renewals(&self, today: Date) -> impl Iterator<Item = Date> {
        let Licence { valid_from, valid_to, renewed_yearly, .. } = self.licence;
        let years = (1..200).map(|years| self.licence.anniversary(years));
        years
            .take_while(move |day| renewed_yearly && valid_to.is_none_or(|to| *day <= to) && valid_from < *day)
            .filter(move |day| today < *day)
    }

    /// Whether on the day after its end everything that it covers is covered.
    fn is_followed(&self, licences: &[Self], end: Date) -> bool {
        let Ok(next) = end.tomorrow() else { return true };
        let covered = |instrument: &Instrument, language: &String| {
            licence_status(instrument, language, next, licences).refusal().is_none()
        };
        let mut instruments = self.licence.instruments.iter().filter_map(|code| Catalogue::shipped().find(code));
        instruments.all(|instrument| self.licence.languages.iter().all(|language| covered(instrument, language)))
    }
}
