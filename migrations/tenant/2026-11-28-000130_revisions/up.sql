-- The source's own order decides which revision of a submission is current, whatever the order of arrival.
ALTER TABLE submission
    -- The instant of the source's last change.
    ADD COLUMN changed_at timestamptz,
    -- The revision that was current when this one arrived, if the source had changed that one later; else NULL.
    ADD COLUMN superseded_by uuid CONSTRAINT submission_superseded_by_fk REFERENCES submission;
UPDATE submission SET changed_at = submitted_at;
ALTER TABLE submission ALTER COLUMN changed_at SET NOT NULL;

ALTER TABLE quarantine
    -- The instant of the source's last change, if it could be read.
    ADD COLUMN changed_at timestamptz;
CREATE INDEX quarantine_closed_by_payload ON quarantine (payload_hash) WHERE state IN ('placed', 'superseded');
