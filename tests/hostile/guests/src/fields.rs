//! Header fields that are the host's, or too many, or too large, and the search for the credential.

use crate::contract::http::types::{Fields, HeaderError, Method};
use crate::{Answer, Task, http, saw};
use serde_json::{Map, Value, json};

fn told(result: Result<(), HeaderError>) -> Value {
    match result {
        Ok(()) => json!("taken"),
        Err(HeaderError::Forbidden) => json!("forbidden"),
        Err(HeaderError::InvalidSyntax) => json!("invalid"),
        Err(HeaderError::Immutable) => json!("immutable"),
    }
}

/// What the host says to each field, through each of the three functions that set one.
fn set_each(pairs: &[(&str, &str)]) -> Answer {
    let mut outcomes = Map::new();
    for (name, value) in pairs {
        let bytes = value.as_bytes().to_vec();
        let entry = ((*name).to_owned(), bytes.clone());
        let fields = Fields::new();
        let three = [
            told(fields.append(name, &bytes)),
            told(fields.set(name, std::slice::from_ref(&bytes))),
            told(Fields::from_list(&[entry]).map(drop)),
        ];
        outcomes.insert(format!("{name}: {value}"), Value::from(three.to_vec()));
    }
    saw(&Value::Object(outcomes))
}

pub fn set_forbidden_fields(task: &Task) -> Answer {
    let names = task.texts("names");
    let pairs: Vec<(&str, &str)> = names.into_iter().map(|name| (name, "1")).collect();
    set_each(&pairs)
}

pub fn break_out_of_a_field(_: &Task) -> Answer {
    set_each(&[
        ("x-a", "1\r\nauthorization: mine"),
        ("x-a", "1\nx-b: 2"),
        ("x-a", "1\r"),
        ("x-a", "1\0"),
        ("x-a\r\nx-b", "1"),
        ("x-a:", "1"),
        ("x a", "1"),
        ("", "1"),
    ])
}

pub fn set_one_huge_field(task: &Task) -> Answer {
    let fields = Fields::new();
    let taken = told(fields.append("x-a", &vec![b'v'; 4 << 20]));
    let sent = http::exchange_with(&task.installation.api_url, &Method::Get, fields);
    saw(&json!([taken, http::outcome(&sent)]))
}

pub fn set_fields_without_end(_: &Task) -> Answer {
    let fields = Fields::new();
    for number in 0_u32.. {
        let taken = fields.append(&format!("x-{number}"), b"some value");
        if taken.is_err() {
            return saw(&json!({ "taken": number, "then": told(taken) }));
        }
    }
    unreachable!()
}

/// Sends the same field many times, in many spellings.
pub fn repeat_fields(task: &Task) -> Answer {
    let fields = Fields::new();
    for name in ["x-a", "X-A", "x-A"] {
        for value in ["1", "2"] {
            fields.append(name, value.as_bytes()).unwrap();
        }
    }
    let url = [&task.installation.api_url, "/echo"].concat();
    let sent = http::exchange_with(&url, &Method::Get, fields);
    saw(&json!(http::outcome(&sent)))
}

/// Asks a server that repeats what it was sent, and looks for the credential in all that comes back and in all of its
/// own memory. It is told what to look for backwards, so that it does not find the question.
pub fn look_for_the_credential(task: &Task) -> Answer {
    let url = [&task.installation.api_url, task.text("path")].concat();
    let response = http::get(&url);
    let outcome = http::outcome(&response);
    let backwards = task.texts("backwards");
    let found: Vec<usize> = (0..backwards.len())
        .filter(|index| is_in_memory(backwards[*index].as_bytes()))
        .collect();
    let (seen, named) = response.map_or((0, vec![]), |response| {
        let names = response.fields.iter().map(|(name, _)| name.clone());
        (response.body.len(), names.collect())
    });
    saw(&json!({ "outcome": outcome, "bytes": seen, "fields": named, "found": found }))
}

/// Whether the reverse of this text is anywhere in the memory of this instance.
fn is_in_memory(backwards: &[u8]) -> bool {
    let (Some(first), length) = (backwards.last(), backwards.len()) else {
        return false;
    };
    let size = memory_size();
    // From 1 on: a pointer to 0 is none.
    (1..size.saturating_sub(length)).any(|start| {
        byte(start) == *first
            && (1..length).all(|offset| byte(start + offset) == backwards[length - 1 - offset])
    })
}

#[cfg(target_family = "wasm")]
fn memory_size() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

#[cfg(not(target_family = "wasm"))]
fn memory_size() -> usize {
    0
}

/// A byte of the memory of this instance, whoever it belongs to.
fn byte(address: usize) -> u8 {
    // SAFETY: in a component all addresses below `memory_size` are there and hold initialized bytes; elsewhere that size
    // is 0 and this is never called.
    unsafe { std::ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}
