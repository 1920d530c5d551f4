//! Remarks about a stored questionnaire: nothing is refused, and something is not as its sender may have meant it.

use serde::Serialize;

/// A remark about a stored questionnaire. Remarks are stable and open: readers must tolerate new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryRemark {
    /// The named token is of no invitation to this patient that the form answers: form and day decide.
    InvitationNotMatched,
}

impl DeliveryRemark {
    /// Returns the remarks about a questionnaire that named this token, and that is matched with an invitation or not.
    pub fn about(token: Option<&str>, is_matched: bool) -> Vec<Self> {
        let is_named = token.is_some_and(|token| !token.trim().is_empty());
        if is_named && !is_matched { vec![Self::InvitationNotMatched] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_without_an_invitation_is_remarked() {
        assert_eq!(DeliveryRemark::about(Some("abc"), false), [DeliveryRemark::InvitationNotMatched]);
        for (token, is_matched) in [(Some("abc"), true), (Some(" "), false), (None, false), (None, true)] {
            assert_eq!(DeliveryRemark::about(token, is_matched), []);
        }
    }
}
