-- Takes back 0004: documents go; runs keep their settings, not which version these were.
ALTER TABLE runs DROP COLUMN config_version_id;
DROP TABLE document_changes;
DROP TABLE document_versions;
DROP FUNCTION document_versions_frozen();
DROP TABLE documents;
