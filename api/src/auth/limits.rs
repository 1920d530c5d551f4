//! Rate limits: a token bucket per caller, larger for machines. Unauthenticated requests are counted but not limited;
//! the proxy in front of the server does that.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use painreg_domain::policy::Role;

use crate::problem::{Code, Problem};

type Keyed = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// The token buckets of all callers.
pub struct Limits {
    people: Keyed,
    machines: Keyed,
    per_second: [NonZeroU32; 2],
}

/// The state of a caller's bucket, for `RateLimit` headers.
#[derive(Clone, Copy, Debug)]
pub struct Remaining {
    /// The permitted requests per second.
    pub quota: u32,
    /// The requests that are left now.
    pub left: u32,
}

impl Limits {
    /// Creates buckets of so many requests per second and as many at once.
    pub fn new(people: NonZeroU32, machines: NonZeroU32) -> Self {
        let keyed = |rate| RateLimiter::keyed(Quota::per_second(rate)).with_middleware::<StateInformationMiddleware>();
        Self { people: keyed(people), machines: keyed(machines), per_second: [people, machines] }
    }

    /// Takes one request out of the caller's bucket. An empty bucket is a problem with `Retry-After`.
    pub fn take(&self, key: &String, role: Role) -> Result<Remaining, Problem> {
        let [people, machines] = self.per_second;
        let (limiter, quota) = if role.is_machine() { (&self.machines, machines) } else { (&self.people, people) };
        match limiter.check_key(key) {
            Ok(state) => Ok(Remaining { quota: quota.get(), left: state.remaining_burst_capacity() }),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Err(Problem::from(Code::TooManyRequests).after(wait.max(Duration::from_secs(1))))
            }
        }
    }

    /// Removes full buckets.
    pub fn tidy(&self) {
        self.people.retain_recent();
        self.machines.retain_recent();
    }
}
