//! The log of deliveries over REST: pages by cursor, single deliveries, and another attempt.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::super::lock;
use super::super::super::server::{Received, Reply};
use super::super::answers::Asked;
use super::super::deliveries::DeliveryView;
use super::super::listing::{Page, link_to};
use super::objects;
use super::request::Refusal;

/// How long github.com keeps a delivery.
const KEPT: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Which deliveries a list is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Any,
    Success,
    Failure,
}

impl Outcome {
    fn of(received: &Received) -> Result<Self, Refusal> {
        match received.parameter("status").as_deref() {
            None => Ok(Self::Any),
            Some("success") => Ok(Self::Success),
            Some("failure") => Ok(Self::Failure),
            Some(other) => {
                let other = Value::from(other);
                let members = "[\"success\", \"failure\"]";
                let text = format!("For 'query/status', {other} is not a member of {members}.");
                Err(Refusal::Shape(text))
            }
        }
    }

    /// By the status code alone: a delivery that nobody answered is neither.
    fn includes(self, view: &DeliveryView) -> bool {
        match self {
            Self::Any => true,
            Self::Success => matches!(view.status_code, Some(200..=399)),
            Self::Failure => matches!(view.status_code, Some(400..=599)),
        }
    }
}

/// The delivery that a page starts with.
fn cursor(received: &Received) -> Result<Option<u64>, Refusal> {
    let Some(text) = received.parameter("cursor") else {
        return Ok(None);
    };
    let id = text.strip_prefix("v1_").and_then(|id| id.parse().ok());
    id.map(Some)
        .ok_or(Refusal::Unreadable("Invalid cursor parameter"))
}

fn kept(view: &DeliveryView, now: SystemTime) -> bool {
    now.duration_since(view.delivered_at)
        .is_ok_and(|age| age <= KEPT)
        || view.delivered_at > now
}

/// One page of `all`, which is newest first, and the cursors of the pages after and before it.
fn page(
    all: &[DeliveryView],
    from: Option<u64>,
    size: usize,
) -> (&[DeliveryView], Option<u64>, Option<u64>) {
    let start = match from {
        None => 0,
        Some(id) => all.partition_point(|view| view.id > id),
    };
    let (before, rest) = all.split_at(start);
    let (shown, after) = rest.split_at(size.min(rest.len()));
    let next = after.first().map(|view| view.id);
    let previous = before.rchunks(size).next().and_then(<[_]>::first);
    (shown, next, previous.map(|view| view.id))
}

impl Asked<'_> {
    /// Deliveries of these hooks.
    pub(super) fn deliveries(&self, hooks: &[u64]) -> Result<Reply, Reply> {
        let refused = |refusal| self.refused(refusal);
        let outcome = Outcome::of(self.received).map_err(refused)?;
        let from = cursor(self.received).map_err(refused)?;
        let mut all = self.logged(hooks);
        all.retain(|view| outcome.includes(view));
        let (shown, next, previous) = page(&all, from, Page::of(self.received).size());
        let items: Vec<Value> = shown.iter().map(objects::item).collect();
        let reply = Reply::json(200, Value::Array(items).to_string());
        let base = lock(&self.state.world).bases.api.clone();
        let links: Vec<String> = [("next", next), ("prev", previous)]
            .into_iter()
            .filter_map(|(relation, id)| {
                let cursor = format!("v1_{}", id?);
                Some(link_to(self.received, &base, ("cursor", &cursor), relation))
            })
            .collect();
        Ok(if links.is_empty() {
            reply
        } else {
            reply.with("link", links.join(", "))
        })
    }

    /// Newest first.
    fn logged(&self, hooks: &[u64]) -> Vec<DeliveryView> {
        let now = self.state.now();
        let mut all: Vec<DeliveryView> = lock(&self.state.deliveries)
            .iter()
            .filter(|view| hooks.contains(&view.hook_id) && kept(view, now))
            .cloned()
            .collect();
        all.sort_by_key(|view| std::cmp::Reverse(view.id));
        all
    }

    fn delivered(&self, hooks: &[u64], id: &str) -> Result<DeliveryView, Reply> {
        self.logged(hooks)
            .into_iter()
            .find(|view| view.id.to_string() == id)
            .ok_or_else(|| self.not_found())
    }

    pub(super) fn delivery(&self, hooks: &[u64], id: &str) -> Result<Reply, Reply> {
        let object = objects::delivery(&self.delivered(hooks, id)?);
        Ok(Reply::json(200, object.to_string()))
    }

    pub(super) fn redeliver(&self, hooks: &[u64], id: &str) -> Result<Reply, Reply> {
        let id = self.delivered(hooks, id)?.id;
        if self.state.redeliver(|view| view.id == id) {
            Ok(Reply::json(202, "{}"))
        } else {
            let text = "The delivery cannot be repeated: its body was not kept";
            Err(self.refused(Refusal::Hook(text.to_owned())))
        }
    }
}
