//! What serde says about a text that it cannot read, without repeating any of the text: what stands in a wrong place may
//! be a secret, and may be long.

use std::borrow::Cow;

/// serde's message with what it repeats of the text taken out. Names of fields stay: who misspells one has to see it.
pub(crate) fn without_value(message: &str) -> Cow<'_, str> {
    let Some((said, expected)) = message.rsplit_once(", expected ") else {
        return Cow::Borrowed(message);
    };
    let what = said.split(['"', '`']).next().unwrap_or_default().trim_end();
    match what {
        "unknown variant" => Cow::Owned(format!("unknown word, expected {expected}")),
        _ if what.starts_with("invalid ") => Cow::Owned(format!("{what}, expected {expected}")),
        _ => Cow::Borrowed(message),
    }
}

/// The line and the column, both from 1, of a place in a text.
pub(crate) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_out_and_what_was_expected_stays() {
        for (said, told) in [
            (
                "invalid type: string \"a\", expected \", expected a boolean",
                "invalid type: string, expected a boolean",
            ),
            (
                "invalid type: integer `4711`, expected a string",
                "invalid type: integer, expected a string",
            ),
            (
                "invalid value: string \"a\", expected a port",
                "invalid value: string, expected a port",
            ),
            (
                "unknown variant `ghp_x`, expected `a` or `b`",
                "unknown word, expected `a` or `b`",
            ),
            (
                "invalid type: map, expected a string",
                "invalid type: map, expected a string",
            ),
            (
                "unknown field `idd`, expected `id` or `hosting`",
                "unknown field `idd`, expected `id` or `hosting`",
            ),
            ("missing field `id`", "missing field `id`"),
        ] {
            assert_eq!(without_value(said), told);
        }
    }
}
