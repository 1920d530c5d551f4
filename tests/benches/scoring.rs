//! Speed of scoring: `cargo bench -p painreg-tests --bench scoring`. One core, no database, no parsing: the instruments
//! of one baseline questionnaire with every item answered. The requirement is 200,000 baselines a second, 5 µs each.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use painreg_domain::instrument::{Catalogue, Instrument, Options};

const BASELINE: [&str; 10] = ["nrs", "odi_opr_mod", "eq5d5l", "hscl25", "isi", "pcs", "cfq11", "gse10", "ieq", "bds25"];

/// An instrument with every item answered, the answers spread over their range.
fn answered(code: &str) -> (&'static Instrument, Vec<Option<i32>>) {
    let instrument = Catalogue::shipped().find(code).expect("it ships");
    let spread = (0..).step_by(7);
    let answer = |(item, step): (&painreg_domain::instrument::InstrumentItem, i32)| {
        Some(item.min() + step % (item.max() - item.min() + 1))
    };
    (instrument, instrument.items().iter().zip(spread).map(answer).collect())
}

fn scoring(criterion: &mut Criterion) {
    let baseline = BASELINE.map(answered);
    let options = Options::default();
    let mut group = criterion.benchmark_group("scoring");
    group.throughput(Throughput::Elements(1));
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| {
            for (instrument, slots) in &baseline {
                black_box(instrument.score(black_box(slots), &options));
            }
        });
    });
    for (instrument, slots) in &baseline {
        group.bench_function(instrument.code(), |bencher| {
            bencher.iter(|| black_box(instrument.score(black_box(slots), &options)));
        });
    }
    group.finish();
}

criterion_group!(benches, scoring);
criterion_main!(benches);
