//! Which hooks there can be beside each other, and for which events.
//!
//! The events: "supported-webhook-types" of each event in GitHub's published OpenAPI description.

use super::request::{Refusal, Wanted};
use super::{Hook, Target};

/// How many hooks of one repository or organization can be for the same event.
const HOOKS_OF_AN_EVENT: usize = 20;

/// What hooks of repositories and of organizations can be for. `workflow_dispatch` is for Apps alone.
const EVENTS: [&str; 53] = [
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "custom_property_values",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issue_dependencies",
    "issues",
    "label",
    "member",
    "meta",
    "milestone",
    "package",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_advisory",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "secret_scanning_scan",
    "security_and_analysis",
    "star",
    "status",
    "sub_issues",
    "team_add",
    "watch",
    "workflow_job",
    "workflow_run",
];

/// What only hooks of organizations can be for.
const ORGANIZATION_EVENTS: [&str; 9] = [
    "custom_property",
    "membership",
    "org_block",
    "organization",
    "personal_access_token_request",
    "projects_v2",
    "projects_v2_item",
    "projects_v2_status_update",
    "team",
];

fn allowed(event: &str, target: &Target) -> bool {
    event == "*"
        || EVENTS.contains(&event)
        || (matches!(target, Target::Organization { .. }) && ORGANIZATION_EVENTS.contains(&event))
}

/// The events of a hook after a request: `before` it had these.
pub(super) fn events(wanted: &Wanted, before: &[String]) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    let replaced = wanted.events.as_deref().unwrap_or(before);
    for event in replaced.iter().chain(&wanted.add_events) {
        if !events.contains(event) {
            events.push(event.clone());
        }
    }
    events.retain(|event| !wanted.remove_events.contains(event));
    events
}

/// Whether a hook can be as it is wanted, beside the others that there are.
pub(super) fn check(hook: &Hook, all: &[Hook]) -> Result<(), Refusal> {
    let forbidden: Vec<&str> = hook
        .events
        .iter()
        .map(String::as_str)
        .filter(|event| !allowed(event, &hook.target))
        .collect();
    if !forbidden.is_empty() {
        let names = forbidden.join(", ");
        return Err(Refusal::Hook(format!(
            "These events are not allowed for this hook: {names}"
        )));
    }
    let others: Vec<&Hook> = all
        .iter()
        .filter(|other| other.id != hook.id && other.target.is(&hook.target))
        .collect();
    if others.iter().any(|other| same(other, hook)) {
        let place = match hook.target {
            Target::Organization { .. } => "organization",
            Target::App(_) | Target::Repository(_) => "repository",
        };
        return Err(Refusal::Hook(format!(
            "Hook already exists on this {place}"
        )));
    }
    let crowded = hook.events.iter().find(|event| {
        let those = others.iter().filter(|other| other.events.contains(event));
        those.count() >= HOOKS_OF_AN_EVENT
    });
    match crowded {
        Some(event) => Err(Refusal::Hook(format!(
            "The \"{event}\" event cannot have more than {HOOKS_OF_AN_EVENT} hooks"
        ))),
        None => Ok(()),
    }
}

/// Two hooks can share their configuration if no event would be told twice. The secret does not tell them apart.
fn same(one: &Hook, other: &Hook) -> bool {
    let every = |hook: &Hook| hook.events.iter().any(|event| event == "*");
    let overlap =
        every(one) || every(other) || one.events.iter().any(|event| other.events.contains(event));
    overlap
        && one.config.url == other.config.url
        && one.config.content == other.config.content
        && one.config.insecure_ssl == other.config.insecure_ssl
}
