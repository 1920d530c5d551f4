-- The invitation whose token stands in what waits: nobody is reminded of what they have answered.
ALTER TABLE quarantine ADD COLUMN invitation_id uuid CONSTRAINT quarantine_invitation_fk REFERENCES invitation;
CREATE INDEX quarantine_by_invitation ON quarantine (invitation_id) WHERE invitation_id IS NOT NULL;
