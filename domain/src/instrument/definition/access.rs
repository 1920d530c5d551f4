//! The members of scales, bands, flags and alerts that other modules read.

use super::{Alert, Band, Flag, Kind, Scale, Shown, double};
use crate::instrument::Direction;

impl Scale {
    /// The code, such as `total`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The number of items in the longest case.
    pub const fn n_items(&self) -> usize {
        self.n_items
    }

    /// The meaning of higher values, where the scales of the instrument differ.
    pub const fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// The smallest and largest possible value, as published; absent for text and for an index, which has the range of
    /// its value set.
    pub fn range(&self) -> Option<[f64; 2]> {
        self.range.map(|bounds| bounds.map(|hundredths| double(hundredths) / 100.0))
    }

    /// Returns whether the value is text.
    pub const fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Eq5dState | Kind::Eq5dLevels) || matches!(self.shown, Shown::Band)
    }

    /// The bands, from the lowest to the highest.
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    pub(in crate::instrument) const fn is_shown(&self) -> bool {
        !matches!(self.shown, Shown::Nothing)
    }

    /// EQ-5D: the number of levels of the value sets that fit the scale.
    pub(in crate::instrument) const fn levels(&self) -> Option<u8> {
        match self.kind {
            Kind::Eq5dIndex(levels) => Some(levels),
            _ => None,
        }
    }
}

impl Band {
    /// The name, such as `subthreshold`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The condition of the band, such as `>= 8` or `> 20`; it ends where the next band begins.
    pub const fn begins(&self) -> &'static str {
        self.rule
    }
}

impl Flag {
    /// The name, such as `ge30`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The condition of the flag, such as `total >= 30`.
    pub const fn when(&self) -> &'static str {
        self.rule
    }
}

impl Alert {
    /// The code of the flag, such as `suicidal_thoughts`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The item that raises it.
    pub const fn item(&self) -> &'static str {
        self.item
    }

    /// The smallest answer that raises it.
    pub const fn at_least(&self) -> i32 {
        self.at_least
    }

    pub(in crate::instrument) fn raised_by(&self, slots: &[Option<i32>]) -> bool {
        slots.get(self.at).copied().flatten().is_some_and(|answer| answer >= self.at_least)
    }
}
