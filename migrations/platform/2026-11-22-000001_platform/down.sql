DROP TABLE idempotency_key, audit_event, used_proof, refusal, migration_run, generation, issuer, tenant;
