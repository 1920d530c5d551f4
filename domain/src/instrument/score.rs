//! Scoring of answers. Sums are exact; bands and cut-offs are compared without rounding.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use strum::{EnumIter, IntoStaticStr};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};

use super::definition::{Compare, Flag, Inputs, Kind, MOST_SCALES, Scale, Shown, Term, Test};
use super::{Instrument, Options, eq5d};

/// The completeness of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, EnumIter, IntoStaticStr, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Every item was answered and every scale scored.
    Scored,
    /// Every scale scored, some by the instrument's rule for missing answers.
    Prorated,
    /// Some scales scored.
    Partial,
    /// No scale could be scored.
    Incomplete,
}

/// The result of one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Scores {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "isi")]
    pub instrument: &'static str,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    pub algorithm: &'static str,
    /// The completeness of the result.
    pub status: Status,
    /// The scales that could be scored; the others are left out.
    #[schema(max_items = 100)]
    pub scales: Vec<ScaleScore>,
    /// Cut-offs of the scales that could be scored: reached or not. Aids for screening, not diagnoses.
    pub flags: Flags,
    /// The answer from which a symptom counts, where the caller chose another one than the instrument's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub symptom_from: Option<i32>,
}

/// The result of one scale.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScaleScore {
    /// The code of the scale.
    #[schema(max_length = 40, example = "total")]
    pub code: &'static str,
    /// The value, not rounded.
    pub value: ScaleValue,
    /// The value set, where the scale is an EQ-5D index.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, example = "NO_5L_2024")]
    pub value_set: Option<&'static str>,
    /// The number of answered items.
    #[schema(minimum = 0, maximum = 1000)]
    pub n_answered: u16,
    /// The number of items.
    #[schema(minimum = 1, maximum = 1000)]
    pub n_items: u16,
    /// The published band of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, example = "subthreshold")]
    pub band: Option<&'static str>,
}

/// A value: a whole number, a decimal number, or text such as an EQ-5D state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScaleValue {
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Decimal(f64),
    /// A text, such as a health state.
    Text(Cow<'static, str>),
}

impl utoipa::PartialSchema for ScaleValue {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Number, Type::String]))
            .description(Some("A number, or text such as an EQ-5D state."))
            .max_length(Some(40))
            .into()
    }
}

impl utoipa::ToSchema for ScaleValue {}

/// Cut-offs by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(Vec<(&'static str, bool)>);

impl Flags {
    /// Whether the cut-off is reached; `None` where its scale could not be scored.
    pub fn get(&self, name: &str) -> Option<bool> {
        self.0.iter().find(|(flag, _)| *flag == name).map(|(_, reached)| *reached)
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, reached) in &self.0 {
            map.serialize_entry(name, reached)?;
        }
        map.end()
    }
}

impl utoipa::PartialSchema for Flags {
    fn schema() -> RefOr<Schema> {
        let flag = ObjectBuilder::new().schema_type(Type::Boolean).build();
        ObjectBuilder::new()
            .description(Some("The name of a cut-off -> whether the result reaches it."))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(flag)))))
            .into()
    }
}

impl utoipa::ToSchema for Flags {}

/// An exact value: `numerator / denominator`.
#[derive(Clone, Copy)]
struct Exact {
    numerator: i64,
    denominator: i64,
}

impl Exact {
    const fn meets(self, test: Test) -> bool {
        let (value, bound) = (self.numerator.saturating_mul(100), test.bound.saturating_mul(self.denominator));
        match test.compare {
            Compare::AtLeast => value >= bound,
            Compare::Above => value > bound,
            Compare::AtMost => value <= bound,
        }
    }

    /// Whole where the denominator is 1.
    fn displayed(self) -> ScaleValue {
        if self.denominator == 1 {
            ScaleValue::Integer(self.numerator)
        } else {
            ScaleValue::Decimal(double(self.numerator) / double(self.denominator))
        }
    }
}

/// Numbers of this size are exact in a double.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "sums and counts lie far below 2^53")]
pub(super) const fn double(whole: i64) -> f64 {
    whole as f64
}

/// The state of a scale: the answered share, and its value where it has a computable number.
#[derive(Clone, Copy, Default)]
struct Part {
    answered: u16,
    items: u16,
    /// The sum of the points.
    sum: i64,
    value: Option<Exact>,
}

impl Instrument {
    /// Scores slots that [`Instrument::parse`] or a form's parser made. Never fails: what cannot be scored is left out.
    pub fn score(&self, slots: &[Option<i32>], options: &Options) -> Scores {
        let mut scales = Vec::with_capacity(self.scales.len() + options.extra());
        let mut parts = [Part::default(); MOST_SCALES];
        let (mut complete, mut computed) = (true, 0);
        for (at, scale) in self.scales.iter().enumerate() {
            let mut part = scale.counted(slots, &parts, options);
            part.value = scale.value(&part, &parts);
            complete &= part.answered == part.items;
            computed += usize::from(scale.show(&part, slots, options, &mut scales));
            if let Some(known) = parts.get_mut(at) {
                *known = part;
            }
        }
        let status = match computed {
            0 => Status::Incomplete,
            all if all == self.scales.len() && complete => Status::Scored,
            all if all == self.scales.len() => Status::Prorated,
            _ => Status::Partial,
        };
        let mut flags = Vec::with_capacity(self.flags.len());
        flags.extend(self.flags.iter().filter_map(|flag| Some((flag.name, flag.reached(&parts)?))));
        let symptom_from = options.symptom_from.filter(|_| self.scales.iter().any(|scale| scale.adjustable));
        Scores { instrument: self.code, algorithm: self.algorithm, status, scales, flags: Flags(flags), symptom_from }
    }
}

impl Flag {
    /// Returns `None` where one of its scales has no value.
    fn reached(&self, parts: &[Part]) -> Option<bool> {
        let mut reached = false;
        for alternative in &self.alternatives {
            let mut holds = true;
            for (at, test) in alternative {
                holds &= parts.get(*at)?.value?.meets(*test);
            }
            reached |= holds;
        }
        Some(reached)
    }
}

impl Scale {
    /// Returns the number of answered inputs, and the sum of their points.
    fn counted(&self, slots: &[Option<i32>], parts: &[Part], options: &Options) -> Part {
        let from = options.symptom_from.filter(|_| self.adjustable);
        match &self.inputs {
            Inputs::Items(terms) => self::counted(terms, slots, from),
            Inputs::Cases(at, cases) => {
                let chosen = slots.get(*at).copied().flatten();
                let case = cases.iter().find(|(answer, _)| Some(*answer) == chosen);
                let mut part = case.map_or_else(Part::default, |(_, terms)| self::counted(terms, slots, from));
                part.answered += u16::from(case.is_some());
                part.items += 1;
                part
            }
            Inputs::Scales(places, counts) => {
                let mut all = Part::default();
                for part in places.iter().filter_map(|at| parts.get(*at)) {
                    all.answered += part.answered;
                    all.items += part.items;
                    all.sum += match (part.value, counts) {
                        (Some(value), Some(test)) => i64::from(value.meets(*test)),
                        (Some(value), None) => value.numerator,
                        (None, _) => 0,
                    };
                }
                all
            }
        }
    }

    /// Whether enough is answered for a value.
    fn suffices(&self, part: &Part, parts: &[Part]) -> bool {
        let scored = |at: &usize| parts.get(*at).is_some_and(|part| part.value.is_some());
        match &self.inputs {
            Inputs::Items(_) => {
                usize::from(part.answered) >= self.minimum && self.blank_given.as_ref().is_none_or(scored)
            }
            Inputs::Cases(..) => part.answered == part.items,
            Inputs::Scales(places, _) => places.iter().all(scored),
        }
    }

    fn value(&self, part: &Part, parts: &[Part]) -> Option<Exact> {
        if !self.suffices(part, parts) {
            return None;
        }
        let (sum, answered, items) = (part.sum, i64::from(part.answered), i64::from(part.items));
        // Some items are missing, and the missing ones count.
        let prorated = answered < items && self.blank_given.is_none() && matches!(self.inputs, Inputs::Items(_));
        let (numerator, denominator) = match &self.kind {
            Kind::Sum if prorated => (sum * items, answered),
            Kind::Sum => (sum, 1),
            Kind::Mean => (sum, answered),
            Kind::Percent(largest) => (100 * sum, largest * answered),
            Kind::Table(first, table) => (*table.get(usize::try_from(sum - first).ok()?)?, 100),
            Kind::Eq5dState | Kind::Eq5dLevels | Kind::Eq5dIndex(_) => return None,
        };
        Some(Exact { numerator, denominator })
    }

    /// Adds what the result shows of this scale; whether it could be computed.
    fn show(&self, part: &Part, slots: &[Option<i32>], options: &Options, scales: &mut Vec<ScaleScore>) -> bool {
        let band = || part.value.and_then(|value| self.band(value));
        let shown = |value, value_set, band| ScaleScore {
            code: self.code,
            value,
            value_set,
            n_answered: part.answered,
            n_items: part.items,
            band,
        };
        let text = |text: String| shown(ScaleValue::Text(text.into()), None, None);
        let before = scales.len();
        match (&self.kind, &self.inputs) {
            (Kind::Eq5dState, Inputs::Items(terms)) => scales.extend(eq5d::state(slots, terms).map(text)),
            (Kind::Eq5dLevels, Inputs::Items(terms)) => scales.extend(eq5d::levels(slots, terms).map(text)),
            (Kind::Eq5dIndex(levels), Inputs::Items(terms)) => {
                scales.extend(eq5d::whole_state(slots, terms).into_iter().flat_map(|state| {
                    options
                        .sets(*levels)
                        .map(move |set| shown(ScaleValue::Decimal(set.index(state)), Some(set.code()), None))
                }));
            }
            _ => match (self.shown, part.value) {
                (Shown::Nothing, value) => return value.is_some(),
                (Shown::Value, Some(value)) => scales.push(shown(value.displayed(), None, band())),
                (Shown::Band, Some(_)) => {
                    scales.extend(band().map(|name| shown(ScaleValue::Text(name.into()), None, None)));
                }
                (_, None) => {}
            },
        }
        scales.len() > before
    }

    fn band(&self, value: Exact) -> Option<&'static str> {
        self.bands.iter().rev().find(|band| value.meets(band.begins)).map(|band| band.name)
    }
}

fn counted(terms: &[Term], slots: &[Option<i32>], from: Option<i32>) -> Part {
    let mut part = Part { items: u16::try_from(terms.len()).unwrap_or(u16::MAX), ..Part::default() };
    for term in terms {
        let Some(answer) = slots.get(term.at).copied().flatten() else { continue };
        part.answered += 1;
        part.sum += match from {
            Some(from) => i64::from(answer >= from),
            None => term.worth(answer),
        };
    }
    part
}

impl Term {
    /// Returns the points of an answer; slots hold no answer outside the item's range.
    fn worth(&self, answer: i32) -> i64 {
        let place = usize::try_from(answer - self.min).ok();
        place.and_then(|place| self.worth.get(place)).map_or(0, |worth| i64::from(*worth))
    }
}
