//! Threads that run as long as the process: one that panics is started again, and readiness and metrics show it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use painreg_domain::fault::{Fault, FaultCode};

/// The pause after the first panic; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before a thread is started again.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a thread must run until the pause is the first one again.
const CALM: Duration = Duration::from_mins(5);

/// The threads that ended unexpectedly and have not done their work since.
#[derive(Default)]
pub struct Interruptions(Mutex<BTreeSet<(&'static str, u32)>>);

impl Interruptions {
    /// Runs `work` until it returns. A panic is logged and counted, and `work` is run again after a pause that `wait`
    /// makes, unless it returns `false` because the process stops.
    pub fn keep_running(&self, thread: (&'static str, u32), wait: impl Fn(Duration) -> bool, mut work: impl FnMut()) {
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            if std::panic::catch_unwind(AssertUnwindSafe(&mut work)).is_ok() {
                return;
            }
            if started.elapsed() > CALM {
                pause = FIRST_PAUSE;
            }
            metrics::counter!("painreg_job_panics_total", "job" => thread.0).increment(1);
            tracing::error!(job = thread.0, next_attempt_in = ?pause, "job thread panicked; started again");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(thread);
            if !wait(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Notes that a thread has done a round of its work.
    pub fn is_working(&self, thread: (&'static str, u32)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&thread);
    }

    /// Returns a fault at `/jobs/` and the name of each job with an interrupted thread.
    pub fn faults(&self) -> Vec<Fault> {
        let interrupted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeSet<&str> = interrupted.iter().map(|(job, _)| *job).collect();
        names.into_iter().map(|job| Fault::new(format!("/jobs/{job}"), FaultCode::JobInterrupted)).collect()
    }
}
