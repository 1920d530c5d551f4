//! The Gaussian copula behind the answers: which scores go together, and how each score is distributed; it must not know
//! forms or wire shapes.

use super::random::{Random, whole};

const N: usize = 8;

/// One standard normal value for each of: age, pain intensity, disability, depression, anxiety, sleep disturbance, pain
/// interference, number of body sites. Higher is more (worse).
pub(super) type Traits = [f64; N];

const PHYSICAL_FUNCTION: usize = 2;

/// Pearson correlations of the open CHOIR baseline set (Alter et al. 2021, 21 659 patients), in the order of [`Traits`],
/// with physical function in the place of disability.
const CHOIR: [[f64; N]; N] = [
    [1.0, -0.02, -0.13, -0.15, -0.17, -0.27, -0.10, -0.21],
    [-0.02, 1.0, -0.36, 0.25, 0.25, 0.33, 0.51, 0.18],
    [-0.13, -0.36, 1.0, -0.37, -0.32, -0.30, -0.66, -0.22],
    [-0.15, 0.25, -0.37, 1.0, 0.82, 0.41, 0.47, 0.25],
    [-0.17, 0.25, -0.32, 0.82, 1.0, 0.43, 0.43, 0.25],
    [-0.27, 0.33, -0.30, 0.41, 0.43, 1.0, 0.46, 0.27],
    [-0.10, 0.51, -0.66, 0.47, 0.43, 0.46, 1.0, 0.28],
    [-0.21, 0.18, -0.22, 0.25, 0.25, 0.27, 0.28, 1.0],
];

/// Physical function becomes disability (ODI): the sign turns, and the correlations shrink by 0.8, because OPR's own
/// regression explains less of the ODI than CHOIR would.
pub(super) fn correlations() -> [[f64; N]; N] {
    let mut matrix = CHOIR;
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            if (i == PHYSICAL_FUNCTION) != (j == PHYSICAL_FUNCTION) {
                *cell *= -0.8;
            }
        }
    }
    matrix
}

/// The copula: draws [`Traits`], then scores from them.
#[derive(Clone, Debug)]
pub(super) struct Latent {
    /// Lower Cholesky factor; age is first, so a person's age can be given.
    lower: Vec<Traits>,
    mobility: Mix,
    self_care: Mix,
    usual_activities: Mix,
    pain: Mix,
    mood: Mix,
    vas: Mix,
    catastrophizing: Mix,
    fatigue: Mix,
    self_efficacy: Mix,
    injustice: Mix,
    bodily_distress: Mix,
}

/// The totals and levels of one baseline, before any answer goes missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    /// Average pain, 0 to 10.
    pub(super) nrs: i32,
    /// Sum of ten items 0 to 5.
    pub(super) odi: i32,
    /// Mobility, self-care, usual activities, pain, anxiety and depression: 1 to 5 each.
    pub(super) eq5d: [i32; 5],
    /// 0 to 100.
    pub(super) vas: i32,
    /// Ten items, counted from 0: 0 to 30.
    pub(super) anxiety: i32,
    /// Fifteen items, counted from 0: 0 to 45.
    pub(super) depression: i32,
    /// 0 to 28.
    pub(super) isi: i32,
    /// 0 to 52.
    pub(super) pcs: i32,
    /// 0 to 33.
    pub(super) cfq: i32,
    /// Ten items, counted from 0: 0 to 30.
    pub(super) gse: i32,
    /// 0 to 48.
    pub(super) ieq: i32,
    /// 0 to 100.
    pub(super) bds: i32,
}

// Upper bounds of the levels on the standard normal scale.
/// CHOIR's distribution of average pain 0 to 10.
const NRS: [f64; 10] = [-2.8778, -2.3652, -1.8953, -1.425, -0.9938, -0.495, -0.0565, 0.4612, 1.0401, 1.4045];
/// Our choice: shares of the five levels that give a Norwegian index of about 0.45 ± 0.3.
const MOBILITY: [f64; 4] = [-0.7063, -0.0753, 0.6128, 1.5548];
const SELF_CARE: [f64; 4] = [-0.1004, 0.5534, 1.2265, 1.8808];
const USUAL_ACTIVITIES: [f64; 4] = [-1.2816, -0.4959, 0.3319, 1.2265];
const PAIN: [f64; 4] = [-2.0537, -1.1264, -0.151, 0.9945];
const MOOD: [f64; 4] = [-0.5244, 0.1257, 0.7388, 1.4758];

impl Latent {
    pub(super) fn new() -> Self {
        let r = correlations();
        // Loadings are our choice, in the order of `Traits`: no published figures link these scores to the others.
        let mix = |weights| Mix::new(weights, &r);
        Self {
            lower: cholesky(&r),
            mobility: mix([0.1, 0.0, 0.62, 0.0, 0.0, 0.0, 0.18, 0.0]),
            self_care: mix([0.0, 0.0, 0.58, 0.1, 0.0, 0.0, 0.15, 0.0]),
            usual_activities: mix([0.0, 0.0, 0.4, 0.05, 0.0, 0.0, 0.45, 0.0]),
            pain: mix([0.0, 0.45, 0.2, 0.05, 0.0, 0.0, 0.3, 0.0]),
            mood: mix([0.0, 0.0, 0.0, 0.5, 0.35, 0.0, 0.05, 0.0]),
            vas: mix([0.0, -0.15, -0.2, -0.2, 0.0, -0.1, -0.2, 0.0]),
            catastrophizing: mix([0.0, 0.1, 0.0, 0.25, 0.15, 0.0, 0.2, 0.0]),
            fatigue: mix([0.0, 0.0, 0.1, 0.3, 0.0, 0.3, 0.1, 0.0]),
            self_efficacy: mix([0.0, 0.0, -0.05, -0.35, -0.15, 0.0, 0.0, 0.0]),
            injustice: mix([0.0, 0.1, 0.1, 0.25, 0.1, 0.0, 0.2, 0.0]),
            bodily_distress: mix([0.0, 0.05, 0.0, 0.1, 0.25, 0.15, 0.1, 0.3]),
        }
    }

    /// Draws the traits of a person with an age `age` standard deviations above the mean.
    pub(super) fn traits(&self, random: &mut Random, age: f64) -> Traits {
        let mut noise = [age; N];
        for cell in noise.iter_mut().skip(1) {
            *cell = random.normal();
        }
        let mut traits = [0.0; N];
        for (cell, row) in traits.iter_mut().zip(&self.lower) {
            *cell = dot(row, &noise);
        }
        traits
    }

    /// Average pain by those traits, 0 to 10: what [`Levels::nrs`] says too.
    pub(super) fn pain(traits: &Traits) -> i32 {
        let [_, nrs, ..] = *traits;
        level(nrs, &NRS)
    }

    /// Scores with the targets' means and spreads. The constants are those of the normal distribution that has the target's
    /// mean and standard deviation after rounding and clipping: ODI 41 ± 16 %, HSCL-25 2.1 ± 0.6, ISI 14 ± 7, PCS 23 ± 12,
    /// CFQ 18 ± 6, GSE 28 ± 7, EQ VAS 45 ± 20.
    pub(super) fn levels(&self, random: &mut Random, traits: &Traits) -> Levels {
        let [_, _, disability, depression, anxiety, sleep, _, _] = *traits;
        // Added later: a separate stream keeps the results of old seeds.
        let mut later = random.clone().fork();
        let mut drawn = |mix: &Mix| mix.draw(random, traits);
        Levels {
            nrs: Self::pain(traits),
            odi: total(disability, 20.487, 8.035, 50),
            eq5d: [
                1 + level(drawn(&self.mobility), &MOBILITY),
                1 + level(drawn(&self.self_care), &SELF_CARE),
                1 + level(drawn(&self.usual_activities), &USUAL_ACTIVITIES),
                1 + level(drawn(&self.pain), &PAIN),
                1 + level(drawn(&self.mood), &MOOD),
            ],
            vas: total(drawn(&self.vas), 44.925, 20.305, 100),
            anxiety: total(anxiety, 10.871, 6.557, 30),
            depression: total(depression, 16.305, 9.844, 45),
            isi: total(sleep, 14.0, 7.369, 28),
            pcs: total(drawn(&self.catastrophizing), 22.878, 12.472, 52),
            cfq: total(drawn(&self.fatigue), 18.01, 6.036, 33),
            gse: total(drawn(&self.self_efficacy), 18.153, 7.39, 30),
            // Our choice: OPR has not published the means of these two.
            ieq: total(self.injustice.draw(&mut later, traits), 21.0, 11.0, 48),
            bds: total(self.bodily_distress.draw(&mut later, traits), 34.0, 16.0, 100),
        }
    }
}

/// A standard normal value that is partly the traits' and partly its own.
#[derive(Clone, Debug)]
struct Mix {
    weights: Traits,
    rest: f64,
}

impl Mix {
    fn new(weights: Traits, matrix: &[[f64; N]; N]) -> Self {
        let mut shared = 0.0;
        for (weight, row) in weights.iter().zip(matrix) {
            shared += weight * dot(row, &weights);
        }
        Self { weights, rest: (1.0 - shared).max(0.0).sqrt() }
    }

    fn draw(&self, random: &mut Random, traits: &Traits) -> f64 {
        dot(&self.weights, traits) + self.rest * random.normal()
    }
}

fn dot(a: &Traits, b: &Traits) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The lower factor L of a positive definite matrix, L·Lᵀ = matrix.
fn cholesky(matrix: &[[f64; N]; N]) -> Vec<Traits> {
    let mut lower: Vec<Traits> = Vec::with_capacity(N);
    for (i, source) in matrix.iter().enumerate() {
        let mut row = [0.0; N];
        for (j, target) in source.iter().enumerate().take(i) {
            let Some(above) = lower.get(j) else { continue };
            let pivot = above.get(j).copied().unwrap_or(1.0);
            // `row` is still zero from j on.
            let value = (target - dot(&row, above)) / pivot;
            if let Some(cell) = row.get_mut(j) {
                *cell = value;
            }
        }
        let rest = source.get(i).copied().unwrap_or(1.0) - dot(&row, &row);
        if let Some(cell) = row.get_mut(i) {
            *cell = rest.max(0.0).sqrt();
        }
        lower.push(row);
    }
    lower
}

fn level(value: f64, bounds: &[f64]) -> i32 {
    bounds.iter().map(|bound| i32::from(value > *bound)).sum()
}

fn total(value: f64, mean: f64, deviation: f64, high: i32) -> i32 {
    whole(mean + deviation * value).clamp(0, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_reproduces_the_matrix() {
        let matrix = correlations();
        let lower = cholesky(&matrix);
        for (row, expected) in lower.iter().zip(&matrix) {
            for (column, expected) in lower.iter().zip(expected) {
                assert!((dot(row, column) - expected).abs() < 1e-12);
            }
        }
        for (row, mirror) in matrix.iter().enumerate() {
            for (column, value) in mirror.iter().enumerate() {
                assert_eq!(matrix.get(column).and_then(|r| r.get(row)), Some(value), "{row} {column}");
            }
        }
    }

    #[test]
    fn mixes_keep_an_independent_part() {
        let latent = Latent::new();
        for mix in [&latent.mobility, &latent.pain, &latent.mood, &latent.usual_activities, &latent.self_efficacy] {
            assert!(mix.rest > 0.4 && mix.rest < 1.0, "{mix:?}");
        }
    }
}
