DELETE FROM follow_up_call WHERE NOT EXISTS (SELECT FROM decision WHERE decision.id = decision_id);
ALTER TABLE follow_up_call ADD CONSTRAINT follow_up_call_decision_fk FOREIGN KEY (decision_id) REFERENCES decision;
