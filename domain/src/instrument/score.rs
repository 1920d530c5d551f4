//! From slots to scores. Sums are exact; bands and cut-offs are compared without rounding.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use strum::{EnumIter, IntoStaticStr};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};

use super::definition::{Kind, Scale};
use super::{Instrument, Options, eq5d};

/// How complete a result is.
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
    /// Nothing could be scored.
    Incomplete,
}

/// One instrument's result.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Scores {
    /// The instrument's code.
    #[schema(max_length = 40, example = "isi")]
    pub instrument: &'static str,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    pub algorithm: &'static str,
    /// How complete the result is.
    pub status: Status,
    /// The scales that could be scored; the others are left out.
    #[schema(max_items = 100)]
    pub scales: Vec<ScaleScore>,
    /// Cut-offs of the scales that could be scored: reached or not. Aids for screening, not diagnoses.
    pub flags: Flags,
}

/// One scale's result.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScaleScore {
    /// The scale's code.
    #[schema(max_length = 40, example = "total")]
    pub code: &'static str,
    /// The value, not rounded.
    pub value: ScaleValue,
    /// The value set, where the scale is an EQ-5D index.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, example = "NO_5L_2024")]
    pub value_set: Option<&'static str>,
    /// How many of its items were answered.
    #[schema(minimum = 0, maximum = 1000)]
    pub n_answered: u16,
    /// How many items it has.
    #[schema(minimum = 1, maximum = 1000)]
    pub n_items: u16,
    /// The published band the value lies in.
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
    /// Text.
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
            .description(Some("Name of a cut-off -> whether it is reached."))
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
    /// Whether the value is at least `hundredths / 100`.
    const fn reaches(self, hundredths: i64) -> bool {
        self.numerator.saturating_mul(100) >= hundredths.saturating_mul(self.denominator)
    }

    const fn exceeds(self, hundredths: i64) -> bool {
        self.numerator.saturating_mul(100) > hundredths.saturating_mul(self.denominator)
    }
}

/// Numbers of this size are exact in a double.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "sums and counts lie far below 2^53")]
const fn double(whole: i64) -> f64 {
    whole as f64
}

impl Instrument {
    /// Scores slots that [`Instrument::parse`] or a form's parser made. Never fails: what cannot be scored is left out.
    pub fn score(&self, slots: &[Option<i32>], options: &Options) -> Scores {
        let mut scales = Vec::with_capacity(self.scales.len() + options.extra());
        let mut exact: Vec<Option<Exact>> = Vec::with_capacity(self.scales.len());
        let (mut complete, mut computed) = (true, 0_usize);
        for scale in &self.scales {
            let answered = scale.items.iter().filter(|at| slots.get(**at).is_some_and(Option::is_some)).count();
            complete &= answered == scale.items.len();
            let shown = |value, value_set, band| ScaleScore {
                code: scale.code,
                value,
                value_set,
                n_answered: u16::try_from(answered).unwrap_or(u16::MAX),
                n_items: u16::try_from(scale.items.len()).unwrap_or(u16::MAX),
                band,
            };
            let before = scales.len();
            let mut value = None;
            match scale.kind {
                Kind::Eq5dState => {
                    scales.extend(
                        eq5d::state(slots, &scale.items).map(|state| shown(ScaleValue::Text(state.into()), None, None)),
                    );
                }
                Kind::Eq5dLevels => {
                    scales.extend(
                        eq5d::levels(slots, &scale.items)
                            .map(|levels| shown(ScaleValue::Text(levels.into()), None, None)),
                    );
                }
                Kind::Eq5dIndex => {
                    if let Some(state) = eq5d::whole_state(slots, &scale.items) {
                        scales.extend(
                            options
                                .sets()
                                .map(|set| shown(ScaleValue::Decimal(set.index(state)), Some(set.code()), None)),
                        );
                    }
                }
                Kind::Sum | Kind::Mean | Kind::Percent | Kind::Count if answered >= scale.minimum && answered > 0 => {
                    let computed = arithmetic(scale, slots, answered);
                    value = Some(computed);
                    scales.push(shown(displayed(scale.kind, computed), None, band(scale, computed)));
                }
                Kind::Sum | Kind::Mean | Kind::Percent | Kind::Count => {}
            }
            computed += usize::from(scales.len() > before);
            exact.push(value);
        }
        let reached = |flag: &super::definition::Flag| {
            let value = exact.get(flag.scale).copied().flatten()?;
            Some((flag.name, value.reaches(flag.at_least) && !value.exceeds(flag.at_most)))
        };
        let status = match computed {
            0 => Status::Incomplete,
            all if all == self.scales.len() && complete => Status::Scored,
            all if all == self.scales.len() => Status::Prorated,
            _ => Status::Partial,
        };
        Scores {
            instrument: self.code,
            algorithm: self.algorithm,
            status,
            scales,
            flags: Flags(self.flags.iter().filter_map(reached).collect()),
        }
    }
}

fn arithmetic(scale: &Scale, slots: &[Option<i32>], answered: usize) -> Exact {
    let answers = scale.items.iter().filter_map(|at| slots.get(*at).copied().flatten());
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (answered, items) = (whole(answered), whole(scale.items.len()));
    let sum: i64 = match scale.kind {
        Kind::Count => answers.map(|answer| i64::from(answer >= scale.counts_from)).sum(),
        _ => answers.map(i64::from).sum(),
    };
    match scale.kind {
        Kind::Mean => Exact { numerator: sum, denominator: answered },
        Kind::Percent => Exact { numerator: 100 * sum, denominator: scale.largest * answered },
        _ if answered == items => Exact { numerator: sum, denominator: 1 },
        _ => Exact { numerator: sum * items, denominator: answered },
    }
}

fn displayed(kind: Kind, value: Exact) -> ScaleValue {
    if value.denominator == 1 && matches!(kind, Kind::Sum | Kind::Count) {
        ScaleValue::Integer(value.numerator)
    } else {
        ScaleValue::Decimal(double(value.numerator) / double(value.denominator))
    }
}

fn band(scale: &Scale, value: Exact) -> Option<&'static str> {
    let begun = |band: &&super::definition::Band| {
        let bound = band.bound.saturating_mul(100);
        if band.inclusive { value.reaches(bound) } else { value.exceeds(bound) }
    };
    scale.bands.iter().rev().find(begun).map(|band| band.name)
}
