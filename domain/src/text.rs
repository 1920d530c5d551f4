//! Texts in one composition. Unicode writes `å` as one character or as `a` and a ring above; people see the same, and
//! comparisons, limits and searches must too.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns the text in Unicode normalisation form C: composed, otherwise unchanged. Nothing is lost by it; compatibility
/// characters (`ﬁ`, `²`) stay as they are.
pub fn composed(text: &str) -> Cow<'_, str> {
    const FORM_C: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
    FORM_C.normalize(text)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::composed;

    #[test]
    fn composed_joins_letters_and_marks() {
        assert_eq!(composed("bla\u{30a}b\u{e6}r"), "bl\u{e5}b\u{e6}r");
        assert_eq!(composed("\u{212b}"), "\u{c5}");
        assert_eq!(composed("\u{fb01} \u{b2}"), "\u{fb01} \u{b2}");
        assert!(matches!(composed("bl\u{e5}b\u{e6}r"), Cow::Borrowed(_)));
    }
}
