ALTER INDEX config_generation_pkey RENAME TO list_generation_pkey;
ALTER TABLE config_generation RENAME CONSTRAINT config_generation_one_row TO list_generation_one_row;
ALTER TABLE config_generation RENAME TO list_generation;
