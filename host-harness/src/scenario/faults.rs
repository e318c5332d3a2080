//! What goes wrong, put into the simulators.

use super::error::ScenarioError;
use super::operation;
use super::schema::{Cut, DeliveryEffectWord, FaultTable, Side, Times};
use super::world::body;
use crate::campaign::catalogue::{self, Choice, Profile, Setting, Trouble};
use crate::simulator::github::{self, DeliveryEffect, DeliveryFault, GitHub};
use crate::simulator::port::Port;
use crate::simulator::script::Script;
use crate::simulator::{Effect, Fault, Injected};
use std::time::Duration;

/// The services that faults can strike. Cheap to clone.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) github: GitHub,
    pub(super) port: Port,
    pub(super) script: Script,
}

/// A fault that has been put in.
#[derive(Debug, Clone)]
pub(super) struct Armed {
    name: String,
    injected: Vec<Injected>,
    /// What somebody has to bring about.
    pub(super) outages: Vec<Outage>,
}

impl Armed {
    fn of(name: &str, injected: Vec<Injected>) -> Armed {
        Armed {
            name: name.to_owned(),
            injected,
            outages: Vec::new(),
        }
    }

    /// What there is to say if it has struck nothing: a scenario that passes without its fault does not show what it
    /// says.
    pub(super) fn never_struck(&self) -> Option<String> {
        let struck = self.injected.iter().any(|injected| injected.hits() > 0);
        (!self.injected.is_empty() && !struck)
            .then(|| format!("the fault {:?} has struck nothing", self.name))
    }
}

/// Nobody listens for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) side: Side,
    pub(super) from: Duration,
    pub(super) lasting: Duration,
}

impl Services {
    /// Takes a service off the network, or brings it back.
    pub(super) fn set_reachable(&self, side: Side, reachable: bool) {
        match side {
            Side::GitHub => self.github.set_reachable(reachable),
            Side::Port => self.port.set_reachable(reachable),
            Side::Server => self.script.set_reachable(reachable),
        }
    }

    /// Tokens that were given are not known any more.
    pub(super) fn revoke_tokens(&self, side: Side) {
        match side {
            Side::Port => self.port.revoke_tokens(),
            Side::GitHub => {
                let token = self.github.token();
                self.github.set_standing(&token, github::Standing::Expired);
            }
            Side::Server => {}
        }
    }

    fn inject(&self, side: Side, fault: Fault) -> Injected {
        match side {
            Side::GitHub => self.github.inject(fault),
            Side::Port => self.port.inject(fault),
            Side::Server => self.script.inject(fault),
        }
    }

    pub(super) fn clear_faults(&self) {
        self.github.clear_faults();
        self.port.clear_faults();
        self.script.clear_faults();
    }

    /// Puts a fault in.
    pub(super) fn arm(&self, number: usize, fault: &FaultTable) -> Result<Armed, ScenarioError> {
        let key = format!("fault[{number}]");
        match (&fault.word, &fault.on, &fault.delivery) {
            (Some(word), None, None) => self.arm_profile(&key, catalogue::find(word)?, fault),
            (None, Some(on), None) => {
                let (side, operation) = operation::named(&format!("{key}.on"), on)?;
                let made = Fault::new(operation, effect(&key, fault)?).named(on);
                let injected = vec![self.inject(side, limited(made, fault))];
                Ok(Armed::of(on, injected))
            }
            (None, None, Some(name)) => {
                let (event, action) = event(name);
                let mut made = DeliveryFault::new(event, delivery_effect(&key, fault)?).named(name);
                if let Some(action) = action {
                    made = made.action(action);
                }
                let injected = vec![self.inject_delivery(made, fault)];
                Ok(Armed::of(name, injected))
            }
            _ => {
                let reason = "a fault has one of `word`, `on` and `delivery`";
                Err(ScenarioError::senseless(key, reason))
            }
        }
    }

    fn arm_profile(
        &self,
        key: &str,
        profile: &'static Profile,
        fault: &FaultTable,
    ) -> Result<Armed, ScenarioError> {
        let mut armed = Armed::of(profile.word, Vec::new());
        for trouble in profile.troubles {
            match trouble {
                Trouble::Requests {
                    side,
                    operations,
                    effect,
                    choice,
                } => {
                    for operation in *operations {
                        let made = catalogue::fault_of(profile.word, *operation, *effect);
                        let made = match (fault.times, choice) {
                            // As often as the catalogue says, of one request.
                            (None, Choice::Each(times)) => made.times(*times),
                            _ => limited(made, fault),
                        };
                        armed.injected.push(self.inject(side_of(*side), made));
                    }
                }
                Trouble::Deliveries {
                    event,
                    action,
                    effect,
                } => {
                    let mut made = DeliveryFault::new(*event, effect.clone()).named(profile.word);
                    if let Some(action) = action {
                        made = made.action(*action);
                    }
                    armed.injected.push(self.inject_delivery(made, fault));
                }
                Trouble::Outages(side) => armed.outages.push(outage(side_of(*side), fault)),
                Trouble::Setting(_) => {}
                Trouble::Revocation(_)
                | Trouble::PeopleEndRuns
                | Trouble::UnreadableNeighbour
                | Trouble::Kills
                | Trouble::Terminations
                | Trouble::DiskFull
                | Trouble::HostClock(_) => {
                    return Err(ScenarioError::senseless(
                        format!("{key}.word"),
                        format!(
                            "{:?} is no single event: say it as a step of the scenario (`revoke-tokens`, \
                             `end-in-port`, a `raw` run), or leave it to `host-harness chaos`, which ends processes",
                            profile.word
                        ),
                    ));
                }
            }
        }
        Ok(armed)
    }

    fn inject_delivery(&self, made: DeliveryFault, fault: &FaultTable) -> Injected {
        let made = made.after(fault.after);
        let made = match fault.times {
            Some(Times::Word(_)) => made,
            Some(Times::Number(times)) => made.times(times),
            None => made.once(),
        };
        self.github.inject_delivery(made)
    }
}

/// Settings that a word of the catalogue stands for.
pub(super) fn settings(
    faults: &[FaultTable],
    options: &mut github::Options,
) -> Result<(), ScenarioError> {
    for word in faults.iter().filter_map(|fault| fault.word.as_ref()) {
        for trouble in catalogue::find(word)?.troubles {
            if let Trouble::Setting(setting) = trouble {
                match setting {
                    Setting::ListLag(lag) => options.list_lag = *lag,
                    Setting::FreshRunLag(lag) => options.fresh_run_lag = *lag,
                    Setting::SmallQuota => options.rate_limit = SMALL_QUOTA,
                    Setting::Clock(seconds) => options.clock_offset_seconds = *seconds,
                }
            }
        }
    }
    Ok(())
}

/// What a small quota is: enough to start one run, not two.
const SMALL_QUOTA: u32 = 4;

fn side_of(side: catalogue::Side) -> Side {
    match side {
        catalogue::Side::GitHub => Side::GitHub,
        catalogue::Side::Port => Side::Port,
    }
}

fn outage(side: Side, fault: &FaultTable) -> Outage {
    Outage {
        side,
        from: fault.from.map_or(Duration::ZERO, |time| time.0),
        lasting: fault.lasting.map_or(Duration::from_secs(30), |time| time.0),
    }
}

fn limited(mut made: Fault, fault: &FaultTable) -> Fault {
    if let Some(text) = &fault.path_contains {
        made = made.when_path_contains(text);
    }
    if let Some(text) = &fault.body_contains {
        made = made.when_body_contains(text);
    }
    let made = made.after(fault.after);
    match fault.times {
        Some(Times::Word(_)) => made,
        Some(Times::Number(times)) => made.times(times),
        None => made.once(),
    }
}

fn event(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((event, action)) => (event, Some(action)),
        None => (name, None),
    }
}

fn effect(key: &str, fault: &FaultTable) -> Result<Effect, ScenarioError> {
    let mut effects = Vec::new();
    if let Some(said) = &fault.answer {
        let place = format!("{key}.answer");
        let (json, text) = (said.json.as_ref(), said.text.as_ref());
        let (bytes, kind) = body(&place, json, text, said.base64.as_ref())?;
        let status = said.status.unwrap_or(200);
        let mut headers: Vec<(String, String)> = said.headers.clone().into_iter().collect();
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        let body = String::from_utf8_lossy(&bytes).into_owned();
        effects.push(if fault.processed {
            Effect::ProcessThenAnswer {
                status,
                headers,
                body,
            }
        } else {
            Effect::Answer {
                status,
                headers,
                body,
            }
        });
    }
    effects.extend(fault.cut.map(|cut| match cut {
        Cut::Before => Effect::CutBeforeProcessing,
        Cut::After => Effect::CutAfterProcessing,
    }));
    effects.extend(fault.delay.map(|time| Effect::Delay(time.0)));
    effects.extend(fault.hold.map(|time| Effect::HoldReply(time.0)));
    effects.extend(fault.slow_body.map(|time| Effect::SlowBody(time.0)));
    effects.extend(fault.garbage_body.then_some(Effect::GarbageBody));
    effects.extend(fault.truncated_body.then_some(Effect::TruncateBody));
    let one = <[Effect; 1]>::try_from(effects);
    one.map(|[effect]| effect).map_err(|_| {
        let reason = "a fault does one thing: `answer`, `cut`, `delay`, `hold`, `slow-body`, `garbage-body` or \
                      `truncated-body`; write two faults for two things";
        ScenarioError::senseless(key, reason)
    })
}

fn delivery_effect(key: &str, fault: &FaultTable) -> Result<DeliveryEffect, ScenarioError> {
    let time = fault.time.map_or(Duration::from_secs(5), |time| time.0);
    match fault.effect {
        Some(DeliveryEffectWord::Drop) => Ok(DeliveryEffect::Drop),
        Some(DeliveryEffectWord::Duplicate) => Ok(DeliveryEffect::Duplicate),
        Some(DeliveryEffectWord::Delay) => Ok(DeliveryEffect::Delay(time)),
        Some(DeliveryEffectWord::Overtaken) => Ok(DeliveryEffect::Overtaken(time)),
        Some(DeliveryEffectWord::BadSignature) => Ok(DeliveryEffect::BadSignature),
        Some(DeliveryEffectWord::NoSignature) => Ok(DeliveryEffect::NoSignature),
        Some(DeliveryEffectWord::NullConclusion) => Ok(DeliveryEffect::NullConclusion),
        None => Err(ScenarioError::senseless(
            format!("{key}.effect"),
            "it is missing: say what happens to the delivery",
        )),
    }
}
