//! The calls that a run's life is made of: to Port for the ack, to the plugin for everything else. Each is a task that
//! comes back with an event.

use super::decision::Event;
use super::driver::post;
use super::entry::{Entry, Happened};
use super::{Shared, ack as port_ack, lock};
use crate::clock;
use crate::contract::{Attempt, Failure, FailureKind, RunPlan};
use crate::egress::BeforeSending;
use crate::engine::CallError;
use crate::legible::escaped;
use crate::metrics::DispatchResult;
use crate::port::RunKind;
use crate::runtime::Call;
use crate::watcher::{self, About};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Lets the plugin look at a run that was just claimed.
pub(super) fn plan(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        let plan = match entry.order.clone() {
            Some(order) => {
                let action = order.action_type.clone();
                let answer = flatten(shared.runtime.plan(call(&shared, &entry), order).await);
                let mut known = shared.runtime.manifest().action_types.iter();
                planned(answer, &action, known.any(|one| one.name == action))
            }
            None => Err(no_order()),
        };
        post(&shared, &entry, Happened::life(Event::Planned(plan)));
    });
}

/// A plugin may do without `plan` (see the contract): its runs may overlap, and their ends are reported. About an action
/// that it does not know, `unsupported` says just that.
fn planned(
    answer: Result<RunPlan, Failure>,
    action: &str,
    is_known: bool,
) -> Result<RunPlan, Failure> {
    match answer {
        Err(failure) if is_known && failure.kind == FailureKind::Unsupported => Ok(RunPlan {
            partition_key: None,
            report_status: true,
            target: action.to_owned(),
        }),
        answer => answer,
    }
}

pub(super) fn ack(shared: &Arc<Shared>, entry: &Arc<Entry>, again: bool) {
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        let ack = port_ack::ack(&entry, again, &shared.metrics).await;
        post(&shared, &entry, Happened::life(Event::Acked(ack)));
    });
}

/// Lets the plugin start a run. `began` is when the first attempt did.
pub(super) fn dispatch(shared: &Arc<Shared>, entry: &Arc<Entry>, number: u32, began: u64) {
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        if number == 1 {
            let waited = clock::timestamp().saturating_sub(entry.claimed_at);
            shared
                .metrics
                .dispatch_waited(Duration::from_millis(waited));
        }
        let attempt = Attempt {
            number,
            first_began: began,
            taken: taken(&shared, &entry, number).await,
        };
        let answer = match entry.order.clone() {
            Some(order) => {
                let call = call(&shared, &entry).before_sending(before_sending(&shared, &entry));
                flatten(shared.runtime.dispatch(call, order, attempt).await)
            }
            None => Err(no_order()),
        };
        shared.metrics.dispatched(DispatchResult::of(&answer));
        post(&shared, &entry, Happened::life(Event::Dispatched(answer)));
    });
}

/// External run ids that belong to other runs. A first attempt looks at runs that are as old as itself. A later one looks
/// back as far as the first, over kills and pauses, so the journal tells what this process has forgotten.
async fn taken(shared: &Shared, entry: &Entry, number: u32) -> Vec<String> {
    let installation = &entry.key.installation;
    let mut taken = lock(&shared.routes).taken(installation, Instant::now());
    if number > 1 {
        match shared
            .journal
            .external_ids(installation, LOOKED_THROUGH)
            .await
        {
            Ok(known) => taken.extend(known),
            Err(error) => tracing::error!(run = %entry.key, "{error}"),
        }
    }
    taken
}

/// How many runs of an installation a search can come across: GitHub lists a thousand of a workflow at most.
const LOOKED_THROUGH: u32 = 2_000;

/// Writes down that a request may have left, before it leaves. Runs on the thread of the call, so what it waits for is
/// done on the host's own runtime.
fn before_sending(shared: &Arc<Shared>, entry: &Arc<Entry>) -> BeforeSending {
    let (shared, entry) = (shared.clone(), entry.clone());
    let runtime = tokio::runtime::Handle::current();
    Arc::new(move || {
        let (reply, written) = oneshot::channel();
        let (shared, entry) = (shared.clone(), entry.clone());
        let leaving = Happened {
            reply: Some(reply),
            ..Happened::life(Event::Leaving)
        };
        runtime.spawn(async move { post(&shared, &entry, leaving) });
        Box::pin(async move {
            match written.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the host is stopping".to_owned()),
            }
        })
    })
}

/// A run that was claimed so long ago may have been ended in Port meanwhile.
const LONG_AGO: Duration = Duration::from_secs(60);

/// It is the run's turn. If it has waited for long, Port is asked first whether it is still wanted.
pub(super) fn turn(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    let waited = Duration::from_millis(clock::timestamp().saturating_sub(entry.claimed_at));
    if waited < LONG_AGO || entry.lock().life.is_unresolved() {
        return post(shared, entry, Happened::life(Event::Turn));
    }
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        let event = if has_ended_in_port(&entry, &None).await {
            Event::EndedElsewhere
        } else {
            Event::Turn
        };
        post(&shared, &entry, Happened::life(event));
    });
}

/// Whether Port shows the run as ended. If it cannot say, it has not.
pub(super) async fn has_ended_in_port(entry: &Entry, external_run_id: &Option<String>) -> bool {
    let port = &entry.source.port;
    let known = match (entry.kind, external_run_id) {
        (RunKind::Action, _) => port.action_run(&entry.key.run).await.map(Some),
        (RunKind::WorkflowNode, Some(id)) => port.find(RunKind::WorkflowNode, id).await,
        (RunKind::WorkflowNode, None) => Ok(None),
    };
    match known {
        Ok(known) => known.is_some_and(|run| run.has_ended()),
        Err(error) => {
            tracing::warn!(run = %entry.key, "Port cannot say whether it has ended: {error}");
            false
        }
    }
}

/// Asks the server to stop a run.
pub(super) fn cancel(shared: &Arc<Shared>, entry: &Arc<Entry>, external_run_id: Option<String>) {
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        shared.metrics.cancel_sent();
        let answer = match (entry.order.clone(), external_run_id) {
            (Some(order), Some(id)) => flatten(
                shared
                    .runtime
                    .cancel(call(&shared, &entry), order, id)
                    .await,
            ),
            _ => Err(no_order()),
        };
        if let Err(failure) = &answer {
            tracing::warn!(run = %entry.key, "could not be cancelled: {}", escaped(&failure.message));
        }
        post(&shared, &entry, Happened::life(Event::Cancelled(answer)));
    });
}

pub(super) fn call(shared: &Shared, entry: &Entry) -> Call {
    let tap = watcher::tap(&shared.watcher, || About::Run(entry.key.clone()));
    Call::new(entry.source.installation.clone(), entry.key.run.clone()).watched_by(tap)
}

/// Joins the two ways of failing: the plugin's own answer, and a call that gave none.
pub(super) fn flatten<T>(answer: Result<Result<T, Failure>, CallError>) -> Result<T, Failure> {
    answer.unwrap_or_else(|error| Err(stopped(&error)))
}

/// A call that gave no answer, as a failure. If a request was sent before, nobody knows what it did.
fn stopped(error: &CallError) -> Failure {
    Failure {
        kind: if error.request_sent {
            FailureKind::Ambiguous
        } else {
            FailureKind::Internal
        },
        code: "plugin-stopped".to_owned(),
        message: format!("The run could not be handled: {error}."),
        remedy: Some("Ask the operator of the integration; its log has more.".to_owned()),
        request_sent: error.request_sent,
    }
}

fn no_order() -> Failure {
    Failure {
        kind: FailureKind::Internal,
        code: "unreadable-run".to_owned(),
        message: "The run cannot be read.".to_owned(),
        remedy: None,
        request_sent: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CallErrorKind;

    #[test]
    fn a_call_that_died_after_sending_is_ambiguous_and_one_before_is_not() {
        let error = |request_sent| CallError {
            function: "dispatch",
            kind: CallErrorKind::Wall(Duration::from_secs(1)),
            request_sent,
        };
        assert_eq!(stopped(&error(true)).kind, FailureKind::Ambiguous);
        assert_eq!(stopped(&error(false)).kind, FailureKind::Internal);
    }

    fn refused(kind: FailureKind) -> Result<RunPlan, Failure> {
        Err(Failure {
            kind,
            code: "code".to_owned(),
            message: "message".to_owned(),
            remedy: None,
            request_sent: false,
        })
    }

    #[test]
    fn a_plugin_without_plan_starts_runs_that_may_overlap_and_whose_ends_are_reported() {
        let plan = planned(refused(FailureKind::Unsupported), "dispatch_workflow", true).unwrap();
        assert_eq!(plan.partition_key, None);
        assert!(plan.report_status);
        assert_eq!(plan.target, "dispatch_workflow");
    }

    #[test]
    fn an_action_that_the_plugin_does_not_know_is_refused_as_before() {
        let answer = planned(refused(FailureKind::Unsupported), "explode", false);
        assert_eq!(answer.unwrap_err().kind, FailureKind::Unsupported);
    }

    #[test]
    fn any_other_failure_of_plan_ends_the_run() {
        let answer = planned(
            refused(FailureKind::InvalidParameters),
            "dispatch_workflow",
            true,
        );
        assert_eq!(answer.unwrap_err().kind, FailureKind::InvalidParameters);
    }
}
