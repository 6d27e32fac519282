use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use stratagem_llm::AskError;
use tempfile::TempDir;

use crate::server::Server;
use crate::{Bench, KEY, settings};

/// The key of a file, with the line end that editors put there.
fn key_file(folder: &TempDir) -> serde_json::Value {
    let path = folder.path().join("key");
    fs::write(&path, format!("{KEY}\n")).unwrap();
    json!({"providers": {"near": {"key_file": path}}})
}

#[test]
fn the_key_goes_to_its_provider_and_into_no_message() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(&[]);
    let bench = Bench::new(settings(&server.base(), &["ok", "status-401", "status-400"], &key_file(&folder)));
    bench.ask("ok").unwrap();
    assert_eq!(server.seen()[0]["authorization"], format!("Bearer {KEY}"));
    // These say back what they were sent.
    for model in ["status-401", "status-400"] {
        let error = bench.ask(model).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(KEY) && text.contains("[key]"), "{text}");
    }
    let provider = stratagem_llm::Provider::new("near", &bench.models.settings().providers["near"]).unwrap();
    let text = format!("{provider:?} {:?}", bench.models.settings());
    assert!(!text.contains(KEY) && text.contains("hidden"), "{text}");
}

#[test]
fn no_redirection_is_followed_so_the_key_stays_with_its_host() {
    let folder = TempDir::new().unwrap();
    let other = Server::start(&[]);
    let server = Server::start(&["--elsewhere", &other.url]);
    let bench = Bench::new(settings(&server.base(), &["redirect"], &key_file(&folder)));
    let error = bench.ask("redirect").unwrap_err();
    assert!(error.to_string().contains(&other.url), "{error}");
    assert_eq!((server.seen().len(), other.seen().len()), (1, 0));
}

#[test]
fn a_key_that_is_not_there_is_named_by_its_place() {
    let server = Server::start(&[]);
    let folder = TempDir::new().unwrap();
    let (empty, text) = (folder.path().join("empty"), folder.path().join("text"));
    fs::write(&empty, " \n").unwrap();
    fs::write(&text, "two words").unwrap();
    for (more, words) in [
        (json!({"key_env": "STRATAGEM_TEST_NO_SUCH_KEY"}), "STRATAGEM_TEST_NO_SUCH_KEY is not set"),
        (json!({"key_file": folder.path().join("gone")}), "gone"),
        (json!({"key_file": empty}), "holds no key"),
        (json!({"key_file": text}), "holds no key"),
    ] {
        let bench = Bench::new(settings(&server.base(), &["ok"], &json!({"providers": {"near": more}})));
        let error = bench.ask("ok").unwrap_err();
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
        assert!(!format!("{error:?}").contains("two words"), "{error:?}");
    }
    assert!(server.seen().is_empty());
}

/// A certificate is trusted where its authority is named, and nowhere else.
#[test]
fn an_endpoint_must_be_who_it_should_be() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let roots = write("roots.pem", &authority.pem());
    let issue = |host: &str, name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        (
            write(&format!("{name}.pem"), &certificate.pem()),
            write(&format!("{name}.key"), &key.serialize_pem()),
        )
    };
    let (certificate, key) = issue("localhost", "right");
    let server = Server::start(&["--certificate", &certificate, "--key", &key]);
    let trusting = json!({"providers": {"near": {"root_certs": roots}}});
    let bench = Bench::new(settings(&server.base(), &["ok"], &trusting));
    assert_eq!(bench.ask("ok").unwrap().reply.text, "you said: hello");

    let (certificate, key) = issue("elsewhere.example", "wrong");
    let wrong = Server::start(&["--certificate", &certificate, "--key", &key]);
    for (case, base, more) in [
        ("another's name", wrong.base(), trusting.clone()),
        ("an unknown authority", server.base(), json!({})),
        ("no TLS there", Server::start(&[]).base().replace("http:", "https:"), trusting),
    ] {
        let bench = Bench::new(settings(&base, &["ok"], &more));
        let error = bench.ask("ok").unwrap_err();
        let AskError::Model(cause) = &error else { panic!("{case}: {error}") };
        let usage = bench.books.only();
        let unreached = ["tls", "unreachable", "protocol"];
        assert!(unreached.contains(&cause.kind()), "{case}: {error}");
        if case != "no TLS there" {
            assert_eq!((cause.kind(), usage.cost_micros, usage.tries), ("tls", 0, 1), "{case}: {error}");
        }
    }
    assert_eq!(wrong.seen().len(), 0);
    let none = write("none.pem", "no certificate");
    let more = json!({"providers": {"near": {"root_certs": none}}});
    let error = Bench::new(settings(&server.base(), &["ok"], &more)).ask("ok").unwrap_err();
    assert!(error.to_string().contains("none.pem"), "{error}");
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_asked() {
    let plain = |allow_http: bool| {
        let more = json!({"providers": {"near": {"allow_http": allow_http}}});
        let settings = settings("http://one.example/v1", &["ok"], &more);
        let provider = stratagem_llm::Provider::new("near", &settings.providers["near"]);
        let checked = settings.check();
        (checked.map_err(|error| error.to_string()), provider.map_err(|error| error.to_string()))
    };
    let (checked, provider) = plain(false);
    assert!(checked.unwrap_err().contains("plain http"));
    assert!(provider.unwrap_err().contains("plain http"));
    let (checked, provider) = plain(true);
    assert!(checked.is_ok() && provider.is_ok());
}
