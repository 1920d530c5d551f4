//! A small random source that gives the same numbers everywhere and for ever; it must never make keys, tokens or ids.

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
