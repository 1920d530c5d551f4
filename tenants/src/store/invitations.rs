//! Invitations: claimed by senders under a lease, checked again immediately before sending, and completed by delivery reports.
//! An attempt is handed out a second time only where it is unknown whether it was sent; the new holder then has to check first.

mod change;
mod claim;
mod delivery_report;
mod expiry;
mod hand_over;
mod read;
mod stored;
mod token;

pub use claim::{Claim, ClaimRequest, ClaimedInvitation, claim};
pub use delivery_report::{DeliveryReport, apply_report};
pub use expiry::expire_leases;
pub(crate) use expiry::is_any_expired;
pub use hand_over::{Handover, hand_over};
pub use read::{Search, find, list, read};
pub use stored::Invitation;
pub use token::token_hash;
