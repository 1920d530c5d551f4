//! The tables of one registry, column for column as the migrations leave them.

diesel::table! {
    patient (id) {
        id -> Uuid,
        registry_number -> BigInt,
        unit -> Text,
        sex -> Text,
        birth_date -> Date,
        language -> Text,
        interpreter_needed -> Bool,
        cognitive_impairment -> Bool,
        protected_address -> Bool,
        deceased_on -> Nullable<Date>,
        contact -> Nullable<Bytea>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
        merged_into -> Nullable<Uuid>,
        mobile_index -> Nullable<Bytea>,
        email_index -> Nullable<Bytea>,
    }
}

diesel::table! {
    patient_key (patient_id) {
        patient_id -> Uuid,
        wrapped -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    patient_identifier (id) {
        id -> Uuid,
        patient_id -> Uuid,
        kind -> Text,
        blind_index -> Bytea,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    form_version (code, version) {
        code -> Text,
        version -> Text,
        wave -> Text,
        definition -> Jsonb,
        published_at -> Timestamptz,
    }
}

diesel::table! {
    nettskjema_form (nettskjema_id) {
        nettskjema_id -> Text,
        form -> Text,
        form_version -> Text,
    }
}

diesel::table! {
    submission (id) {
        id -> Uuid,
        patient_id -> Uuid,
        form -> Text,
        form_version -> Text,
        wave -> Text,
        source_system -> Text,
        source_form_id -> Text,
        source_submission_id -> Text,
        revision -> Integer,
        supersedes -> Nullable<Uuid>,
        answered_by -> Text,
        submitted_at -> Timestamptz,
        received_at -> Timestamptz,
        received_by -> Text,
        answers -> Jsonb,
        payload_hash -> Bytea,
    }
}

diesel::table! {
    score (submission_id, instrument, algorithm) {
        submission_id -> Uuid,
        instrument -> Text,
        algorithm -> Text,
        status -> Text,
        scales -> Jsonb,
        flags -> Jsonb,
    }
}

diesel::table! {
    audit_event (id) {
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

diesel::allow_tables_to_appear_in_same_query!(patient, patient_key, patient_identifier, submission, score);
