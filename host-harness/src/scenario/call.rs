//! One call of the plugin, without a host around it.

use super::error::ScenarioError;
use super::faults::{self, Armed, Services};
use super::played::Played;
use super::player::Player;
use super::schema::{self, Function, Kind, OriginWord, ScopeWord};
use super::world::{GITHUB, PORT, body};
use crate::clock;
use crate::contract::{
    Attempt, Delivery, Failure, Header, Manifest, Origin, Run, RunKind, Scope, json,
};
use crate::engine::{CallError, CallErrorKind};
use crate::installation::Installation;
use crate::runtime::{Answer, Call, Runtime};
use crate::simulator::github::{self, GitHub};
use crate::simulator::port::{self, Port};
use crate::stage;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a run is when nothing is said.
const USUAL: &str = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#;

/// Makes the call of a scenario, in its world.
pub(super) async fn call(
    player: &Player<'_>,
    said: &schema::Call,
) -> Result<Played, ScenarioError> {
    let scenario = player.scenario;
    let script = player.script().await?;
    let mut options = scenario.stage(&player.network, player.chronicle)?;
    faults::settings(&scenario.fault.0, &mut options.github)?;
    let github = GitHub::start(github::Options {
        listen: GITHUB,
        network: player.network.clone(),
        ..options.github
    })
    .await?;
    let port = Port::start(port::Options {
        listen: PORT,
        network: player.network.clone(),
        ..port::Options::default()
    })
    .await?;
    let services = Services {
        github: github.clone(),
        port,
        script: script.clone(),
    };
    scenario.furnish(&github);
    let faults = player.arm(&services)?;
    let api = options.github_through.unwrap_or_else(|| github.api_url());
    let role = scenario.role()?;
    player.record(|| stage::installation_at(&role, &github, &api))?;
    let installation = Arc::new(stage::installation_at(&role, &github, &api)?);
    let mut played = Played::default();
    let limit = player.limit();
    let answer = answer(player.runtime(&role.id), installation, said);
    match tokio::time::timeout(limit, answer).await {
        Ok(result) => played.result = Some(result?),
        Err(_) => played.troubles.push(format!(
            "the call has given no answer in {}",
            schema::told(limit)
        )),
    }
    played.took = clock::elapsed();
    let idle = faults.iter().filter_map(Armed::never_struck);
    played.troubles.extend(idle);
    played.workflow_runs = github.runs();
    let of = |name: &'static str, all: Vec<String>| {
        all.into_iter().map(move |what| format!("{name}: {what}"))
    };
    played.violations = of("GitHub", github.violations())
        .chain(of("server", script.violations()))
        .collect();
    Ok(played)
}

/// Makes one call and gives what it says as JSON.
pub(super) async fn answer(
    runtime: Runtime,
    installation: Arc<Installation>,
    said: &schema::Call,
) -> Result<Value, ScenarioError> {
    let run = run(&runtime, &said.run);
    let call = Call::new(installation, run.id.clone());
    let external = said.external_run_id.clone().unwrap_or_default();
    Ok(match said.function {
        Function::Describe => json!({"manifest": json::manifest(runtime.manifest())}),
        Function::Plan => told(
            runtime.plan(call, run).await,
            |plan| json!({"plan": json::plan(&plan)}),
        ),
        Function::Dispatch => {
            let attempt = attempt(&said.attempt);
            told(
                runtime.dispatch(call, run, attempt).await,
                |started| json!({"started": json::started(&started)}),
            )
        }
        Function::HandleWebhook => {
            let delivery = delivery(&runtime, &said.delivery)?;
            told(runtime.handle_webhook(call, delivery).await, updates)
        }
        Function::Check => told(runtime.check(call, run, external).await, updates),
        Function::Cancel => told(
            runtime.cancel(call, run, external).await,
            |()| json!({"cancelled": true}),
        ),
        Function::Configure => {
            let (origin, scope) = (origin(said.origin), scope(said.scope));
            let definition = definition(said);
            match runtime.configure(call, definition, origin, scope).await {
                Ok(Ok(configured)) => json!({"configured": json::configured(&configured)}),
                Ok(Err(problems)) => {
                    let problems: Vec<Value> = problems.iter().map(json::problem).collect();
                    json!({"problems": problems})
                }
                Err(error) => stopped(&error),
            }
        }
    })
}

/// An answer of a function as JSON.
fn told<T>(answer: Answer<T>, well: impl FnOnce(T) -> Value) -> Value {
    match answer {
        Ok(Ok(value)) => well(value),
        Ok(Err(failure)) => failed(&failure),
        Err(error) => stopped(&error),
    }
}

fn failed(failure: &Failure) -> Value {
    json!({"failure": json::failure(failure)})
}

fn stopped(error: &CallError) -> Value {
    let by = match error.kind {
        CallErrorKind::Cpu(_) => "cpu",
        CallErrorKind::Wall(_) => "wall",
        CallErrorKind::Memory(_) => "memory",
        CallErrorKind::Trap(_) => "trap",
        CallErrorKind::NoResult => "host",
    };
    json!({"stopped": {
        "by": by,
        "message": error.to_string(),
        "requestSent": error.request_sent,
    }})
}

fn updates(updates: Vec<crate::contract::RunUpdate>) -> Value {
    let updates: Vec<Value> = updates.iter().map(json::update).collect();
    json!({"updates": updates})
}

fn run(runtime: &Runtime, said: &schema::RunTable) -> Run {
    Run {
        id: said.id.clone().unwrap_or_else(|| "r_1".to_owned()),
        kind: match said.kind {
            Kind::Action => RunKind::Action,
            Kind::WorkflowNode => RunKind::WorkflowNode,
        },
        action_type: action_type(runtime.manifest(), said.action_type.as_ref()),
        properties: properties(said.properties.as_ref(), said.properties_text.as_ref()),
    }
}

/// The action type that is said, or the plugin's first.
pub(super) fn action_type(manifest: &Manifest, said: Option<&String>) -> String {
    let first = manifest.action_types.first();
    said.cloned()
        .or_else(|| first.map(|action| action.name.clone()))
        .unwrap_or_default()
}

/// The properties that are said, or the usual ones.
pub(super) fn properties(
    said: Option<&serde_json::Map<String, Value>>,
    text: Option<&String>,
) -> String {
    match (said, text) {
        (_, Some(text)) => text.clone(),
        (Some(said), None) => Value::Object(said.clone()).to_string(),
        (None, None) => USUAL.to_owned(),
    }
}

fn attempt(said: &schema::AttemptTable) -> Attempt {
    let ago = said.began.map_or(0, |ago| ago.0.as_millis());
    Attempt {
        number: said.number.unwrap_or(1),
        first_began: clock::timestamp().saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX)),
        taken: said.taken.clone(),
    }
}

fn delivery(runtime: &Runtime, said: &schema::DeliveryTable) -> Result<Delivery, ScenarioError> {
    let (json, text) = (said.json.as_ref(), said.text.as_ref());
    let (body, _) = body("call.delivery", json, text, said.base64.as_ref())?;
    let id = said.id.clone().unwrap_or_else(|| "delivery-1".to_owned());
    let mut headers: Vec<(String, String)> = said.headers.clone().into_iter().collect();
    if let Some(webhooks) = &runtime.manifest().webhooks {
        let event = said.event.clone().unwrap_or_default();
        headers.push((webhooks.event_header.clone(), event));
        headers.push((webhooks.delivery_header.clone(), id.clone()));
    }
    let headers = headers.into_iter().map(|(name, value)| Header {
        name: name.to_ascii_lowercase(),
        value: value.into_bytes(),
    });
    Ok(Delivery {
        id,
        headers: headers.collect(),
        body,
        received: clock::timestamp(),
    })
}

fn definition(said: &schema::Call) -> String {
    match (&said.definition, &said.definition_text) {
        (_, Some(text)) => text.clone(),
        (Some(definition), None) => definition.to_string(),
        (None, None) => "{}".to_owned(),
    }
}

fn origin(said: Option<OriginWord>) -> Origin {
    match said {
        Some(OriginWord::Ui) => Origin::Ui,
        Some(OriginWord::Api) | None => Origin::Api,
    }
}

fn scope(said: Option<ScopeWord>) -> Scope {
    match said {
        Some(ScopeWord::AgainstServer) => Scope::AgainstServer,
        Some(ScopeWord::DefinitionOnly) | None => Scope::DefinitionOnly,
    }
}
