//! What has happened, in order: every request and delivery, every step of every run, every line of the log.
//!
//! All of it happens on one thread, in virtual time and in one order, so the chronicle of a scenario is the same each time,
//! byte for byte.

use super::schema::Side;
use crate::clock;
use crate::egress::is_credential;
use crate::simulator::github::DeliveryView;
use crate::simulator::{Exchange, Sight, Witness};
use http::HeaderName;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Something that has happened.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, since the start.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum What {
    /// A request was answered, or its connection broke.
    Exchange(Side, Box<Exchange>),
    /// GitHub has sent a delivery.
    Delivery(Box<DeliveryView>),
    /// A run has gone a step further: its id, and the step in words.
    Life(String, String),
    /// A line of the host's log.
    Log(String),
    /// A step of the scenario.
    Step(String),
    /// A delivery of the scenario's own, and the status that it was answered.
    Delivered(String, u16),
}

/// Where everything is written down. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Chronicle(Arc<Mutex<Vec<Entry>>>);

impl Chronicle {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something down.
    pub fn note(&self, what: What) {
        let at = clock::elapsed();
        self.entries().push(Entry { at, what });
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<Entry> {
        self.entries().clone()
    }

    /// Writes down what simulators see.
    pub fn witness(&self) -> Witness {
        let chronicle = self.clone();
        Witness::new(move |sight| match sight {
            Sight::Exchange(exchange) => {
                let side = match exchange.service {
                    "github" => Side::GitHub,
                    "port" => Side::Port,
                    _ => Side::Server,
                };
                chronicle.note(What::Exchange(side, Box::new(exchange.clone())));
            }
            Sight::Delivery(delivery) => {
                chronicle.note(What::Delivery(Box::new(delivery.clone())));
            }
        })
    }
}

/// How much of it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A line for each entry.
    Lines,
    /// With header fields and the beginnings of bodies.
    Beginnings,
    /// With header fields and bodies.
    Everything,
}

/// The chronicle as text.
pub fn told(entries: &[Entry], detail: Detail) -> String {
    let mut text = String::new();
    for entry in entries {
        if detail == Detail::Lines && is_idle(&entry.what) {
            continue;
        }
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:>10.3} s  {}", entry.at.as_secs_f64(), entry.what);
        match detail {
            Detail::Lines => {}
            Detail::Beginnings => details(&entry.what, TOLD, &mut text),
            Detail::Everything => details(&entry.what, usize::MAX, &mut text),
        }
    }
    text
}

/// Whether nothing came of it: the host asks Port for runs all the time, and whether it may.
fn is_idle(what: &What) -> bool {
    let What::Exchange(Side::Port, exchange) = what else {
        return false;
    };
    if exchange.operation == "get-integration" && exchange.status == Some(200) {
        return true;
    }
    let runs = exchange.response_json();
    let runs = runs
        .as_ref()
        .and_then(|it| it.get("runs").or(it.get("nodeRuns")));
    exchange.status == Some(200) && runs.and_then(|it| it.as_array()).is_some_and(Vec::is_empty)
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Exchange(side, exchange) => {
                write!(
                    f,
                    "{:<6} {} {}",
                    side.word(),
                    exchange.method,
                    target(exchange)
                )?;
                match exchange.status {
                    Some(status) => write!(f, " -> {status}")?,
                    None => f.write_str(" -> (the connection broke)")?,
                }
                if !exchange.faults.is_empty() {
                    write!(f, "  [fault: {}]", exchange.faults.join(", "))?;
                }
                Ok(())
            }
            What::Delivery(delivery) => {
                let name = match delivery.action.as_str() {
                    "" => delivery.event.clone(),
                    action => format!("{}.{action}", delivery.event),
                };
                write!(f, "hook   {name} {} -> {}", delivery.guid, delivery.status)
            }
            What::Life(run, step) => write!(f, "run    {run} {step}"),
            What::Log(line) => write!(f, "log    {line}"),
            What::Step(step) => write!(f, "step   {step}"),
            What::Delivered(event, status) => write!(f, "hook   {event} -> {status}"),
        }
    }
}

/// Path and query of a request.
pub fn target(exchange: &Exchange) -> String {
    match &exchange.query {
        Some(query) => format!("{}?{query}", exchange.path),
        None => exchange.path.clone(),
    }
}

/// How much of a body is told where its beginning is enough, in bytes.
const TOLD: usize = 1_000;

fn details(what: &What, most: usize, text: &mut String) {
    match what {
        What::Exchange(_, exchange) => {
            fields(&exchange.headers, ">", text);
            // Port's endpoint for tokens takes and gives nothing else.
            let hidden = exchange.operation == "token";
            let shown = |bytes| {
                if hidden {
                    b"(credentials)".as_slice()
                } else {
                    bytes
                }
            };
            body(shown(&exchange.body), most, ">", text);
            fields(&exchange.response_headers, "<", text);
            body(shown(&exchange.response_body), most, "<", text);
        }
        What::Delivery(delivery) => {
            fields(&delivery.headers, ">", text);
            body(&delivery.payload, most, ">", text);
        }
        _ => {}
    }
}

fn fields(fields: &[(String, String)], mark: &str, text: &mut String) {
    for (name, value) in fields {
        // A simulator's secrets are no secrets, but a trace that shows one teaches the wrong habit.
        let is_secret = HeaderName::try_from(name.as_str()).is_ok_and(|name| is_credential(&name));
        let value = if is_secret { "(credential)" } else { value };
        let _ = writeln!(text, "                {mark} {name}: {value}");
    }
}

fn body(bytes: &[u8], most: usize, mark: &str, text: &mut String) {
    let seen = String::from_utf8_lossy(bytes);
    let end = seen.floor_char_boundary(most);
    for line in seen.get(..end).unwrap_or_default().lines() {
        let _ = writeln!(text, "                {mark} {line}");
    }
    if end < seen.len() {
        let _ = writeln!(
            text,
            "                {mark} … ({} bytes in all)",
            bytes.len()
        );
    }
}
