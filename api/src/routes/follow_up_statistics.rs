//! Who was asked and who answered: response rates, the decisions behind them, and how those who do not answer differ.

pub mod decisions;
pub mod profile;
pub mod read;

use jiff::civil::Date;
use painreg_domain::report::response::{Cell, Dimension};
use painreg_tenants::store::response_rates::Period;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::wire::{ListedCode, parameter, short};

/// For whom figures are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// For those who may list every decision behind them.
    #[default]
    Exact,
    /// For everybody: small groups are put together until no figure is about fewer than five people.
    Publishable,
}

/// Of whom, and how they are told apart.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsParams {
    /// Those first asked on this day or later, in Norway.
    from: Option<Date>,
    /// Those first asked on this day or earlier.
    to: Option<Date>,
    /// Of this rule only.
    #[param(max_length = 40)]
    rule: Option<String>,
    /// Only patients of this unit.
    #[param(max_length = 100)]
    unit: Option<String>,
    /// By `rule` (the default), `track`, `wave`, `channel`, `reminder`, `month`, `age_band`, `sex`, `diagnosis_group` or
    /// `unit`.
    #[param(value_type = Option<String>, max_length = 20)]
    by: Option<Dimension>,
    /// And by another of these.
    #[param(value_type = Option<String>, max_length = 20)]
    and: Option<Dimension>,
    /// `exact` (the default), or `publishable`: small groups are put together.
    #[param(value_type = Option<String>, max_length = 20)]
    disclosure: Option<Disclosure>,
}

impl StatisticsParams {
    /// The period, and by what groups are told apart.
    fn to_domain(&self) -> Result<(Period, Vec<Dimension>), Problem> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to < from) {
            return Err(parameter("query", "to"));
        }
        let by = self.by.unwrap_or(Dimension::Rule);
        if self.and == Some(by) {
            return Err(parameter("query", "and"));
        }
        let unit = short("unit", self.unit.clone(), 100)?;
        let rule = short("rule", self.rule.clone(), 40)?;
        let period = Period { from: self.from, to: self.to, unit, rule };
        Ok((period, [Some(by), self.and].into_iter().flatten().collect()))
    }

    /// The same question as a query, for links.
    fn as_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("from", self.from.map(|day| day.to_string())),
            ("to", self.to.map(|day| day.to_string())),
            ("rule", self.rule.clone()),
            ("unit", self.unit.clone()),
            ("by", Some(<&'static str>::from(self.by.unwrap_or(Dimension::Rule)).to_owned())),
            ("and", self.and.map(|and| <&'static str>::from(and).to_owned())),
        ] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        query.finish()
    }
}

/// How many of a group were asked, reached and answered.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ResponseCell)]
pub struct CellView {
    /// The group, by each dimension; null: those whose own groups are too small to be told apart.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2, example = json!(["rf_3"]))]
    group: Option<Vec<String>>,
    /// Occurrences asked about: each once, however many reminders.
    #[schema(minimum = 0)]
    sent: i64,
    /// Those of them that are known to have arrived.
    #[schema(minimum = 0)]
    delivered: i64,
    /// Those of them that were answered.
    #[schema(minimum = 0)]
    answered: i64,
    /// The share of those asked that was answered, in per cent, to one decimal; null where nobody was asked.
    #[schema(example = 75.0)]
    percent: Option<f64>,
    /// Where the decisions are listed that `sent` counts; with `&figure=answered` or `delivered` those of the others. Null of
    /// figures that are published.
    #[schema(max_length = 2000)]
    decisions: Option<String>,
}

impl CellView {
    fn new(it: Cell, decisions: Option<String>) -> Self {
        let percent = it.percent().map(|percent| (percent * 10.0).round() / 10.0);
        let Cell { group, sent, delivered, answered, people: _ } = it;
        Self { group, sent, delivered, answered, percent, decisions }
    }
}
