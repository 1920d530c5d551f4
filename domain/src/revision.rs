//! Revisions of one source submission. The source's own order decides which delivery is current, in whichever order and
//! however often deliveries arrive.

use jiff::Timestamp;

/// What identifies one delivery of a source submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imprint {
    /// SHA-256 of the delivered bytes.
    pub payload: [u8; 32],
    /// SHA-256 of the content, independent of its format; `None` for revisions stored before it was recorded.
    pub content: Option<[u8; 32]>,
    /// The instant of the source's last change.
    pub changed_at: Timestamp,
}

impl Imprint {
    /// Returns whether both have the same bytes, or the same content in two formats.
    fn says_the_same(&self, other: &Self) -> bool {
        self.payload == other.payload || (self.content.is_some() && self.content == other.content)
    }
}

/// The effect of a delivery on the revisions that are stored. Positions are those of the stored revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It becomes the current revision.
    Current,
    /// It is stored beside the current revision, which the source changed later.
    Outdated,
    /// It repeats the revision at this position; nothing is stored.
    Known(usize),
    /// It repeats the current revision after another change at the source: only the instant of the last change moves.
    Confirmed,
}

/// Decides about a delivery. `current` is the position of the current revision among the stored ones, of which there is
/// at least one.
///
/// | | a stored revision says the same | no stored revision does |
/// |---|---|---|
/// | changed later than the current revision | [`Effect::Current`], or [`Effect::Confirmed`] if that one does | [`Effect::Current`] |
/// | changed at the same instant | [`Effect::Known`] | [`Effect::Current`] |
/// | changed earlier | [`Effect::Known`] | [`Effect::Outdated`] |
///
/// A source that gives two contents one instant has no order of its own: the first arrival of each counts. Bytes that
/// are stored are known, because their instant is known with them.
pub fn effect(stored: &[Imprint], current: usize, delivery: &Imprint) -> Effect {
    let same_bytes = stored.iter().position(|known| known.payload == delivery.payload);
    let newest = stored.get(current);
    let later = newest.is_none_or(|newest| newest.changed_at < delivery.changed_at);
    let repeats_newest = newest.is_some_and(|newest| newest.says_the_same(delivery));
    let same = || stored.iter().rposition(|known| known.says_the_same(delivery));
    match same_bytes.or_else(|| if repeats_newest { Some(current) } else { same() }) {
        Some(known) if same_bytes.is_some() || !later => Effect::Known(known),
        Some(_) if repeats_newest => Effect::Confirmed,
        None if !later && newest.is_some_and(|newest| delivery.changed_at < newest.changed_at) => Effect::Outdated,
        Some(_) | None => Effect::Current,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The revisions of one source submission, as the store keeps them.
    #[derive(Default)]
    struct Stored {
        revisions: Vec<Imprint>,
        current: usize,
    }

    impl Stored {
        fn takes(&mut self, delivery: &Imprint) -> Option<Effect> {
            let effect = (!self.revisions.is_empty()).then(|| effect(&self.revisions, self.current, delivery));
            match effect {
                None | Some(Effect::Current) => {
                    self.current = self.revisions.len();
                    self.revisions.push(delivery.clone());
                }
                Some(Effect::Outdated) => self.revisions.push(delivery.clone()),
                Some(Effect::Confirmed) => self.revisions[self.current].changed_at = delivery.changed_at,
                Some(Effect::Known(_)) => {}
            }
            effect
        }

        fn content(&self) -> Option<[u8; 32]> {
            self.revisions.get(self.current).and_then(|revision| revision.content)
        }
    }

    /// A delivery of this content, changed at this second, in this format.
    fn delivery(content: u8, second: i64, format: u8) -> Imprint {
        let mut payload = [content; 32];
        payload[0] = format;
        payload[1..9].copy_from_slice(&second.to_be_bytes());
        Imprint {
            payload,
            content: Some([content; 32]),
            changed_at: Timestamp::from_second(second).expect("an instant"),
        }
    }

    fn all_effects(stored: &mut Stored, deliveries: &[(u8, i64)]) -> Vec<Option<Effect>> {
        deliveries.iter().map(|(content, second)| stored.takes(&delivery(*content, *second, 0))).collect()
    }

    #[test]
    fn effect_follows_the_order_of_the_source() {
        use Effect::{Current, Known, Outdated};
        let mut stored = Stored::default();
        let found = all_effects(&mut stored, &[(1, 10), (2, 20), (1, 10), (2, 20), (3, 15), (3, 15), (1, 30), (2, 25)]);
        let wanted = [
            None,
            Some(Current),
            Some(Known(0)),
            Some(Known(1)),
            Some(Outdated),
            Some(Known(2)),
            // The source returned to its first content, and then the delivery of an earlier return arrives.
            Some(Current),
            Some(Known(1)),
        ];
        assert_eq!(found, wanted);
        assert_eq!(stored.content(), Some([1; 32]));
    }

    #[test]
    fn effect_of_a_confirmation_moves_the_instant_only() {
        let mut stored = Stored::default();
        let found = all_effects(&mut stored, &[(1, 10), (1, 30), (2, 20)]);
        assert_eq!(found, [None, Some(Effect::Confirmed), Some(Effect::Outdated)]);
    }

    #[test]
    fn effect_without_an_order_of_the_source_keeps_the_first_arrival_of_each_content() {
        let mut stored = Stored::default();
        let found = all_effects(&mut stored, &[(1, 10), (2, 10), (1, 10), (2, 10)]);
        assert_eq!(found, [None, Some(Effect::Current), Some(Effect::Known(0)), Some(Effect::Known(1))]);
        // Another format of an old content is known too.
        assert_eq!(stored.takes(&delivery(1, 10, 7)), Some(Effect::Known(0)));
        assert_eq!(stored.content(), Some([2; 32]));
    }

    #[test]
    fn effect_without_a_stored_content_compares_bytes() {
        let mut stored = Stored::default();
        let old = Imprint { content: None, ..delivery(1, 10, 0) };
        stored.takes(&old);
        assert_eq!(stored.takes(&delivery(1, 10, 0)), Some(Effect::Known(0)));
        assert_eq!(stored.takes(&Imprint { content: None, ..delivery(1, 10, 1) }), Some(Effect::Current));
    }

    proptest! {
        /// A history is the content at each instant: contents return, and stay the same over several instants.
        #[test]
        fn any_order_and_repetition_of_a_history_ends_in_its_last_content(
            history in prop::collection::vec(0..4_u8, 1..8),
            arrivals in prop::collection::vec((any::<prop::sample::Index>(), 0..2_u8), 0..24),
            order in any::<prop::sample::Index>(),
        ) {
            let each = |at: usize, format| delivery(history[at], i64::try_from(at).expect("small"), format);
            let mut deliveries: Vec<Imprint> =
                arrivals.iter().map(|(at, format)| each(at.index(history.len()), *format)).collect();
            // Every part of the history arrives at least once.
            for at in 0..history.len() {
                deliveries.insert(order.index(deliveries.len() + 1), each(at, 0));
            }
            let mut stored = Stored::default();
            for delivery in &deliveries {
                stored.takes(delivery);
            }
            prop_assert_eq!(stored.content(), history.last().map(|content| [*content; 32]));
            // Everything again changes nothing.
            let before = (stored.revisions.clone(), stored.current);
            for delivery in &deliveries {
                prop_assert!(matches!(stored.takes(delivery), Some(Effect::Known(_))));
            }
            prop_assert_eq!((stored.revisions, stored.current), before);
        }
    }
}
