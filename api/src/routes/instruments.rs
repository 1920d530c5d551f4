//! The catalogue of instruments and scoring without storing. No item text: that is licensed.

pub mod list;
pub mod read;
pub mod score;

use painreg_domain::instrument::{Direction, Instrument, Scale, WordingLicence};
use serde::Serialize;

/// One instrument of the catalogue: everything that is known of it but its wording, which is licensed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Instrument)]
pub struct InstrumentView {
    /// Its code.
    #[schema(max_length = 40, example = "isi")]
    code: &'static str,
    /// Its name.
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
    /// What a higher score means.
    direction: Direction,
    /// How answers are numbered, where editions differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    coding: Option<&'static str>,
    /// What happens where answers are missing.
    #[schema(max_length = 500)]
    missing: &'static str,
    /// The smallest change that matters to a patient, and who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    mcid: Option<&'static str>,
    /// What may be done with the wording.
    licence: WordingLicence,
    /// Whom to ask about the wording.
    #[schema(max_length = 200)]
    licensor: &'static str,
    /// Languages (BCP 47) in which an edition is known to exist; empty: not known here.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    languages: &'static [String],
    /// Where the scoring was published.
    #[schema(max_length = 2000)]
    source: &'static str,
    /// What a reader of the scores should know.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    notes: &'static [String],
    /// What has not been confirmed in the publication itself.
    #[schema(value_type = Vec<Sentence>, max_items = 20)]
    unconfirmed: &'static [String],
    /// The items, in the order of the form.
    #[schema(max_items = 200)]
    items: Vec<ItemView>,
    /// The scales, in the order of a result.
    #[schema(max_items = 20)]
    scales: Vec<ScaleView>,
    /// The cut-offs.
    #[schema(max_items = 20)]
    flags: Vec<RuleView>,
    /// What calls for the clinic's attention.
    #[schema(max_items = 20)]
    alerts: Vec<AlertView>,
    /// EQ-5D: the value sets, the one that is used unless another is asked for first.
    #[schema(max_items = 50)]
    value_sets: Vec<ValueSetView>,
}

/// A sentence in a list, for the specification only: texts have limits there.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, max_length = 500)]
pub struct Sentence(pub String);

/// One item: a whole number within its range.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentItem)]
pub struct ItemView {
    /// Its code.
    #[schema(max_length = 40, example = "isi_01")]
    code: &'static str,
    /// A short name of our own, for navigation.
    #[schema(max_length = 100, example = "sleep onset")]
    label: &'static str,
    /// Smallest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    min: i32,
    /// Largest answer.
    #[schema(minimum = -1000, maximum = 1000)]
    max: i32,
}

/// One scale.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentScale)]
pub struct ScaleView {
    /// Its code.
    #[schema(max_length = 40, example = "total")]
    code: &'static str,
    /// How many items it rests on.
    #[schema(minimum = 1, maximum = 1000)]
    n_items: usize,
    /// Smallest possible value; absent where the value is text, or a value set says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// Largest possible value.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// What a higher value means, where it differs between the scales.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    /// Its published bands, from the lowest; each ends where the next one begins.
    #[schema(max_items = 20)]
    bands: Vec<RuleView>,
}

/// A band or a cut-off, and its rule.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentRule)]
pub struct RuleView {
    /// Its name.
    #[schema(max_length = 40, example = "ge30")]
    name: &'static str,
    /// A band: where it begins, such as `>= 8`. A cut-off: when it is reached, such as `total >= 30`.
    #[schema(max_length = 200, example = "total >= 30")]
    rule: &'static str,
}

/// An answer that the clinic must see at once.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentAlert)]
pub struct AlertView {
    /// What it is about.
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
    /// Its code.
    #[schema(max_length = 40, example = "NO_5L_2024")]
    code: &'static str,
    /// Where it was published.
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
