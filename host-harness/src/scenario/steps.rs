//! Runs that appear in Port, and what else happens.

mod on_github;

use super::call::{action_type, properties};
use super::chronicle::What;
use super::deliver::{Mail, Post};
use super::faults::Services;
use super::played::Played;
use super::player::Player;
use super::schema::{self, Do, Kind, Moment, Step, told};
use super::sense::names_of;
use crate::simulator::port::{self, NewRun, RunView};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The story of a scenario while it is told.
pub(super) struct Story<'p> {
    player: &'p Player<'p>,
    services: Services,
    post: Post,
    /// Name and id of the runs so far, in the order in which they appeared.
    runs: Rc<RefCell<Vec<(String, String)>>>,
    /// Runs that are to appear.
    to_come: Vec<(Duration, Vec<Coming>)>,
    expected: usize,
    /// The step that is being taken.
    step: Option<usize>,
}

/// A run before it appears.
#[derive(Clone)]
struct Coming {
    name: String,
    kind: port::Kind,
    raw: Option<String>,
    new: NewRun,
}

impl<'p> Story<'p> {
    pub(super) fn new(player: &'p Player<'p>, services: &Services) -> Story<'p> {
        let manifest = player.plugin.manifest();
        let webhooks = manifest.webhooks.clone();
        let said = &player.scenario.run;
        let mut to_come = Vec::new();
        let mut expected = 0;
        for (number, run) in said.iter().enumerate() {
            let action_type = action_type(manifest, run.action_type.as_ref());
            let installation = run.installation.as_deref();
            let installation = installation.unwrap_or_else(|| player.scenario.main());
            let runs = coming(number, run, installation, &action_type);
            expected += runs.len();
            to_come.push((run.at.map_or(Duration::ZERO, |at| at.0), runs));
        }
        Story {
            player,
            services: services.clone(),
            post: Post::new(player.network.clone(), webhooks),
            runs: Rc::default(),
            to_come,
            expected,
            step: None,
        }
    }

    /// Lets everything happen, and waits for its end.
    pub(super) async fn tell(&mut self, played: &mut Played) {
        for (at, runs) in std::mem::take(&mut self.to_come) {
            let (port, known) = (self.services.port.clone(), self.runs.clone());
            let appear = async move {
                for run in runs {
                    let id = create(&port, &run);
                    known.borrow_mut().push((run.name, id));
                }
            };
            if at.is_zero() {
                appear.await;
            } else {
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(at).await;
                    appear.await;
                });
            }
        }
        let until = self.player.scenario.until;
        let began = tokio::time::Instant::now();
        for (number, step) in self.player.scenario.step.iter().enumerate() {
            self.step = Some(number);
            if let Err(trouble) = self.step(step).await {
                played.troubles.push(format!("step[{number}]: {trouble}"));
            }
        }
        self.step = None;
        match until {
            Some(until) => tokio::time::sleep_until(began + until.0).await,
            None => self.all_ended().await,
        }
    }

    /// What is not over yet, for people.
    pub(super) fn still_waits(&self, limit: Duration) -> String {
        let open: Vec<String> = self
            .views()
            .into_iter()
            .filter(|(_, run)| !run.ended())
            .map(|(name, run)| {
                let label = run.status_label.unwrap_or_default();
                format!("{name} ({label:?}, acked: {})", run.acked)
            })
            .collect();
        let time = told(limit);
        let what = match (self.step, self.player.scenario.until) {
            (Some(number), _) => format!("step[{number}] still waits"),
            (None, Some(_)) => "`until` has not come".to_owned(),
            (None, None) => format!("these runs have not ended: {}", open.join(", ")),
        };
        format!("after {time} of virtual time, which is its limit, it is not over: {what}")
    }

    /// Runs as Port has them now.
    pub(super) fn take_down(&self, played: &mut Played) {
        played.runs = self.views();
    }

    fn views(&self) -> Vec<(String, RunView)> {
        let runs = self.runs.borrow();
        let view = |(name, id): &(String, String)| {
            let run = self.services.port.run(id);
            run.map(|run| (name.clone(), run))
        };
        runs.iter().filter_map(view).collect()
    }

    /// Waits for one run after the other: whichever ends last, nobody looks at those again that have ended.
    async fn all_ended(&self) {
        for number in 0..self.expected {
            self.wait_for(|story| {
                let id = story.runs.borrow().get(number).map(|(_, id)| id.clone());
                let run = id.and_then(|id| story.services.port.run(&id));
                run.is_some_and(|run| run.ended())
            })
            .await;
        }
    }

    async fn wait_for(&self, holds: impl Fn(&Story<'_>) -> bool) {
        let mut changes = self.services.port.changes();
        while !holds(self) {
            // The sender is the simulator, which is still there.
            let _ = changes.changed().await;
        }
    }

    /// A run by its name; the first if none is said.
    fn run(&self, name: Option<&String>) -> Option<RunView> {
        let runs = self.runs.borrow();
        let (_, id) = match name {
            None => runs.first(),
            Some(name) => runs.iter().find(|(known, _)| known == name),
        }?;
        self.services.port.run(id)
    }

    async fn step(&self, step: &Step) -> Result<(), String> {
        if let Some(when) = &step.when {
            self.wait_for(|story| {
                story
                    .run(when.run.as_ref())
                    .is_some_and(|run| is(&run, when.is))
            })
            .await;
        }
        if let Some(after) = step.after {
            tokio::time::sleep(after.0).await;
        }
        self.player.note(words(step));
        self.take(step).await
    }

    async fn take(&self, step: &Step) -> Result<(), String> {
        let services = &self.services;
        // What came of it is in the recording: answers, and deliveries at their times.
        if self.player.replays() && is_on_github(step.action) {
            return Ok(());
        }
        match step.action {
            Do::Wait => Ok(()),
            Do::EndInPort => {
                let run = self.needed(step)?;
                let ended = services
                    .port
                    .end_elsewhere(&run.id, step.succeeded.unwrap_or(false));
                held(ended, "the run has ended already")
            }
            Do::Deliver => self.deliver(step).await,
            Do::Redeliver => self.redeliver(step),
            Do::Unreachable => {
                let side = step.side.ok_or("`side` is missing")?;
                services.set_reachable(side, false);
                let lasting = step.lasting.map_or(Duration::from_secs(30), |time| time.0);
                let services = services.clone();
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(lasting).await;
                    services.set_reachable(side, true);
                });
                Ok(())
            }
            Do::RevokeTokens => {
                services.revoke_tokens(step.side.ok_or("`side` is missing")?);
                Ok(())
            }
            Do::SetRemaining => {
                let left = step.requests.ok_or("`requests` is missing")?;
                let token = services.github.token();
                held(
                    services.github.set_remaining(&token, left),
                    "GitHub does not know the token",
                )
            }
            Do::SwitchOff | Do::SwitchOn => {
                let on = step.action == Do::SwitchOn;
                let installation = step.installation.as_deref();
                let installation = installation.unwrap_or_else(|| self.player.scenario.main());
                services.port.add_integration(installation, on);
                Ok(())
            }
            Do::ClearFaults => {
                services.clear_faults();
                Ok(())
            }
            Do::Finish
            | Do::Advance
            | Do::Rerun
            | Do::RenameRepository
            | Do::Archive
            | Do::StartForeignRun => self.on_github(step),
            Do::InstallApp | Do::UninstallApp | Do::SuspendApp | Do::UnsuspendApp => {
                self.on_app(step)
            }
        }
    }

    async fn deliver(&self, step: &Step) -> Result<(), String> {
        let external = self
            .run(step.run.as_ref())
            .and_then(|run| run.external_run_id);
        let mail = Mail::of(step, self.player.scenario, external.as_deref())?;
        for _ in 0..step.times.unwrap_or(1) {
            let status = self.post.send(&mail).await?;
            let what = What::Delivered(mail.event.clone(), status);
            self.player.chronicle.note(what);
            let expected = step.status.unwrap_or(202);
            if status != expected {
                return Err(format!("the host has answered {status}, not {expected}"));
            }
        }
        Ok(())
    }

    fn redeliver(&self, step: &Step) -> Result<(), String> {
        let github = &self.services.github;
        let event = step.event.as_deref().unwrap_or("workflow_run");
        let action = step.event_action.as_deref().unwrap_or("completed");
        let all = github.deliveries();
        let last = all
            .iter()
            .rev()
            .find(|it| it.event == event && it.action == action)
            .ok_or_else(|| format!("GitHub has sent no {event}.{action}"))?;
        for _ in 0..step.times.unwrap_or(1) {
            held(github.redeliver(&last.guid), "its body was not kept")?;
        }
        Ok(())
    }

    fn needed(&self, step: &Step) -> Result<RunView, String> {
        self.run(step.run.as_ref())
            .ok_or_else(|| "there is no such run".to_owned())
    }
}

/// Whether it happens on GitHub.
fn is_on_github(action: Do) -> bool {
    match action {
        Do::Redeliver
        | Do::SetRemaining
        | Do::Finish
        | Do::Advance
        | Do::Rerun
        | Do::RenameRepository
        | Do::Archive
        | Do::StartForeignRun
        | Do::InstallApp
        | Do::UninstallApp
        | Do::SuspendApp
        | Do::UnsuspendApp => true,
        Do::Wait
        | Do::EndInPort
        | Do::Deliver
        | Do::Unreachable
        | Do::RevokeTokens
        | Do::SwitchOff
        | Do::SwitchOn
        | Do::ClearFaults => false,
    }
}

fn held(it_did: bool, otherwise: &str) -> Result<(), String> {
    if it_did {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn is(run: &RunView, moment: Moment) -> bool {
    match moment {
        Moment::Claimed => run.claims > 0,
        Moment::Acked => run.acked,
        Moment::Started => run.external_run_id.is_some(),
        Moment::Ended => run.ended(),
    }
}

fn words(step: &Step) -> String {
    let mut text = format!("{:?}", step.action);
    for part in [
        &step.run,
        &step.installation,
        &step.owner,
        &step.event,
        &step.to,
        &step.conclusion,
    ]
    .into_iter()
    .flatten()
    {
        text.push(' ');
        text.push_str(part);
    }
    text
}

fn coming(number: usize, run: &schema::Run, installation: &str, action_type: &str) -> Vec<Coming> {
    let kind = match run.kind {
        Kind::Action => port::Kind::Action,
        Kind::WorkflowNode => port::Kind::Node,
    };
    let one = |name: String| Coming {
        name,
        kind,
        raw: run.raw.clone(),
        new: NewRun {
            kind,
            installation_id: installation.to_owned(),
            action_type: action_type.to_owned(),
            properties: properties(run.properties.as_ref(), run.properties_text.as_ref()),
            identifier: "dispatch".to_owned(),
        },
    };
    names_of(number, run).into_iter().map(one).collect()
}

fn create(port: &port::Port, run: &Coming) -> String {
    match &run.raw {
        Some(raw) => port.create_raw_pending_run(run.kind, raw),
        None => port.create_knowing_id(run.kind, |id| NewRun {
            properties: run.new.properties.replace("{{ run.id }}", id),
            ..run.new.clone()
        }),
    }
}
