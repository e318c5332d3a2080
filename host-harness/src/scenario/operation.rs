//! Operations of the services, as scenarios name them: `github.dispatch`, `port.*`.

use super::error::ScenarioError;
use super::schema::Side;
use crate::simulator::{github, port, script};

/// What stands before the name of a delivery among counts.
pub(super) const DELIVERIES: &str = "delivery.";

/// Any operation of a service.
pub(super) const ANY: &str = "*";

/// The service and the operation that a text names.
///
/// # Errors
/// There is none of that name; the error names the nearest.
pub(super) fn named<'t>(key: &str, text: &'t str) -> Result<(Side, &'t str), ScenarioError> {
    let side = |name: &str| match name {
        "github" => Some(Side::GitHub),
        "port" => Some(Side::Port),
        "server" => Some(Side::Server),
        _ => None,
    };
    let Some((side, operation)) = text
        .split_once('.')
        .and_then(|(name, operation)| Some((side(name)?, operation)))
    else {
        let reason = format!(
            "{text:?} is no operation: it begins with `github.`, `port.` or `server.`, such as `github.dispatch`"
        );
        return Err(ScenarioError::senseless(key, reason));
    };
    let known = known(side);
    if operation == ANY || known.contains(&operation) {
        return Ok((side, operation));
    }
    let nearest = known
        .iter()
        .min_by_key(|known| strsim::levenshtein(known, operation))
        .unwrap_or(&ANY);
    let reason = format!(
        "{text:?} is no operation; did you mean \"{}.{nearest}\"? There are: {}",
        side.word(),
        known.join(", ")
    );
    Err(ScenarioError::senseless(key, reason))
}

fn known(side: Side) -> &'static [&'static str] {
    match side {
        Side::GitHub => github::OPERATIONS,
        Side::Port => port::OPERATIONS,
        Side::Server => script::OPERATIONS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_known_by_its_name_and_a_misspelt_one_is_answered_with_the_nearest() {
        let (side, operation) = named("counts", "github.dispatch").unwrap();
        assert_eq!((side, operation), (Side::GitHub, "dispatch"));
        assert!(named("counts", "port.*").is_ok());
        let error = named("counts", "github.dispath").unwrap_err().to_string();
        assert!(error.contains("github.dispatch"), "{error}");
        assert!(named("counts", "dispatch").is_err());
    }
}
