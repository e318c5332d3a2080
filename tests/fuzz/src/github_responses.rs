//! What GitHub, or somebody in its place, answers: read by every call that asks.
//!
//! Sections: scene with the word `call`, answers.

use github_workflow::contract::ocean::integration_action::types::{
    Delivery, Header, Origin, Run, Scope,
};
use github_workflow::{cancel, check, definition, dispatch, webhook};

use crate::input::{Scene, sections};
use crate::requests::{self, Place};
use crate::script::Scripted;
use crate::{properties, texts};

const PROPERTIES: &str =
    r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"env":"prod"}}"#;
/// The same by a name that only GitHub can resolve.
const BY_NAME: &str = r#"{"org":"acme","repo":"shop","workflow":"Deploy"}"#;
const EXTERNAL: &str = "gh_11_22_33";
/// A delivery that leaves the end of a run open, so that GitHub is asked.
const OPEN_END: &str = r#"{"action":"completed","workflow_run":{"id":33,"event":"workflow_dispatch","conclusion":null},
    "repository":{"id":22,"name":"shop","owner":{"id":11,"login":"acme"}}}"#;
/// A delivery of a failure, which GitHub is asked to explain.
const FAILED: &str = r#"{"action":"completed","workflow_run":{"id":33,"event":"workflow_dispatch","conclusion":"failure"},
    "repository":{"id":22,"name":"shop","owner":{"id":11,"login":"acme"}}}"#;
const DEFINITION: &str = r#"{"type":"INTEGRATION_ACTION","installationId":"inst-1","integrationActionType":"dispatch_workflow",
    "integrationActionExecutionProperties":{"org":"acme","repo":"shop","workflow":"Deploy"}}"#;

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let [scene, answers @ ..] = sections.as_slice() else {
        return;
    };
    let scene = Scene::of(scene);
    let host = Scripted::of(&scene, answers);
    let plain = properties::run(&scene, PROPERTIES);
    match scene.word("call") {
        Some("check") => match check::check(&host, &scene.installation, &plain, EXTERNAL) {
            Ok(updates) => texts::updates(&updates),
            Err(failure) => texts::failure(&failure),
        },
        Some("cancel") => {
            if let Err(failure) = cancel::cancel(&host, &scene.installation, &plain, EXTERNAL) {
                texts::failure(&failure);
            }
        }
        Some("open-end") => deliver(&scene, &host, OPEN_END),
        Some("failed") => deliver(&scene, &host, FAILED),
        Some("configure") => configure(&scene, &host),
        Some("by-name") => start(&scene, &host, &properties::run(&scene, BY_NAME)),
        _ => start(&scene, &host, &plain),
    }
    let place: Place = ("acme".to_owned(), "shop".to_owned());
    requests::stay_within(&scene.installation, &[place], &host.exchanges());
}

fn start(scene: &Scene, host: &Scripted, run: &Run) {
    let attempt = scene.attempt();
    let result = dispatch::dispatch(host, &scene.installation, run, &attempt);
    requests::start_once(&attempt, &host.exchanges(), &result);
    match &result {
        Ok(started) => texts::started(started),
        Err(failure) => texts::failure(failure),
    }
}

fn deliver(scene: &Scene, host: &Scripted, body: &str) {
    let delivery = Delivery {
        id: "1".to_owned(),
        headers: vec![Header {
            name: "x-github-event".to_owned(),
            value: b"workflow_run".to_vec(),
        }],
        body: body.as_bytes().to_vec(),
        received: scene.now_ms(),
    };
    match webhook::handle(host, &scene.installation, &delivery) {
        Ok(updates) => texts::updates(&updates),
        Err(failure) => texts::failure(&failure),
    }
}

fn configure(scene: &Scene, host: &Scripted) {
    let (origin, scope) = (Origin::Api, Scope::AgainstServer);
    if let Err(problems) =
        definition::configure(host, &scene.installation, DEFINITION, origin, scope)
    {
        texts::problems(&problems);
        for problem in &problems {
            texts::within(&problem.message, texts::EXPLANATION, "a message");
            texts::within(&problem.remedy, texts::EXPLANATION, "a remedy");
        }
    }
}
