//! Views of quarantined deliveries: the reasons they cannot be placed, with proposals.

use painreg_domain::fault::FaultCode;
use painreg_domain::ids::QuarantineId;
use painreg_tenants::app::intake::{MappingProposal, Reason};
use serde::Serialize;

/// Why something cannot be placed, and what would help.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReason)]
pub struct ReasonView {
    /// RFC 6901 pointer into what was delivered.
    #[schema(max_length = 1000, example = "/answers/isi_01")]
    pub pointer: String,
    /// The code of the rule that is broken.
    pub code: FaultCode,
    /// The items that the key probably refers to, the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub proposals: Vec<ProposalView>,
}

/// An item that an unknown key of a codebook probably refers to.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MappingProposal)]
pub struct ProposalView {
    /// The key, or the matrix and its row separated by a point: a path of the mapping.
    #[schema(max_length = 130, example = "isi.01")]
    pub path: String,
    /// The code of the item.
    #[schema(max_length = 64, example = "isi_01")]
    pub item: String,
    /// The evidence for the proposal.
    #[schema(max_length = 40, example = "same_element")]
    pub because: &'static str,
}

impl From<Reason> for ReasonView {
    fn from(it: Reason) -> Self {
        let proposals = it.proposals.into_iter().map(|MappingProposal { path, item, because }| ProposalView {
            path,
            item,
            because,
        });
        Self { pointer: it.pointer, code: it.code, proposals: proposals.collect() }
    }
}

/// A delivery that was kept in quarantine.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReceipt)]
pub struct KeptView {
    /// The id of the delivery in quarantine.
    pub quarantine_id: QuarantineId,
    /// The reasons it cannot be placed.
    #[schema(max_items = 2000)]
    pub reasons: Vec<ReasonView>,
    /// A signed receipt (JWS, compact): proof that this was delivered here.
    #[schema(max_length = 2000)]
    pub receipt: String,
}
