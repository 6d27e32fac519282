-- 0002 plugin papers: what lies beside a component, who signed it, when it was added; what a run was granted.
--
-- plugins.trust and plugin_versions.signer say how it was when the plugin was added: what holds is the policy
-- and the signature, which are looked at again whenever the plugin is loaded.

ALTER TABLE plugin_versions ADD COLUMN manifest TEXT;
ALTER TABLE plugin_versions ADD COLUMN signature TEXT;
ALTER TABLE plugin_versions ADD COLUMN signer TEXT;
-- None where it was only run, never added.
ALTER TABLE plugin_versions ADD COLUMN added_at BIGINT;

-- The digest of capabilities and folders that were linked; none where a run had nothing beyond `run`.
ALTER TABLE runs ADD COLUMN grants TEXT CHECK (grants IS NULL OR length(grants) = 64);
