//! What goes wrong.

use super::units::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// Faults: one word, or a list of words and tables.
#[derive(Debug, Clone, Default)]
pub struct Faults(pub Vec<FaultTable>);

/// A fault: a word of the catalogue, or one of one's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FaultTable {
    /// The word of `docs/faults.md`.
    pub word: Option<String>,
    /// The operation whose requests are struck: `github.dispatch`; `port.*` for any.
    pub on: Option<String>,
    /// The delivery that is struck: `workflow_run.completed`, `workflow_run`, or `*`.
    pub delivery: Option<String>,
    /// How often it strikes. Default: once.
    pub times: Option<Times>,
    /// Spares the first so many.
    pub after: u32,
    /// Only requests whose path and query contain this.
    pub path_contains: Option<String>,
    /// Only requests whose body contains this.
    pub body_contains: Option<String>,
    /// This answer is given.
    pub answer: Option<super::worlds::Answer>,
    /// Whether the request has its effect before it gets that answer.
    pub processed: bool,
    /// The connection breaks, before or after the request has its effect.
    pub cut: Option<Cut>,
    /// The request has its effect so much later.
    pub delay: Option<Span>,
    /// The answer leaves so much later.
    pub hold: Option<Span>,
    /// The body of the answer takes so long.
    pub slow_body: Option<Span>,
    /// The body of the answer is not what its header says.
    pub garbage_body: bool,
    /// The body of the answer breaks off in the middle.
    pub truncated_body: bool,
    /// What happens to a struck delivery.
    pub effect: Option<DeliveryEffectWord>,
    /// `delay`, `overtaken`: how long.
    pub time: Option<Span>,
    /// Outages: when they begin. Default: at the start.
    pub from: Option<Span>,
    /// Outages: how long they are. Default: 30 s.
    #[serde(rename = "for")]
    pub lasting: Option<Span>,
}

/// When a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// Before the request has its effect.
    Before,
    /// After it.
    After,
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Times {
    /// So often.
    Number(u32),
    /// Every time.
    Word(Always),
}

/// Every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Always {
    /// Every time.
    Always,
}

/// What happens to a struck delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryEffectWord {
    /// It is never sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// It comes late, and those behind it wait.
    Delay,
    /// It comes late, and those behind it overtake it.
    Overtaken,
    /// It is signed with another secret.
    BadSignature,
    /// It is not signed.
    NoSignature,
    /// It tells of an end without saying how.
    NullConclusion,
}

impl FaultTable {
    /// Whether it strikes between the host and Port.
    pub fn is_about_port(&self) -> bool {
        let mut said = self.word.iter().chain(&self.on);
        said.any(|it| it.starts_with("port"))
    }

    fn of_word(word: &str) -> FaultTable {
        FaultTable {
            word: Some(word.to_owned()),
            ..FaultTable::default()
        }
    }
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Faults, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Faults;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word of docs/faults.md, a table, or a list of them")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Faults, E> {
        Ok(Faults(vec![FaultTable::of_word(word)]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Faults, A::Error> {
        let table = FaultTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Faults(vec![table]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Faults, A::Error> {
        let items = Vec::<Item>::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Faults(items.into_iter().map(|item| item.0).collect()))
    }
}

/// One of several.
struct Item(FaultTable);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        struct WordOrTable;
        impl<'de> Visitor<'de> for WordOrTable {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word of docs/faults.md or a table")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Item, E> {
                Ok(Item(FaultTable::of_word(word)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                FaultTable::deserialize(MapAccessDeserializer::new(map)).map(Item)
            }
        }
        deserializer.deserialize_any(WordOrTable)
    }
}

impl JsonSchema for Faults {
    fn schema_name() -> Cow<'static, str> {
        "Faults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<FaultTable>();
        let schema: Value = json!({
            "anyOf": [
                {"type": "string"},
                table,
                {"type": "array", "items": {"anyOf": [{"type": "string"}, table]}},
            ],
        });
        Schema::try_from(schema).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        fault: Faults,
    }

    fn words(text: &str) -> Vec<Option<String>> {
        let file: File = toml::from_str(text).unwrap();
        file.fault.0.into_iter().map(|fault| fault.word).collect()
    }

    #[test]
    fn a_fault_is_a_word_a_table_or_a_list_of_both() {
        let (a, b) = (Some("a".to_owned()), Some("b".to_owned()));
        assert_eq!(words("fault = 'a'"), [Some("a".to_owned())]);
        assert_eq!(
            words("fault = ['a', { word = 'b', times = 2 }]"),
            [a.clone(), b.clone()]
        );
        assert_eq!(
            words("[[fault]]\nword = 'a'\n[[fault]]\nword = 'b'"),
            [a.clone(), b]
        );
        assert_eq!(words("[fault]\nword = 'a'\ntimes = 'always'"), [a]);
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_name() {
        let error = toml::from_str::<File>("[[fault]]\nwrod = 'a'")
            .err()
            .unwrap();
        assert!(error.message().contains("wrod"), "{error}");
    }
}
