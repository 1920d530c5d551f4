//! One table for the words of an enumeration that is stored and sent: serde, strum and the schema agree on them.

/// Defines enumerations with the same words in request bodies, columns and `CHECK` constraints.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)+ })+) => {$(
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, strum::EnumIter, strum::EnumString,
            strum::IntoStaticStr, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        $(#[$doc])*
        pub enum $name { $($(#[$word_doc])* $word),+ }
    )+};
}

pub(crate) use words;
