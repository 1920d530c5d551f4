DROP TABLE follow_up_call;
ALTER TABLE submission
    DROP CONSTRAINT submission_invited_by_something,
    DROP COLUMN invitation_id,
    DROP COLUMN invited_by;
DROP TABLE invitation;
DROP TABLE decision;
ALTER TABLE patient DROP COLUMN channels;
DROP TABLE follow_up_sweep;
DROP TABLE follow_up_plan_draft;
DROP TABLE follow_up_plan;
