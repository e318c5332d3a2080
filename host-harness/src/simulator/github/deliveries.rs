//! What a test sees of the deliveries, and the faults that it can strike them with.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::Value;

use super::super::fault::{Armed, Injected, Schedule, schedule_methods};

/// What happens to a delivery that a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryEffect {
    /// Never sent, and in no log.
    Drop,
    /// Sent twice, byte for byte, under one GUID.
    Duplicate,
    /// Sent this much later; the later deliveries of the same run wait behind it.
    Delay(Duration),
    /// Sent this much later while the later deliveries of the same run overtake it.
    Overtaken(Duration),
    /// Signed with another secret.
    BadSignature,
    /// Sent without a signature.
    NoSignature,
    /// `conclusion` is null and `status` is queued although the action says otherwise: seen in the wild.
    NullConclusion,
}

/// A delivery fault: event, action, how often, effect.
#[derive(Debug, Clone)]
pub struct DeliveryFault {
    name: Option<String>,
    event: String,
    action: Option<String>,
    pub(super) schedule: Schedule,
    effect: DeliveryEffect,
}

impl DeliveryFault {
    /// Strikes every delivery of that event; `*` means any.
    #[must_use]
    pub fn new(event: impl Into<String>, effect: DeliveryEffect) -> Self {
        Self {
            name: None,
            event: event.into(),
            action: None,
            schedule: Schedule::default(),
            effect,
        }
    }

    /// Only deliveries of this action.
    #[must_use]
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// The name under which [`StruckDelivery`] tells of it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    schedule_methods!();
}

/// A delivery that a fault with a name struck. The log of deliveries shows only what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StruckDelivery {
    /// When the delivery was due.
    pub at: SystemTime,
    /// Name of the fault.
    pub fault: String,
    /// Event name.
    pub event: String,
    /// Action of the event; empty for a `ping`, which has none.
    pub action: String,
    /// Workflow run that it is about; 0 for a `ping`.
    pub run_id: u64,
}

/// A delivery as the log shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryView {
    /// Id of this attempt.
    pub id: u64,
    /// Id of the event; a redelivery repeats it.
    pub guid: String,
    /// Hook that it went to.
    pub hook_id: u64,
    /// Event name.
    pub event: String,
    /// Action of the event; empty for a `ping`, which has none.
    pub action: String,
    /// Workflow run that it is about; 0 for a `ping`.
    pub run_id: u64,
    /// Repository that it is about; none for the `ping` of an organization's hook.
    pub repository_id: Option<u64>,
    /// Installation that an App's delivery names; none for hooks of repositories and organizations.
    pub installation_id: Option<u64>,
    /// Where it was sent.
    pub url: String,
    /// Status that the receiver answered; `None` if it did not, or not in time.
    pub status_code: Option<u16>,
    /// `OK`, or what went wrong.
    pub status: String,
    /// Whether this was a redelivery.
    pub redelivery: bool,
    /// When it was sent.
    pub delivered_at: SystemTime,
    /// How long the receiver took.
    pub duration: Duration,
    /// Request headers as sent.
    pub headers: Vec<(String, String)>,
    /// Body as sent: JSON, or a form with the JSON as its `payload`. Empty when bodies are not kept.
    pub payload: Bytes,
    /// Headers of the answer, names in lower case; none if there was no answer.
    pub response_headers: Vec<(String, String)>,
    /// The first 64 KiB of the answer's body; empty when bodies are not kept.
    pub response_body: Bytes,
    /// The event as JSON, whatever the body was encoded as; empty when bodies are not kept.
    pub(super) json: Bytes,
}

/// All delivery faults.
#[derive(Debug, Default)]
pub(super) struct DeliveryFaults(Vec<(DeliveryFault, Armed)>);

impl DeliveryFaults {
    pub(super) fn inject(&mut self, fault: DeliveryFault) -> Injected {
        let armed = Armed::new(fault.schedule.clone());
        let handle = armed.handle();
        self.0.push((fault, armed));
        handle
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// All effects that strike, with the names of their faults; one delivery can be late and doubled.
    pub(super) fn strike(
        &mut self,
        event: &str,
        action: &str,
    ) -> Vec<(DeliveryEffect, Option<String>)> {
        let mut effects = Vec::new();
        for (fault, armed) in &mut self.0 {
            let matches = (fault.event == "*" || fault.event == event)
                && fault.action.as_ref().is_none_or(|wanted| wanted == action);
            if matches && armed.occasion(0) {
                effects.push((fault.effect.clone(), fault.name.clone()));
            }
        }
        effects
    }
}

/// The oddity of [`DeliveryEffect::NullConclusion`], applied to a finished body.
pub(super) fn without_conclusion(payload: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(payload) else {
        return payload.clone();
    };
    for subject in ["workflow_run", "workflow_job"] {
        if let Some(object) = value.get_mut(subject).and_then(Value::as_object_mut) {
            object.insert("conclusion".into(), Value::Null);
            object.insert("status".into(), "queued".into());
        }
    }
    Bytes::from(value.to_string())
}
