//! What is done with referrals beside recording and changing them.

pub mod recategorise;
