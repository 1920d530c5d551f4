-- A call is kept after its decision has been removed; row_history has the old decision.
ALTER TABLE follow_up_call DROP CONSTRAINT follow_up_call_decision_fk;
