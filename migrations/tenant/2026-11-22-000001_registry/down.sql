DROP TABLE idempotency_key, audit_event, score, submission, nettskjema_form, form_version,
           patient_identifier, patient_key, patient;
