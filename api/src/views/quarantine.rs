//! Views of quarantined deliveries: the reasons they cannot be placed, with proposals.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::QuarantineId;
use painreg_domain::nettskjema::{Codebook, Delivery, Proposal, propose};
use painreg_tenants::store::nettskjema::KnownForm;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// The reason a delivery cannot be placed, with proposals.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReason)]
pub struct Reason {
    /// RFC 6901 pointer into the delivery.
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

impl ProposalView {
    fn of(path: &str, it: Proposal) -> Self {
        Self { path: path.to_owned(), item: it.item, because: it.because.into() }
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self { pointer: fault.pointer, code: fault.code, proposals: Vec::new() }
    }
}

impl Reason {
    /// Returns the reason for a fault of a delivery; for an unknown key, with the probable items.
    pub fn proposing(fault: Fault, codebook: &Codebook, known: &KnownForm, delivery: &Delivery) -> Self {
        let path = fault.pointer.strip_prefix("/answers/").map(|path| path.replacen('/', ".", 1));
        let proposals = match (fault.code, path) {
            (FaultCode::UnknownItem, Some(path)) => {
                let earlier = known.definitions.iter().map(|described| &described.definition);
                propose(codebook, earlier, delivery, &path).into_iter().map(|it| ProposalView::of(&path, it)).collect()
            }
            _ => Vec::new(),
        };
        Self { proposals, ..Self::from(fault) }
    }

    /// Returns the faults of a questionnaire as reasons; an internal error stays a problem.
    pub fn of(problem: Problem) -> Result<Vec<Self>, Problem> {
        match problem.code {
            Code::MalformedJson => Ok(vec![Fault::new("", FaultCode::InvalidFormat).into()]),
            _ if problem.errors.is_empty() => Err(problem),
            _ => Ok(problem.errors.into_iter().map(Self::from).collect()),
        }
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
    pub reasons: Vec<Reason>,
    /// A signed receipt (JWS, compact): proof of the delivery.
    #[schema(max_length = 2000)]
    pub receipt: String,
}
