//! Times, bounds and counts as people write them.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::time::Duration;

/// A time: `"2s"`, `"1h 30m"`, `"250ms"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Span(pub Duration);

/// A time that may be negative: `"-1h"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Offset(pub SignedDuration);

/// What a number or a time has to be: `5`, `"<= 2s"`, `">= 1"`, `"59m .. 61m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds<T> {
    least: Option<T>,
    most: Option<T>,
}

/// What a time has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Bound(pub Bounds<Duration>);

/// What a number has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "serde_json::Value")]
pub struct Count(pub Bounds<u64>);

impl<T: Copy + PartialOrd> Bounds<T> {
    /// Exactly this.
    pub fn exactly(value: T) -> Bounds<T> {
        Bounds {
            least: Some(value),
            most: Some(value),
        }
    }

    /// Whether a value is within.
    pub fn hold(&self, value: T) -> bool {
        self.least.is_none_or(|least| value >= least) && self.most.is_none_or(|most| value <= most)
    }

    fn read(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<Bounds<T>> {
        let text = text.trim();
        let (least, most) = if let Some(rest) = text.strip_prefix(">=") {
            (Some(one(rest.trim())?), None)
        } else if let Some(rest) = text.strip_prefix("<=") {
            (None, Some(one(rest.trim())?))
        } else if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (one(least.trim())?, one(most.trim())?);
            if least > most {
                return None;
            }
            (Some(least), Some(most))
        } else {
            let value = one(text)?;
            (Some(value), Some(value))
        };
        Some(Bounds { least, most })
    }

    fn tell(&self, f: &mut fmt::Formatter<'_>, one: impl Fn(T) -> String) -> fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => f.write_str(&one(least)),
            (Some(least), Some(most)) => write!(f, "{} .. {}", one(least), one(most)),
            (Some(least), None) => write!(f, ">= {}", one(least)),
            (None, Some(most)) => write!(f, "<= {}", one(most)),
            (None, None) => f.write_str("anything"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tell(f, told)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tell(f, |number| number.to_string())
    }
}

/// A time in words: `1h 2s 5ms`.
pub fn told(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}

fn signed(text: &str) -> Option<SignedDuration> {
    text.parse().ok()
}

fn unsigned(text: &str) -> Option<Duration> {
    signed(text)?.try_into().ok()
}

/// Reads a text by a function, and says what was wanted if it can't.
struct Text<T>(&'static str, fn(&str) -> Option<T>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = Text("a time such as \"2s\", \"1h 30m\" or \"250ms\"", |text| {
            unsigned(text).map(Span)
        });
        deserializer.deserialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Offset, D::Error> {
        let text = Text("a time such as \"1h\" or \"-1h\"", |text| {
            signed(text).map(Offset)
        });
        deserializer.deserialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bound, D::Error> {
        let wanted = "a time such as \"2s\", \"<= 2s\", \">= 1h\" or \"59m .. 61m\"";
        let text = Text(wanted, |text| Bounds::read(text, unsigned).map(Bound));
        deserializer.deserialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text such as \"<= 2\", \">= 1\" or \"1 .. 3\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                let number = u64::try_from(number);
                number
                    .map(|number| Count(Bounds::exactly(number)))
                    .map_err(|_| E::custom("a number of things is not negative"))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(Bounds::exactly(number)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                Bounds::read(text, |text| text.parse().ok())
                    .map(Count)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Row {
        time: Option<Bound>,
        count: Option<Count>,
        span: Option<Span>,
        offset: Option<Offset>,
    }

    fn row(text: &str) -> Row {
        toml::from_str(text).unwrap()
    }

    fn holds(text: &str, time: Duration) -> bool {
        row(&format!("time = {text:?}")).time.unwrap().0.hold(time)
    }

    #[test]
    fn times_are_bounded_as_they_are_written() {
        let hour = Duration::from_secs(3_600);
        let second = Duration::from_secs(1);
        assert!(holds("1h", hour) && !holds("1h", hour + second));
        assert!(holds("<= 1h", hour) && !holds("<= 1h", hour + second));
        assert!(holds(">= 1h", hour) && !holds(">= 1h", hour - second));
        assert!(holds("59m .. 61m", hour) && !holds("59m .. 61m", hour * 2));
        assert_eq!(row("span = '1h 30m'").span.unwrap().0, hour + hour / 2);
        assert_eq!(
            row("offset = '-1h'").offset.unwrap().0,
            SignedDuration::from_hours(-1)
        );
    }

    #[test]
    fn counts_are_numbers_or_bounds() {
        let holds = |text: &str, number| {
            row(&format!("count = {text}"))
                .count
                .unwrap()
                .0
                .hold(number)
        };
        assert!(holds("2", 2) && !holds("2", 3));
        assert!(holds("'<= 2'", 0) && !holds("'<= 2'", 3));
        assert!(holds("'1 .. 3'", 3) && !holds("'1 .. 3'", 0));
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        let error = toml::from_str::<Row>("span = 'soon'").unwrap_err();
        assert!(error.message().contains("such as"), "{error}");
        assert!(toml::from_str::<Row>("span = '-1h'").is_err());
        assert!(toml::from_str::<Row>("count = -1").is_err());
        assert!(toml::from_str::<Row>("time = '10s .. 5s'").is_err());
    }

    #[test]
    fn bounds_are_told_as_they_are_written() {
        for text in ["1h", "<= 2s", ">= 1m", "59m .. 1h 1m"] {
            let bound = row(&format!("time = {text:?}")).time.unwrap();
            assert_eq!(bound.to_string(), text);
        }
    }
}
