DELETE FROM follow_up_sweep WHERE lane > 0;
UPDATE follow_up_sweep SET doing = 0, last_id = NULL, done = 0;
ALTER TABLE follow_up_sweep
    DROP COLUMN lane,
    ADD COLUMN only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT follow_up_sweep_one_row CHECK (only_row);
