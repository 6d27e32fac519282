-- Takes back 0002: runs lose what they were granted, plugins their papers; the components stay.
ALTER TABLE runs DROP COLUMN grants;
ALTER TABLE plugin_versions DROP COLUMN added_at;
ALTER TABLE plugin_versions DROP COLUMN signer;
ALTER TABLE plugin_versions DROP COLUMN signature;
ALTER TABLE plugin_versions DROP COLUMN manifest;
