//! The catalogue of instruments and scoring without storing. No item text: that is licensed.

pub mod list;
pub mod read;
pub mod score;

use painreg_domain::instrument::{Direction, Instrument, Scale, WordingLicence};
use serde::Serialize;

/// One instrument of the catalogue, without its wording, which is licensed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Instrument)]
pub struct InstrumentView {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "isi")]
    code: &'static str,
    /// The name of the instrument.
    #[schema(max_length = 200)]
    name: &'static str,
    /// The edition of the questionnaire.
    #[schema(max_length = 100)]
    version: &'static str,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    algorithm: &'static str,
    /// The period that the questions ask about.
    #[schema(max_length = 200)]
    recall: &'static str,
    /// The meaning of a higher score.
    direction: Direction,
    /// The numbering of answers, where editions differ; null where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    coding: Option<&'static str>,
    /// The treatment of missing answers.
    #[schema(max_length = 500)]
    missing: &'static str,
    /// The smallest change that matters to a patient (MCID), with its source; null where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    mcid: Option<&'static str>,
    /// The terms of use of the wording.
    licence: WordingLicence,
    /// The licensor of the wording.
    #[schema(max_length = 200)]
    licensor: &'static str,
    /// The languages (BCP 47) of known editions; empty: unknown.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    languages: &'static [String],
    /// The publication of the scoring.
    #[schema(max_length = 2000)]
    source: &'static str,
    /// Notes for readers of the scores.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    notes: &'static [String],
    /// Facts that have not been confirmed in the publication itself.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    unconfirmed: &'static [String],
    /// The items, in the order of the form.
    #[schema(max_items = 200)]
    items: Vec<ItemView>,
    /// The scales, in the order of a result.
    #[schema(max_items = 20)]
    scales: Vec<ScaleView>,
    /// The cut-offs (flags).
    #[schema(max_items = 20)]
    flags: Vec<RuleView>,
    /// The alerts for the clinic.
    #[schema(max_items = 20)]
    alerts: Vec<AlertView>,
    /// EQ-5D: the value sets, the default first.
    #[schema(max_items = 50)]
    value_sets: Vec<ValueSetView>,
}

/// A sentence in a list, for the length limits of the specification only.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, max_length = 500)]
pub struct Sentence(pub String);

/// One item: a whole number within its range.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentItem)]
pub struct ItemView {
    /// The code of the item.
    #[schema(max_length = 40, example = "isi_01")]
    code: &'static str,
    /// A short label for navigation, not the wording.
    #[schema(max_length = 100, example = "sleep onset")]
    label: &'static str,
    /// The smallest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    min: i32,
    /// The largest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    max: i32,
}

/// One scale of the instrument.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentScale)]
pub struct ScaleView {
    /// The code of the scale.
    #[schema(max_length = 40, example = "total")]
    code: &'static str,
    /// The number of items in the scale.
    #[schema(minimum = 1, maximum = 1000)]
    n_items: usize,
    /// The smallest possible value; null for text, or where a value set defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The largest possible value; null where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// The meaning of a higher value, where the scales differ; null where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    /// The published bands, from the lowest; each ends where the next one begins.
    #[schema(max_items = 20)]
    bands: Vec<RuleView>,
}

/// A band or a cut-off, and its rule.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentRule)]
pub struct RuleView {
    /// The name of the band or cut-off.
    #[schema(max_length = 40, example = "ge30")]
    name: &'static str,
    /// The rule. A band: its lower bound, such as `>= 8`. A cut-off: its condition, such as `total >= 30`.
    #[schema(max_length = 200, example = "total >= 30")]
    rule: &'static str,
}

/// An answer that the clinic must see at once.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentAlert)]
pub struct AlertView {
    /// The code of the alert.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: &'static str,
    /// The item that raises it.
    #[schema(max_length = 40, example = "hscl_20")]
    item: &'static str,
    /// The smallest answer that raises it.
    #[schema(minimum = -1000, maximum = 1000)]
    at_least: i32,
}

/// One value set of EQ-5D.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentValueSet)]
pub struct ValueSetView {
    /// The code of the value set.
    #[schema(max_length = 40, example = "NO_5L_2024")]
    code: &'static str,
    /// The publication of the value set.
    #[schema(max_length = 500)]
    publication: &'static str,
}

impl From<&'static Instrument> for InstrumentView {
    fn from(it: &'static Instrument) -> Self {
        let about = it.about();
        let bands = |scale: &'static Scale| {
            scale.bands().iter().map(|band| RuleView { name: band.name(), rule: band.begins() }).collect()
        };
        let items = it.items().iter().map(|item| ItemView {
            code: item.code(),
            label: item.label(),
            min: item.min(),
            max: item.max(),
        });
        let scales = it.scales().map(|scale| ScaleView {
            code: scale.code(),
            n_items: scale.n_items(),
            min: scale.range().map(|[min, _]| min),
            max: scale.range().map(|[_, max]| max),
            direction: scale.direction(),
            bands: bands(scale),
        });
        let alerts = it.alert_rules().iter().map(|alert| AlertView {
            code: alert.code(),
            item: alert.item(),
            at_least: alert.at_least(),
        });
        Self {
            code: it.code(),
            name: &about.name,
            version: &about.version,
            algorithm: it.algorithm(),
            recall: &about.recall,
            direction: about.direction,
            coding: about.coding.as_deref(),
            missing: &about.missing,
            mcid: about.mcid.as_deref(),
            licence: about.licence,
            licensor: &about.licensor,
            languages: &about.languages,
            source: &about.source,
            notes: &about.notes,
            unconfirmed: &about.unconfirmed,
            items: items.collect(),
            scales: scales.collect(),
            flags: it.flags().iter().map(|flag| RuleView { name: flag.name(), rule: flag.when() }).collect(),
            alerts: alerts.collect(),
            value_sets: it
                .value_sets()
                .map(|set| ValueSetView { code: set.code(), publication: set.publication() })
                .collect(),
        }
    }
}
