-- The second wall: what each request role may do inside a tenant's schema. Dropped and given anew as a whole by every
-- migration. {schema} and {role} names are filled in by painreg-tenants; a role that stands nowhere here may do nothing.
-- Nobody has UPDATE or DELETE on audit_event; importers cannot read answers.

GRANT SELECT, INSERT ON audit_event TO {system};
GRANT SELECT, INSERT, DELETE ON idempotency_key TO {system};

GRANT INSERT ON audit_event TO {patient}, {clinician}, {secretary}, {registry_manager}, {council_member}, {council_chair}, {applicant}, {importer}, {sender}, {pas_feed}, {dpo};
GRANT SELECT, INSERT ON idempotency_key TO {patient}, {clinician}, {secretary}, {registry_manager}, {council_member}, {council_chair}, {applicant}, {importer}, {sender}, {pas_feed}, {dpo};

-- The access log: the patient's own, and all of it for those who oversee.
GRANT SELECT ON audit_event TO {patient}, {registry_manager}, {dpo};

GRANT SELECT ON form_version, nettskjema_form TO {patient}, {clinician}, {secretary}, {registry_manager}, {importer}, {sender}, {system};

-- Patients.
GRANT SELECT ON patient, patient_key, patient_identifier TO {patient}, {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT INSERT ON patient, patient_key, patient_identifier TO {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT UPDATE (unit, sex, birth_date, language, interpreter_needed, cognitive_impairment, protected_address, deceased_on, contact, updated_at, updated_by, version)
    ON patient TO {clinician}, {secretary}, {registry_manager}, {pas_feed};
GRANT SELECT (id, unit) ON patient TO {importer}, {dpo};
GRANT SELECT (patient_id, blind_index) ON patient_identifier TO {importer};

-- Answers: an importer writes them and sees only what it needs to know a delivery again.
GRANT SELECT ON submission, score TO {patient}, {clinician}, {registry_manager};
GRANT INSERT ON submission, score TO {patient}, {clinician}, {importer};
GRANT SELECT (id, patient_id, source_system, source_form_id, source_submission_id, revision, payload_hash) ON submission TO {importer};
