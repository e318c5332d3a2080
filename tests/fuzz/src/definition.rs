//! Definitions of actions, from whoever may edit one: checked and completed, alone and against a GitHub.
//!
//! Sections: scene, definition, answers.

use github_workflow::contract::ocean::integration_action::types::{Installation, Origin, Scope};
use github_workflow::definition::configure;
use github_workflow::{json, properties};

use crate::input::{Scene, sections};
use crate::requests::{self, Place};
use crate::script::Scripted;
use crate::texts;

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let [scene, definition, answers @ ..] = sections.as_slice() else {
        return;
    };
    let scene = Scene::of(scene);
    let definition = String::from_utf8_lossy(definition);
    for origin in [Origin::Ui, Origin::Api] {
        for scope in [Scope::DefinitionOnly, Scope::AgainstServer] {
            one(&scene, &definition, answers, origin, scope);
        }
    }
}

fn one(scene: &Scene, definition: &str, answers: &[&[u8]], origin: Origin, scope: Scope) {
    let host = Scripted::of(scene, answers);
    let result = configure(&host, &scene.installation, definition, origin, scope);
    let exchanges = host.exchanges();
    if scope == Scope::DefinitionOnly {
        assert!(exchanges.is_empty(), "a definition alone asks nobody");
    }
    let place =
        properties_of(definition).and_then(|properties| place(&scene.installation, &properties));
    requests::stay_within(&scene.installation, place.as_slice(), &exchanges);
    match result {
        Ok(configured) => complete(scene, &configured.definition, origin),
        Err(problems) => texts::problems(&problems),
    }
}

/// What is complete stays as it is when it is checked again, and its runs are not refused for what could have been known.
fn complete(scene: &Scene, definition: &str, origin: Origin) {
    let nobody = Scripted::of(scene, &[]);
    let scope = Scope::DefinitionOnly;
    let again = configure(&nobody, &scene.installation, definition, origin, scope);
    let again = again.expect("what is complete is accepted");
    assert_eq!(
        again.definition, definition,
        "what is complete is not changed"
    );
    let properties = properties_of(definition).expect("a definition has properties");
    if !properties.contains("{{") {
        let run = crate::properties::run(scene, &properties);
        let planned = properties::plan(&scene.installation, &run);
        assert!(planned.is_ok(), "{definition}: {planned:?}");
    }
}

/// The properties in a definition, as compact JSON.
fn properties_of(definition: &str) -> Option<String> {
    let text = json::compact(definition).ok()?;
    let members = json::Members::of(&text)?;
    let method = json::Members::of(members.get("invocationMethod").unwrap_or(&text))?;
    Some(
        method
            .get("integrationActionExecutionProperties")?
            .to_owned(),
    )
}

/// The repository that properties name, with an organization filled in as configuring may.
fn place(installation: &Installation, properties: &str) -> Option<Place> {
    let members = json::Members::of(properties)?;
    let owner = properties::organization(members.get("org"), installation, true).ok()?;
    let repository = properties::repository(members.get("repo")).ok()?;
    Some((owner.to_ascii_lowercase(), repository.to_ascii_lowercase()))
}
