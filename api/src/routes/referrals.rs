//! Operations on referrals besides recording and changing them.

pub mod recategorise;
