//! The active version of a prompt, with its variables filled in.

use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::{Declined, Reply, quote};

use crate::error::Failure;
use crate::open::LOCAL_USER;

/// Fills the active version of a prompt of this owner, else of the local user, who keeps those of all.
pub(crate) fn filled(
    connection: &Connection,
    owner: &str,
    name: &str,
    variables: &[(String, String)],
) -> Result<Result<Reply, Declined>, Failure> {
    let found: Option<(String, String)> = connection
        .prepare_cached(
            "SELECT v.id, v.body FROM documents d
             JOIN document_versions v ON v.document_id = d.id AND v.version = d.active
             WHERE d.kind = 'prompt' AND d.name = ?1 AND d.is_active = 1 AND d.owner_id IN (?2, ?3)
             ORDER BY d.owner_id = ?2 DESC LIMIT 1",
        )?
        .query_row(params![name, owner, LOCAL_USER], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((version_id, body)) = found else {
        return Ok(Err(Declined::Unavailable(format!("no active prompt {}", quote(name, 200)))));
    };
    Ok(fill(&body, variables)
        .map(|text| Reply::Prompted { text, version_id })
        .map_err(|missing| Declined::Invalid(format!("variable {} is not given", quote(missing, 200)))))
}

/// Puts values in the place of `{{name}}`. What a value says is not looked at again: it may be anybody's text.
///
/// *Errors*: the first name without a value.
fn fill<'a>(body: &'a str, variables: &[(String, String)]) -> Result<String, &'a str> {
    let (mut text, mut rest) = (String::with_capacity(body.len()), body);
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((name, after)) = behind.split_once("}}") else { break };
        let name = name.trim();
        let value = variables.iter().find(|(variable, _)| variable == name);
        let (_, value) = value.ok_or(name)?;
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_once_and_none_is_left_out() {
        let variables = [("a", "1"), ("b", "{{a}}"), ("unused", "x")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fill = |body| fill(body, &variables);
        assert_eq!(fill("{{a}} and {{ b }}, {a}"), Ok("1 and {{a}}, {a}".to_owned()));
        assert_eq!(fill("no end {{a"), Ok("no end {{a".to_owned()));
        assert_eq!(fill("{{a}} {{c}} {{d}}"), Err("c"));
        assert_eq!(fill("{{}}"), Err(""));
    }
}
