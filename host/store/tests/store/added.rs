use stratagem_domain::{Digest, PluginIdentity, Trust};
use stratagem_store::{AddedPlugin, Addition, Papers, StoreError};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, plugin};

fn added(identity: PluginIdentity, manifest: &str) -> AddedPlugin {
    let papers = Papers { manifest: Some(manifest.into()), signature: Some("signature".into()) };
    AddedPlugin { identity, papers, trust: Trust::Reviewed, signer: Some("ann".into()), added_at: 0 }
}

#[test]
fn an_added_plugin_comes_back_and_the_same_again_changes_nothing() {
    let bench = Bench::new();
    let mirror = added(plugin("mirror"), "m");
    let add = |plugin: &AddedPlugin| bench.store.add_plugin(plugin, WORLD, "{}", COMPONENT).unwrap();
    assert_eq!(add(&mirror), Addition::Added);
    let first = bench.store.added_plugins().unwrap();
    assert!(first[0].added_at > 0);
    assert_eq!(first, [AddedPlugin { added_at: first[0].added_at, ..mirror.clone() }]);
    assert_eq!(add(&mirror), Addition::Unchanged);
    assert_eq!(bench.store.added_plugins().unwrap(), first);
    assert_eq!(bench.store.component(&mirror.identity.digest).unwrap().unwrap(), COMPONENT);
    assert_eq!(add(&added(plugin("mirror"), "other")), Addition::Changed);
    assert_eq!(bench.store.added_plugins().unwrap()[0].papers.manifest.as_deref(), Some("other"));
    assert_eq!(bench.count("plugin_versions"), 1);
}

#[test]
fn what_was_only_run_is_not_added_and_what_was_added_keeps_its_papers() {
    let bench = Bench::new();
    let papers = |text: &str| Papers { manifest: Some(text.into()), signature: None };
    let run = |name: &str, text: &str| {
        bench.store.keep_plugin(&plugin(name), WORLD, "{}", COMPONENT, &papers(text)).unwrap();
    };
    run("mirror", "first");
    run("mirror", "second");
    assert!(bench.store.added_plugins().unwrap().is_empty());
    assert_eq!(bench.store.papers(&plugin("mirror")).unwrap(), papers("second"));
    bench.store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    assert_eq!(bench.store.papers(&plugin("mirror")).unwrap(), papers("second"), "a bare component has none");
    let spiral = added(plugin("spiral"), "signed");
    bench.store.add_plugin(&spiral, WORLD, "{}", COMPONENT).unwrap();
    run("spiral", "later");
    assert_eq!(bench.store.papers(&plugin("spiral")).unwrap(), spiral.papers);
    assert_eq!(bench.store.papers(&plugin("nobody")).unwrap(), Papers::default());
}

#[test]
fn a_component_that_is_another_leaves_nothing() {
    let bench = Bench::new();
    let mirror = added(PluginIdentity { digest: Digest::of(b"another"), ..plugin("mirror") }, "m");
    let error = bench.store.add_plugin(&mirror, WORLD, "{}", COMPONENT).unwrap_err();
    assert!(matches!(error, StoreError::WrongComponent { .. }), "{error}");
    for table in ["plugins", "plugin_versions", "artifacts"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
}
