//! The protocol's bodies: what is sent, and what is taken from what comes back.

use serde::Deserialize;
use serde_json::Value;
use stratagem_domain::{Question, escape};

/// Characters of a provider's words that a message shows.
const SHOWN: usize = 300;

pub(crate) fn request(question: &Question) -> Vec<u8> {
    let mut body = question.params.clone();
    body["model"] = question.model.clone().into();
    body["messages"] = serde_json::json!(question.messages);
    body.to_string().into_bytes()
}

/// What a reply says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub text: String,
    /// Prompt and completion; none where the provider does not count, or counts what cannot be.
    pub tokens: Option<(u32, u32)>,
}

/// What is wrong with a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is an error under a status that says otherwise; the status within, where there is one.
    Error {
        status: Option<u16>,
        said: String,
    },
    Other(String),
}

#[derive(Deserialize)]
struct Reply {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

pub(crate) fn reply(body: &[u8]) -> Result<Said, Unreadable> {
    let reply: Reply = serde_json::from_slice(body)
        .map_err(|error| Unreadable::Other(format!("its reply cannot be read: {error}")))?;
    if let Some(error) = reply.error.filter(|error| !error.is_null()) {
        let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
        return Err(Unreadable::Error { status, said: words(&error) });
    }
    let message =
        reply.choices.and_then(|choices| choices.into_iter().next()).and_then(|first| first.message);
    let Some(message) = message else {
        return Err(Unreadable::Other("its reply has no message".to_owned()));
    };
    let text = match (message.content, message.refusal) {
        (Some(Content::Text(text)), _) => text,
        (Some(Content::Parts(parts)), _) => parts.into_iter().filter_map(|part| part.text).collect(),
        (None, Some(refusal)) => refusal,
        (None, None) => return Err(Unreadable::Other("its reply has no text".to_owned())),
    };
    Ok(Said { text, tokens: reply.usage.and_then(|usage| tokens(&usage)) })
}

fn tokens(usage: &Value) -> Option<(u32, u32)> {
    let count = |name: &str| usage[name].as_u64().and_then(|count| u32::try_from(count).ok());
    Some((count("prompt_tokens")?, count("completion_tokens")?))
}

/// What a refusal says, for people, and the code that it gives.
pub(crate) fn refusal(body: &[u8]) -> (String, Option<String>) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return (words(&Value::String(String::from_utf8_lossy(body).into_owned())), None);
    };
    let error = value.get("error").unwrap_or(&value);
    let code = error["code"].as_str().or_else(|| error["type"].as_str());
    (words(error), code.map(str::to_owned))
}

/// `: "…"`, or nothing where nothing was said.
fn words(error: &Value) -> String {
    let said = error.as_str().or_else(|| error["message"].as_str()).map(str::trim).unwrap_or_default();
    if said.is_empty() { String::new() } else { format!(": \"{}\"", escape(said, SHOWN)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(body: &str, text: &str, tokens: Option<(u32, u32)>) {
        assert_eq!(reply(body.as_bytes()), Ok(Said { text: text.to_owned(), tokens }), "{body}");
    }

    #[test]
    fn replies_of_every_kind_are_read() {
        let counted = r#""usage": {"prompt_tokens": 3, "completion_tokens": 2}"#;
        reads(
            &format!(r#"{{"choices": [{{"message": {{"content": "yes"}}}}], {counted}}}"#),
            "yes",
            Some((3, 2)),
        );
        reads(
            r#"{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}"#,
            "ab",
            None,
        );
        reads(r#"{"choices": [{"message": {"content": null, "refusal": "no"}}], "error": null}"#, "no", None);
        let huge = r#"{"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": 1e30, "completion_tokens": 1}}"#;
        reads(huge, "", None);
        reads(&huge.replace("1e30", "-5"), "", None);
        reads(&huge.replace("1e30", "4294967296"), "", None);
    }

    #[test]
    fn what_is_no_reply_is_told_apart() {
        for body in ["", "<html>", "[]x", "{}", r#"{"choices": []}"#, r#"{"choices": [{"message": {}}]}"#] {
            assert!(matches!(reply(body.as_bytes()), Err(Unreadable::Other(_))), "{body}");
        }
        let error = reply(br#"{"error": {"code": 503, "message": "busy\u001b[2J"}}"#);
        let said = ": \"busy\\u{1b}[2J\"".to_owned();
        assert_eq!(error, Err(Unreadable::Error { status: Some(503), said }));
        assert_eq!(
            refusal(br#"{"error": {"message": "no", "type": "insufficient_quota"}}"#).1.unwrap(),
            "insufficient_quota"
        );
        assert_eq!(refusal(b"").0, "");
    }
}
