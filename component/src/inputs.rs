//! From Port's `workflowInputs` to the `inputs` of GitHub's request.
//!
//! GitHub takes strings. A string goes as it is; any other value goes as its JSON text, compact and with the digits it
//! came with; `null` means "not given".

use crate::contract::ocean::integration_action::types::Failure;
use crate::json::{self, Members};

/// GitHub's limit for the whole `inputs` object: characters of its compact JSON, measured, not bytes.
pub const MAX_CHARACTERS: usize = 65_535;

/// How to get around the limits, for people.
pub const ONE_INPUT_REMEDY: &str = "Put several values into one object and send it as a single input; in the workflow, \
                                    `fromJSON(inputs.name)` takes it apart.";

/// The inputs of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// A compact JSON object whose values are all strings.
    pub json: String,
    /// The value of `ref` that was taken out of them.
    pub reference: Option<String>,
}

/// Reads the property `workflowInputs` (compact JSON), if it is given.
///
/// With `take_ref` a member `ref` names the branch or tag to run on and is no input.
///
/// # Errors
/// `invalid-inputs`, `invalid-ref`, `too-many-inputs`, `inputs-too-large`.
pub fn read(raw: Option<&str>, take_ref: bool, max_inputs: usize) -> Result<Inputs, Failure> {
    let Some(raw) = raw else {
        return Ok(Inputs {
            json: "{}".to_owned(),
            reference: None,
        });
    };
    let members = Members::of(raw).ok_or_else(|| {
        Failure::invalid(
            "invalid-inputs",
            "`workflowInputs` must be an object of input names and values.",
            "Give the inputs as a JSON object, or leave `workflowInputs` out.",
        )
    })?;
    let mut reference = None;
    let mut values = Vec::new();
    for (name, value) in &members.0 {
        let value = *value;
        if take_ref && name == "ref" {
            reference = reference_text(value)?;
        } else if value != "null" {
            values.push((&**name, as_input(value)));
        }
    }
    check_count(values.len(), max_inputs)?;
    let json = json::object(values.iter().map(|(name, value)| (*name, value.as_str())));
    check_size(&json)?;
    Ok(Inputs { json, reference })
}

/// The JSON string that stands for a value.
fn as_input(value: &str) -> String {
    if value.starts_with('"') {
        value.to_owned()
    } else {
        json::string(value)
    }
}

/// Reads the name of a branch or tag. `null` and the empty text mean the default branch.
///
/// # Errors
/// `invalid-ref` for anything that cannot name one.
pub fn reference_text(value: &str) -> Result<Option<String>, Failure> {
    if value == "null" {
        return Ok(None);
    }
    let text = if json::is_number(value) {
        Some(value.to_owned())
    } else {
        json::as_string(value)
    };
    match text {
        Some(name) if name.is_empty() => Ok(None),
        Some(name) if !name.chars().any(char::is_control) && name.len() <= 1000 => Ok(Some(name)),
        _ => Err(Failure::invalid(
            "invalid-ref",
            "`ref` must be the name of a branch or tag.",
            "Give the name as text, or leave `ref` out to run on the default branch.",
        )),
    }
}

/// Whether so many inputs are allowed.
///
/// # Errors
/// `too-many-inputs`.
pub fn check_count(count: usize, max_inputs: usize) -> Result<(), Failure> {
    if count <= max_inputs {
        return Ok(());
    }
    Err(Failure::invalid(
        "too-many-inputs",
        format!("There are {count} inputs, and GitHub takes at most {max_inputs}."),
        ONE_INPUT_REMEDY,
    ))
}

/// Whether inputs of this size are allowed.
///
/// # Errors
/// `inputs-too-large`.
pub fn check_size(inputs: &str) -> Result<(), Failure> {
    let characters = inputs.chars().count();
    if characters <= MAX_CHARACTERS {
        return Ok(());
    }
    Err(Failure::invalid(
        "inputs-too-large",
        format!(
            "The inputs are {characters} characters of JSON, and GitHub takes at most {MAX_CHARACTERS}."
        ),
        "Send less: store large values elsewhere and pass a link to them.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(raw: &str) -> String {
        read(Some(raw), true, 25).unwrap().json
    }

    #[test]
    fn strings_go_as_they_are_and_other_values_as_compact_json() {
        let raw =
            r#"{"s":"a \"é\"","n":1.0,"big":12345678901234567890,"b":false,"o":{"z":1,"a":["é"]}}"#;
        let expected = r#"{"s":"a \"é\"","n":"1.0","big":"12345678901234567890","b":"false","o":"{\"z\":1,\"a\":[\"é\"]}"}"#;
        assert_eq!(sent(raw), expected);
    }

    #[test]
    fn nulls_are_dropped() {
        assert_eq!(sent(r#"{"a":null,"b":"null"}"#), r#"{"b":"null"}"#);
        assert_eq!(read(None, true, 25).unwrap().json, "{}");
    }

    #[test]
    fn ref_is_taken_out_unless_it_is_an_input() {
        let raw = r#"{"ref":"release","a":"1"}"#;
        let taken = read(Some(raw), true, 25).unwrap();
        assert_eq!(
            (taken.json.as_str(), taken.reference.as_deref()),
            (r#"{"a":"1"}"#, Some("release"))
        );
        let kept = read(Some(raw), false, 25).unwrap();
        assert_eq!((kept.json.as_str(), kept.reference), (raw, None));
    }

    #[test]
    fn a_null_ref_is_the_default_branch_and_never_a_branch_called_null() {
        assert_eq!(
            read(Some(r#"{"ref":null}"#), true, 25).unwrap().reference,
            None
        );
        assert_eq!(
            read(Some(r#"{"ref":""}"#), true, 25).unwrap().reference,
            None
        );
        assert_eq!(
            read(Some(r#"{"ref":1.10}"#), true, 25)
                .unwrap()
                .reference
                .as_deref(),
            Some("1.10")
        );
        for raw in [r#"{"ref":{}}"#, r#"{"ref":true}"#, r#"{"ref":"a\u0000"}"#] {
            assert_eq!(
                read(Some(raw), true, 25).unwrap_err().code,
                "invalid-ref",
                "{raw}"
            );
        }
    }

    #[test]
    fn the_count_is_checked_after_nulls_and_ref_are_gone() {
        let many: Vec<String> = (0..25).map(|n| format!("\"i{n}\":\"\"")).collect();
        let raw = format!("{{\"ref\":\"x\",\"n\":null,{}}}", many.join(","));
        assert!(read(Some(&raw), true, 25).is_ok());
        assert_eq!(
            read(Some(&raw), true, 24).unwrap_err().code,
            "too-many-inputs"
        );
    }

    #[test]
    fn the_size_is_counted_in_characters_not_bytes() {
        for letter in ["a", "é"] {
            let fits = json::object([("in1", json::string(&letter.repeat(65_525)).as_str())]);
            assert!(read(Some(&fits), true, 25).is_ok());
            let over = json::object([("in1", json::string(&letter.repeat(65_526)).as_str())]);
            assert_eq!(
                read(Some(&over), true, 25).unwrap_err().code,
                "inputs-too-large"
            );
        }
    }

    #[test]
    fn inputs_that_are_no_object_are_refused() {
        for raw in ["[]", "\"{}\"", "1"] {
            assert_eq!(
                read(Some(raw), true, 25).unwrap_err().code,
                "invalid-inputs",
                "{raw}"
            );
        }
    }
}
