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
        channels -> Array<Text>,
        contact_changed_at -> Nullable<Timestamptz>,
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
    form_draft (code) {
        code -> Text,
        definition -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
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
    nettskjema_form (nettskjema_id, version) {
        nettskjema_id -> Text,
        form -> Text,
        form_version -> Text,
        version -> BigInt,
        keys -> Jsonb,
        updated_at -> Timestamptz,
        updated_by -> Text,
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
        free_text -> Nullable<Bytea>,
        representation -> Nullable<Text>,
        content_hash -> Nullable<Bytea>,
        invitation_id -> Nullable<Uuid>,
        invited_by -> Nullable<Text>,
    }
}

diesel::table! {
    score (submission_id, instrument, version) {
        submission_id -> Uuid,
        instrument -> Text,
        algorithm -> Text,
        status -> Text,
        scales -> Jsonb,
        flags -> Jsonb,
        version -> Integer,
        scored_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    nettskjema_definition (nettskjema_id, version) {
        nettskjema_id -> Text,
        version -> BigInt,
        digest -> Bytea,
        document -> Jsonb,
        generated_at -> Nullable<Timestamptz>,
        received_at -> Timestamptz,
        received_by -> Text,
    }
}

diesel::table! {
    quarantine (id) {
        id -> Uuid,
        nettskjema_id -> Nullable<Text>,
        media_type -> Text,
        source_system -> Nullable<Text>,
        source_form_id -> Nullable<Text>,
        source_submission_id -> Nullable<Text>,
        payload_hash -> Bytea,
        sealed -> Bytea,
        corrections -> Nullable<Bytea>,
        reasons -> Jsonb,
        state -> Text,
        deliveries -> Integer,
        received_at -> Timestamptz,
        received_by -> Text,
        submission_id -> Nullable<Uuid>,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
        invitation_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    alert (id) {
        id -> Uuid,
        patient_id -> Uuid,
        submission_id -> Uuid,
        instrument -> Text,
        code -> Text,
        raised_at -> Timestamptz,
        acknowledged_at -> Nullable<Timestamptz>,
        acknowledged_by -> Nullable<Text>,
        version -> BigInt,
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
