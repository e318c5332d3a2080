use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::fault::{Effect, Fault};
use super::super::testing::{Answer, Outcome, call};
use super::*;

struct Client {
    port: Port,
    token: String,
}

impl Client {
    async fn start(options: Options) -> Outcome<Self> {
        let port = Port::start(options).await?;
        port.add_integration("inst", true);
        let (id, secret) = (port.client_id(), port.client_secret());
        Self::of(port, &id, &secret).await
    }

    async fn of(port: Port, id: &str, secret: &str) -> Outcome<Self> {
        let mut client = Self {
            port,
            token: String::new(),
        };
        let body = json!({"clientId": id, "clientSecret": secret});
        client.token = client
            .send("POST", "/auth/access_token", &body)
            .await?
            .text("/accessToken");
        Ok(client)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Outcome<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("user-agent", "simulator-test"),
            ("x-port-reserved-usage", "true"),
        ];
        if !self.token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        call(
            method,
            &format!("{}/v1{path}", self.port.base_url()),
            &headers,
            &body,
        )
        .await
    }

    async fn claim(&self, visibility_ms: u64, exclude: &[&str]) -> Outcome<Answer> {
        let body = json!({
            "installationId": "inst", "limit": 10, "visibilityTimeoutMs": visibility_ms, "exclude": exclude
        });
        self.send("POST", "/actions/runs/claim-pending", &body)
            .await
    }

    async fn ack(&self, id: &str) -> Outcome<u16> {
        Ok(self
            .send("PATCH", "/actions/runs/ack", &json!({"runId": id}))
            .await?
            .status)
    }
}

const PROPERTIES: &str =
    r#"{"org":"acme","repo":"shop","org":"twice","big":1e400,"n":10000000000000000000000}"#;

#[tokio::test]
async fn tokens_look_like_jwts_and_tell_a_machine_from_a_person() -> Outcome {
    let client = Client::start(Options::default()).await?;
    let payload = client.token.split('.').nth(1).ok_or("no payload")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    assert_eq!(claims.get("isMachine"), Some(&Value::Bool(true)));
    let wrong = json!({"clientId": "machine-client", "clientSecret": "no"});
    assert_eq!(
        client
            .send("POST", "/auth/access_token", &wrong)
            .await?
            .status,
        401
    );

    client.port.add_client(
        "person",
        "secret",
        Claims {
            is_machine: None,
            personal_token: Some(true),
        },
    );
    let person = Client::of(client.port.clone(), "person", "secret").await?;
    assert_eq!(client.port.violations(), Vec::<String>::new());
    assert_eq!(person.claim(1_000, &[]).await?.status, 403);
    assert!(client.port.violations().join("").contains("not a machine"));
    Ok(())
}

#[tokio::test]
async fn a_claim_hands_out_verbatim_properties_and_offers_again_after_the_visibility_timeout()
-> Outcome {
    let client = Client::start(Options::default()).await?;
    let id = client
        .port
        .create_action_run("inst", "dispatch_workflow", PROPERTIES);
    client
        .port
        .create_action_run("another", "dispatch_workflow", "{}");
    assert_eq!(
        client.claim(300, &["dispatch"]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    let first = client.claim(300, &[]).await?;
    let text = String::from_utf8_lossy(&first.body).into_owned();
    assert!(text.contains(PROPERTIES) && text.contains(&id), "{text}");
    assert!(!text.contains("another"));
    assert_eq!(
        client.claim(300, &[]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_ne!(
        client.claim(300, &[]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    assert_eq!(client.port.run(&id).map(|run| run.claims), Some(2));

    assert_eq!((client.ack(&id).await?, client.ack(&id).await?), (200, 409));
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(
        client.claim(300, &[]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    assert_eq!(client.port.violations(), Vec::<String>::new());
    assert_eq!(client.ack(&id).await?, 409);
    assert!(
        client
            .port
            .violations()
            .join("")
            .contains("again and again")
    );
    Ok(())
}

#[tokio::test]
async fn an_installation_without_actions_processing_is_offered_nothing() -> Outcome {
    let client = Client::start(Options::default()).await?;
    client
        .port
        .create_action_run("inst", "dispatch_workflow", "{}");
    client.port.add_integration("inst", false);
    assert_eq!(
        client.claim(1_000, &[]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    let switched = client
        .send(
            "PATCH",
            "/integration/inst",
            &json!({"actionsProcessingEnabled": true}),
        )
        .await?;
    assert_eq!(
        switched.text("/integration/actionsProcessingEnabled"),
        "true"
    );
    assert_ne!(
        client.claim(1_000, &[]).await?.json(),
        json!({"ok": true, "runs": []})
    );
    assert_eq!(
        client
            .send("GET", "/integration/nobody", &Value::Null)
            .await?
            .status,
        404
    );
    Ok(())
}

#[tokio::test]
async fn one_terminating_log_ends_a_run_and_nothing_changes_it_after() -> Outcome {
    let client = Client::start(Options::default()).await?;
    let id = client
        .port
        .create_action_run("inst", "dispatch_workflow", "{}");
    client.claim(1_000, &[]).await?;
    client.ack(&id).await?;
    let path = format!("/actions/runs/{id}");
    let start = json!({"link": "https://github.com/x", "externalRunId": "gh_1_2_3", "statusLabel": "Running"});
    let patched = client.send("PATCH", &path, &start).await?;
    assert_eq!(
        (patched.status, patched.text("/run/status").as_str()),
        (200, "IN_PROGRESS")
    );
    let found = client
        .send(
            "GET",
            "/actions/runs?version=v2&external_run_id=gh_1_2_3",
            &Value::Null,
        )
        .await?;
    assert_eq!(found.text("/runs/0/id"), id);

    let end = json!({"message": "done", "terminationStatus": "SUCCESS", "statusLabel": "Success"});
    let logged = client.send("POST", &format!("{path}/logs"), &end).await?;
    assert_eq!(
        (logged.status, logged.text("/runLog/runId")),
        (201, id.clone())
    );
    let run = client
        .port
        .wait_until_ended(&id, Duration::from_secs(1))
        .await
        .ok_or("not ended")?;
    assert!(run.succeeded());
    assert_eq!(
        (run.status_label.as_deref(), run.terminal_reports),
        (Some("Success"), 1)
    );
    assert_eq!(client.port.violations(), Vec::<String>::new());

    client.port.client_was_killed();
    assert_eq!(
        client
            .send("POST", &format!("{path}/logs"), &end)
            .await?
            .status,
        409
    );
    assert_eq!(client.port.violations(), Vec::<String>::new());
    assert_eq!(
        client
            .send("PATCH", &path, &json!({"status": "FAILURE"}))
            .await?
            .status,
        409
    );
    assert!(
        client
            .port
            .violations()
            .join("")
            .contains("updated after its end")
    );
    assert!(client.port.run(&id).is_some_and(|run| run.succeeded()));
    assert_eq!(
        client
            .send("POST", &format!("{path}/logs"), &json!({"message": "ps"}))
            .await?
            .status,
        201
    );
    Ok(())
}

#[tokio::test]
async fn schemas_are_closed_and_bodies_are_limited() -> Outcome {
    let client = Client::start(Options::default()).await?;
    let id = client
        .port
        .create_action_run("inst", "dispatch_workflow", "{}");
    let path = format!("/actions/runs/{id}");
    for (body, status) in [
        (json!({"status": "IN_PROGRESS"}), 422),
        (json!({"logs": []}), 422),
        (json!({"link": 1}), 422),
        (json!({"summary": "x".repeat(1024 * 1024)}), 413),
    ] {
        assert_eq!(client.send("PATCH", &path, &body).await?.status, status);
    }
    assert_eq!(
        client
            .send("PATCH", "/actions/runs/r_0", &json!({}))
            .await?
            .status,
        404
    );
    assert_eq!(
        client
            .send("GET", "/actions/run", &Value::Null)
            .await?
            .status,
        404
    );
    assert_eq!(client.port.violations().len(), 6);
    Ok(())
}

#[tokio::test]
async fn node_runs_keep_their_own_shape_results_and_logs() -> Outcome {
    let client = Client::start(Options::default()).await?;
    let id = client
        .port
        .create_node_run("inst", "dispatch_workflow", r#"{"org":"acme"}"#);
    let claim = json!({"installationId": "inst", "limit": 1, "visibilityTimeoutMs": 1000});
    let claimed = client
        .send("POST", "/workflows/runs/claim-pending", &claim)
        .await?;
    assert_eq!(
        claimed.text("/nodeRuns/0/config/integrationInvocationType"),
        "dispatch_workflow"
    );
    let ack = json!({"nodeRunIdentifier": id});
    assert_eq!(
        client
            .send("PATCH", "/workflows/runs/ack", &ack)
            .await?
            .status,
        200
    );
    let path = format!("/workflows/nodes/runs/{id}");
    let start = json!({"status": "IN_PROGRESS", "externalRunId": "gh_1_2_4", "output": {"a": 1}, "links": ["l"]});
    assert_eq!(client.send("PATCH", &path, &start).await?.status, 200);
    let lookup = "/workflows/nodes/runs?external_run_id=gh_1_2_4&include=nodeConfig";
    let found = client.send("GET", lookup, &Value::Null).await?;
    assert_eq!(
        found.text("/nodeRuns/0/node/config/integrationActionExecutionProperties/org"),
        "acme"
    );
    let logs = json!({"logs": [{"level": "INFO", "message": "m"}]});
    assert_eq!(
        client
            .send("POST", &format!("{path}/logs"), &logs)
            .await?
            .status,
        201
    );
    let end = json!({"status": "COMPLETED", "result": "CANCELLED"});
    assert_eq!(client.send("PATCH", &path, &end).await?.status, 200);
    let run = client.port.run(&id).ok_or("no run")?;
    assert_eq!(
        (run.result.as_deref(), run.output),
        (Some("CANCELLED"), Some(json!({"a": 1})))
    );
    assert_eq!(client.port.violations(), Vec::<String>::new());
    assert_eq!(client.send("PATCH", &path, &end).await?.status, 409);
    Ok(())
}

#[tokio::test]
async fn an_unreadable_neighbour_is_offered_beside_good_runs() -> Outcome {
    let client = Client::start(Options::default()).await?;
    client.port.create_raw_pending_run(
        Kind::Action,
        r#"{"id":"r_bad","status":"WEIRD","payload":null}"#,
    );
    client
        .port
        .create_action_run("inst", "dispatch_workflow", "null");
    let claimed = client.claim(1_000, &[]).await?;
    assert_eq!(claimed.text("/runs/0/status"), "WEIRD");
    assert_eq!(
        claimed.text("/runs/1/payload/integrationActionExecutionProperties"),
        "null"
    );
    assert_eq!(client.ack("r_bad").await?, 200);
    Ok(())
}

#[tokio::test]
async fn stale_tokens_are_401_and_a_lost_answer_forgives_the_repetition() -> Outcome {
    let client = Client::start(Options::default()).await?;
    let id = client
        .port
        .create_action_run("inst", "dispatch_workflow", "{}");
    client.claim(1_000, &[]).await?;
    client.ack(&id).await?;
    let end = json!({"status": "SUCCESS"});
    let path = format!("/actions/runs/{id}");
    client
        .port
        .inject(Fault::new("patch-run", Effect::process_then_answer(503, "{}")).once());
    assert_eq!(client.send("PATCH", &path, &end).await?.status, 503);
    assert_eq!(client.send("PATCH", &path, &end).await?.status, 409);
    client.port.revoke_tokens();
    assert_eq!(client.send("PATCH", &path, &end).await?.status, 401);
    assert_eq!(client.port.violations(), Vec::<String>::new());

    let short = Client::start(Options {
        token_life: Duration::ZERO,
        ..Options::default()
    })
    .await?;
    assert_eq!(short.claim(1_000, &[]).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_run_can_be_made_from_the_id_that_it_will_have() -> Outcome {
    let port = Port::start(Options::default()).await?;
    let mut told = String::new();
    let id = port.create_knowing_id(Kind::Node, |id| {
        told = id.to_owned();
        new_run(Kind::Action, "inst", "dispatch_workflow", "{}")
    });
    assert_eq!(id, told);
    assert_eq!(port.run(&id).map(|run| run.kind), Some(Kind::Node));
    Ok(())
}
