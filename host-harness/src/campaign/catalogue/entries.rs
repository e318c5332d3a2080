//! The entries of the catalogue. A new fault is one more entry here, and one more line in `docs/faults.md`.

use super::{Choice, Fate, Mixes, Profile, Setting, Side, Trouble};
use crate::simulator::Effect;
use crate::simulator::github::{
    DeliveryEffect, bad_gateway, secondary_limit, server_error, server_error_after_processing,
};
use std::time::Duration;

/// Longer than the host waits for GitHub: 10 s for a connection, and then 35 s for the first byte.
const BEYOND_GITHUB_LIMIT: Duration = Duration::from_secs(46);
/// Longer than the host waits for Port.
const BEYOND_PORT_LIMIT: Duration = Duration::from_secs(62);
/// Longer than a quick workflow takes, so that all its webhooks come before the answer to the dispatch.
const AFTER_THE_WEBHOOKS: Duration = Duration::from_millis(900);

type Operations = &'static [(&'static str, &'static str)];

const DISPATCH: Operations = &[("dispatch", "")];
const CLAIM: Operations = &[("claim", ""), ("claim-node", "")];
const ACK: Operations = &[("ack", ""), ("ack-node", "")];
const STARTED: Operations = &[
    ("patch-run", "externalRunId"),
    ("patch-node", "externalRunId"),
];
const FINISHED: Operations = &[
    ("add-log", "terminationStatus"),
    ("patch-run", "\"status\":"),
    ("patch-node", "\"COMPLETED\""),
];
const UPDATE: Operations = &[
    ("patch-run", ""),
    ("patch-node", ""),
    ("add-log", ""),
    ("node-logs", ""),
];
/// What the baseline calls run PATCHes: ack, start, end.
const EVERY_WRITE: Operations = &[
    ("ack", ""),
    ("ack-node", ""),
    ("patch-run", ""),
    ("patch-node", ""),
    ("add-log", "terminationStatus"),
];

/// A fault of requests that mixes well.
const fn requests(
    word: &'static str,
    what: &'static str,
    fate: Fate,
    troubles: &'static [Trouble],
) -> Profile {
    Profile {
        word,
        what,
        fate,
        troubles,
        mixes: Mixes::Well,
    }
}

/// Some faults of requests, each distinct request struck once.
macro_rules! once {
    ($side:ident, $operations:expr, $effect:expr) => {
        times!($side, $operations, $effect, Choice::Each(1))
    };
}
macro_rules! times {
    ($side:ident, $operations:expr, $effect:expr, $choice:expr) => {
        Trouble::Requests {
            side: Side::$side,
            operations: $operations,
            effect: $effect,
            choice: $choice,
        }
    };
}
macro_rules! delivery {
    ($event:expr, $action:expr, $effect:expr) => {
        Trouble::Deliveries {
            event: $event,
            action: $action,
            effect: $effect,
        }
    };
}

/// So that runs have to be looked at.
const LOST_END: Trouble = delivery!("workflow_run", Some("completed"), DeliveryEffect::Drop);

fn port_error(status: u16) -> Effect {
    Effect::answer(
        status,
        r#"{"ok":false,"error":"fault","message":"An injected fault"}"#,
    )
}

fn port_error_after_processing(status: u16) -> Effect {
    Effect::process_then_answer(
        status,
        r#"{"ok":false,"error":"fault","message":"An injected fault"}"#,
    )
}

fn github_error(status: u16, message: &str) -> Effect {
    Effect::answer(
        status,
        format!(r#"{{"message":"{message}","status":"{status}"}}"#),
    )
}

fn no_content() -> Effect {
    Effect::ProcessThenAnswer {
        status: 204,
        headers: vec![],
        body: String::new(),
    }
}

fn wait_a_second() -> Effect {
    Effect::Answer {
        status: 429,
        headers: vec![("retry-after".to_owned(), "1".to_owned())],
        body: r#"{"ok":false,"error":"too_many_requests","message":"Slow down"}"#.to_owned(),
    }
}

/// Every fault that campaigns know.
pub static CATALOGUE: &[Profile] = &[
    // Starting a run on GitHub.
    requests(
        "github.dispatch: reset",
        "the connection breaks before GitHub has acted on the request",
        Fate::MayBeUnknown,
        &[once!(GitHub, DISPATCH, || Effect::CutBeforeProcessing)],
    ),
    requests(
        "github.dispatch: lost-reply",
        "GitHub starts the run, and the connection breaks before the answer",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, || Effect::CutAfterProcessing)],
    ),
    Profile {
        mixes: Mixes::Rarely,
        ..requests(
            "github.dispatch: time-out",
            "GitHub starts the run and answers later than anybody waits",
            Fate::IsFoundAgain,
            &[once!(GitHub, DISPATCH, || Effect::HoldReply(
                BEYOND_GITHUB_LIMIT
            ))],
        )
    },
    requests(
        "github.dispatch: 500",
        "500, and no run was started",
        Fate::MayBeUnknown,
        &[once!(GitHub, DISPATCH, server_error)],
    ),
    requests(
        "github.dispatch: 500-but-it-ran",
        "500, and the run was started",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, server_error_after_processing)],
    ),
    requests(
        "github.dispatch: 502",
        "a gateway's 502 with a page of HTML, and no run was started",
        Fate::MayBeUnknown,
        &[once!(GitHub, DISPATCH, bad_gateway)],
    ),
    requests(
        "github.dispatch: 503-but-it-ran",
        "503, and the run was started",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, || Effect::process_then_answer(
            503,
            r#"{"message":"Service unavailable"}"#
        ))],
    ),
    requests(
        "github.dispatch: 204",
        "the run was started, and the answer is 204 without its id",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, no_content)],
    ),
    requests(
        "github.dispatch: 200-without-id",
        "the run was started, and the answer is an empty object",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, || Effect::process_then_answer(
            200, "{}"
        ))],
    ),
    requests(
        "github.dispatch: old-server",
        "422: `return_run_details` is not a permitted key, as older servers say",
        Fate::IsFoundAgain,
        &[times!(
            GitHub,
            &[("dispatch", "return_run_details")],
            || github_error(
                422,
                r#"Invalid request.\n\n\"return_run_details\" is not a permitted key."#
            ),
            Choice::Each(u32::MAX)
        )],
    ),
    requests(
        "github.dispatch: 401-once",
        "401 `Bad credentials`, once",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || github_error(
            401,
            "Bad credentials"
        ))],
    ),
    requests(
        "github.dispatch: 401",
        "401 `Bad credentials`, every time",
        Fate::FailsSayingWhy,
        &[times!(
            GitHub,
            DISPATCH,
            || github_error(401, "Bad credentials"),
            Choice::Each(u32::MAX)
        )],
    ),
    requests(
        "github.dispatch: 403",
        "403: the credential may not start workflows",
        Fate::FailsSayingWhy,
        &[times!(
            GitHub,
            DISPATCH,
            || github_error(403, "Resource not accessible by integration"),
            Choice::Each(u32::MAX)
        )],
    ),
    requests(
        "github.dispatch: 404",
        "404: the workflow is gone",
        Fate::FailsSayingWhy,
        &[times!(
            GitHub,
            DISPATCH,
            || github_error(404, "Not Found"),
            Choice::Each(u32::MAX)
        )],
    ),
    requests(
        "github.dispatch: 403-secondary",
        "403: secondary rate limit, `retry-after` one second",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || secondary_limit(403, Some(1)))],
    ),
    requests(
        "github.dispatch: 429-secondary",
        "429: secondary rate limit, `retry-after` one second",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || secondary_limit(429, Some(1)))],
    ),
    Profile {
        mixes: Mixes::Rarely,
        ..requests(
            "github.dispatch: 403-secondary-without-time",
            "403: secondary rate limit that does not say for how long",
            Fate::EndsAsItsWorkflow,
            &[once!(GitHub, DISPATCH, || secondary_limit(403, None))],
        )
    },
    requests(
        "github.dispatch: slow",
        "GitHub takes a second before it starts the run",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || Effect::Delay(
            Duration::from_secs(1)
        ))],
    ),
    requests(
        "github.dispatch: slow-body",
        "the answer's body comes in pieces, for two seconds",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || Effect::SlowBody(
            Duration::from_secs(2)
        ))],
    ),
    requests(
        "github.dispatch: truncated",
        "the run was started, and the answer breaks off in its middle",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, || Effect::TruncateBody)],
    ),
    requests(
        "github.dispatch: garbage",
        "the run was started, and the answer is not JSON",
        Fate::IsFoundAgain,
        &[once!(GitHub, DISPATCH, || Effect::GarbageBody)],
    ),
    // Reading from GitHub.
    requests(
        "github.get-repository: 502",
        "GitHub cannot tell about the repository",
        Fate::EndsAsItsWorkflow,
        &[times!(
            GitHub,
            &[("get-repository", "")],
            bad_gateway,
            Choice::Any
        )],
    ),
    requests(
        "github.get-repository: reset",
        "the connection breaks when GitHub is asked about the repository",
        Fate::EndsAsItsWorkflow,
        &[times!(
            GitHub,
            &[("get-repository", "")],
            || Effect::CutBeforeProcessing,
            Choice::Any
        )],
    ),
    requests(
        "github.list-runs: 502",
        "GitHub does not tell ids (204), and half of the lists of runs fail too",
        Fate::IsFoundAgain,
        &[
            once!(GitHub, DISPATCH, no_content),
            times!(GitHub, &[("list-runs", "")], bad_gateway, Choice::Any),
        ],
    ),
    requests(
        "github.list-runs: lag",
        "GitHub does not tell ids (204), and new runs show up in lists 700 ms late",
        Fate::IsFoundAgain,
        &[
            once!(GitHub, DISPATCH, no_content),
            Trouble::Setting(Setting::ListLag(Duration::from_millis(700))),
        ],
    ),
    requests(
        "github.get-run: 502",
        "webhooks that tell of the end never come, and half of the looks at runs fail with 502",
        Fate::EndsAsItsWorkflow,
        &[
            LOST_END,
            times!(GitHub, &[("get-run", "")], bad_gateway, Choice::Any),
        ],
    ),
    requests(
        "github.get-run: garbage",
        "webhooks that tell of the end never come, and half of what GitHub tells of runs is not JSON",
        Fate::EndsAsItsWorkflow,
        &[
            LOST_END,
            times!(
                GitHub,
                &[("get-run", "")],
                || Effect::GarbageBody,
                Choice::Any
            ),
        ],
    ),
    requests(
        "github.get-run: fresh-404",
        "a new run is not known by its id for 300 ms, and webhooks that tell of the end never come",
        Fate::EndsAsItsWorkflow,
        &[
            LOST_END,
            Trouble::Setting(Setting::FreshRunLag(Duration::from_millis(300))),
        ],
    ),
    requests(
        "github.list-jobs: 500",
        "GitHub cannot tell why a run failed",
        Fate::EndsAsItsWorkflow,
        &[times!(
            GitHub,
            &[("list-jobs", "")],
            || github_error(500, "Server Error"),
            Choice::Any
        )],
    ),
    // GitHub as a whole.
    requests(
        "github.api: connection-refused",
        "nobody listens at GitHub's address for a quarter of a second, again and again; requests under way break",
        Fate::MayBeUnknown,
        &[Trouble::Outages(Side::GitHub)],
    ),
    requests(
        "github.quota: used-up",
        "each installation's quota is small, and requests beyond it get 403 until it comes back (primary rate limit)",
        Fate::EndsAsItsWorkflow,
        &[Trouble::Setting(Setting::SmallQuota)],
    ),
    Profile {
        mixes: Mixes::Alone,
        ..requests(
            "github.token: revoked",
            "the credential is revoked for good while runs are under way",
            Fate::FailsSayingWhy,
            &[Trouble::Revocation(Side::GitHub)],
        )
    },
    Profile {
        mixes: Mixes::Alone,
        ..requests(
            "github.clock: ahead",
            "GitHub does not tell ids (204), and its clock is an hour ahead of ours",
            Fate::IsFoundAgain,
            &[
                once!(GitHub, DISPATCH, no_content),
                Trouble::Setting(Setting::Clock(3600)),
            ],
        )
    },
    Profile {
        mixes: Mixes::Alone,
        ..requests(
            "github.clock: behind",
            "GitHub does not tell ids (204), and its clock is an hour behind ours",
            Fate::IsFoundAgain,
            &[
                once!(GitHub, DISPATCH, no_content),
                Trouble::Setting(Setting::Clock(-3600)),
            ],
        )
    },
    // Webhooks.
    requests(
        "webhook.completed: early",
        "all webhooks of a run come before GitHub has answered the request that starts it",
        Fate::EndsAsItsWorkflow,
        &[once!(GitHub, DISPATCH, || Effect::HoldReply(
            AFTER_THE_WEBHOOKS
        ))],
    ),
    requests(
        "webhook.completed: late",
        "the webhook that tells of the end comes a second and a half late",
        Fate::EndsAsItsWorkflow,
        &[delivery!(
            "workflow_run",
            Some("completed"),
            DeliveryEffect::Delay(Duration::from_millis(1500))
        )],
    ),
    requests(
        "webhook.completed: twice",
        "the webhook that tells of the end comes twice",
        Fate::EndsAsItsWorkflow,
        &[delivery!(
            "workflow_run",
            Some("completed"),
            DeliveryEffect::Duplicate
        )],
    ),
    requests(
        "webhook.completed: dropped",
        "the webhook that tells of the end never comes",
        Fate::EndsAsItsWorkflow,
        &[delivery!(
            "workflow_run",
            Some("completed"),
            DeliveryEffect::Drop
        )],
    ),
    requests(
        "webhook.completed: null-conclusion",
        "the webhook that tells of the end has no conclusion, and says that the run is queued",
        Fate::EndsAsItsWorkflow,
        &[delivery!(
            "workflow_run",
            Some("completed"),
            DeliveryEffect::NullConclusion
        )],
    ),
    requests(
        "webhook: twice",
        "webhooks come twice",
        Fate::EndsAsItsWorkflow,
        &[delivery!("*", None, DeliveryEffect::Duplicate)],
    ),
    requests(
        "webhook: reordered",
        "webhooks are overtaken by later ones",
        Fate::EndsAsItsWorkflow,
        &[delivery!(
            "*",
            None,
            DeliveryEffect::Overtaken(Duration::from_millis(300))
        )],
    ),
    requests(
        "webhook: twice-and-reordered",
        "webhooks come twice, and others are overtaken by later ones",
        Fate::EndsAsItsWorkflow,
        &[
            delivery!("*", None, DeliveryEffect::Duplicate),
            delivery!(
                "*",
                None,
                DeliveryEffect::Overtaken(Duration::from_millis(300))
            ),
        ],
    ),
    requests(
        "webhook: dropped",
        "webhooks never come",
        Fate::EndsAsItsWorkflow,
        &[delivery!("*", None, DeliveryEffect::Drop)],
    ),
    requests(
        "webhook: badly-signed",
        "webhooks are signed with another secret",
        Fate::EndsAsItsWorkflow,
        &[delivery!("*", None, DeliveryEffect::BadSignature)],
    ),
    requests(
        "webhook: unsigned",
        "webhooks are not signed",
        Fate::EndsAsItsWorkflow,
        &[delivery!("*", None, DeliveryEffect::NoSignature)],
    ),
    // Taking runs from Port.
    requests(
        "port.token: 503",
        "the token is revoked (401), again and again, and Port gives out no new one at once",
        Fate::EndsAsItsWorkflow,
        &[
            Trouble::Revocation(Side::Port),
            times!(Port, &[("token", "")], || port_error(503), Choice::Any),
        ],
    ),
    requests(
        "port.token: revoked",
        "the token is revoked (401), again and again",
        Fate::EndsAsItsWorkflow,
        &[Trouble::Revocation(Side::Port)],
    ),
    requests(
        "port.claim: 500",
        "claims fail with 500",
        Fate::EndsAsItsWorkflow,
        &[times!(Port, CLAIM, || port_error(500), Choice::Any)],
    ),
    requests(
        "port.claim: lost-reply",
        "runs are claimed, and the connection breaks before the answer",
        Fate::EndsAsItsWorkflow,
        &[times!(
            Port,
            CLAIM,
            || Effect::CutAfterProcessing,
            Choice::Any
        )],
    ),
    requests(
        "port.claim: truncated",
        "runs are claimed, and the answer breaks off in its middle",
        Fate::EndsAsItsWorkflow,
        &[times!(Port, CLAIM, || Effect::TruncateBody, Choice::Any)],
    ),
    requests(
        "port.claim: garbage",
        "runs are claimed, and the answer is not JSON",
        Fate::EndsAsItsWorkflow,
        &[times!(Port, CLAIM, || Effect::GarbageBody, Choice::Any)],
    ),
    requests(
        "port.claim: unreadable-neighbour",
        "a run that cannot be read is offered beside the others, for ever",
        Fate::EndsAsItsWorkflow,
        &[Trouble::UnreadableNeighbour],
    ),
    requests(
        "port.ack: 500",
        "the ack fails with 500",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, ACK, || port_error(500))],
    ),
    requests(
        "port.ack: 503-but-done",
        "Port takes the ack and answers 503",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, ACK, || port_error_after_processing(503))],
    ),
    requests(
        "port.ack: lost-reply",
        "Port takes the ack, and the connection breaks before the answer",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, ACK, || Effect::CutAfterProcessing)],
    ),
    requests(
        "port.ack: reset",
        "the connection breaks before Port has taken the ack",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, ACK, || Effect::CutBeforeProcessing)],
    ),
    requests(
        "port.ack: 401",
        "the ack is answered with 401",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, ACK, || port_error(401))],
    ),
    // Alone: of an ack that it has taken, Port never says that it cannot be.
    Profile {
        mixes: Mixes::Alone,
        ..requests(
            "port.ack: 422",
            "the ack is refused with 422, once",
            Fate::EndsAsItsWorkflow,
            &[once!(Port, ACK, || port_error(422))],
        )
    },
    Profile {
        mixes: Mixes::Alone,
        ..requests(
            "port.ack: 409",
            "another host was faster: the ack is answered with 409",
            Fate::IsLeftAlone,
            &[once!(Port, ACK, || port_error_after_processing(409))],
        )
    },
    // Telling Port.
    requests(
        "port.started: 500",
        "the message that the run has begun fails with 500",
        Fate::EndsAsItsWorkflow,
        &[times!(Port, STARTED, || port_error(500), Choice::Each(2))],
    ),
    requests(
        "port.started: 503-but-done",
        "Port takes the message that the run has begun and answers 503",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, STARTED, || port_error_after_processing(503))],
    ),
    requests(
        "port.started: lost-reply",
        "Port takes the message that the run has begun, and the connection breaks before the answer",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, STARTED, || Effect::CutAfterProcessing)],
    ),
    requests(
        "port.started: slow",
        "Port takes a second for the message that the run has begun",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, STARTED, || Effect::Delay(Duration::from_secs(
            1
        )))],
    ),
    requests(
        "port.finished: 500",
        "the report of the end fails with 500, three times",
        Fate::EndsAsItsWorkflow,
        &[times!(Port, FINISHED, || port_error(500), Choice::Each(3))],
    ),
    requests(
        "port.finished: 503-but-done",
        "Port takes the report of the end and answers 503",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, || port_error_after_processing(503))],
    ),
    requests(
        "port.finished: lost-reply",
        "Port takes the report of the end, and the connection breaks before the answer",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, || Effect::CutAfterProcessing)],
    ),
    requests(
        "port.finished: 401",
        "the report of the end is answered with 401",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, || port_error(401))],
    ),
    requests(
        "port.finished: 422",
        "the report of an action run's end is refused with 422 as long as there is a label in it",
        Fate::EndsAsItsWorkflow,
        &[times!(
            Port,
            &[("add-log", "\"statusLabel\"")],
            || port_error(422),
            Choice::Each(u32::MAX)
        )],
    ),
    requests(
        "port.finished: 429",
        "the report of the end is answered with 429, `retry-after` one second",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, wait_a_second)],
    ),
    requests(
        "port.finished: slow-body",
        "the answer to the report of the end comes in pieces, for two seconds",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, || Effect::SlowBody(
            Duration::from_secs(2)
        ))],
    ),
    requests(
        "port.finished: garbage",
        "Port takes the report of the end, and the answer is not JSON",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, FINISHED, || Effect::GarbageBody)],
    ),
    Profile {
        mixes: Mixes::Rarely,
        ..requests(
            "port.finished: time-out",
            "Port takes the report of the end and answers later than anybody waits",
            Fate::EndsAsItsWorkflow,
            &[once!(Port, FINISHED, || Effect::HoldReply(
                BEYOND_PORT_LIMIT
            ))],
        )
    },
    requests(
        "port.update: 500",
        "an update or a line of the log fails with 500",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, UPDATE, || port_error(500))],
    ),
    requests(
        "port.write: 500",
        "ack, start or end fail with 500",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, EVERY_WRITE, || port_error(500))],
    ),
    requests(
        "port.write: 503-but-done",
        "Port takes ack, start or end and answers 503",
        Fate::EndsAsItsWorkflow,
        &[once!(Port, EVERY_WRITE, || port_error_after_processing(
            503
        ))],
    ),
    requests(
        "port.run: ended-by-a-person",
        "somebody ends the run in Port while it is under way",
        Fate::EndsElsewhere,
        &[Trouble::PeopleEndRuns],
    ),
    requests(
        "port.api: connection-refused",
        "nobody listens at Port's address for a quarter of a second, again and again; requests under way break",
        Fate::EndsAsItsWorkflow,
        &[Trouble::Outages(Side::Port)],
    ),
    // The host itself.
    requests(
        "host: killed",
        "the process is killed (SIGKILL) at random moments and started again",
        Fate::MayBeUnknown,
        &[Trouble::Kills],
    ),
    requests(
        "host: terminated",
        "the process is told to stop (SIGTERM) at random moments and started again",
        Fate::EndsAsItsWorkflow,
        &[Trouble::Terminations],
    ),
    requests(
        "host: disk-full",
        "the journal cannot grow for a while",
        Fate::MayBeUnknown,
        &[Trouble::DiskFull],
    ),
    requests(
        "host.clock: back",
        "the host is killed, its clock is an hour behind after every other restart, and dispatches are reset",
        Fate::MayBeUnknown,
        &[
            Trouble::Kills,
            Trouble::HostClock(-3600),
            once!(GitHub, DISPATCH, || Effect::CutBeforeProcessing),
        ],
    ),
    requests(
        "host.clock: ahead",
        "the host is killed, its clock is an hour ahead after every other restart, and dispatches are reset",
        Fate::MayBeUnknown,
        &[
            Trouble::Kills,
            Trouble::HostClock(3600),
            once!(GitHub, DISPATCH, || Effect::CutBeforeProcessing),
        ],
    ),
];
