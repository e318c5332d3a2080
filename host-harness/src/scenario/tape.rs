//! Where a scenario's requests go: to its worlds, to its worlds while they are recorded, or into a recording.

use super::chronicle::{Chronicle, Entry, What};
use super::error::ScenarioError;
use super::recording::{Delivery, Recorder, Recording, Replay};
use super::schema::Side;
use crate::clock;
use crate::egress::{Clients, Exchange, StandIn, Tap};
use crate::engine::Plugin;
use crate::installation::Installation;
use crate::runtime::Runtime;
use crate::simulator;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, Request, Response};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use wasmtime_wasi_http::Error;

/// Calls of one scenario that may be under way at once. More wait.
pub(super) const CALLS: u32 = 64;

/// What becomes of the recordings that scenarios name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Recordings {
    /// They are replayed.
    #[default]
    Replay,
    /// Those that are missing are made, the others are replayed.
    Record,
    /// All are made anew.
    Update,
}

/// Where requests go.
#[derive(Debug, Clone, Default)]
pub enum Requests {
    /// To the worlds of the scenario.
    #[default]
    Sent,
    /// The same, and all of it is recorded.
    Recorded(Tape),
    /// Into a recording.
    Replayed(Arc<Replay>),
}

/// A recording that is being made.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    /// Set when the installation is there whose secrets have to be blotted out.
    recorder: Arc<OnceLock<Recorder>>,
    match_headers: Option<Vec<HeaderName>>,
}

impl Tape {
    /// What was recorded, with the deliveries among what has happened; nothing if the scenario came to nothing.
    pub fn recording(&self, entries: &[Entry]) -> Option<Recording> {
        let recorder = self.recorder.get()?;
        Some(recorder.finish_with(entries.iter().filter_map(delivery).collect()))
    }

    /// Begins to record what this installation sends.
    pub(super) fn begin(&self, installation: Arc<Installation>) {
        let recorder = Recorder::new(clock::timestamp(), vec![installation]);
        let recorder = match &self.match_headers {
            Some(headers) => recorder.matching(headers.clone()),
            None => recorder,
        };
        // It is begun once.
        drop(self.recorder.set(recorder));
    }

    fn tap(&self, installation: String) -> Tap {
        let recorder = self.recorder.clone();
        let began = tokio::time::Instant::now();
        Arc::new(move |exchange: Exchange| {
            if let Some(recorder) = recorder.get() {
                recorder.note(&installation, began.elapsed(), &exchange);
            }
        })
    }
}

impl Requests {
    /// What is to be done with the recording that a scenario names.
    ///
    /// # Errors
    /// It is to be replayed and is not there, or cannot be read.
    pub fn decide(file: Option<&Path>, mode: Recordings) -> Result<Requests, ScenarioError> {
        let Some(file) = file else {
            return Ok(Requests::Sent);
        };
        let known = read(file);
        match (mode, known) {
            (Recordings::Update, known) => Ok(Requests::Recorded(Tape {
                // What a person has chosen stays chosen.
                match_headers: known.ok().flatten().map(|known| known.match_headers),
                ..Tape::default()
            })),
            (_, Ok(Some(recording))) => Ok(Requests::Replayed(Arc::new(Replay::new(recording)))),
            (Recordings::Record, Ok(None)) => Ok(Requests::Recorded(Tape::default())),
            (Recordings::Replay, Ok(None)) => Err(ScenarioError::Recording {
                file: file.to_owned(),
                reason: "it is not there: make it with `--record`".to_owned(),
            }),
            (_, Err(error)) => Err(error),
        }
    }

    /// A runtime whose requests go there.
    pub(super) fn runtime(
        &self,
        plugin: &Plugin,
        clients: Clients,
        calls: u32,
        (installation, chronicle, side): (String, &Chronicle, Side),
    ) -> Runtime {
        match self {
            Requests::Sent => Runtime::on_this_thread(plugin.clone(), clients, calls),
            Requests::Recorded(tape) => Runtime::on_this_thread(plugin.clone(), clients, calls)
                .watched_by(Some(tape.tap(installation))),
            Requests::Replayed(replay) => {
                let player = Replaying {
                    replay: replay.clone(),
                    chronicle: chronicle.clone(),
                    side,
                };
                let clients = clients.answered_by(Some(Arc::new(player)));
                Runtime::on_this_thread(plugin.clone(), clients, calls)
            }
        }
    }
}

/// A delivery that the host has taken. What it refused changed nothing.
fn delivery(entry: &Entry) -> Option<Delivery> {
    let What::Delivery(seen) = &entry.what else {
        return None;
    };
    let is_taken = seen.status_code.is_some_and(|status| status / 100 == 2);
    let (_, installation) = seen.url.rsplit_once('/')?;
    is_taken.then(|| Delivery {
        installation: installation.to_owned(),
        at: entry.at,
        event: seen.event.clone(),
        id: seen.guid.clone(),
        body: Bytes::copy_from_slice(&seen.payload),
    })
}

fn read(file: &Path) -> Result<Option<Recording>, ScenarioError> {
    let wrong = |reason: String| ScenarioError::Recording {
        file: file.to_owned(),
        reason,
    };
    match std::fs::read_to_string(file) {
        Ok(text) => Recording::read(&text)
            .map(Some)
            .map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Answers out of a recording, as late as the server did.
struct Replaying {
    replay: Arc<Replay>,
    chronicle: Chronicle,
    side: Side,
}

impl StandIn for Replaying {
    fn answer(
        &self,
        installation: &str,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, Error>> {
        let answer = self.replay.answer(installation, &request);
        let (chronicle, side) = (self.chronicle.clone(), self.side);
        async move {
            // What is not in the recording has gone nowhere; the fault is kept by the replay.
            let Ok(recorded) = answer else {
                return Err(Error::ConnectionRefused);
            };
            tokio::time::sleep(recorded.took).await;
            let response = recorded.response();
            let seen = shown(&request, response.as_ref().ok());
            chronicle.note(What::Exchange(side, Box::new(seen)));
            response
        }
        .boxed()
    }
}

/// A replayed exchange as a simulator would have seen it.
fn shown(request: &Request<Bytes>, response: Option<&Response<Bytes>>) -> simulator::Exchange {
    let fields = |headers: &HeaderMap| -> Vec<(String, String)> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect()
    };
    simulator::Exchange {
        service: "recording",
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        headers: fields(request.headers()),
        body: request.body().to_vec(),
        status: response.map(|response| response.status().as_u16()),
        at: clock::now(),
        response_headers: response.map(|it| fields(it.headers())).unwrap_or_default(),
        response_body: response.map(|it| it.body().to_vec()).unwrap_or_default(),
        injected: false,
        operation: "recorded",
        faults: Vec::new(),
    }
}
