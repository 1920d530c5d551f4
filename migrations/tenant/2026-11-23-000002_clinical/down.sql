DROP TABLE sample, project_participation, legal_basis, implant_check, implant_event, implant_programme, implant_component, implant, medication, treatment_goal, pain_site, procedure, diagnosis, consultation, episode, referral;
DROP TABLE patient_merge, row_history, list_generation, code_list_version, code_list, project;
DROP INDEX patient_by_birth_date;
ALTER TABLE patient DROP COLUMN merged_into, DROP COLUMN mobile_index, DROP COLUMN email_index;
