-- The invitation that a delivery in quarantine answers, by its token: no reminder is sent for it.
ALTER TABLE quarantine ADD COLUMN invitation_id uuid CONSTRAINT quarantine_invitation_fk REFERENCES invitation;
CREATE INDEX quarantine_by_invitation ON quarantine (invitation_id) WHERE invitation_id IS NOT NULL;
