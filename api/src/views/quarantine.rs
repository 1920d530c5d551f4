//! Quarantined deliveries as they are shown: why they cannot be placed and what would help.

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::QuarantineId;
use painreg_domain::nettskjema::{Codebook, Delivery, Proposal, propose};
use painreg_tenants::store::nettskjema::KnownForm;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// Why something cannot be placed, and what would help.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReason)]
pub struct Reason {
    /// RFC 6901 pointer into what was delivered.
    #[schema(max_length = 1000, example = "/answers/isi_01")]
    pub pointer: String,
    /// Why.
    pub code: FaultCode,
    /// Items that the place probably leads to, the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub proposals: Vec<ProposalView>,
}

/// An item that an unknown key of a codebook probably leads to.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MappingProposal)]
pub struct ProposalView {
    /// The key, or the matrix and its row with a point between them: a path of the mapping.
    #[schema(max_length = 130, example = "isi.01")]
    pub path: String,
    /// The item.
    #[schema(max_length = 64, example = "isi_01")]
    pub item: String,
    /// What speaks for it.
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
    /// What is wrong at a place of a delivery; of an unknown key, what it probably is.
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

    /// What is wrong with a questionnaire, as reasons; what is wrong with us stays a problem.
    pub fn of(problem: Problem) -> Result<Vec<Self>, Problem> {
        match problem.code {
            Code::MalformedJson => Ok(vec![Fault::new("", FaultCode::InvalidFormat).into()]),
            _ if problem.errors.is_empty() => Err(problem),
            _ => Ok(problem.errors.into_iter().map(Self::from).collect()),
        }
    }
}

/// What was delivered and cannot be placed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = QuarantineReceipt)]
pub struct KeptView {
    /// Its id in quarantine.
    pub quarantine_id: QuarantineId,
    /// Why it cannot be placed.
    #[schema(max_items = 2000)]
    pub reasons: Vec<Reason>,
    /// A signed receipt (JWS, compact): proof that this was delivered here.
    #[schema(max_length = 2000)]
    pub receipt: String,
}
