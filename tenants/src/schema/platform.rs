//! The tables of the platform. Rendered by the tests with `PAINREG_UPDATE=1`; do not edit.

diesel::table! {
    platform.audit_event (id) {
        id -> Uuid,
        at -> Timestamptz,
        actor_kind -> Text,
        actor -> Text,
        hpr -> Nullable<Text>,
        role -> Text,
        organisation -> Nullable<Text>,
        client -> Nullable<Text>,
        patient_id -> Nullable<Uuid>,
        action -> Text,
        purpose -> Text,
        categories -> Array<Text>,
        origin -> Nullable<Text>,
        object -> Nullable<Text>,
        outcome -> Text,
        request_id -> Text,
    }
}

diesel::table! {
    platform.code (system, code_, valid_from) {
        system -> Text,
        #[sql_name = "code"]
        code_ -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        title -> Text,
        title_en -> Nullable<Text>,
        edition -> Text,
    }
}

diesel::table! {
    platform.code_import (id) {
        id -> Uuid,
        system -> Text,
        edition -> Text,
        valid_from -> Date,
        complete -> Bool,
        source -> Text,
        source_hash -> Bytea,
        codes -> BigInt,
        added -> BigInt,
        retitled -> BigInt,
        ended -> BigInt,
        redated -> BigInt,
        unchanged -> BigInt,
        refused -> BigInt,
        imported_at -> Timestamptz,
        imported_by -> Text,
    }
}

diesel::table! {
    platform.generation (only_row) {
        only_row -> Bool,
        value -> BigInt,
    }
}

diesel::table! {
    platform.idempotency_key (principal, key) {
        principal -> Text,
        key -> Text,
        request_hash -> Bytea,
        status -> SmallInt,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        body -> Bytea,
        patient_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        media_type -> Text,
    }
}

diesel::table! {
    platform.issuer (id) {
        id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        #[sql_name = "issuer"]
        issuer_ -> Text,
        settings -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    platform.key_check (only_row) {
        only_row -> Bool,
        value -> Bytea,
    }
}

diesel::table! {
    platform.migration_run (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        from_version -> Text,
        to_version -> Text,
        started_at -> Timestamptz,
        finished_at -> Timestamptz,
        outcome -> Text,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    platform.refusal (minute, code, operation, origin) {
        minute -> Timestamptz,
        code -> Text,
        operation -> Text,
        origin -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    platform.tenant (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        organisation_number -> Nullable<Text>,
        schema_name -> Text,
        placement -> Text,
        dsn -> Nullable<Bytea>,
        login_password -> Bytea,
        tenant_key -> Bytea,
        state -> Text,
        template -> Text,
        schema_version -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    platform.used_proof (id) {
        id -> Bytea,
        expires_at -> Timestamptz,
    }
}
