//! One table for the words of an enumeration that is stored and sent: serde, strum and the schema agree on them.

/// The words of an enumeration that stands in bodies, columns and their `CHECK`s alike.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)+ })+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, strum::EnumIter, strum::EnumString,
            strum::IntoStaticStr, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$word_doc])* $word),+ }
    )+};
}

pub(crate) use words;
