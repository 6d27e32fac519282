use serde_json::Value;

use crate::settings::CreditSettings;

/// What a provider says is left. Amounts in millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditReply {
    pub remaining_micros: Option<i64>,
    pub used_micros: Option<i64>,
    /// Its whole answer, JSON.
    pub raw: String,
}

pub(crate) fn read_credit(settings: &CreditSettings, body: &[u8]) -> Result<CreditReply, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("its credit cannot be read: {error}"))?;
    let amount = |pointer: &Option<String>| match pointer {
        None => Ok(None),
        Some(pointer) => value
            .pointer(pointer)
            .and_then(micros)
            .map(Some)
            .ok_or_else(|| format!("its credit has no amount at {pointer}")),
    };
    let (remaining, total) = (amount(&settings.remaining)?, amount(&settings.total)?);
    let used = amount(&settings.used)?;
    let rest = total.map(|total: i64| total.saturating_sub(used.unwrap_or(0)));
    Ok(CreditReply { remaining_micros: remaining.or(rest), used_micros: used, raw: value.to_string() })
}

/// Dollars as a number or as its text. Exact up to 9 billion dollars.
fn micros(amount: &Value) -> Option<i64> {
    let dollars = amount.as_f64().or_else(|| amount.as_str()?.trim().parse().ok())?;
    let micros = (dollars * 1e6).round();
    (micros.abs() < 9e15).then_some(micros as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(remaining: Option<&str>, total: Option<&str>, used: Option<&str>) -> CreditSettings {
        let own = |text: Option<&str>| text.map(str::to_owned);
        CreditSettings {
            path: "/credits".into(),
            remaining: own(remaining),
            total: own(total),
            used: own(used),
            low_micros: None,
        }
    }

    #[test]
    fn amounts_are_found_by_pointer_as_numbers_or_text() {
        let body = br#"{"data": {"total_credits": 10.1, "total_usage": "3.0021"}, "left": [-0.5]}"#;
        let by_total = settings(None, Some("/data/total_credits"), Some("/data/total_usage"));
        let found = read_credit(&by_total, body).unwrap();
        assert_eq!((found.remaining_micros, found.used_micros), (Some(7_097_900), Some(3_002_100)));
        let found = read_credit(&settings(Some("/left/0"), None, None), body).unwrap();
        assert_eq!((found.remaining_micros, found.used_micros), (Some(-500_000), None));
        for (pointer, body) in
            [("/gone", &b"{}"[..]), ("/a", br#"{"a": "much"}"#), ("/a", br#"{"a": 1e300}"#)]
        {
            let error = read_credit(&settings(Some(pointer), None, None), body).unwrap_err();
            assert!(error.contains(pointer), "{error}");
        }
        assert!(read_credit(&by_total, b"<html>").is_err());
    }
}
