//! Response statistics: rates, the decisions behind them, and the non-responder profile.

pub mod decisions;
pub mod profile;
pub mod read;

use jiff::civil::Date;
use painreg_domain::report::response::{Cell, Dimension};
use painreg_tenants::store::response_rates::Period;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::wire::{ListedCode, parameter};

/// The precision of the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// Exact figures, for callers who may list every decision behind them.
    #[default]
    Exact,
    /// Publishable figures: small groups are combined until no figure covers fewer than five people.
    Publishable,
}

/// The query of the statistics: the period and the dimensions.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatisticsParams {
    /// Only occurrences first asked about on this day or later, in Norway.
    from: Option<Date>,
    /// Only occurrences first asked about on this day or earlier.
    to: Option<Date>,
    /// Only occurrences of this rule.
    #[param(min_length = 1, max_length = 40)]
    rule: Option<String>,
    /// Only patients of this unit.
    #[param(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// The first dimension of the groups; absent: `rule`.
    #[param(inline)]
    by: Option<Dimension>,
    /// The second dimension of the groups, another than the first.
    #[param(inline)]
    and: Option<Dimension>,
}

/// The query of the precision of the figures.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DisclosureParams {
    /// The precision; absent: `exact`.
    #[param(inline)]
    disclosure: Option<Disclosure>,
}

impl StatisticsParams {
    /// Returns the period and the dimensions of the groups.
    fn to_domain(&self) -> Result<(Period, Vec<Dimension>), Problem> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to < from) {
            return Err(parameter("query", "to"));
        }
        let by = self.by.unwrap_or(Dimension::Rule);
        if self.and == Some(by) {
            return Err(parameter("query", "and"));
        }
        let period = Period { from: self.from, to: self.to, unit: self.unit.clone(), rule: self.rule.clone() };
        Ok((period, [Some(by), self.and].into_iter().flatten().collect()))
    }

    /// Returns the query string of the same request, for links.
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

/// The numbers asked, reached and answered in one group.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ResponseCell)]
pub struct CellView {
    /// The group, by each dimension; null: the groups that are too small to show separately.
    #[schema(value_type = Option<Vec<ListedCode>>, max_items = 2, example = json!(["rf_3"]))]
    group: Option<Vec<String>>,
    /// The number of occurrences asked about: each once, regardless of reminders.
    #[schema(minimum = 0)]
    sent: i64,
    /// The number of these with a confirmed delivery.
    #[schema(minimum = 0)]
    delivered: i64,
    /// The number of these with an answer.
    #[schema(minimum = 0)]
    answered: i64,
    /// The share of occurrences asked about that was answered, in per cent, with one decimal; null where none was
    /// asked about.
    #[schema(example = 75.0)]
    percent: Option<f64>,
    /// The path of the list of decisions counted by `sent`; add `&figure=answered` or `&figure=delivered` for the
    /// other figures. Null in publishable figures.
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
