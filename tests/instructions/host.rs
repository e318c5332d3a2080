//! The host's paths.

use host_harness::contract::{
    Change, Completion, Hosting, Installation as Public, Level, LogLine, Outcome, Part, Progress,
    RunPlan, RunUpdate, SignatureAlgorithm, Started, Webhooks,
};
use host_harness::credentials::Credential;
use host_harness::egress::Policy;
use host_harness::ingress::{WebhookSecret, sign, verify};
use host_harness::installation::Installation;
use host_harness::lifecycle::{Ack, Event, Life, Rules};
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use std::hint::black_box;

fn webhooks() -> Webhooks {
    Webhooks {
        events: vec!["workflow_run".to_owned()],
        event_header: "x-github-event".to_owned(),
        delivery_header: "x-github-delivery".to_owned(),
        signature_header: "x-hub-signature-256".to_owned(),
        signature_prefix: "sha256=".to_owned(),
        signature_algorithm: SignatureAlgorithm::HmacSha256,
    }
}

/// The check of a delivery of 20 KB.
pub fn signature() -> Box<dyn FnMut()> {
    let (webhooks, body) = (webhooks(), "x".repeat(20_000));
    let secret = SecretString::from("a secret");
    let mut headers = HeaderMap::new();
    let signature = sign(&secret, &webhooks, body.as_bytes());
    if let Ok(signature) = HeaderValue::from_str(&signature) {
        headers.insert("x-hub-signature-256", signature);
    }
    let secret = WebhookSecret::Verify(secret);
    Box::new(move || {
        let verified = verify(&secret, &webhooks, &headers, black_box(body.as_bytes()));
        assert!(verified.is_ok());
    })
}

/// The search of 6 KB, as long as a repository's object, for a token and a webhook secret.
pub fn scrub() -> Box<dyn FnMut()> {
    let public = Public {
        id: "acme-github".to_owned(),
        hosting: Hosting::SelfHosted,
        organization: None,
        api_url: "https://api.github.com".to_owned(),
        live_events: true,
        settings: "{}".to_owned(),
    };
    let installation = Installation::new(
        public,
        Policy::nowhere(),
        Credential::Token(SecretString::from(
            "ghs_0123456789abcdefghijklmnopqrstuvwxyz",
        )),
        WebhookSecret::Verify(SecretString::from("a secret of some length")),
    );
    let text = r#""keys_url":"https://api.github.com/repos/acme/shop/keys","#.repeat(100);
    Box::new(move || {
        assert_eq!(installation.scrub(black_box(&text)).len(), text.len());
    })
}

fn updated(change: Change) -> Event {
    Event::Updated(RunUpdate {
        external_run_id: "gh_11_22_33".to_owned(),
        attempt: 1,
        change,
    })
}

fn job(id: u32, ended: bool) -> Event {
    updated(Change::Progress(Progress {
        label: (!ended).then(|| "Running".to_owned()),
        log: vec![LogLine {
            level: Level::Info,
            message: format!("Job {id}"),
        }],
        part: Some(Part {
            kind: "job".to_owned(),
            id: id.to_string(),
            ended,
        }),
    }))
}

/// A run of three jobs from its claim to its end, with what the journal writes of it at each step.
pub fn life() -> Box<dyn FnMut()> {
    let plan = RunPlan {
        partition_key: Some("acme/shop/deploy.yml".to_owned()),
        report_status: true,
        target: "acme/shop · deploy.yml @ main".to_owned(),
    };
    let started = Started {
        external_run_id: "gh_11_22_33".to_owned(),
        link: Some("https://github.com/acme/shop/actions/runs/33".to_owned()),
        output: r#"{"workflowRunId":33}"#.to_owned(),
        status_label: Some("Queued".to_owned()),
    };
    let end = Completion {
        outcome: Outcome::Success,
        conclusion: "success".to_owned(),
        label: "Succeeded".to_owned(),
        summary: None,
        output: "{}".to_owned(),
        log: vec![],
    };
    let mut events = vec![
        Event::Planned(Ok(plan)),
        Event::Acked(Ack::Ours),
        Event::Turn,
        Event::Leaving,
        Event::Dispatched(Ok(started)),
    ];
    events.extend((0..3).map(|id| job(id, false)));
    events.extend((0..3).map(|id| job(id, true)));
    events.push(updated(Change::Completed(end)));
    let rules = Rules::default();
    Box::new(move || {
        let mut life = Life::new();
        for event in &events {
            black_box(life.handle(event.clone(), &rules));
            black_box(serde_json::to_string(&life).map(|text| text.len())).ok();
        }
        assert!(life.end().is_some());
    })
}
