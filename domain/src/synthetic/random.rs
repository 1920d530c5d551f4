//! A small random source that gives the same numbers everywhere and for ever; it must never make keys, tokens or ids.
//! Curves are tables with straight lines between their points, so that nothing asks the platform for a logarithm.

/// `SplitMix64` (Steele, Lea, Flood 2014): 64 bits of state, passes the usual test batteries, and is a few lines long, so that
/// no dependency can change what a seed means.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)
    }

    /// In [0, 1), in steps of 2^-32.
    pub(super) fn unit(&mut self) -> f64 {
        f64::from(self.word()) / 4_294_967_296.0
    }

    /// In 0..n; 0 where n is 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        u32::try_from((u64::from(self.word()) * u64::from(n)) >> 32).unwrap_or(0)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the options with its probability, `otherwise` with what remains.
    pub(super) fn pick<T: Copy>(&mut self, options: &[(f64, T)], otherwise: T) -> T {
        let mut at = self.unit();
        for (probability, option) in options {
            if at < *probability {
                return *option;
            }
            at -= probability;
        }
        otherwise
    }

    /// Mean 0, variance 1, within ±6: the sum of twelve uniforms (Irwin–Hall), near enough to normal for scores that are
    /// rounded and clipped, and without a logarithm or cosine.
    pub(super) fn normal(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            sum += self.unit();
        }
        sum
    }

    /// Returns a separate stream: draws from it do not change those of others.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// Draws a whole number from `low` to `high`, both included; `low` where `high` is below it.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u32::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(0);
        low + i32::try_from(self.below(span)).unwrap_or(0)
    }

    /// One of the rows, each by its weight; `None` of none, or where all weights are zero.
    pub(super) fn weighted<'t, T>(&mut self, rows: &'t [T], weight: impl Fn(&T) -> f64) -> Option<&'t T> {
        let mut at = self.unit() * rows.iter().map(&weight).sum::<f64>();
        let mut last = None;
        for row in rows.iter().filter(|row| weight(row) > 0.0) {
            let share = weight(row);
            if at < share {
                return Some(row);
            }
            at -= share;
            last = Some(row);
        }
        last
    }

    /// One of the rows, each as likely as the others.
    pub(super) fn any<'t, T>(&mut self, rows: &'t [T]) -> Option<&'t T> {
        rows.get(usize::try_from(self.below(u32::try_from(rows.len()).unwrap_or(0))).unwrap_or(0))
    }

    /// Log-normal: a median, and the standard deviation of the logarithm.
    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exponential(sigma * self.normal())
    }
}

/// e to the power of `x`, -3.5 to 3.5, on a table.
pub(super) fn exponential(x: f64) -> f64 {
    const POINTS: [(f64, f64); 15] = [
        (-3.5, 0.0302),
        (-3.0, 0.0498),
        (-2.5, 0.0821),
        (-2.0, 0.1353),
        (-1.5, 0.2231),
        (-1.0, 0.3679),
        (-0.5, 0.6065),
        (0.0, 1.0),
        (0.5, 1.6487),
        (1.0, std::f64::consts::E),
        (1.5, 4.4817),
        (2.0, 7.3891),
        (2.5, 12.1825),
        (3.0, 20.0855),
        (3.5, 33.1155),
    ];
    along(&POINTS, x)
}

/// The height of a curve of straight lines at `at`; before its first point and after its last the height there.
pub(super) fn along(points: &[(f64, f64)], at: f64) -> f64 {
    if let Some((first, height)) = points.first()
        && at < *first
    {
        return *height;
    }
    for ((from, low), (to, high)) in points.iter().zip(points.iter().skip(1)) {
        if at < *to {
            return low + (high - low) * (at - from) / (to - from);
        }
    }
    points.last().map_or(0.0, |(_, height)| *height)
}

/// The nearest whole number, halves upwards.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "there is no checked conversion from a float; `as` saturates, the same everywhere"
)]
pub(super) fn whole(value: f64) -> i32 {
    (value + 0.5).floor() as i32
}
