//! Whether what a scenario says about its installations makes sense.

use super::{Sense, senseless, some_time};
use crate::scenario::schema::{Do, RulesTable, Scenario};
use std::collections::BTreeSet;

/// Every installation has its own id, and each that is spoken of is there.
pub(super) fn check(scenario: &Scenario) -> Sense {
    rules("installation", &scenario.installation.rules)?;
    let mut known = BTreeSet::from([scenario.main()]);
    for (number, other) in scenario.another_installation.iter().enumerate() {
        let key = |name: &str| format!("another-installation[{number}]{name}");
        match &other.id {
            Some(id) if known.insert(id) => {}
            Some(id) => return senseless(key(".id"), format!("{id:?} is another one's already")),
            None => return senseless(key(".id"), "it is missing: runs and deliveries name it"),
        }
        if other.api_url.is_some() || other.token_env.is_some() {
            let reason =
                "`api-url` and `token-env` are for `[installation]`: a host has one server here";
            return senseless(key(""), reason);
        }
        rules(&key(""), &other.rules)?;
        if scenario.recording.is_some() {
            return senseless(key(""), "a recording is that of one installation");
        }
    }
    let is_known = |key: String, name: &Option<String>| match name {
        Some(name) if !known.contains(name.as_str()) => {
            let all: Vec<&str> = known.iter().copied().collect();
            let all = all.join(", ");
            senseless(
                key,
                format!("there is no installation {name:?}; there are: {all}"),
            )
        }
        _ => Ok(()),
    };
    for (number, run) in scenario.run.iter().enumerate() {
        is_known(format!("run[{number}].installation"), &run.installation)?;
    }
    for (number, step) in scenario.step.iter().enumerate() {
        is_known(format!("step[{number}].signed-by"), &step.signed_by)?;
        // What comes of a delivery for nobody is worth a scenario, if it says so.
        if step.action != Do::Deliver || step.status.is_none() {
            is_known(format!("step[{number}].installation"), &step.installation)?;
        }
    }
    Ok(())
}

fn rules(key: &str, rules: &RulesTable) -> Sense {
    for (name, span) in [
        ("first-check", rules.first_check),
        ("longest-check", rules.longest_check),
        ("limit-pause", rules.limit_pause),
    ] {
        some_time(format!("{key}.rules.{name}"), span)?;
    }
    Ok(())
}
