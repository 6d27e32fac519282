-- Takes back 0009: the audit log, policies and records of erasures and backups go.
DROP TABLE todos;
DROP TABLE backups;
DROP TABLE erasure_requests;
DROP TABLE retention_policies;
DROP TRIGGER audit_log_kept ON audit_log;
DROP FUNCTION audit_log_kept();
DROP TRIGGER audit_log_frozen ON audit_log;
DROP FUNCTION audit_log_frozen();
DROP TABLE audit_anchor;
DROP TABLE audit_log;
