//! Properties of a run, from whoever may edit an action: planned and started on a GitHub that plays along.
//!
//! Sections: scene, properties, answers.

use github_workflow::contract::ocean::integration_action::types::{Run, RunKind};
use github_workflow::host::Method;
use github_workflow::properties::{self, Order};
use github_workflow::settings::Settings;
use github_workflow::{dispatch, json};

use crate::input::{Scene, sections};
use crate::script::Scripted;
use crate::{requests, texts};

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let [scene, properties, answers @ ..] = sections.as_slice() else {
        return;
    };
    let scene = Scene::of(scene);
    let run = run(&scene, &String::from_utf8_lossy(properties));
    let host = Scripted::of(&scene, answers);
    let attempt = scene.attempt();
    let planned = properties::plan(&scene.installation, &run);
    let result = dispatch::dispatch(&host, &scene.installation, &run, &attempt);
    let exchanges = host.exchanges();

    let settings = Settings::of(&scene.installation);
    let order = settings.and_then(|settings| Order::of(&scene.installation, &run, &settings));
    assert_eq!(
        planned.is_ok(),
        order.is_ok(),
        "plan and dispatch read alike"
    );
    let Ok(order) = order else {
        assert!(exchanges.is_empty(), "refused properties, and a request");
        assert!(result.is_err());
        return;
    };
    let place = (
        order.owner.to_ascii_lowercase(),
        order.repository.to_ascii_lowercase(),
    );
    requests::stay_within(&scene.installation, &[place], &exchanges);
    requests::start_once(&attempt, &exchanges, &result);
    match &result {
        Ok(started) => texts::started(started),
        Err(failure) => texts::failure(failure),
    }
    if let Ok(plan) = planned {
        texts::within(&plan.target, 2_000, "a target");
        let key = plan.partition_key.expect("runs of one workflow take turns");
        assert!(key.starts_with(&format!("{}/", order.owner.to_ascii_lowercase())));
    }
    for (request, _) in exchanges
        .iter()
        .filter(|(request, _)| request.method == Method::Post)
    {
        body(
            request.body.as_deref().expect("a dispatch has a body"),
            &order,
        );
    }
}

/// A run with these properties.
#[must_use]
pub fn run(scene: &Scene, properties: &str) -> Run {
    Run {
        id: scene.word("run").unwrap_or("r_0123456789abcdef").to_owned(),
        kind: RunKind::Action,
        action_type: scene.word("type").unwrap_or("dispatch_workflow").to_owned(),
        properties: properties.to_owned(),
    }
}

/// The body of a request that starts a run: GitHub takes texts as inputs, and every input is one that was ordered.
fn body(body: &str, order: &Order) {
    let read: serde_json::Value = serde_json::from_str(body).expect("the body is JSON");
    let ordered: serde_json::Value = serde_json::from_str(&order.inputs).expect("inputs are JSON");
    assert_eq!(read["inputs"], ordered);
    let inputs = read["inputs"].as_object().expect("inputs are an object");
    assert!(inputs.values().all(serde_json::Value::is_string), "{body}");
    assert!(
        read["ref"].as_str().is_some_and(|name| !name.is_empty()),
        "{body}"
    );
    assert_eq!(
        json::compact(body).as_deref(),
        Ok(body),
        "nothing is said twice"
    );
}
