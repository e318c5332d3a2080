//! Comparing what was expected with what was seen.

use serde_json::Value;

/// Stands for any text in an expected one.
pub const ANY: &str = "[..]";

/// Says that there is nothing.
pub const ABSENT: &str = "[absent]";

/// Stands for JSON's null, which TOML has not.
pub const NULL: &str = "[null]";

/// Whether a text is as expected: the same, but for what `[..]` stands for.
pub fn fits(expected: &str, seen: &str) -> bool {
    let mut pieces = expected.split(ANY);
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = seen.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    // The leftmost place for each piece leaves the most room for those that follow.
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// The same for a text that may not be there. Any text is still one, so that `[..]` does not stand for its lack.
pub fn fits_what_is_there(expected: &str, seen: Option<&str>) -> bool {
    match seen {
        Some(seen) => fits(expected, seen),
        None => expected == ABSENT,
    }
}

/// A difference between two JSON values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where: a JSON pointer (RFC 6901).
    pub at: String,
    /// What was expected there.
    pub expected: String,
    /// What was there.
    pub seen: String,
}

/// In what a value is not as expected. Objects may hold more than is expected of them.
pub fn differences(expected: &Value, seen: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(expected, Some(seen), "", &mut found);
    found
}

fn compare(expected: &Value, seen: Option<&Value>, at: &str, found: &mut Vec<Difference>) {
    match (expected, seen) {
        (Value::String(text), None) if text == ABSENT => {}
        (Value::Object(members), Some(Value::Object(seen))) => {
            for (key, member) in members {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(member, seen.get(key), &at, found);
            }
        }
        (Value::Array(items), Some(Value::Array(seen))) if items.len() == seen.len() => {
            for (number, (item, seen)) in items.iter().zip(seen).enumerate() {
                compare(item, Some(seen), &format!("{at}/{number}"), found);
            }
        }
        (Value::String(text), Some(Value::String(seen))) if fits(text, seen) => {}
        // What a text is to fit may be an object: then its JSON text is.
        (Value::String(text), Some(seen))
            if text.contains(ANY) && fits(text, &seen.to_string()) => {}
        (Value::String(text), Some(Value::Null)) if text == NULL => {}
        // 1 and 1.0 are one number, however a file spells it. Whole numbers are compared as such, to the last digit.
        (Value::Number(number), Some(Value::Number(seen)))
            if (number.is_f64() || seen.is_f64()) && number.as_f64() == seen.as_f64() => {}
        (expected, Some(seen)) if expected == seen => {}
        (expected, seen) => found.push(Difference {
            at: at.to_owned(),
            expected: expected.to_string(),
            seen: seen.map_or_else(|| "nothing".to_owned(), Value::to_string),
        }),
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = if self.at.is_empty() {
            "the whole"
        } else {
            &self.at
        };
        write!(f, "{at}\n  - {}\n  + {}", self.expected, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_text_is_not_none() {
        assert!(fits_what_is_there(ANY, Some("")));
        assert!(!fits_what_is_there(ANY, None));
        assert!(fits_what_is_there(ABSENT, None));
        assert!(!fits_what_is_there(ABSENT, Some("x")));
    }

    #[test]
    fn any_text_may_stand_where_it_is_said() {
        for (expected, seen) in [
            ("", ""),
            ("[..]", ""),
            ("[..]", "anything\nat all"),
            ("a[..]", "abc"),
            ("[..]c", "abc"),
            ("a[..]c", "ac"),
            ("a[..]b[..]c", "a-b-b-c"),
            ("[..]b[..]", "abc"),
        ] {
            assert!(fits(expected, seen), "{expected:?} {seen:?}");
        }
        for (expected, seen) in [
            ("", "a"),
            ("a", "ab"),
            ("a[..]", "ba"),
            ("a[..]a", "a"),
            ("[..]b", "abc"),
            ("a[..]b[..]c", "a-c-b"),
        ] {
            assert!(!fits(expected, seen), "{expected:?} {seen:?}");
        }
    }

    #[test]
    fn objects_may_hold_more_and_lists_may_not() {
        let seen = json!({"a": 1, "b": ["x", {"c": "yes", "d": null}], "e": {"f": 1}});
        let none = |expected| assert_eq!(differences(&expected, &seen), []);
        none(json!({"a": 1.0, "b": ["x", {"d": "[null]"}]}));
        none(json!({"b": ["[..]", {"c": "y[..]"}]}));
        none(json!({"z": "[absent]", "e": "{[..]}"}));
        let one = |expected, at: &str| {
            let found = differences(&expected, &seen);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].at, at);
        };
        one(json!({"b": ["x"]}), "/b");
        one(json!({"a": "[null]"}), "/a");
        let large = json!(9_007_199_254_740_993_u64);
        assert_eq!(
            differences(&json!(9_007_199_254_740_992_u64), &large).len(),
            1
        );
        assert_eq!(differences(&large, &large), []);
        one(json!({"b": ["x", {"c": "no"}]}), "/b/1/c");
        one(json!({"a": "[absent]"}), "/a");
        one(json!({"g/h": 1}), "/g~1h");
    }
}
