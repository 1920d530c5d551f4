//! The table of the elements of FHIR R4 (4.0.1) in Questionnaires and their responses, and of the types in them that the
//! registry looks into.

/// The elements of one FHIR type, by use. `id` (ignored) and `extension` (ours) are elements of every type.
pub(super) struct Type {
    /// The path in FHIR.
    pub(super) name: &'static str,
    /// Read by the registry, or refused by its reader as something that a form cannot hold.
    pub(super) read: &'static [&'static str],
    /// Read, and their own elements are in the table of the type.
    pub(super) parts: &'static [(&'static str, &'static str)],
    /// Lists: elements that name a system or an extension of the registry are read, the others are ignored.
    pub(super) ours: &'static [(&'static str, &'static str)],
    pub(super) ignored: &'static [&'static str],
}

pub(super) const TYPES: [Type; 12] = [
    Type {
        name: "Questionnaire",
        read: &["resourceType", "language", "url", "version", "title", "status", "subjectType"],
        parts: &[("item", "Questionnaire.item")],
        ours: &[("code", "Coding")],
        ignored: &[
            "meta",
            "text",
            "contained",
            "identifier",
            "name",
            "derivedFrom",
            "experimental",
            "date",
            "publisher",
            "contact",
            "description",
            "useContext",
            "jurisdiction",
            "purpose",
            "copyright",
            "approvalDate",
            "lastReviewDate",
            "effectivePeriod",
        ],
    },
    Type {
        name: "Questionnaire.item",
        read: &[
            "linkId",
            "text",
            "type",
            "enableBehavior",
            "required",
            "repeats",
            "readOnly",
            "maxLength",
            "answerValueSet",
            "initial",
        ],
        parts: &[
            ("item", "Questionnaire.item"),
            ("enableWhen", "Questionnaire.item.enableWhen"),
            ("answerOption", "Questionnaire.item.answerOption"),
        ],
        ours: &[("code", "Coding")],
        ignored: &["definition", "prefix"],
    },
    Type {
        name: "Questionnaire.item.enableWhen",
        read: &[
            "question",
            "operator",
            "answerBoolean",
            "answerDecimal",
            "answerInteger",
            "answerDate",
            "answerDateTime",
            "answerTime",
            "answerString",
            "answerQuantity",
            "answerReference",
        ],
        parts: &[("answerCoding", "Coding")],
        ours: &[],
        ignored: &[],
    },
    Type {
        name: "Questionnaire.item.answerOption",
        read: &["valueInteger", "valueDate", "valueTime", "valueString", "valueReference", "initialSelected"],
        parts: &[("valueCoding", "Coding")],
        ours: &[],
        ignored: &[],
    },
    Type {
        name: "Coding",
        read: &["code"],
        parts: &[],
        ours: &[],
        ignored: &["system", "version", "display", "userSelected"],
    },
    Type {
        name: "QuestionnaireResponse",
        read: &["resourceType", "questionnaire", "status", "authored"],
        parts: &[
            ("identifier", "Identifier"),
            ("subject", "Reference"),
            ("source", "Reference"),
            ("item", "QuestionnaireResponse.item"),
        ],
        ours: &[("basedOn", "Invitation")],
        ignored: &["meta", "language", "text", "contained", "partOf", "encounter", "author"],
    },
    Type {
        name: "QuestionnaireResponse.item",
        read: &["linkId"],
        parts: &[("answer", "QuestionnaireResponse.item.answer"), ("item", "QuestionnaireResponse.item")],
        ours: &[],
        // A copy of the question, for people.
        ignored: &["definition", "text"],
    },
    Type {
        name: "QuestionnaireResponse.item.answer",
        read: &[
            "valueBoolean",
            "valueDecimal",
            "valueInteger",
            "valueDate",
            "valueDateTime",
            "valueTime",
            "valueString",
            "valueUri",
            "valueAttachment",
            "valueQuantity",
            "valueReference",
        ],
        parts: &[("valueCoding", "Coding"), ("item", "QuestionnaireResponse.item")],
        ours: &[],
        ignored: &[],
    },
    Type {
        name: "Identifier",
        read: &["use", "system", "value"],
        parts: &[],
        ours: &[],
        ignored: &["type", "period", "assigner"],
    },
    Type {
        name: "Reference",
        read: &["reference", "type"],
        parts: &[],
        ours: &[],
        ignored: &["identifier", "display"],
    },
    Type {
        name: "Invitation",
        read: &[],
        parts: &[("identifier", "Identifier")],
        ours: &[],
        ignored: &["reference", "type", "display"],
    },
    // Beside a primitive `x`, as `_x`.
    Type { name: "Element", read: &[], parts: &[], ours: &[], ignored: &[] },
];
