//! Whether the inputs of a definition fit what the workflow's file declares.
//!
//! Only what is certain is a problem: a value with `{{` in it is known to its run alone, and a member whose name has
//! it may stand for any inputs.

use crate::contract::ocean::integration_action::types::Failure;
use crate::inputs;
use crate::json::{self, Members};
use crate::legible::shortened;

use super::file::{Declared, Kind, WorkflowFile};
use super::has_template;

/// What is wrong with one input.
#[derive(Debug)]
pub struct Misfit {
    /// The member of `workflowInputs` that is wrong; `None` for one that is missing.
    pub member: Option<String>,
    /// What is wrong with it.
    pub failure: Failure,
}

/// What a comparison has found.
#[derive(Debug, Default)]
pub struct Fit {
    /// What GitHub would refuse.
    pub misfits: Vec<Misfit>,
    /// What GitHub might refuse.
    pub notes: Vec<String>,
}

/// The inputs that a definition gives: their names, and their texts as GitHub gets them unless a run has to fill them
/// in.
#[derive(Debug, Default)]
pub struct Given {
    values: Vec<(String, Option<String>)>,
    /// Whether there is a member that may stand for any inputs.
    open: bool,
}

impl Given {
    /// Reads `workflowInputs`, if it is given. With `take_ref` a member `ref` is no input. `None` where only the run
    /// shows what the inputs are.
    #[must_use]
    pub fn read(raw: Option<&str>, take_ref: bool) -> Option<Self> {
        let Some(raw) = raw.filter(|raw| *raw != "null") else {
            return Some(Self::default());
        };
        let mut given = Self::default();
        for (name, value) in Members::of(raw)?.0 {
            if has_template(&name) {
                given.open = true;
            } else if value != "null" && !(take_ref && name == "ref") {
                given.values.push((name.into_owned(), fixed_text(value)));
            }
        }
        Some(given)
    }

    fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(given, _)| given == name)
    }
}

/// The text that GitHub gets for a value, unless there is a template in it.
fn fixed_text(value: &str) -> Option<String> {
    if has_template(value) {
        return None;
    }
    Some(json::as_string(value).unwrap_or_else(|| value.to_owned()))
}

/// Compares inputs with a file that has the trigger. `shown` names the file and where it lies, for people.
#[must_use]
pub fn compare(given: &Given, file: &WorkflowFile, max_inputs: usize, shown: &str) -> Fit {
    let mut fit = Fit::default();
    let count = file.inputs.len();
    if count > max_inputs {
        let failure = Failure::rejected(
            "workflow-file-invalid",
            format!("{shown} declares {count} inputs, and GitHub takes at most {max_inputs}."),
            inputs::ONE_INPUT_REMEDY,
        );
        fit.misfit(None, failure);
    }
    for (name, value) in &given.values {
        match file.inputs.iter().find(|input| input.name == *name) {
            None => fit.misfit(Some(name), unknown(name, file, shown)),
            Some(input) => {
                if let Some(failure) = value.as_deref().and_then(|text| wrong_value(input, text)) {
                    fit.misfit(Some(name), failure);
                }
            }
        }
    }
    // What is missing from a file that cannot be used is beside the point, and may be a long list.
    if !given.open && count <= max_inputs {
        for input in file.inputs.iter().filter(|input| !given.has(&input.name)) {
            fit.left_out(input, shown);
        }
    }
    fit
}

impl Fit {
    fn misfit(&mut self, member: Option<&str>, failure: Failure) {
        let member = member.map(str::to_owned);
        self.misfits.push(Misfit { member, failure });
    }

    fn left_out(&mut self, input: &Declared, shown: &str) {
        let name = shortened(&input.name);
        if input.has_default() {
            return;
        }
        if input.required {
            let failure = Failure::rejected(
                "missing-required-input",
                format!(
                    "{shown} requires the input `{name}`, which has no default and is not given."
                ),
                format!("Give `{name}` in `workflowInputs`, or a default in the workflow's file."),
            );
            self.misfit(None, failure);
        } else if matches!(input.kind, Kind::Boolean | Kind::Choice(_)) {
            self.notes.push(format!(
                "The input `{name}` is not given and has no default. GitHub has refused runs that leave out a choice or \
                 a boolean; give it in `workflowInputs`, or a default in the workflow's file."
            ));
        }
    }
}

fn unknown(name: &str, file: &WorkflowFile, shown: &str) -> Failure {
    let near = file
        .inputs
        .iter()
        .find(|input| input.name.eq_ignore_ascii_case(name));
    let remedy = match near {
        Some(input) => format!("Write it as `{}`.", shortened(&input.name)),
        None if file.inputs.is_empty() => {
            format!(
                "Remove `{name}`, or declare it in the workflow's file, which declares no inputs."
            )
        }
        None => {
            let names: Vec<&str> = file
                .inputs
                .iter()
                .map(|input| input.name.as_str())
                .collect();
            format!(
                "Remove `{name}`, or use what is declared: {}.",
                listed(&names)
            )
        }
    };
    Failure::rejected(
        "unknown-input",
        format!(
            "{shown} declares no input `{name}`, and GitHub refuses inputs that are not declared."
        ),
        remedy,
    )
}

/// What is wrong with a value, if it is certain.
fn wrong_value(input: &Declared, text: &str) -> Option<Failure> {
    // Whether GitHub takes the default in the place of an empty text is not known.
    if text.is_empty() && input.has_default() {
        return None;
    }
    let name = shortened(&input.name);
    match &input.kind {
        Kind::Text | Kind::Environment => None,
        Kind::Boolean if matches!(text, "true" | "false") => None,
        Kind::Boolean => Some(Failure::rejected(
            "not-a-boolean",
            format!(
                "The input `{name}` is a boolean, and `{}` is none.",
                shortened(text)
            ),
            "Use true or false.",
        )),
        Kind::Number if text.is_empty() || is_number(text) => None,
        Kind::Number => Some(Failure::rejected(
            "not-a-number",
            format!(
                "The input `{name}` is a number, and `{}` is none.",
                shortened(text)
            ),
            "Use a number, such as 3 or 0.5.",
        )),
        Kind::Choice(options) if options.iter().any(|option| is_option(option, text)) => None,
        Kind::Choice(options) => {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            Some(Failure::rejected(
                "not-a-choice",
                format!(
                    "The input `{name}` does not offer `{}` among its options.",
                    shortened(text)
                ),
                format!(
                    "Use one of {}, or add it to the options in the workflow's file.",
                    listed(&options)
                ),
            ))
        }
    }
}

/// Whether a text is an option. YAML may write a number or a boolean in more than one way, and which of them GitHub
/// compares is not known; only what cannot be meant is refused.
fn is_option(option: &str, text: &str) -> bool {
    let is_boolean =
        |text: &str| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
    let is_power = |text: &str| is_number(text) && text.contains(['e', 'E']);
    option == text
        || (is_boolean(option) && option.eq_ignore_ascii_case(text))
        || (is_number(option) && is_number(text) && decimal(option) == decimal(text))
        || (is_power(option) && is_number(text))
        || (is_power(text) && is_number(option))
}

/// A number without an exponent in its shortest form.
fn decimal(number: &str) -> String {
    let number = number.trim();
    let unsigned = number.trim_start_matches(['-', '+']);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let sign = if number.starts_with('-') { "-" } else { "" };
    [
        sign,
        whole.trim_start_matches('0'),
        ".",
        part.trim_end_matches('0'),
    ]
    .concat()
}

/// Whether a text can be read as a number: a sign, digits with at most one point, an exponent.
fn is_number(text: &str) -> bool {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = |text: &str| text.strip_prefix(['-', '+']).unwrap_or(text).to_owned();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa = unsigned(mantissa);
    let (whole, part) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let exponent = unsigned(exponent);
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && digits(&exponent)
        && !exponent.is_empty()
}

/// How many names are told.
const MAX_LISTED: usize = 30;

fn listed(names: &[&str]) -> String {
    let told: Vec<String> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| ["`", &shortened(name), "`"].concat())
        .collect();
    let more = if names.len() > MAX_LISTED {
        ", …"
    } else {
        ""
    };
    [&told.join(", "), more].concat()
}

#[cfg(test)]
mod tests;
