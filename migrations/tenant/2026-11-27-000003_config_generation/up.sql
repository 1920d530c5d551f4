-- The counter covers code lists, projects, licences, settings and the follow-up plan, not lists only.
ALTER TABLE list_generation RENAME TO config_generation;
ALTER TABLE config_generation RENAME CONSTRAINT list_generation_one_row TO config_generation_one_row;
ALTER INDEX list_generation_pkey RENAME TO config_generation_pkey;
