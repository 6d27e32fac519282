//! Who made a plugin, and which one exactly: signatures, pins, and plugins that the database keeps.

use std::fs;

use serde_json::Value;

use crate::harness::{GREEDY, Host, PROBE, WASI_PROBE};

/// A host with one task and two signers' keys.
fn host() -> Host {
    let host = Host::new();
    host.write_tasks(1);
    for signer in ["ann", "bob"] {
        host.succeeds(&["plugin", "keygen", "--no-password", "--out", &format!("{signer}.key")]);
    }
    host
}

fn public(host: &Host, signer: &str) -> String {
    let text = fs::read_to_string(host.path(&format!("{signer}.pub"))).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}

/// A policy that knows ann, with `more`.
fn knows_ann(host: &Host, more: &str) {
    let key = public(host, "ann");
    host.write(
        "stratagem.toml",
        format!("[policy.signers.ann]\nkey = \"{key}\"\ntrust = \"reviewed\"\n{more}"),
    );
}

fn sign(host: &Host, plugin: &str, signer: &str) {
    host.succeeds(&["plugin", "sign", plugin, "--key", &format!("{signer}.key")]);
}

/// Copies a plugin's files.
fn copy(host: &Host, from: &str, to: &str) {
    for entry in fs::read_dir(host.path(from)).unwrap() {
        let path = entry.unwrap().path();
        host.write(
            &format!("{to}/{}", path.file_name().unwrap().to_string_lossy()),
            fs::read(&path).unwrap(),
        );
    }
}

fn change(host: &Host, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(host.path(file)).unwrap();
    let changed = text.replace(from, to);
    assert_ne!(text, changed, "{file}: {from}");
    host.write(file, changed);
}

fn digest(host: &Host, plugin: &str) -> String {
    host.run(&["plugin", "verify", plugin, "--json"]);
    let manifest = fs::read_to_string(host.path(plugin).join("plugin.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("blake3")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

/// Holds a plugin that is handed in to its refusal; it leaves a row, with its cause.
fn refuses(host: &Host, case: &str, solve: &[&str], words: &[&str]) {
    host.run(solve).refused(case, 1, words);
}

#[test]
fn a_signature_is_made_and_verified() {
    let host = host();
    host.refuses("unsigned", &["plugin", "sign", PROBE, "--key", "none.key"], 2, &["none.key"]);
    sign(&host, PROBE, "ann");
    assert!(host.path("guests/probe/component.wasm.minisig").is_file());
    let text = host.succeeds(&["plugin", "verify", PROBE, "--key", "ann.pub"]);
    assert!(text.contains("signed by the key"), "{text}");
    host.succeeds(&["plugin", "verify", "guests/probe/component.wasm", "--key", &public(&host, "ann")]);
    let stranger = host.run(&["plugin", "verify", PROBE]);
    assert_eq!(stranger.status, Some(1));
    assert!(stranger.stdout.contains("signed by unknown key"), "{stranger:?}");
    assert!(stranger.stderr.contains("which nobody vouches for\n  hint: "), "{stranger:?}");
    knows_ann(&host, "");
    let json = host.json(&["plugin", "verify", PROBE, "--json"]);
    assert_eq!((&json["signed"]["state"], &json["signed"]["signer"]), (&"by".into(), &"ann".into()));
    let other = host.run(&["plugin", "verify", PROBE, "--key", "bob.pub"]);
    assert!(other.stderr.contains("which nobody vouches for"), "{other:?}");
    let unsigned = host.run(&["plugin", "verify", GREEDY]);
    assert!(unsigned.status == Some(1) && unsigned.stderr.contains("is not signed"), "{unsigned:?}");
    host.refuses(
        "no key",
        &["plugin", "verify", PROBE, "--key", "RWnothing"],
        2,
        &["a public key has 56 letters"],
    );
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused_by_its_own_words() {
    let host = host();
    knows_ann(&host, "");
    sign(&host, PROBE, "ann");
    let signature = "component.wasm.minisig";
    let solve = |plugin: &str| ["solve".to_owned(), "tasks".into(), "--strategy".into(), plugin.to_owned()];
    let refused = |case: &str, plugin: &str, words: &[&str]| {
        let args = solve(plugin);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refuses(&host, case, &args, &[&["signature does not fit", "hint: it changed"], words].concat());
        let sql = "SELECT json_extract(ending, '$.refused.cause') FROM runs ORDER BY id DESC LIMIT 1";
        assert_eq!(host.one::<String>(sql), "signature", "{case}");
        let said = host.run(&["plugin", "inspect", plugin]);
        assert!(said.status == Some(1) && said.stderr.contains("signature does not fit"), "{case}: {said:?}");
    };
    host.succeeds(&["solve", "tasks", "--strategy", PROBE]);

    copy(&host, PROBE, "case/component");
    let mut bytes = fs::read(host.path("case/component/component.wasm")).unwrap();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    host.write("case/component/component.wasm", bytes);
    let manifest = fs::read_to_string(host.path("case/component/plugin.toml")).unwrap();
    let kept: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("blake3")).collect();
    host.write("case/component/plugin.toml", kept.join("\n"));
    refused("component", "case/component", &["it is not \"ann\"'s signature of this component"]);

    for (case, from, to) in [
        ("manifest", "kind = \"fixture\"", "kind = \"fixture\" # or so"),
        ("version", "version = \"0.1.0\"", "version = \"0.1.1\""),
        ("capabilities", "capabilities = []", "capabilities = [\"files\"]"),
    ] {
        let place = format!("case/{case}");
        copy(&host, PROBE, &place);
        change(&host, &format!("{place}/plugin.toml"), from, to);
        refused(case, &place, &["it is of \"stratagem plugin probe 0.1.0 component"]);
    }

    copy(&host, GREEDY, "case/replayed");
    host.write("case/replayed/component.wasm.minisig", fs::read(host.path(PROBE).join(signature)).unwrap());
    refused("replayed", "case/replayed", &["it is not \"ann\"'s signature of this component"]);

    // The same component under another name: only the statement tells them apart.
    copy(&host, PROBE, "case/renamed");
    change(&host, "case/renamed/plugin.toml", "name = \"probe\"", "name = \"mirror\"");
    refused("renamed", "case/renamed", &["this is \"stratagem plugin mirror"]);

    copy(&host, PROBE, "case/forged");
    change(&host, "case/forged/component.wasm.minisig", "stratagem plugin probe", "stratagem plugin prone");
    refused("forged", "case/forged", &["signature"]);

    copy(&host, PROBE, "case/garbage");
    host.write("case/garbage/component.wasm.minisig", "I signed this");
    refused("garbage", "case/garbage", &["not in minisign's format"]);

    copy(&host, PROBE, "case/wrong-key");
    sign(&host, "case/wrong-key", "bob");
    host.succeeds(&["solve", "tasks", "--strategy", "case/wrong-key"]);
    let json = host.json(&["plugin", "inspect", "case/wrong-key", "--json"]);
    assert_eq!(
        (&json["grants"]["trust"], &json["grants"]["signed"]["state"]),
        (&"untrusted".into(), &"unknown".into())
    );
}

#[test]
fn a_demanded_signer_and_a_pin_are_held_to() {
    let host = host();
    knows_ann(&host, "");
    let solve = ["solve", "tasks", "--strategy", PROBE];
    let demand = "[policy.plugins.probe]\nsigner = \"ann\"\n";
    knows_ann(&host, demand);
    refuses(&host, "demanded", &solve, &["is signed by nobody, the policy demands \"ann\"", "plugin sign"]);
    sign(&host, PROBE, "bob");
    refuses(&host, "by another", &solve, &["is signed by unknown key", "demands \"ann\""]);
    sign(&host, PROBE, "ann");
    host.succeeds(&solve);
    let key = public(&host, "ann");
    let all = format!("[policy]\nrequire_signature = true\n[policy.signers.ann]\nkey = \"{key}\"\n");
    host.write("stratagem.toml", &all);
    host.succeeds(&solve);
    let greedy = ["plugin", "inspect", GREEDY];
    let said = host.run(&greedy);
    assert!(said.stderr.contains("demands a signer that the policy names"), "{said:?}");
    // A bare component says its name only once it is described; the name's demands hold all the same.
    host.write("bare.wasm", fs::read(host.path(PROBE).join("component.wasm")).unwrap());
    knows_ann(&host, demand);
    refuses(&host, "bare", &["solve", "tasks", "--strategy", "./bare.wasm"], &["demands \"ann\""]);
    let pin = |digest: &str| {
        host.write("stratagem.toml", format!("[policy.plugins.probe]\nblake3 = \"{digest}\"\n"));
    };
    pin(&digest(&host, PROBE));
    host.succeeds(&solve);
    pin(&"0".repeat(64));
    refuses(&host, "pinned", &solve, &["component has BLAKE3", "the policy pins 0000000000"]);
}

#[test]
fn a_signer_lends_trust_and_capabilities() {
    let host = host();
    let solve = ["solve", "tasks", "--strategy", WASI_PROBE];
    let more = "capabilities = [\"stdio\", \"clock\", \"random\", \"files\", \"process\"]";
    knows_ann(&host, more);
    refuses(&host, "unsigned", &solve, &["[policy.trust.untrusted] does not grant"]);
    sign(&host, WASI_PROBE, "ann");
    host.succeeds(&solve);
    knows_ann(&host, "");
    refuses(&host, "reviewed", &solve, &["imports `files`, which [policy.trust.reviewed] does not grant"]);
    let lines = host.json(&["--config", "stratagem.toml", "plugin", "inspect", PROBE, "--json"]);
    assert_eq!(lines["grants"]["signed"]["state"], "unsigned");
}

#[test]
fn an_added_plugin_is_found_without_its_folder() {
    let host = host();
    knows_ann(&host, "");
    sign(&host, PROBE, "ann");
    let first = host.json(&["plugin", "add", PROBE, "--json"]);
    assert_eq!(
        (&first["state"], &first["trust"], &first["signer"]),
        (&"added".into(), &"reviewed".into(), &"ann".into())
    );
    let kept = host.kept();
    assert_eq!(host.json(&["plugin", "add", PROBE, "--json"])["state"], "unchanged");
    assert!(host.kept() == kept, "the same again changed something");
    let digest = digest(&host, PROBE);
    fs::remove_dir_all(host.path("guests")).unwrap();
    let pinned = format!("probe@{}", &digest[..12]);
    for name in ["probe", &pinned, &format!("probe@{digest}")] {
        host.succeeds(&["solve", "tasks", "--strategy", name]);
    }
    assert_eq!(host.one::<String>("SELECT wasm_digest FROM plugin_versions"), digest);
    let list = host.json(&["plugin", "list", "--json"]);
    let line = list.as_array().unwrap().iter().find(|line| line["name"] == "probe").unwrap();
    assert_eq!(
        (&line["trust"], &line["signer"], &line["folder"]),
        (&"reviewed".into(), &"ann".into(), &Value::Null)
    );
    let text = host.succeeds(&["plugin", "list"]);
    assert!(text.contains("added") && text.contains("ann"), "{text}");
    host.succeeds(&["plugin", "inspect", "probe"]);
    for (name, words) in [
        ("probe@000000000000", &["no strategy \"probe\"@000000000000", &digest[..12]][..]),
        ("probe@12", &["\"12\" is no beginning of a BLAKE3", "8 to 64"]),
        ("nobody@000000000000", &["no strategy", "plugin add"]),
        ("nobody", &["no strategy \"nobody\"", "probe"]),
    ] {
        host.refuses(name, &["solve", "tasks", "--strategy", name], 2, words);
    }
    // The policy is asked anew: a key that is trusted no more lends nothing.
    host.write("stratagem.toml", "[policy]\nrequire_signature = true\n");
    refuses(&host, "withdrawn", &["solve", "tasks", "--strategy", "probe"], &["signed by unknown key"]);
}

#[test]
fn a_folder_comes_before_what_was_added_and_a_pin_before_both() {
    let host = host();
    host.write("stratagem.toml", "plugins = [\"guests\"]\n");
    host.succeeds(&["plugin", "add", PROBE]);
    let digest = digest(&host, PROBE);
    let bytes =
        crate::harness::component(&include_str!("calm.wat").replace("calm0.1.0fixture", "prob0.1.0fixture"));
    // Another plugin of that name lies in a folder now.
    host.write("guests/probe/component.wasm", bytes);
    host.write("guests/probe/plugin.toml", "name = \"prob\"\nversion = \"0.1.0\"\nkind = \"fixture\"\n");
    let used = |strategy: &str| host.json(&["solve", "tasks", "--strategy", strategy, "--json", "-"]);
    assert_eq!(used("probe")["tasks"][0]["strategy"], "prob");
    assert_eq!(used(&format!("probe@{}", &digest[..12]))["tasks"][0]["strategy"], "probe");
}

#[test]
fn what_does_not_load_is_not_added() {
    let host = host();
    sign(&host, PROBE, "ann");
    knows_ann(&host, "");
    change(&host, "guests/probe/plugin.toml", "fixture\"", "fixture\" # changed");
    host.refuses("signature", &["plugin", "add", PROBE], 1, &["signature does not fit"]);
    host.refuses("greedy", &["plugin", "add", GREEDY], 1, &["artifacts"]);
    host.refuses("nothing", &["plugin", "add", "nowhere"], 1, &["nowhere"]);
    assert!(!host.database().exists(), "a refused plugin made a database");
}

#[test]
fn keys_are_private_kept_apart_and_opened_by_a_password() {
    use std::os::unix::fs::PermissionsExt;
    let host = host();
    assert_eq!(fs::metadata(host.path("ann.key")).unwrap().permissions().mode() & 0o777, 0o600);
    host.refuses(
        "there",
        &["plugin", "keygen", "--no-password", "--out", "ann.key"],
        2,
        &["is there already"],
    );
    host.refuses("no terminal", &["plugin", "keygen", "--out", "eve.key"], 2, &["STRATAGEM_KEY_PASSWORD"]);
    let with_password = |password: &str, args: &[&str]| {
        let mut command = host.bare(args);
        crate::harness::Said::of(command.env("STRATAGEM_KEY_PASSWORD", password).output().unwrap())
    };
    let made = with_password("open sesame", &["plugin", "keygen", "--out", "eve.key"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert!(made.stdout.contains("[policy.signers.NAME]\nkey = \"RW"), "{made:?}");
    let sign = ["plugin", "sign", PROBE, "--key", "eve.key"];
    host.refuses("no password", &sign, 2, &["needs a password"]);
    with_password("wrong", &sign).refused("wrong password", 2, &["eve.key", "password"]);
    assert_eq!(with_password("open sesame", &sign).status, Some(0));
    host.succeeds(&["plugin", "verify", PROBE, "--key", "eve.pub"]);
}
