-- Several workers decide patients at the same time, each in one lane. The patient's id determines the lane.
ALTER TABLE follow_up_sweep
    DROP COLUMN only_row,
    ADD COLUMN lane smallint PRIMARY KEY DEFAULT 0 CONSTRAINT follow_up_sweep_lane_known CHECK (lane BETWEEN 0 AND 3);
UPDATE follow_up_sweep SET last_id = NULL;
INSERT INTO follow_up_sweep (lane, done, doing) SELECT new, done, doing FROM follow_up_sweep, generate_series(1, 3) AS new;
ALTER TABLE follow_up_sweep ALTER lane DROP DEFAULT;
