//! Response rates: what may be published of them, and how those who answer differ from those who do not.

use std::collections::BTreeSet;

use crate::words::words;

words! {
    /// The dimensions of response rates.
    Dimension {
        /// A wave of a track.
        Rule,
        /// All waves of a track.
        Track,
        /// Months after the start, whatever the track.
        Wave,
        /// The channel of the first message.
        Channel,
        /// The number of reminders before the answer, or in total.
        Reminder,
        /// The month of the first message.
        Month,
        /// Age at the first message.
        AgeBand,
        /// The legal sex.
        Sex,
        /// The class of chronic pain of the first diagnosis, or the letter of its ICD-10 chapter.
        DiagnosisGroup,
        /// The unit that treats the patient.
        Unit,
    }
    /// The counted units.
    Figure {
        /// Patients who were asked.
        Sent,
        /// The invitations known to be delivered.
        Delivered,
        /// Patients who answered.
        Answered,
    }
}

/// The smallest published group.
pub const LEAST: usize = 5;

/// The number of patients asked, reached and answered, of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The group, by one dimension or two; `None`: all patients in groups that are too small to be shown.
    pub group: Option<Vec<String>>,
    /// The number of asked patients.
    pub sent: i64,
    /// Known to be reached.
    pub delivered: i64,
    /// The number of patients who answered.
    pub answered: i64,
    /// The people in the group: a person may have been asked several times.
    pub people: People,
}

/// The different people who stand behind the figures of a group, by numbers that mean nothing elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// The patients who were asked.
    pub asked: BTreeSet<i64>,
    /// Answered, some time.
    pub answered: BTreeSet<i64>,
    /// People who did not answer at least once.
    pub silent: BTreeSet<i64>,
    /// Are known to have been reached, some time.
    pub reached: BTreeSet<i64>,
    /// Are not, some time.
    pub unreached: BTreeSet<i64>,
}

impl Cell {
    /// The share of those asked who answered, in per cent.
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "counts of people are far below 2^52")]
    pub fn percent(&self) -> Option<f64> {
        (self.sent > 0).then(|| 100.0 * self.answered as f64 / self.sent as f64)
    }

    /// Whether anybody could be singled out: by few who were asked, or few who did, or did not, do what the rest did.
    fn is_small(&self) -> bool {
        let People { asked, answered, silent, reached, unreached } = &self.people;
        asked.len() < LEAST || [answered, silent, reached, unreached].iter().any(|it| (1..LEAST).contains(&it.len()))
    }

    fn absorb(&mut self, other: &Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.answered += other.answered;
        let (own, others) = (&mut self.people, &other.people);
        own.asked.extend(&others.asked);
        own.answered.extend(&others.answered);
        own.silent.extend(&others.silent);
        own.reached.extend(&others.reached);
        own.unreached.extend(&others.unreached);
    }
}

/// Returns the groups that may be published: small groups are merged with as many of the next larger ones as needed,
/// until no figure is about few people. No patient is left out and no total is given beside them, so that nothing can
/// be computed by subtraction. Empty where all groups together are too small.
pub fn publishable(mut cells: Vec<Cell>) -> Vec<Cell> {
    cells.sort_by(|one, other| other.sent.cmp(&one.sent).then_with(|| one.group.cmp(&other.group)));
    let mut rest = Cell { group: None, sent: 0, delivered: 0, answered: 0, people: People::default() };
    let (small, mut large): (Vec<Cell>, Vec<Cell>) = cells.into_iter().partition(Cell::is_small);
    for cell in &small {
        rest.absorb(cell);
    }
    while rest.sent > 0 && rest.is_small() {
        // The smallest of the groups that could be shown is suppressed with them.
        let Some(next) = large.pop() else { return Vec::new() };
        rest.absorb(&next);
    }
    if rest.sent > 0 {
        large.push(rest);
    }
    large
}

/// A difference between two shares, with its 95 % confidence interval, in percentage points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareDifference {
    /// The first share less the second.
    pub points: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The difference between two independent shares with its 95 % confidence interval by Newcombe's hybrid score method
/// without continuity correction (Newcombe RG. Statistics in Medicine 1998;17:873-890, method 10). `None` where one of
/// the groups is empty.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "counts of people are far below 2^52")]
pub fn difference((some, of): (i64, i64), (others, of_others): (i64, i64)) -> Option<ShareDifference> {
    if of <= 0 || of_others <= 0 {
        return None;
    }
    let (first, second) = (some as f64 / of as f64, others as f64 / of_others as f64);
    let ((low_first, high_first), (low_second, high_second)) =
        (wilson(first, of as f64), wilson(second, of_others as f64));
    let points = first - second;
    let low = points - (first - low_first).hypot(high_second - second);
    let high = points + (high_first - first).hypot(second - low_second);
    Some(ShareDifference { points: 100.0 * points, low: 100.0 * low, high: 100.0 * high })
}

/// Wilson's score interval of a share (1927), 95 %.
fn wilson(share: f64, of: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let square = Z * Z;
    let middle = share + square / (2.0 * of);
    let spread = Z * (share * (1.0 - share) / of + square / (4.0 * of * of)).sqrt();
    let scale = 1.0 + square / of;
    ((middle - spread) / scale, (middle + spread) / scale)
}

/// Days from being asked to the answer: a quarter, half and three quarters had answered by then, of those who did (the
/// smallest such day).
pub fn quartiles(by_day: &[(i64, i64)]) -> Option<[i64; 3]> {
    let all: i64 = by_day.iter().map(|(_, answered)| answered).sum();
    let reached = |quarters: i64| {
        let mut so_far = 0;
        by_day.iter().find_map(|(day, answered)| {
            so_far += answered;
            (so_far * 4 >= all * quarters).then_some(*day)
        })
    };
    (all > 0).then(|| [reached(1), reached(2), reached(3)].map(Option::unwrap_or_default))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(group: &str, sent: i64, answered: i64) -> Cell {
        apart(group, (sent, sent, answered))
    }

    /// A cell of patients who were asked once each, and are in no other cell.
    fn apart(group: &str, (sent, delivered, answered): (i64, i64, i64)) -> Cell {
        let first = 1000 * i64::try_from(group.bytes().map(usize::from).sum::<usize>()).expect("a small number");
        let these = |from: i64, to: i64| (first + from..first + to).collect();
        let people = People {
            asked: these(0, sent),
            answered: these(0, answered),
            silent: these(answered, sent),
            reached: these(0, delivered),
            unreached: these(delivered, sent),
        };
        Cell { group: Some(vec![group.to_owned()]), sent, delivered, answered, people }
    }

    #[test]
    fn figures_count_patients_once() {
        let two = || BTreeSet::from([1, 2]);
        let people =
            People { asked: two(), answered: two(), silent: two(), reached: two(), unreached: BTreeSet::new() };
        let often = Cell { people, ..cell("rf", 20, 10) };
        assert_eq!(publishable(vec![often.clone()]), []);
        let told = publishable(vec![often, cell("closed_12", 58, 15)]);
        assert_eq!(told.iter().map(|cell| (cell.group.is_none(), cell.sent)).collect::<Vec<_>>(), [(true, 78)]);
    }

    #[test]
    fn shares_equal_the_annual_report() {
        let percent = |sent, answered| cell("", sent, answered).percent().map(f64::round);
        for (sent, answered, expected) in [
            (58, 15, 26.0),
            (61, 28, 46.0),
            (28, 21, 75.0),
            (22, 12, 55.0),
            (7, 3, 43.0),
            (57, 36, 63.0),
            (16, 14, 88.0),
            (4, 1, 25.0),
            (20, 15, 75.0),
            (196, 94, 48.0),
        ] {
            assert_eq!(percent(sent, answered), Some(expected), "{answered} of {sent}");
        }
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn difference_equals_newcombes_examples() {
        // Table II of the paper, method 10: 56/70 - 48/80, 9/10 - 3/10, 6/7 - 2/7, 5/56 - 0/29, 10/10 - 0/10.
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((10, 10), (0, 10), 0.6075, 1.0000),
        ] {
            let found = difference(first, second).expect("two groups");
            assert!((found.low / 100.0 - low).abs() < 5e-5, "{first:?} {second:?}: {found:?}");
            assert!((found.high / 100.0 - high).abs() < 5e-5, "{first:?} {second:?}: {found:?}");
        }
        assert_eq!(difference((1, 2), (0, 0)), None);
    }

    #[test]
    fn published_suppresses_small_groups_together() {
        let told = publishable(vec![cell("scs_6", 16, 8), cell("scs_12", 4, 1), cell("closed_12", 58, 15)]);
        let groups: Vec<_> = told.iter().map(|cell| (cell.group.clone(), cell.sent, cell.answered)).collect();
        assert_eq!(groups, [(Some(vec!["closed_12".to_owned()]), 58, 15), (None, 20, 9)]);
        assert_eq!(publishable(vec![cell("a", 4, 1)]), []);
        assert_eq!(publishable(Vec::new()), []);
        let apart = vec![cell("a", 20, 10), cell("b", 10, 5)];
        assert_eq!(publishable(apart.clone()), apart);
    }

    #[test]
    fn quartiles_are_in_days() {
        assert_eq!(quartiles(&[]), None);
        assert_eq!(quartiles(&[(0, 1), (3, 1), (9, 1), (30, 1)]), Some([0, 3, 9]));
        assert_eq!(quartiles(&[(2, 10)]), Some([2, 2, 2]));
    }

    proptest! {
        #[test]
        fn published_groups_are_large_and_complete(
            counts in proptest::collection::vec((0..40_i64, 0..=100_i64, 0..=100_i64), 0..8),
        ) {
            let cells: Vec<Cell> = counts.iter().enumerate().map(|(at, (sent, reached, answered))| {
                apart(&at.to_string(), (*sent, sent * reached / 100, sent * answered / 100))
            }).collect();
            let told = publishable(cells.clone());
            for cell in &told {
                prop_assert!(!cell.is_small(), "{cell:?}");
            }
            let sum = |cells: &[Cell]| cells.iter().map(|it| it.sent).sum::<i64>();
            prop_assert!(told.is_empty() || sum(&told) == sum(&cells));
            let together = told.iter().filter(|cell| cell.group.is_none()).count();
            prop_assert!(together <= 1);
        }
    }
}
