//! The tables of one registry. Rendered by the tests with `PAINREG_UPDATE=1`; do not edit.

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

diesel::table! {
    code_list (list, code) {
        list -> Text,
        code -> Text,
        position -> Integer,
        nb -> Text,
        en -> Text,
        flags -> Jsonb,
        valid_from -> Nullable<Date>,
        valid_to -> Nullable<Date>,
    }
}

diesel::table! {
    code_list_version (list) {
        list -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    config_generation (only_row) {
        only_row -> Bool,
        value -> BigInt,
    }
}

diesel::table! {
    consultation (id) {
        id -> Uuid,
        patient_id -> Uuid,
        episode_id -> Nullable<Uuid>,
        held_on -> Date,
        sequence -> Text,
        mode -> Text,
        attendance -> Text,
        professionals -> Jsonb,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    decision (id) {
        id -> Uuid,
        patient_id -> Uuid,
        rule -> Text,
        start_id -> Uuid,
        number -> Integer,
        current -> Bool,
        state -> Text,
        reasons -> Array<Text>,
        starts_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        send_on -> Nullable<Date>,
        channel -> Nullable<Text>,
        lapses_on -> Nullable<Date>,
        review_on -> Nullable<Date>,
        submission_id -> Nullable<Uuid>,
        matched_by -> Nullable<Text>,
        timing -> Nullable<Text>,
        facts -> Jsonb,
        rule_version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    diagnosis (id) {
        id -> Uuid,
        patient_id -> Uuid,
        episode_id -> Nullable<Uuid>,
        system -> Text,
        code -> Text,
        rank -> Integer,
        set_on -> Date,
        title -> Nullable<Text>,
        edition -> Nullable<Text>,
        chronic_pain -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    episode (id) {
        id -> Uuid,
        patient_id -> Uuid,
        referral_id -> Nullable<Uuid>,
        unit -> Nullable<Text>,
        opened_on -> Date,
        closed_on -> Nullable<Date>,
        closing_reason -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    event (position) {
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        patient_id -> Nullable<Uuid>,
        object -> Text,
        version -> Nullable<BigInt>,
        position -> BigInt,
    }
}

diesel::table! {
    event_inbox (written) {
        written -> BigInt,
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        patient_id -> Nullable<Uuid>,
        object -> Text,
        version -> Nullable<BigInt>,
    }
}

diesel::table! {
    follow_up_call (id) {
        id -> Uuid,
        patient_id -> Uuid,
        decision_id -> Uuid,
        called_at -> Timestamptz,
        called_by -> Text,
        outcome -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    follow_up_plan (version) {
        version -> BigInt,
        definition -> Jsonb,
        rule_versions -> Jsonb,
        published_at -> Timestamptz,
        published_by -> Text,
    }
}

diesel::table! {
    follow_up_plan_draft (only_row) {
        only_row -> Bool,
        definition -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    follow_up_sweep (lane) {
        done -> BigInt,
        doing -> BigInt,
        last_id -> Nullable<Uuid>,
        lane -> SmallInt,
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
    idempotency_key (principal, key) {
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
    implant (id) {
        id -> Uuid,
        patient_id -> Uuid,
        modality -> Text,
        indication -> Text,
        decided_on -> Date,
        prior_spine_surgeries -> Nullable<Integer>,
        screening -> Nullable<Text>,
        pain_back -> Nullable<Integer>,
        pain_leg -> Nullable<Integer>,
        stages -> Nullable<Text>,
        trial_started_on -> Nullable<Date>,
        trial_ended_on -> Nullable<Date>,
        trial_outcome -> Nullable<Text>,
        trial_relief_percent -> Nullable<Integer>,
        trial_days -> Nullable<Integer>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    implant_check (id) {
        id -> Uuid,
        patient_id -> Uuid,
        implant_id -> Uuid,
        checked_on -> Date,
        battery -> Nullable<Text>,
        battery_percent -> Nullable<Integer>,
        impedances -> Jsonb,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    implant_component (id) {
        id -> Uuid,
        patient_id -> Uuid,
        implant_id -> Uuid,
        component -> Text,
        manufacturer -> Text,
        model -> Text,
        udi -> Nullable<Text>,
        serial -> Nullable<Text>,
        lot -> Nullable<Text>,
        contacts -> Nullable<Integer>,
        tip_level -> Nullable<Text>,
        entry_level -> Nullable<Text>,
        side -> Nullable<Text>,
        midline_offset_mm -> Nullable<Numeric>,
        ipg_site -> Nullable<Text>,
        mri -> Nullable<Text>,
        trial -> Bool,
        implanted_on -> Date,
        removed_on -> Nullable<Date>,
        udi_di -> Nullable<Text>,
        udi_lot -> Nullable<Text>,
        udi_serial -> Nullable<Text>,
        manufactured_on -> Nullable<Date>,
        expires_on -> Nullable<Date>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    implant_event (id) {
        id -> Uuid,
        patient_id -> Uuid,
        implant_id -> Uuid,
        happened_on -> Date,
        event -> Text,
        component_ids -> Array<Uuid>,
        class -> Text,
        sealed -> Nullable<Bytea>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    implant_programme (id) {
        id -> Uuid,
        patient_id -> Uuid,
        implant_id -> Uuid,
        set_on -> Date,
        ended_on -> Nullable<Date>,
        number -> Integer,
        waveform -> Text,
        leads -> Jsonb,
        amplitude -> Nullable<Numeric>,
        amplitude_unit -> Nullable<Text>,
        pulse_width_us -> Nullable<Integer>,
        frequency_hz -> Nullable<Numeric>,
        cycle_on_s -> Nullable<Integer>,
        cycle_off_s -> Nullable<Integer>,
        usage_hours -> Nullable<Numeric>,
        relief_percent -> Nullable<Integer>,
        coverage_percent -> Nullable<Integer>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    invitation (id) {
        id -> Uuid,
        patient_id -> Uuid,
        decision_id -> Uuid,
        rule -> Text,
        start_id -> Uuid,
        number -> Integer,
        attempt -> Integer,
        reminder -> Integer,
        channel -> Text,
        form -> Text,
        language -> Text,
        token_hash -> Bytea,
        state -> Text,
        claim_id -> Uuid,
        claimed_by -> Text,
        claimed_at -> Timestamptz,
        lease_until -> Timestamptz,
        handed_over_at -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        failure -> Nullable<Text>,
        reference -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    item_text (instrument, language, version) {
        instrument -> Text,
        language -> Text,
        version -> BigInt,
        wording -> Jsonb,
        loaded_at -> Timestamptz,
        loaded_by -> Text,
    }
}

diesel::table! {
    legal_basis (id) {
        id -> Uuid,
        patient_id -> Uuid,
        basis -> Text,
        decision -> Nullable<Text>,
        against -> Nullable<Text>,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        source -> Text,
        letter_version -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    licence (id, version) {
        id -> Uuid,
        version -> BigInt,
        content -> Nullable<Jsonb>,
        accounts -> Nullable<Jsonb>,
        changed_at -> Timestamptz,
        changed_by -> Text,
    }
}

diesel::table! {
    log_head (log) {
        log -> Text,
        epoch -> Uuid,
        last -> BigInt,
        identity -> Text,
    }
}

diesel::table! {
    medication (id) {
        id -> Uuid,
        patient_id -> Uuid,
        atc -> Text,
        product -> Nullable<Text>,
        route -> Text,
        dose -> Nullable<Numeric>,
        unit -> Nullable<Text>,
        strength_mg -> Nullable<Numeric>,
        doses_per_day -> Nullable<Numeric>,
        as_needed -> Bool,
        started_on -> Date,
        ended_on -> Nullable<Date>,
        stop_reason -> Nullable<Text>,
        substance -> Nullable<Text>,
        omeq_mg -> Nullable<Numeric>,
        omeq_factors -> Nullable<Text>,
        omeq_unknown -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
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
    operation (id) {
        id -> Uuid,
        kind -> Text,
        state -> Text,
        input -> Jsonb,
        position -> Nullable<Jsonb>,
        done -> BigInt,
        total -> Nullable<BigInt>,
        result -> Nullable<Jsonb>,
        failure -> Nullable<Text>,
        attempts -> Integer,
        next_at -> Nullable<Timestamptz>,
        requested_by -> Text,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    pain_site (id) {
        id -> Uuid,
        patient_id -> Uuid,
        episode_id -> Nullable<Uuid>,
        recorded_on -> Date,
        reported_by -> Text,
        areas -> Jsonb,
        area_count -> Integer,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

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
    patient_key (patient_id) {
        patient_id -> Uuid,
        wrapped -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    patient_merge (id) {
        id -> Uuid,
        survivor -> Uuid,
        duplicate -> Uuid,
        merged_at -> Timestamptz,
        merged_by -> Text,
        undone_at -> Nullable<Timestamptz>,
        undone_by -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    procedure (id) {
        id -> Uuid,
        patient_id -> Uuid,
        episode_id -> Nullable<Uuid>,
        system -> Text,
        code -> Text,
        performed_on -> Date,
        procedure_group -> Nullable<Text>,
        sites -> Jsonb,
        title -> Nullable<Text>,
        edition -> Nullable<Text>,
        effective_group -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    project (code) {
        code -> Text,
        title -> Text,
        kind -> Text,
        approval -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        excludes_from_follow_up -> Bool,
        fields -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    project_participation (id) {
        id -> Uuid,
        patient_id -> Uuid,
        project -> Text,
        joined_on -> Date,
        left_on -> Nullable<Date>,
        arm -> Nullable<Text>,
        field_values -> Jsonb,
        excluded_from_follow_up -> Bool,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
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
        changed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    referral (id) {
        id -> Uuid,
        patient_id -> Uuid,
        received_on -> Date,
        source -> Nullable<Text>,
        category -> Nullable<Text>,
        assessed_on -> Nullable<Date>,
        unit -> Nullable<Text>,
        pas_id -> Nullable<Text>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    registry_setting (version) {
        version -> BigInt,
        content -> Jsonb,
        changed_at -> Timestamptz,
        changed_by -> Text,
    }
}

diesel::table! {
    row_history (entity, entity_id, version) {
        entity -> Text,
        entity_id -> Uuid,
        patient_id -> Uuid,
        version -> BigInt,
        valid_from -> Timestamptz,
        valid_to -> Timestamptz,
        changed_by -> Text,
        reason -> Text,
        before -> Jsonb,
    }
}

diesel::table! {
    sample (id) {
        id -> Uuid,
        patient_id -> Uuid,
        sample_type -> Text,
        taken_on -> Date,
        storage_reference -> Text,
        legal_basis -> Text,
        project -> Nullable<Text>,
        state -> Text,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
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
        changed_at -> Timestamptz,
        superseded_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    treatment_goal (id) {
        id -> Uuid,
        patient_id -> Uuid,
        episode_id -> Nullable<Uuid>,
        set_on -> Date,
        set_by -> Text,
        category -> Nullable<Text>,
        target_on -> Nullable<Date>,
        attainment -> Nullable<Integer>,
        assessed_on -> Nullable<Date>,
        sealed -> Nullable<Bytea>,
        remarks -> Array<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    webhook (id) {
        id -> Uuid,
        url -> Text,
        description -> Nullable<Text>,
        kinds -> Array<Text>,
        enabled -> Bool,
        disabled_because -> Nullable<Text>,
        failing_since -> Nullable<Timestamptz>,
        secret -> Bytea,
        old_secret -> Nullable<Bytea>,
        old_secret_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Text,
        version -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    webhook_delivery (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        event_id -> Uuid,
        ordered_by -> Uuid,
        state -> Text,
        attempts -> Integer,
        next_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        attempted_at -> Nullable<Timestamptz>,
        status -> Nullable<Integer>,
        failure -> Nullable<Text>,
        created_at -> Timestamptz,
        position -> BigInt,
    }
}
