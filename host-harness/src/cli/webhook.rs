//! `webhook`: one delivery through the signature check and the component.

use super::{ComponentArgument, Output, SingleCall, Stop, output, prepare, read};
use crate::clock;
use crate::contract::json as as_json;
use crate::contract::{Change, Delivery, Header, RunUpdate, Webhooks};
use crate::ingress::{WebhookSecret, sign, verify};
use crate::markdown;
use crate::runtime::Call;
use clap::Args;
use http::HeaderMap;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `webhook`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The name of the event, as the plugin knows it (`workflow_run` of GitHub).
    #[arg(long)]
    event: String,
    /// The body, byte by byte as it came.
    #[arg(long)]
    body: PathBuf,
    /// The installation (its keys: "Running it" in the README).
    #[arg(long)]
    installation: PathBuf,
    /// The signature that came with it. Without one, the delivery is signed with the installation's own secret.
    #[arg(long)]
    signature: Option<String>,
    /// The delivery's content type.
    #[arg(long, default_value = "application/json")]
    content_type: String,
    #[command(flatten)]
    component: ComponentArgument,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let body = read(&arguments.body)?;
    let SingleCall {
        installation,
        runtime,
    } = prepare(&arguments.installation, &arguments.component).await?;
    let webhooks = runtime
        .manifest()
        .webhooks
        .as_ref()
        .ok_or_else(|| Stop::unusable("the component takes no webhooks"))?;
    let headers = headers(&arguments, webhooks, installation.webhook_secret(), &body)?;
    if let Err(error) = verify(installation.webhook_secret(), webhooks, &headers, &body) {
        match format {
            Output::Json => output::print(&json!({"ok": false, "refused": error.to_string()})),
            Output::Text => output::line(format_args!("refused with 401: {error}")),
        }
        return Err(Stop::No);
    }
    let delivery = Delivery {
        id: "command-line".to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| Header {
                name: name.as_str().to_owned(),
                value: value.as_bytes().to_vec(),
            })
            .collect(),
        body,
        received: clock::timestamp(),
    };
    let call = Call::new(installation, "delivery");
    match runtime.handle_webhook(call, delivery).await {
        Ok(Ok(updates)) => {
            match format {
                Output::Json => {
                    let updates: Vec<_> = updates.iter().map(as_json::update).collect();
                    output::print(&json!({"ok": true, "updates": updates}));
                }
                Output::Text => show(&updates),
            }
            Ok(())
        }
        Ok(Err(failure)) => {
            match format {
                Output::Json => {
                    output::print(&json!({"ok": false, "failure": as_json::failure(&failure)}));
                }
                Output::Text => output::line(format_args!(
                    "not understood: {} [{}]",
                    failure.message, failure.code
                )),
            }
            Err(Stop::No)
        }
        Err(error) => Err(Stop::unusable(error)),
    }
}

fn headers(
    arguments: &Arguments,
    webhooks: &Webhooks,
    secret: &WebhookSecret,
    body: &[u8],
) -> Result<HeaderMap, Stop> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        let name = http::HeaderName::try_from(name).map_err(Stop::unusable)?;
        let value = value.parse().map_err(Stop::unusable)?;
        headers.insert(name, value);
        Ok(())
    };
    set(&webhooks.event_header, &arguments.event)?;
    set("content-type", &arguments.content_type)?;
    match (&arguments.signature, secret) {
        (Some(signature), _) => set(&webhooks.signature_header, signature)?,
        (None, WebhookSecret::Verify(secret)) => {
            set(&webhooks.signature_header, &sign(secret, webhooks, body))?;
        }
        (None, WebhookSecret::Missing | WebhookSecret::AcceptUnsigned) => {}
    }
    Ok(headers)
}

fn show(updates: &[RunUpdate]) {
    if updates.is_empty() {
        output::line(format_args!(
            "nothing to report: the delivery concerns no run"
        ));
    }
    for update in updates {
        output::line(format_args!(
            "{} attempt {}",
            update.external_run_id, update.attempt
        ));
        let log = match &update.change {
            Change::Progress(progress) => {
                if let Some(label) = &progress.label {
                    output::line(format_args!("    goes on: {label}"));
                }
                &progress.log
            }
            Change::Completed(completion) => {
                output::line(format_args!(
                    "    ended: {} ({}, {})",
                    completion.label,
                    as_json::outcome(completion.outcome),
                    completion.conclusion
                ));
                let summary = completion.summary.as_deref().map(markdown::plain);
                for line in summary.iter().flat_map(|text| text.lines()) {
                    output::line(format_args!("    | {line}"));
                }
                &completion.log
            }
        };
        for line in log {
            output::line(format_args!(
                "    {}: {}",
                as_json::level(line.level),
                line.message
            ));
        }
    }
}
