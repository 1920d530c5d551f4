-- The clinical registry. Entries of every kind have the same columns: id, patient, content, derived values, remarks and
-- bookkeeping. The old states of changed rows of all tables are in row_history.

-- The registry's code lists (kodelister), with the flags that follow-up rules read.
CREATE TABLE code_list (
    list       text NOT NULL CONSTRAINT code_list_list_known CHECK (list IN ('treatment_right', 'referral_source', 'closing_reason', 'procedure_group', 'goal_category', 'unit', 'sample_type')),
    code       text NOT NULL CONSTRAINT code_list_code_form CHECK (code ~ '^[a-z0-9_]{1,40}$'),
    position   integer NOT NULL,
    nb         text NOT NULL,
    en         text NOT NULL,
    flags      jsonb NOT NULL,
    valid_from date,
    valid_to   date,
    PRIMARY KEY (list, code),
    CONSTRAINT code_list_ended_after_started CHECK (valid_to >= valid_from)
);

-- The version of each list, because a list is changed as a whole.
CREATE TABLE code_list_version (
    list       text PRIMARY KEY,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    version    bigint NOT NULL
);

-- Local quality and research projects (prosjekter).
CREATE TABLE project (
    code                    text PRIMARY KEY CONSTRAINT project_code_form CHECK (code ~ '^[a-z0-9_-]{2,40}$'),
    title                   text NOT NULL,
    kind                    text NOT NULL CONSTRAINT project_kind_known CHECK (kind IN ('quality', 'research')),
    approval                text,
    starts_on               date NOT NULL,
    ends_on                 date,
    excludes_from_follow_up boolean NOT NULL,
    fields                  jsonb NOT NULL,
    created_at              timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    updated_by              text NOT NULL,
    version                 bigint NOT NULL,
    CONSTRAINT project_ended_after_started CHECK (ends_on >= starts_on)
);

-- The cache generation: every change of code lists and projects increments it, and servers then read them again.
CREATE TABLE list_generation (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT list_generation_one_row CHECK (only_row),
    value    bigint NOT NULL
);
INSERT INTO list_generation (value) VALUES (1);

-- Old states of rows, with their period and the reason of their end. entity is the name of the table.
CREATE TABLE row_history (
    entity     text NOT NULL,
    entity_id  uuid NOT NULL,
    patient_id uuid NOT NULL CONSTRAINT row_history_patient_fk REFERENCES patient,
    version    bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz NOT NULL,
    changed_by text NOT NULL,
    reason     text NOT NULL CONSTRAINT row_history_reason_known CHECK (reason IN ('update', 'correction', 'registered_in_error', 'merge', 'merge_undone')),
    before     jsonb NOT NULL,
    PRIMARY KEY (entity, entity_id, version),
    CONSTRAINT row_history_in_order CHECK (valid_to >= valid_from)
);
CREATE INDEX row_history_by_patient ON row_history (patient_id, entity);

-- Duplicates: the rows of a merged patient keep their patient_id and are read with the survivor's.
ALTER TABLE patient
    ADD COLUMN merged_into uuid CONSTRAINT patient_merged_into_fk REFERENCES patient,
    -- Blind indexes of contact data, for finding duplicates. They reveal nothing else.
    ADD COLUMN mobile_index bytea,
    ADD COLUMN email_index bytea,
    ADD CONSTRAINT patient_not_merged_into_itself CHECK (merged_into <> id);
CREATE INDEX patient_by_merged_into ON patient (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX patient_by_birth_date ON patient (birth_date, sex);

CREATE TABLE patient_merge (
    id         uuid PRIMARY KEY,
    survivor   uuid NOT NULL CONSTRAINT patient_merge_survivor_fk REFERENCES patient,
    duplicate  uuid NOT NULL CONSTRAINT patient_merge_duplicate_fk REFERENCES patient,
    merged_at  timestamptz NOT NULL,
    merged_by  text NOT NULL,
    undone_at  timestamptz,
    undone_by  text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    version    bigint NOT NULL,
    CONSTRAINT patient_merge_of_two CHECK (survivor <> duplicate)
);
CREATE UNIQUE INDEX patient_merge_standing ON patient_merge (duplicate) WHERE undone_at IS NULL;

-- Referrals (henvisninger), with the dates of receipt and assessment.
CREATE TABLE referral (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL CONSTRAINT referral_patient_fk REFERENCES patient,
    received_on date NOT NULL,
    source      text,
    category    text,
    assessed_on date,
    unit        text,
    pas_id      text,
    remarks     text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text NOT NULL,
    version     bigint NOT NULL,
    CONSTRAINT referral_of_patient UNIQUE (patient_id, id),
    CONSTRAINT referral_assessed_after_received CHECK (assessed_on >= received_on)
);
CREATE INDEX referral_by_day ON referral (received_on DESC, id DESC);
CREATE INDEX referral_by_category ON referral (category, received_on);

-- Episodes of care (behandlingsforløp).
CREATE TABLE episode (
    id             uuid PRIMARY KEY,
    patient_id     uuid NOT NULL CONSTRAINT episode_patient_fk REFERENCES patient,
    referral_id    uuid,
    unit           text,
    opened_on      date NOT NULL,
    closed_on      date,
    closing_reason text,
    remarks        text[] NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    updated_by     text NOT NULL,
    version        bigint NOT NULL,
    CONSTRAINT episode_of_patient UNIQUE (patient_id, id),
    CONSTRAINT episode_closed_after_opened CHECK (closed_on >= opened_on),
    CONSTRAINT episode_closed_with_reason CHECK ((closed_on IS NULL) = (closing_reason IS NULL)),
    CONSTRAINT episode_referral_fk FOREIGN KEY (patient_id, referral_id) REFERENCES referral (patient_id, id)
);
CREATE INDEX episode_by_day ON episode (opened_on DESC, id DESC);
CREATE INDEX episode_open ON episode (patient_id) WHERE closed_on IS NULL;
CREATE INDEX episode_by_referral ON episode (referral_id) WHERE referral_id IS NOT NULL;

-- Consultations (konsultasjoner), attended or not.
CREATE TABLE consultation (
    id            uuid PRIMARY KEY,
    patient_id    uuid NOT NULL CONSTRAINT consultation_patient_fk REFERENCES patient,
    episode_id    uuid,
    held_on       date NOT NULL,
    sequence      text NOT NULL CONSTRAINT consultation_sequence_known CHECK (sequence IN ('first', 'follow_up')),
    mode          text NOT NULL CONSTRAINT consultation_mode_known CHECK (mode IN ('physical', 'video', 'phone')),
    attendance    text NOT NULL CONSTRAINT consultation_attendance_known CHECK (attendance IN ('attended', 'no_show', 'cancelled')),
    professionals jsonb NOT NULL,
    remarks       text[] NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    updated_by    text NOT NULL,
    version       bigint NOT NULL,
    CONSTRAINT consultation_of_patient UNIQUE (patient_id, id),
    CONSTRAINT consultation_episode_fk FOREIGN KEY (patient_id, episode_id) REFERENCES episode (patient_id, id)
);
CREATE INDEX consultation_by_day ON consultation (held_on DESC, id DESC);
CREATE INDEX consultation_by_episode ON consultation (episode_id) WHERE episode_id IS NOT NULL;

-- Diagnoses, coded in ICD-10 or ICD-11.
CREATE TABLE diagnosis (
    id           uuid PRIMARY KEY,
    patient_id   uuid NOT NULL CONSTRAINT diagnosis_patient_fk REFERENCES patient,
    episode_id   uuid,
    system       text NOT NULL CONSTRAINT diagnosis_system_known CHECK (system IN ('icd10', 'icd11')),
    code         text NOT NULL,
    rank         integer NOT NULL,
    set_on       date NOT NULL,
    title        text,
    edition      text,
    chronic_pain text CONSTRAINT diagnosis_chronic_pain_known
                 CHECK (chronic_pain IN ('primary', 'secondary', 'unspecified')),
    remarks      text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    updated_by   text NOT NULL,
    version      bigint NOT NULL,
    CONSTRAINT diagnosis_of_patient UNIQUE (patient_id, id),
    CONSTRAINT diagnosis_episode_fk FOREIGN KEY (patient_id, episode_id) REFERENCES episode (patient_id, id)
);
CREATE INDEX diagnosis_by_day ON diagnosis (set_on DESC, id DESC);
CREATE INDEX diagnosis_by_code ON diagnosis (code, set_on);
CREATE INDEX diagnosis_by_episode ON diagnosis (episode_id) WHERE episode_id IS NOT NULL;

-- Procedures (prosedyrer), coded in NCMP, NCSP or NCRP.
CREATE TABLE procedure (
    id              uuid PRIMARY KEY,
    patient_id      uuid NOT NULL CONSTRAINT procedure_patient_fk REFERENCES patient,
    episode_id      uuid,
    system          text NOT NULL CONSTRAINT procedure_system_known CHECK (system IN ('ncmp', 'ncsp', 'ncrp')),
    code            text NOT NULL,
    performed_on    date NOT NULL,
    procedure_group text,
    sites           jsonb NOT NULL,
    title           text,
    edition         text,
    effective_group text,
    remarks         text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    updated_by      text NOT NULL,
    version         bigint NOT NULL,
    CONSTRAINT procedure_of_patient UNIQUE (patient_id, id),
    CONSTRAINT procedure_episode_fk FOREIGN KEY (patient_id, episode_id) REFERENCES episode (patient_id, id)
);
CREATE INDEX procedure_by_day ON procedure (performed_on DESC, id DESC);
CREATE INDEX procedure_by_group ON procedure (effective_group, performed_on);
CREATE INDEX procedure_by_episode ON procedure (episode_id) WHERE episode_id IS NOT NULL;

-- Pain drawings (smertetegninger).
CREATE TABLE pain_site (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL CONSTRAINT pain_site_patient_fk REFERENCES patient,
    episode_id  uuid,
    recorded_on date NOT NULL,
    reported_by text NOT NULL CONSTRAINT pain_site_reported_by_known CHECK (reported_by IN ('patient', 'clinician')),
    areas       jsonb NOT NULL,
    area_count  integer NOT NULL,
    remarks     text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text NOT NULL,
    version     bigint NOT NULL,
    CONSTRAINT pain_site_of_patient UNIQUE (patient_id, id),
    CONSTRAINT pain_site_episode_fk FOREIGN KEY (patient_id, episode_id) REFERENCES episode (patient_id, id)
);
CREATE INDEX pain_site_by_day ON pain_site (recorded_on DESC, id DESC);
CREATE INDEX pain_site_by_episode ON pain_site (episode_id) WHERE episode_id IS NOT NULL;

-- Treatment goals (behandlingsmål). Their texts are sealed.
CREATE TABLE treatment_goal (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL CONSTRAINT treatment_goal_patient_fk REFERENCES patient,
    episode_id  uuid,
    set_on      date NOT NULL,
    set_by      text NOT NULL CONSTRAINT treatment_goal_set_by_known CHECK (set_by IN ('patient', 'clinician')),
    category    text,
    target_on   date,
    attainment  integer CONSTRAINT treatment_goal_attainment_range CHECK (attainment BETWEEN -2 AND 2),
    assessed_on date,
    sealed      bytea,
    remarks     text[] NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    updated_by  text NOT NULL,
    version     bigint NOT NULL,
    CONSTRAINT treatment_goal_of_patient UNIQUE (patient_id, id),
    CONSTRAINT treatment_goal_episode_fk FOREIGN KEY (patient_id, episode_id) REFERENCES episode (patient_id, id)
);
CREATE INDEX treatment_goal_by_day ON treatment_goal (set_on DESC, id DESC);
CREATE INDEX treatment_goal_by_episode ON treatment_goal (episode_id) WHERE episode_id IS NOT NULL;

-- Medication, with the daily dose in oral morphine equivalents (OMEQ, mg).
CREATE TABLE medication (
    id            uuid PRIMARY KEY,
    patient_id    uuid NOT NULL CONSTRAINT medication_patient_fk REFERENCES patient,
    atc           text NOT NULL,
    product       text,
    route         text NOT NULL CONSTRAINT medication_route_known
                  CHECK (route IN ('oral', 'sublingual', 'buccal', 'intranasal', 'transdermal', 'rectal', 'intravenous', 'subcutaneous', 'intramuscular', 'epidural', 'intrathecal', 'inhalation', 'topical', 'other')),
    dose          numeric,
    unit          text CONSTRAINT medication_unit_known
                  CHECK (unit IN ('g', 'mg', 'ug', 'ug_per_hour', 'ml', 'iu', 'tablet', 'drop', 'other')),
    strength_mg   numeric,
    doses_per_day numeric,
    as_needed     boolean NOT NULL,
    started_on    date NOT NULL,
    ended_on      date,
    stop_reason   text CONSTRAINT medication_stop_reason_known
                  CHECK (stop_reason IN ('no_effect', 'side_effects', 'tapered', 'completed', 'replaced', 'other')),
    substance     text,
    omeq_mg       numeric,
    omeq_factors  text,
    omeq_unknown  text,
    remarks       text[] NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    updated_by    text NOT NULL,
    version       bigint NOT NULL,
    CONSTRAINT medication_of_patient UNIQUE (patient_id, id),
    CONSTRAINT medication_ended_after_started CHECK (ended_on >= started_on),
    CONSTRAINT medication_dose_with_unit CHECK ((dose IS NULL) = (unit IS NULL))
);
CREATE INDEX medication_by_day ON medication (started_on DESC, id DESC);
CREATE INDEX medication_by_atc ON medication (atc, started_on);

-- Implants, with the indication and the trial.
CREATE TABLE implant (
    id                    uuid PRIMARY KEY,
    patient_id            uuid NOT NULL CONSTRAINT implant_patient_fk REFERENCES patient,
    modality              text NOT NULL CONSTRAINT implant_modality_known
                          CHECK (modality IN ('scs', 'drg', 'pns', 'intrathecal_pump')),
    indication            text NOT NULL CONSTRAINT implant_indication_known
                          CHECK (indication IN ('persistent_spinal_pain_type2', 'crps_type1', 'crps_type2', 'painful_diabetic_neuropathy', 'refractory_angina', 'peripheral_vascular_disease', 'other')),
    decided_on            date NOT NULL,
    prior_spine_surgeries integer,
    screening             text CONSTRAINT implant_screening_known
                          CHECK (screening IN ('not_done', 'suitable', 'suitable_with_support', 'unsuitable')),
    pain_back             integer,
    pain_leg              integer,
    stages                text CONSTRAINT implant_stages_known CHECK (stages IN ('one_stage', 'two_stage')),
    trial_started_on      date,
    trial_ended_on        date,
    trial_outcome         text CONSTRAINT implant_trial_outcome_known CHECK (trial_outcome IN ('success', 'failed', 'aborted')),
    trial_relief_percent  integer,
    trial_days            integer,
    remarks               text[] NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    updated_by            text NOT NULL,
    version               bigint NOT NULL,
    CONSTRAINT implant_of_patient UNIQUE (patient_id, id),
    CONSTRAINT implant_trial_ended_after_started CHECK (trial_ended_on >= trial_started_on)
);
CREATE INDEX implant_by_day ON implant (decided_on DESC, id DESC);

-- Components of implants, each with its unique device identification (UDI).
CREATE TABLE implant_component (
    id                uuid PRIMARY KEY,
    patient_id        uuid NOT NULL CONSTRAINT implant_component_patient_fk REFERENCES patient,
    implant_id        uuid NOT NULL,
    component         text NOT NULL CONSTRAINT implant_component_component_known
                      CHECK (component IN ('ipg_rechargeable', 'ipg_primary_cell', 'external_stimulator', 'lead_percutaneous', 'lead_paddle', 'lead_drg', 'extension', 'anchor', 'charger', 'programmer', 'pump', 'catheter')),
    manufacturer      text NOT NULL,
    model             text NOT NULL,
    udi               text,
    serial            text,
    lot               text,
    contacts          integer,
    tip_level         text,
    entry_level       text,
    side              text CONSTRAINT implant_component_side_known CHECK (side IN ('left', 'right', 'both', 'midline')),
    midline_offset_mm numeric,
    ipg_site          text CONSTRAINT implant_component_ipg_site_known
                      CHECK (ipg_site IN ('gluteal', 'abdominal', 'flank', 'axillary', 'posterior_chest_wall')),
    mri               text CONSTRAINT implant_component_mri_known
                      CHECK (mri IN ('unsafe', 'head_only', 'full_body15t', 'full_body3t', 'unknown')),
    trial             boolean NOT NULL,
    implanted_on      date NOT NULL,
    removed_on        date,
    udi_di            text,
    udi_lot           text,
    udi_serial        text,
    manufactured_on   date,
    expires_on        date,
    remarks           text[] NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text NOT NULL,
    version           bigint NOT NULL,
    CONSTRAINT implant_component_of_patient UNIQUE (patient_id, id),
    CONSTRAINT implant_component_removed_after_implanted CHECK (removed_on >= implanted_on),
    CONSTRAINT implant_component_implant_fk FOREIGN KEY (patient_id, implant_id) REFERENCES implant (patient_id, id)
);
CREATE INDEX implant_component_by_day ON implant_component (implanted_on DESC, id DESC);
CREATE INDEX implant_component_by_implant ON implant_component (implant_id);
CREATE INDEX implant_component_by_udi_di ON implant_component (udi_di) WHERE udi_di IS NOT NULL;
CREATE INDEX implant_component_by_model ON implant_component (model, manufacturer);
CREATE INDEX implant_component_by_lot ON implant_component ((coalesce(lot, udi_lot)));

-- Stimulation programmes of implants.
CREATE TABLE implant_programme (
    id               uuid PRIMARY KEY,
    patient_id       uuid NOT NULL CONSTRAINT implant_programme_patient_fk REFERENCES patient,
    implant_id       uuid NOT NULL,
    set_on           date NOT NULL,
    ended_on         date,
    number           integer NOT NULL,
    waveform         text NOT NULL CONSTRAINT implant_programme_waveform_known
                     CHECK (waveform IN ('tonic', 'burst', 'burst_dr', 'ten_khz', 'high_density', 'fast', 'ecap_closed_loop', 'dtm', 'other')),
    leads            jsonb NOT NULL,
    amplitude        numeric,
    amplitude_unit   text CONSTRAINT implant_programme_amplitude_unit_known CHECK (amplitude_unit IN ('milliampere', 'volt')),
    pulse_width_us   integer,
    frequency_hz     numeric,
    cycle_on_s       integer,
    cycle_off_s      integer,
    usage_hours      numeric,
    relief_percent   integer,
    coverage_percent integer,
    remarks          text[] NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    updated_by       text NOT NULL,
    version          bigint NOT NULL,
    CONSTRAINT implant_programme_of_patient UNIQUE (patient_id, id),
    CONSTRAINT implant_programme_amplitude_with_unit CHECK ((amplitude IS NULL) = (amplitude_unit IS NULL)),
    CONSTRAINT implant_programme_implant_fk FOREIGN KEY (patient_id, implant_id) REFERENCES implant (patient_id, id)
);
CREATE INDEX implant_programme_by_day ON implant_programme (set_on DESC, id DESC);
CREATE INDEX implant_programme_by_implant ON implant_programme (implant_id);

-- Events of implants: complications, revisions, removals. Notes are sealed.
CREATE TABLE implant_event (
    id            uuid PRIMARY KEY,
    patient_id    uuid NOT NULL CONSTRAINT implant_event_patient_fk REFERENCES patient,
    implant_id    uuid NOT NULL,
    happened_on   date NOT NULL,
    event         text NOT NULL CONSTRAINT implant_event_event_known
                  CHECK (event IN ('migration', 'erosion', 'lead_damage', 'sheath_damage', 'connection_failure', 'battery_failure', 'device_inoperable', 'communication_error', 'difficult_insertion', 'difficult_removal', 'neurologic_symptoms', 'dural_puncture', 'infection', 'haematoma', 'ipg_site_pain', 'unwanted_stimulation', 'loss_of_effect', 'revision', 'explant', 'epidural_abscess', 'meningitis', 'seizure', 'cardiac_arrest', 'stroke', 'neuraxial_haematoma', 'deep_vein_thrombosis', 'decompression_surgery', 'long_term_rehabilitation', 'death', 'other')),
    component_ids uuid[] NOT NULL,
    class         text NOT NULL CONSTRAINT implant_event_class_known
                  CHECK (class IN ('device', 'procedural', 'complaint', 'surgical', 'serious', 'other')),
    sealed        bytea,
    remarks       text[] NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    updated_by    text NOT NULL,
    version       bigint NOT NULL,
    CONSTRAINT implant_event_of_patient UNIQUE (patient_id, id),
    CONSTRAINT implant_event_implant_fk FOREIGN KEY (patient_id, implant_id) REFERENCES implant (patient_id, id)
);
CREATE INDEX implant_event_by_day ON implant_event (happened_on DESC, id DESC);
CREATE INDEX implant_event_by_implant ON implant_event (implant_id);

-- Checks of implants: batteries and impedances.
CREATE TABLE implant_check (
    id              uuid PRIMARY KEY,
    patient_id      uuid NOT NULL CONSTRAINT implant_check_patient_fk REFERENCES patient,
    implant_id      uuid NOT NULL,
    checked_on      date NOT NULL,
    battery         text CONSTRAINT implant_check_battery_known
                    CHECK (battery IN ('normal', 'replacement_due', 'end_of_service')),
    battery_percent integer,
    impedances      jsonb NOT NULL,
    remarks         text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    updated_by      text NOT NULL,
    version         bigint NOT NULL,
    CONSTRAINT implant_check_of_patient UNIQUE (patient_id, id),
    CONSTRAINT implant_check_implant_fk FOREIGN KEY (patient_id, implant_id) REFERENCES implant (patient_id, id)
);
CREATE INDEX implant_check_by_day ON implant_check (checked_on DESC, id DESC);
CREATE INDEX implant_check_by_implant ON implant_check (implant_id);

-- Legal bases of registration (behandlingsgrunnlag).
CREATE TABLE legal_basis (
    id             uuid PRIMARY KEY,
    patient_id     uuid NOT NULL CONSTRAINT legal_basis_patient_fk REFERENCES patient,
    basis          text NOT NULL CONSTRAINT legal_basis_basis_known CHECK (basis IN ('consent', 'exemption', 'reservation')),
    decision       text CONSTRAINT legal_basis_decision_known CHECK (decision IN ('given', 'refused', 'withdrawn')),
    against        text CONSTRAINT legal_basis_against_known CHECK (against IN ('questionnaires', 'registry')),
    valid_from     date NOT NULL,
    valid_to       date,
    source         text NOT NULL CONSTRAINT legal_basis_source_known
                   CHECK (source IN ('paper', 'digital', 'oral', 'pas', 'registry')),
    letter_version text,
    remarks        text[] NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    updated_by     text NOT NULL,
    version        bigint NOT NULL,
    CONSTRAINT legal_basis_of_patient UNIQUE (patient_id, id),
    CONSTRAINT legal_basis_ended_after_started CHECK (valid_to >= valid_from),
    CONSTRAINT legal_basis_decision_of_consent CHECK ((decision IS NOT NULL) = (basis = 'consent')),
    CONSTRAINT legal_basis_against_of_reservation CHECK ((against IS NOT NULL) = (basis = 'reservation'))
);
CREATE INDEX legal_basis_by_day ON legal_basis (valid_from DESC, id DESC);

-- Participation of patients in projects.
CREATE TABLE project_participation (
    id                      uuid PRIMARY KEY,
    patient_id              uuid NOT NULL CONSTRAINT project_participation_patient_fk REFERENCES patient,
    project                 text NOT NULL,
    joined_on               date NOT NULL,
    left_on                 date,
    arm                     text,
    field_values            jsonb NOT NULL,
    excluded_from_follow_up boolean NOT NULL,
    remarks                 text[] NOT NULL,
    created_at              timestamptz NOT NULL,
    updated_at              timestamptz NOT NULL,
    updated_by              text NOT NULL,
    version                 bigint NOT NULL,
    CONSTRAINT project_participation_of_patient UNIQUE (patient_id, id),
    CONSTRAINT project_participation_left_after_joined CHECK (left_on >= joined_on),
    CONSTRAINT project_participation_project_fk FOREIGN KEY (project) REFERENCES project (code)
);
CREATE INDEX project_participation_by_day ON project_participation (joined_on DESC, id DESC);
CREATE INDEX project_participation_by_project ON project_participation (project);

-- Biobank samples (biobankprøver).
CREATE TABLE sample (
    id                uuid PRIMARY KEY,
    patient_id        uuid NOT NULL CONSTRAINT sample_patient_fk REFERENCES patient,
    sample_type       text NOT NULL,
    taken_on          date NOT NULL,
    storage_reference text NOT NULL,
    legal_basis       text NOT NULL,
    project           text,
    state             text NOT NULL CONSTRAINT sample_state_known CHECK (state IN ('stored', 'used', 'destroyed')),
    remarks           text[] NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text NOT NULL,
    version           bigint NOT NULL,
    CONSTRAINT sample_of_patient UNIQUE (patient_id, id),
    CONSTRAINT sample_project_fk FOREIGN KEY (project) REFERENCES project (code)
);
CREATE INDEX sample_by_day ON sample (taken_on DESC, id DESC);
CREATE INDEX sample_by_project ON sample (project) WHERE project IS NOT NULL;
