-- The second wall: the rights of each request role in a tenant's schema. Every migration revokes all rights and grants these.
-- {schema} and {role} names are filled in by painreg-tenants; a role that is not named here has no rights. No role has UPDATE or
-- DELETE on audit_event; importers cannot read answers.

GRANT SELECT, INSERT ON audit_event TO {system};
GRANT SELECT, INSERT, DELETE ON idempotency_key TO {system};

GRANT INSERT ON audit_event TO {patient}, {clinician}, {secretary}, {registry_manager}, {council_member}, {council_chair}, {applicant}, {importer}, {sender}, {pas_feed}, {dpo};
GRANT SELECT, INSERT ON idempotency_key TO {patient}, {clinician}, {secretary}, {registry_manager}, {council_member}, {council_chair}, {applicant}, {importer}, {sender}, {pas_feed}, {dpo};

-- The access log: patients read their own, overseers all of it.
GRANT SELECT ON audit_event TO {patient}, {registry_manager}, {dpo};

GRANT SELECT ON form_version, nettskjema_form TO {patient}, {clinician}, {secretary}, {registry_manager}, {importer}, {sender}, {system};
GRANT INSERT ON form_version TO {registry_manager};
GRANT SELECT, INSERT, UPDATE, DELETE ON form_draft TO {registry_manager};

-- Patients.
GRANT SELECT ON patient, patient_key, patient_identifier TO {patient}, {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT INSERT ON patient, patient_key, patient_identifier TO {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT UPDATE (unit, sex, birth_date, language, interpreter_needed, cognitive_impairment, protected_address, deceased_on, contact, mobile_index, email_index, channels, contact_changed_at, updated_at, updated_by, version)
    ON patient TO {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT SELECT (id, unit, merged_into) ON patient TO {importer}, {dpo};
GRANT SELECT (patient_id, blind_index) ON patient_identifier TO {importer};

-- Answers: an importer writes them and reads the columns that identify a delivery.
GRANT SELECT ON submission, score TO {patient}, {clinician}, {registry_manager};
GRANT INSERT ON submission, score TO {patient}, {clinician}, {importer};
GRANT INSERT ON submission, score TO {registry_manager};
GRANT SELECT (id, patient_id, wave, source_system, source_form_id, source_submission_id, revision, superseded_by, payload_hash, content_hash, changed_at, invitation_id, invited_by) ON submission TO {importer};
-- The source confirmed the current revision at a later instant.
GRANT UPDATE (changed_at) ON submission TO {patient}, {clinician}, {registry_manager}, {importer};
-- Free text is sealed under the patient's key; an importer reads the wrapped key, which only the server unwraps.
GRANT SELECT ON patient_key TO {importer};

-- Quarantine: an importer adds deliveries and reads the columns that identify one.
GRANT SELECT, INSERT, UPDATE ON quarantine TO {registry_manager};
GRANT INSERT ON quarantine TO {importer};
GRANT SELECT (id, nettskjema_id, invitation_id, source_system, source_form_id, source_submission_id, payload_hash, changed_at, state, deliveries, reasons, submission_id, updated_at, updated_by, version) ON quarantine TO {importer};
GRANT UPDATE (state, submission_id, deliveries, reasons, updated_at, updated_by, version) ON quarantine TO {importer};

-- Alerts: roles that submit answers add them, the clinic reads and acknowledges them.
GRANT INSERT ON alert TO {patient}, {clinician}, {importer}, {registry_manager};
GRANT SELECT ON alert TO {clinician}, {registry_manager};
GRANT UPDATE (acknowledged_at, acknowledged_by, version) ON alert TO {clinician}, {registry_manager};

-- Mappings and definitions of Nettskjema forms.
GRANT SELECT ON nettskjema_definition TO {patient}, {clinician}, {secretary}, {registry_manager}, {importer}, {sender};
GRANT INSERT ON nettskjema_definition TO {importer}, {registry_manager};
GRANT INSERT ON nettskjema_form TO {registry_manager};

-- Entries. Every change keeps the old state in row_history, which no role changes.
GRANT SELECT ON referral, episode, consultation, diagnosis, procedure, pain_site, treatment_goal, medication, implant, implant_component, implant_programme, implant_event, implant_check, legal_basis, project_participation, sample, row_history
    TO {patient}, {clinician}, {secretary}, {registry_manager};
GRANT INSERT, UPDATE, DELETE ON referral, episode, consultation, diagnosis, procedure, pain_site, treatment_goal, medication, implant, implant_component, implant_programme, implant_event, implant_check, legal_basis, project_participation, sample
    TO {clinician}, {secretary}, {registry_manager};
GRANT INSERT ON row_history TO {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT SELECT ON row_history, referral, episode, consultation, legal_basis TO {pas_feed};
GRANT INSERT, UPDATE ON referral, episode, consultation, legal_basis TO {pas_feed};
-- Whether answers may be stored.
GRANT SELECT (patient_id, basis, decision, against, valid_from, valid_to, source) ON legal_basis TO {importer};

-- Merges of duplicates.
GRANT SELECT, INSERT, UPDATE ON patient_merge TO {registry_manager};
GRANT UPDATE (merged_into) ON patient TO {registry_manager};

-- Code lists and projects.
GRANT SELECT ON code_list, code_list_version, config_generation, project TO {patient}, {clinician}, {secretary}, {registry_manager}, {council_member}, {council_chair}, {applicant}, {importer}, {sender}, {pas_feed}, {dpo};
GRANT INSERT, UPDATE ON code_list TO {registry_manager};
GRANT UPDATE ON code_list_version, config_generation TO {registry_manager};
GRANT INSERT, UPDATE ON project TO {registry_manager};

-- Licences, wordings and settings: versions are added, none is changed. Invoices are readable by registry managers. Roles that
-- submit answers read licences, because a submission is checked against them.
GRANT SELECT (id, version, content, changed_at, changed_by) ON licence TO {patient}, {clinician}, {secretary}, {importer}, {dpo};
GRANT SELECT, INSERT ON licence TO {registry_manager};
GRANT SELECT ON item_text TO {patient}, {clinician}, {secretary}, {registry_manager};
GRANT INSERT ON item_text TO {registry_manager};
GRANT SELECT ON registry_setting TO {patient}, {clinician}, {secretary}, {registry_manager}, {importer}, {dpo};
GRANT INSERT ON registry_setting TO {registry_manager};

-- Follow-up is decided as the system role, whichever role changed a fact: it reads the facts, and is the only role that writes
-- decisions.
GRANT SELECT (id, merged_into, unit, birth_date, language, cognitive_impairment, interpreter_needed, deceased_on, channels, contact_changed_at) ON patient TO {system};
GRANT SELECT (patient_id, kind) ON patient_identifier TO {system};
GRANT SELECT (patient_id, basis, decision, against, valid_from, valid_to, source) ON legal_basis TO {system};
GRANT SELECT (id, patient_id, received_on, category) ON referral TO {system};
GRANT SELECT (id, patient_id, referral_id, opened_on, closed_on) ON episode TO {system};
GRANT SELECT (id, patient_id, performed_on, effective_group) ON procedure TO {system};
GRANT SELECT (id, modality) ON implant TO {system};
GRANT SELECT (id, patient_id, implant_id, component, trial, implanted_on, removed_on) ON implant_component TO {system};
GRANT SELECT (id, patient_id, project, joined_on, left_on) ON project_participation TO {system};
GRANT SELECT (id, patient_id, form, wave, submitted_at, supersedes, superseded_by, invitation_id, invited_by) ON submission TO {system};
-- Whether entries lie within the patient's life, whichever role changes a date of birth or death: their days, no content.
GRANT SELECT (patient_id, held_on, attendance) ON consultation TO {system};
GRANT SELECT (patient_id, set_on) ON diagnosis, treatment_goal, implant_programme TO {system};
GRANT SELECT (patient_id, recorded_on) ON pain_site TO {system};
GRANT SELECT (patient_id, started_on) ON medication TO {system};
GRANT SELECT (patient_id, decided_on) ON implant TO {system};
GRANT SELECT (patient_id, happened_on, class) ON implant_event TO {system};
GRANT SELECT (patient_id, checked_on) ON implant_check TO {system};
GRANT SELECT (patient_id, taken_on) ON sample TO {system};
GRANT SELECT ON project, code_list, config_generation TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON decision TO {system};
GRANT INSERT ON row_history TO {system};
GRANT SELECT ON invitation TO {system};
GRANT SELECT, UPDATE ON follow_up_sweep TO {system};
GRANT SELECT ON follow_up_plan TO {clinician}, {secretary}, {registry_manager}, {sender}, {dpo}, {system};
GRANT SELECT ON decision, invitation TO {patient}, {clinician}, {secretary}, {registry_manager};
GRANT SELECT ON follow_up_sweep TO {clinician}, {secretary}, {registry_manager};
GRANT INSERT ON follow_up_plan TO {registry_manager};
GRANT SELECT, INSERT, UPDATE, DELETE ON follow_up_plan_draft TO {registry_manager};
-- Senders read contact data and no entries. The access log shows every address that was handed out.
GRANT SELECT (id, unit, merged_into, language, contact) ON patient TO {sender};
GRANT SELECT ON patient_key, patient_identifier TO {sender};
GRANT SELECT, INSERT, UPDATE ON invitation TO {sender};
GRANT UPDATE (state, updated_at, updated_by, version) ON invitation TO {system};
-- Importers read which invitation an answer names.
GRANT SELECT (id, patient_id, token_hash, reference) ON invitation TO {importer};
-- Telephone calls about unanswered invitations.
GRANT SELECT, INSERT ON follow_up_call TO {clinician}, {secretary}, {registry_manager};
GRANT SELECT (patient_id, decision_id, outcome) ON follow_up_call TO {system};
GRANT SELECT (invitation_id, state) ON quarantine TO {system};

-- Events are written by every role that changes something, and changed by none. The system role gives them their positions; a
-- reader sees whether some are waiting. Registry managers manage webhook subscriptions.
GRANT INSERT ON event_inbox TO {patient}, {clinician}, {secretary}, {registry_manager}, {importer}, {sender}, {pas_feed}, {system};
GRANT SELECT, DELETE ON event_inbox TO {system};
GRANT SELECT (written) ON event_inbox TO {clinician}, {secretary}, {registry_manager};
GRANT SELECT, INSERT ON event TO {system};
GRANT SELECT ON event, log_head TO {clinician}, {secretary}, {registry_manager};
GRANT SELECT, UPDATE (epoch, last, identity) ON log_head TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO {registry_manager};
GRANT SELECT, UPDATE (state, attempts, next_at) ON webhook_delivery TO {registry_manager};
GRANT SELECT, UPDATE ON webhook TO {system};
GRANT SELECT, INSERT, UPDATE ON webhook_delivery TO {system};

-- Long operations: requested and cancelled by people, done by the worker as the system role.
GRANT SELECT, INSERT ON operation TO {registry_manager};
GRANT UPDATE (state, next_at, finished_at, updated_at, updated_by, version) ON operation TO {registry_manager};
GRANT SELECT ON operation TO {dpo}, {system};
GRANT UPDATE ON operation TO {system};
-- Rescoring reads answers and adds versions of scores.
GRANT SELECT (answers) ON submission TO {system};
GRANT SELECT, INSERT ON score TO {system};
GRANT SELECT ON registry_setting, licence TO {system};
