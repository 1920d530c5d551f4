-- A call stays when what it was about is decided no more: the decision itself stands in row_history.
ALTER TABLE follow_up_call DROP CONSTRAINT follow_up_call_decision_fk;
