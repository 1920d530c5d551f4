-- Follow-up (oppfølging): plans as data, decisions with their reasons, invitations and telephone calls.

-- Published versions of the registry's plan; the highest is in force.
CREATE TABLE follow_up_plan (
    version      bigint PRIMARY KEY CONSTRAINT follow_up_plan_version_counts CHECK (version > 0),
    definition   jsonb NOT NULL,
    -- The version of the plan that last changed each rule: {"rf_3": 1}.
    rule_versions jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    published_by text NOT NULL
);

-- The draft of the plan, which may have faults.
CREATE TABLE follow_up_plan_draft (
    only_row   boolean PRIMARY KEY DEFAULT true CONSTRAINT follow_up_plan_draft_one_row CHECK (only_row),
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    version    bigint NOT NULL
);

-- Progress of deciding every patient again, in the order of ids, after a change of the cache generation (plan, lists,
-- projects, settings).
CREATE TABLE follow_up_sweep (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT follow_up_sweep_one_row CHECK (only_row),
    -- The generation that is done for every patient, the one in progress, and the last patient decided in it.
    done     bigint NOT NULL,
    doing    bigint NOT NULL,
    last_id  uuid
);
INSERT INTO follow_up_sweep (done, doing) VALUES (0, 0);

-- The channels by which a patient can be reached, readable without unsealing the contact data.
ALTER TABLE patient ADD COLUMN channels text[] NOT NULL DEFAULT '{}'
    CONSTRAINT patient_channels_known CHECK (channels <@ ARRAY['sms', 'email']);
UPDATE patient SET channels = array_remove(ARRAY[CASE WHEN mobile_index IS NOT NULL THEN 'sms' END, CASE WHEN email_index IS NOT NULL THEN 'email' END], NULL)
    WHERE mobile_index IS NOT NULL OR email_index IS NOT NULL;

-- The instant of the last change of contact data: after a failed delivery the channel may be tried again.
ALTER TABLE patient ADD COLUMN contact_changed_at timestamptz;

-- Decisions by patient, rule and occurrence, with their reasons; one row for each rule is current. Old states are in
-- row_history.
CREATE TABLE decision (
    id            uuid PRIMARY KEY,
    patient_id    uuid NOT NULL CONSTRAINT decision_patient_fk REFERENCES patient,
    rule          text NOT NULL,
    -- The entry that started the occurrence; all zeros: nothing has started.
    start_id      uuid NOT NULL,
    -- The number of the wave, from 1, of waves that repeat; 0: nothing has started.
    number        integer NOT NULL CONSTRAINT decision_number_counts CHECK (number >= 0),
    current       boolean NOT NULL,
    state         text NOT NULL CONSTRAINT decision_state_known CHECK (state IN ('due', 'waiting', 'suppressed', 'sent', 'answered', 'lapsed')),
    reasons       text[] NOT NULL,
    starts_on     date,
    due_on        date,
    -- The day on which an invitation or reminder is to be sent next.
    send_on       date,
    channel       text CONSTRAINT decision_channel_known CHECK (channel IN ('sms', 'email', 'digital_mailbox', 'helsenorge')),
    lapses_on     date,
    -- The day on which the decision may change without a new fact.
    review_on     date,
    submission_id uuid CONSTRAINT decision_submission_fk REFERENCES submission,
    matched_by    text CONSTRAINT decision_matched_by_known CHECK (matched_by IN ('token', 'source', 'window')),
    timing        text CONSTRAINT decision_timing_known CHECK (timing IN ('early', 'in_time', 'late')),
    facts         jsonb NOT NULL,
    rule_version  bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    updated_by    text NOT NULL,
    version       bigint NOT NULL,
    CONSTRAINT decision_once UNIQUE (patient_id, rule, start_id, number),
    CONSTRAINT decision_answered_by_something CHECK ((state = 'answered') = (submission_id IS NOT NULL)),
    CONSTRAINT decision_answer_matched CHECK ((submission_id IS NULL) = (matched_by IS NULL) AND (submission_id IS NULL) = (timing IS NULL))
);
CREATE UNIQUE INDEX decision_current_once ON decision (patient_id, rule) WHERE current;
CREATE INDEX decision_to_send ON decision (channel, send_on, id) WHERE send_on IS NOT NULL;
CREATE INDEX decision_to_review ON decision (review_on) WHERE review_on IS NOT NULL;
CREATE INDEX decision_by_rule ON decision (rule, state) WHERE current;

-- Invitations and reminders (invitasjoner og purringer). Each attempt exists once.
CREATE TABLE invitation (
    id             uuid PRIMARY KEY,
    patient_id     uuid NOT NULL CONSTRAINT invitation_patient_fk REFERENCES patient,
    decision_id    uuid NOT NULL CONSTRAINT invitation_decision_fk REFERENCES decision,
    rule           text NOT NULL,
    start_id       uuid NOT NULL,
    number         integer NOT NULL,
    -- attempt: number of the message within the occurrence, from 1; reminder: 0 for the invitation, then 1, 2 ..
    attempt        integer NOT NULL CONSTRAINT invitation_attempt_counts CHECK (attempt > 0),
    reminder       integer NOT NULL CONSTRAINT invitation_reminder_counts CHECK (reminder >= 0),
    channel        text NOT NULL CONSTRAINT invitation_channel_known CHECK (channel IN ('sms', 'email', 'digital_mailbox', 'helsenorge')),
    form           text NOT NULL,
    language       text NOT NULL,
    -- SHA-256 of the token in the link. The token is derived and not stored.
    token_hash     bytea NOT NULL CONSTRAINT invitation_token_unique UNIQUE,
    state          text NOT NULL CONSTRAINT invitation_state_known CHECK (state IN ('claimed', 'handed_over', 'sent', 'delivered', 'failed', 'unknown', 'withdrawn')),
    -- The claim, its holder and its lease expiry.
    claim_id       uuid NOT NULL,
    claimed_by     text NOT NULL,
    claimed_at     timestamptz NOT NULL,
    lease_until    timestamptz NOT NULL,
    handed_over_at timestamptz,
    sent_at        timestamptz,
    delivered_at   timestamptz,
    failed_at      timestamptz,
    failure        text,
    -- The id in the sender's system: a gateway's message, a Helsenorge task.
    reference      text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    updated_by     text NOT NULL,
    version        bigint NOT NULL,
    CONSTRAINT invitation_once UNIQUE (patient_id, rule, start_id, number, attempt),
    CONSTRAINT invitation_sent_at_some_time CHECK ((state <> 'sent' AND state <> 'delivered') OR sent_at IS NOT NULL),
    CONSTRAINT invitation_failed_for_a_reason CHECK (state <> 'failed' OR (failed_at IS NOT NULL AND failure IS NOT NULL))
);
CREATE INDEX invitation_by_decision ON invitation (decision_id);
CREATE INDEX invitation_by_claim ON invitation (claim_id);
CREATE INDEX invitation_open ON invitation (lease_until) WHERE state IN ('claimed', 'handed_over');
CREATE INDEX invitation_by_time ON invitation (claimed_at DESC, id DESC);
CREATE INDEX invitation_by_sent ON invitation (sent_at) WHERE sent_at IS NOT NULL;
CREATE UNIQUE INDEX invitation_reference_unique ON invitation (channel, reference) WHERE reference IS NOT NULL;

-- The invitation that an answer names, by its token or by the source's reference.
ALTER TABLE submission
    ADD COLUMN invitation_id uuid CONSTRAINT submission_invitation_fk REFERENCES invitation,
    ADD COLUMN invited_by    text CONSTRAINT submission_invited_by_known CHECK (invited_by IN ('token', 'source')),
    ADD CONSTRAINT submission_invited_by_something CHECK ((invitation_id IS NULL) = (invited_by IS NULL));

-- Telephone calls about unanswered invitations (ringeliste).
CREATE TABLE follow_up_call (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL CONSTRAINT follow_up_call_patient_fk REFERENCES patient,
    decision_id uuid NOT NULL CONSTRAINT follow_up_call_decision_fk REFERENCES decision,
    called_at   timestamptz NOT NULL,
    called_by   text NOT NULL,
    outcome     text NOT NULL CONSTRAINT follow_up_call_outcome_known CHECK (outcome IN ('reached', 'no_reply', 'wrong_number', 'declined', 'will_answer', 'unable')),
    created_at  timestamptz NOT NULL
);
CREATE INDEX follow_up_call_by_decision ON follow_up_call (decision_id, called_at DESC);
CREATE INDEX follow_up_call_by_patient ON follow_up_call (patient_id);
