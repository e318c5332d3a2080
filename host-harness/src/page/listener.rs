//! The page's listener: `GET /`, `/runs/{installation}/{run}`, `/deliveries`, `/events`, and, where it is allowed,
//! `POST /deliveries/{number}/replay`. Nothing else changes anything.

use super::guard::{self, is_from_the_page};
use super::replay::{self, replay};
use super::view::{Deliveries, Filter, Frame, Message, Overview, RunPage, Sight};
use super::watch::Watch;
use super::{PageOptions, Sights, live};
use crate::clock;
use crate::journal::{History, RunKey};
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const STYLE: &str = include_str!("../../templates/page/page.css");
const SCRIPT: &str = include_str!("../../templates/page/page.js");

/// What the page knows and shows.
pub(super) struct Shown {
    options: PageOptions,
    pub(super) watch: Arc<Watch>,
    pub(super) sights: Sights,
    stop: CancellationToken,
    listeners: Arc<Semaphore>,
    pub(super) replays: Arc<Semaphore>,
}

type Page = Arc<Shown>;

impl Shown {
    pub(super) fn new(
        options: PageOptions,
        watch: Arc<Watch>,
        sights: Sights,
        stop: CancellationToken,
    ) -> Page {
        Arc::new(Shown {
            options,
            watch,
            sights,
            stop,
            listeners: live::room(),
            replays: replay::room(),
        })
    }

    fn frame(&self) -> Frame {
        Frame {
            allow_replay: self.options.allow_replay,
            now: clock::timestamp(),
        }
    }

    /// The installations as they are now.
    fn look(&self) -> Vec<Sight> {
        let now = Instant::now();
        let Sights {
            installations,
            readiness,
            lifecycle,
            ..
        } = &self.sights;
        let sight = |installation: &Arc<_>| {
            let installation: &Arc<crate::installation::Installation> = installation;
            Sight {
                readiness: readiness(installation.id()),
                budget: installation.budget().snapshot(now),
                waiting: lifecycle.waiting_of(installation.id()).values().sum(),
                installation: installation.clone(),
            }
        };
        installations.iter().map(sight).collect()
    }

    fn message(&self, status: StatusCode, title: &'static str, text: String) -> Response {
        let frame = self.frame();
        let page = Message { frame, title, text };
        (status, html(&page)).into_response()
    }

    /// What the journal has of a run, without its secrets.
    async fn history(&self, key: &RunKey) -> Option<History> {
        let known = self.sights.journal.history(&key.run).await;
        let known = known.inspect_err(|error| tracing::error!("{error}"));
        let mut known = known.unwrap_or_default().into_iter();
        let mut history = known.find(|history| history.run.key == *key)?;
        let installation = self.sights.installations.iter();
        let installation = installation.clone().find(|it| it.id() == key.installation);
        if let Some(installation) = installation {
            for note in &mut history.notes {
                note.text = installation.scrub(&note.text).into_owned();
            }
        }
        Some(history)
    }
}

/// The routes. Where no replay is allowed, there is none.
pub(super) fn router(shown: Page) -> Router {
    let mut routes = Router::new()
        .route("/", get(runs))
        .route("/runs/{installation}/{run}", get(run))
        .route("/deliveries", get(deliveries))
        .route("/events", get(events))
        .route("/page.css", get(|| text("text/css; charset=utf-8", STYLE)))
        .route(
            "/page.js",
            get(|| text("text/javascript; charset=utf-8", SCRIPT)),
        );
    if shown.options.allow_replay {
        routes = routes.route("/deliveries/{number}/replay", post(play));
    }
    routes
        .fallback(nothing)
        .with_state(shown)
        .layer(axum::middleware::from_fn(guard::guard))
}

async fn text(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

async fn runs(State(shown): State<Page>, RawQuery(query): RawQuery) -> Response {
    let filter = Filter::parse(query.as_deref().unwrap_or_default());
    let (sights, phases) = (shown.look(), shown.sights.lifecycle.phases());
    let page = {
        let ledger = shown.watch.ledger();
        Overview::of(shown.frame(), &sights, &phases, ledger.runs(), &filter)
    };
    html(&page)
}

async fn run(
    State(shown): State<Page>,
    Path((installation, run)): Path<(String, String)>,
) -> Response {
    let key = RunKey { installation, run };
    let phase = shown.sights.lifecycle.phase(&key);
    // Copied, so that nobody waits while it is written as HTML.
    let known = {
        let ledger = shown.watch.ledger();
        let run = ledger.run(&key).cloned();
        run.map(|run| (ledger.told_of(&run), run))
    };
    let history = match &known {
        Some((_, run)) if !run.is_restored => None,
        _ => shown.history(&key).await,
    };
    let frame = shown.frame();
    match (known, history) {
        (Some((deliveries, run)), history) => {
            let notes = history.map(|it| it.notes).unwrap_or_default();
            let before = notes.partition_point(|note| note.at < shown.watch.since());
            let notes = notes.get(..before).unwrap_or_default();
            html(&RunPage::of(frame, &run, &deliveries, phase, notes))
        }
        (None, Some(history)) => html(&RunPage::of_journal(frame, &history)),
        (None, None) => shown.message(
            StatusCode::NOT_FOUND,
            "No such run",
            "Neither this process nor its journal knows that run.".to_owned(),
        ),
    }
}

async fn deliveries(State(shown): State<Page>, RawQuery(query): RawQuery) -> Response {
    let filter = Filter::parse(query.as_deref().unwrap_or_default());
    let before = filter.before().unwrap_or(u64::MAX);
    let (told, turned_away) = {
        let ledger = shown.watch.ledger();
        let turned_away: Vec<_> = ledger.turned_away().cloned().collect();
        (ledger.told_before(before, Deliveries::ASK), turned_away)
    };
    html(&Deliveries::of(shown.frame(), told, &turned_away))
}

async fn events(State(shown): State<Page>) -> Response {
    match shown.listeners.clone().try_acquire_owned() {
        Ok(permit) => {
            live::events(shown.watch.changes(), permit, shown.stop.clone()).into_response()
        }
        Err(_) => {
            let text = format!("{} pages are open already\n", live::LISTENERS);
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn play(State(shown): State<Page>, Path(number): Path<u64>, headers: HeaderMap) -> Response {
    if !is_from_the_page(&headers) {
        let text =
            "A replay is asked for on the page itself, and this request does not come from there.";
        return shown.message(StatusCode::FORBIDDEN, "Not replayed", text.to_owned());
    }
    match replay(&shown, number) {
        Ok(()) => (StatusCode::SEE_OTHER, [(LOCATION, "/deliveries")]).into_response(),
        Err(why @ replay::Unplayable::Gone) => {
            shown.message(StatusCode::NOT_FOUND, "Not replayed", why.to_string())
        }
        Err(why @ replay::Unplayable::Busy) => shown.message(
            StatusCode::TOO_MANY_REQUESTS,
            "Not replayed",
            why.to_string(),
        ),
    }
}

async fn nothing(State(shown): State<Page>) -> Response {
    shown.message(
        StatusCode::NOT_FOUND,
        "Nothing here",
        "There is no such page.".to_owned(),
    )
}

fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => axum::response::Html(html).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be written: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
