DROP INDEX row_history_by_period;
DROP TABLE alert, quarantine, nettskjema_definition;
DELETE FROM nettskjema_form WHERE version <> (SELECT max(version) FROM nettskjema_form newest WHERE newest.nettskjema_id = nettskjema_form.nettskjema_id);
ALTER TABLE nettskjema_form
    DROP CONSTRAINT nettskjema_form_pkey,
    DROP COLUMN version,
    DROP COLUMN keys,
    DROP COLUMN updated_at,
    DROP COLUMN updated_by,
    ADD PRIMARY KEY (nettskjema_id);
DELETE FROM score WHERE version <> (SELECT max(version) FROM score newest WHERE newest.submission_id = score.submission_id AND newest.instrument = score.instrument);
ALTER TABLE score
    DROP CONSTRAINT score_pkey,
    DROP COLUMN version,
    DROP COLUMN scored_at,
    ADD PRIMARY KEY (submission_id, instrument, algorithm);
ALTER TABLE submission
    DROP CONSTRAINT submission_representation_of_representative,
    DROP COLUMN free_text,
    DROP COLUMN representation,
    DROP COLUMN content_hash;
