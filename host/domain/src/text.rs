//! How messages write what they name.

/// Quotes text that a plugin or a file supplied: control characters escaped, cut at `max` characters.
pub fn quote(text: &str, max: usize) -> String {
    let mut quoted: String = text.chars().take(max).flat_map(char::escape_debug).collect();
    if text.chars().nth(max).is_some() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

/// Text that a plugin or a file supplied, as a message shows it without quotes: what could steer a terminal
/// is escaped, the rest stays; cut at `max` characters.
pub fn escape(text: &str, max: usize) -> String {
    let plain = |letter: char| matches!(letter, '\'' | '"' | '\\') || letter.escape_debug().len() == 1;
    let shown =
        |letter: char| if plain(letter) { letter.to_string() } else { letter.escape_debug().to_string() };
    let cut = if text.chars().nth(max).is_some() { "…" } else { "" };
    text.chars().take(max).map(shown).collect::<String>() + cut
}

/// A number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_words_cannot_steer_the_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb\n", 80), r#""a\u{1b}[2Jb\n""#);
        assert_eq!(quote("abcdef", 3), "\"abc…\"");
    }

    #[test]
    fn what_is_shown_without_quotes_cannot_either() {
        assert_eq!(escape("it's \"so\"\u{1b}[2J\u{202e}ä", 80), "it's \"so\"\\u{1b}[2J\\u{202e}ä");
        assert_eq!(escape("abcdef", 3), "abc…");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
