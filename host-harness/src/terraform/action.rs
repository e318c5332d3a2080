//! The action itself, its trigger and its invocation method.

use super::Object;
use super::form;
use super::hcl::Hcl;

/// The members of a Terraform object while they are collected.
pub(super) type Members = Vec<(String, Hcl)>;

/// Moves members over: Port's name and the provider's.
pub(super) fn rename(
    from: &mut Object,
    names: &[(&str, &str)],
    to: &mut Members,
    lost: &mut Vec<String>,
) {
    for (port, provider) in names {
        if let Some(raw) = from.take(port) {
            match Hcl::of(&raw) {
                Some(value) => to.push(((*provider).to_owned(), value)),
                None => lost.push(from.at(port)),
            }
        }
    }
}

fn put(to: &mut Members, key: &str, value: Hcl) {
    to.push((key.to_owned(), value));
}

/// What Port adds to an action by itself, and Terraform does not say.
const BY_PORT: [&str; 5] = ["id", "createdAt", "createdBy", "updatedAt", "updatedBy"];

/// A whole action: the label of its resource, and what is in it.
pub(super) fn whole(mut action: Object, lost: &mut Vec<String>) -> (String, Hcl) {
    let mut members = Members::new();
    for key in BY_PORT {
        action.members.remove(key);
    }
    let identifier = action.text("identifier", lost);
    if identifier.is_none() {
        lost.push(action.at("identifier"));
    }
    let identifier = identifier.unwrap_or_default();
    put(&mut members, "identifier", Hcl::Text(identifier.clone()));
    let same = [
        ("title", "title"),
        ("icon", "icon"),
        ("description", "description"),
        ("publish", "publish"),
        ("allowAnyoneToViewRuns", "allow_anyone_to_view_runs"),
    ];
    rename(&mut action, &same, &mut members, lost);
    approval(&mut action, &mut members, lost);
    if let Some(trigger) = action.object("trigger", lost) {
        self::trigger(trigger, &mut members, lost);
    }
    if let Some(found) = action.object("invocationMethod", lost) {
        let method = method(found, lost);
        put(&mut members, "integration_method", method);
    }
    action.finish(lost);
    (label(&identifier), Hcl::Object(members))
}

/// A name for the resource.
fn label(identifier: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = identifier
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() || first == '_' => name,
        _ => format!("_{name}"),
    }
}

fn approval(action: &mut Object, members: &mut Members, lost: &mut Vec<String>) {
    let at = action.at("requiredApproval");
    if let Some(raw) = action.take("requiredApproval") {
        let kind = Object::of(&raw, &at).and_then(|mut object| object.text("type", lost));
        match (raw.as_str(), kind) {
            ("true" | "false", _) => put(members, "required_approval", Hcl::Text(raw)),
            (_, Some(kind)) => put(members, "required_approval", Hcl::Text(kind)),
            _ => lost.push(at),
        }
    }
    let Some(mut notification) = action.object("approvalNotification", lost) else {
        return;
    };
    match notification.text("type", lost).as_deref() {
        Some("email") => put(
            members,
            "approval_email_notification",
            Hcl::Object(Vec::new()),
        ),
        Some("webhook") => {
            let mut webhook = Members::new();
            let names = [("url", "url"), ("format", "format")];
            rename(&mut notification, &names, &mut webhook, lost);
            put(
                members,
                "approval_webhook_notification",
                Hcl::Object(webhook),
            );
        }
        _ => lost.push(notification.at("type")),
    }
    notification.finish(lost);
}

fn trigger(mut trigger: Object, members: &mut Members, lost: &mut Vec<String>) {
    let mut inner = Members::new();
    match trigger.text("type", lost).as_deref() {
        Some("self-service") => {
            let names = [
                ("operation", "operation"),
                ("blueprintIdentifier", "blueprint_identifier"),
                ("actionCardButtonText", "action_card_button_text"),
                ("executeActionButtonText", "execute_action_button_text"),
            ];
            rename(&mut trigger, &names, &mut inner, lost);
            if let Some(raw) = trigger.take("condition") {
                match Hcl::of(&raw) {
                    Some(value) => put(&mut inner, "condition", Hcl::Json(Box::new(value))),
                    None => lost.push(trigger.at("condition")),
                }
            }
            if let Some(inputs) = trigger.object("userInputs", lost) {
                form::inputs(inputs, &mut inner, lost);
            }
            put(members, "self_service_trigger", Hcl::Object(inner));
        }
        Some("automation") => {
            automation(&mut trigger, &mut inner, lost);
            put(members, "automation_trigger", Hcl::Object(inner));
        }
        _ => lost.push(trigger.at("type")),
    }
    trigger.finish(lost);
}

fn automation(trigger: &mut Object, inner: &mut Members, lost: &mut Vec<String>) {
    if let Some(mut event) = trigger.object("event", lost) {
        let block = match event.text("type", lost).as_deref() {
            Some("ENTITY_CREATED") => Some("entity_created_event"),
            Some("ENTITY_UPDATED") => Some("entity_updated_event"),
            Some("ENTITY_DELETED") => Some("entity_deleted_event"),
            Some("ANY_ENTITY_CHANGE") => Some("any_entity_change_event"),
            Some("RUN_CREATED") => Some("run_created_event"),
            Some("RUN_UPDATED") => Some("run_updated_event"),
            Some("ANY_RUN_CHANGE") => Some("any_run_change_event"),
            Some("TIMER_PROPERTY_EXPIRED") => Some("timer_property_expired_event"),
            _ => None,
        };
        let names = [
            ("blueprintIdentifier", "blueprint_identifier"),
            ("actionIdentifier", "action_identifier"),
            ("propertyIdentifier", "property_identifier"),
        ];
        let mut members = Members::new();
        rename(&mut event, &names, &mut members, lost);
        match block {
            Some(block) => put(inner, block, Hcl::Object(members)),
            None => lost.push(event.at("type")),
        }
        event.finish(lost);
    }
    if let Some(mut condition) = trigger.object("condition", lost) {
        if condition.text("type", lost).as_deref() != Some("JQ") {
            lost.push(condition.at("type"));
        }
        let names = [("combinator", "combinator"), ("expressions", "expressions")];
        let mut members = Members::new();
        rename(&mut condition, &names, &mut members, lost);
        put(inner, "jq_condition", Hcl::Object(members));
        condition.finish(lost);
    }
}

/// The invocation method. Its `type` is said by the attribute's name.
pub(super) fn method(mut method: Object, lost: &mut Vec<String>) -> Hcl {
    let mut members = Members::new();
    method.members.remove("type");
    let names = [
        ("installationId", "installation_id"),
        ("integrationActionType", "integration_action_type"),
    ];
    rename(&mut method, &names, &mut members, lost);
    if let Some(found) = method.object("integrationActionExecutionProperties", lost) {
        let properties = properties(found, lost);
        put(
            &mut members,
            "integration_action_execution_properties",
            properties,
        );
    }
    method.finish(lost);
    Hcl::Object(members)
}

/// The provider has no attribute for `ref`; among the inputs it means the same, unless an input has that name.
fn properties(mut properties: Object, lost: &mut Vec<String>) -> Hcl {
    let mut members = Members::new();
    let names = [
        ("org", "org"),
        ("repo", "repo"),
        ("workflow", "workflow"),
        ("reportWorkflowStatus", "report_workflow_status"),
    ];
    rename(&mut properties, &names, &mut members, lost);
    let mut inputs = Members::new();
    if let Some(mut given) = properties.object("workflowInputs", lost) {
        let keys: Vec<String> = given.members.keys().cloned().collect();
        for key in &keys {
            rename(&mut given, &[(key, key)], &mut inputs, lost);
        }
    }
    // A `ref` that is left here has no counterpart.
    if inputs.iter().all(|(key, _)| key != "ref") {
        rename(&mut properties, &[("ref", "ref")], &mut inputs, lost);
    }
    if !inputs.is_empty() {
        let inputs = Hcl::Json(Box::new(Hcl::Object(inputs)));
        put(&mut members, "workflow_inputs", inputs);
    }
    properties.finish(lost);
    Hcl::Object(members)
}
