//! The one source of instants and identifiers; everything else takes them from here, so that tests are exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Where "now" comes from.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    /// Nanoseconds added to the system's clock.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that runs with the machine's and can be moved, for tests and for the demonstration, which lives a year of the
    /// past through again.
    pub fn shifted() -> Self {
        Self(Source::Shifted(Arc::new(AtomicI64::new(0))))
    }

    /// This instant, in microseconds as PostgreSQL keeps it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        let machine = Timestamp::now();
        let now = match &self.0 {
            Source::System => machine,
            Source::Shifted(by) => {
                machine.checked_add(SignedDuration::from_nanos(by.load(Ordering::Relaxed))).unwrap_or(machine)
            }
        };
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Moves a shifted clock forward; the system's clock stays where it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Shifted(shift) = &self.0 {
            shift.fetch_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// Sets a shifted clock to an instant, from which it runs on; `None`: to the machine's. The system's clock stays where
    /// it is.
    pub fn set(&self, at: Option<Timestamp>) {
        if let Source::Shifted(shift) = &self.0 {
            let by = at.map_or(SignedDuration::ZERO, |at| at.duration_since(Self::system().now()));
            shift.store(i64::try_from(by.as_nanos()).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// A time-ordered identifier (UUIDv7), for events.
    pub fn ordered_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
    }

    /// A random identifier (UUIDv4), for patients and everything that leaves the registry.
    #[expect(clippy::disallowed_methods, reason = "this is the one source of identifiers")]
    pub fn random_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}
