//! Every state that can be reached, with every event that can happen there.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};

/// What will come back by itself: a run in a state where nothing does hangs for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Awaited {
    Ack,
    Turn,
    Call,
    Wake,
    Quiet,
    Overdue,
    Cancel,
}

impl Awaited {
    const ALL: [Awaited; 7] = [
        Awaited::Ack,
        Awaited::Turn,
        Awaited::Call,
        Awaited::Wake,
        Awaited::Quiet,
        Awaited::Overdue,
        Awaited::Cancel,
    ];
}

/// A life, what it waits for, and what an onlooker knows about it.
#[derive(Debug, Clone, PartialEq)]
struct World {
    life: Life,
    awaited: BTreeSet<Awaited>,
    /// A request may have left, and nothing has proved that it had no effect.
    may_have_started: bool,
    ends_told: u32,
}

impl World {
    fn new(plan: Result<RunPlan, Failure>) -> World {
        let mut world = World {
            life: Life::new(),
            awaited: BTreeSet::new(),
            may_have_started: false,
            ends_told: 0,
        };
        world.happen(&Event::Planned(plan), &Rules::default());
        world
    }

    /// What can happen: everything, at any time. What nobody waits for may come late, or twice, or by mistake.
    fn events(&self) -> Vec<Event> {
        let mut events = vec![
            Event::Restarted,
            Event::EndedElsewhere,
            progress(1, "Running"),
            progress(2, "Queued"),
            Event::Unanswered(failure(FailureKind::Unavailable)),
        ];
        for outcome in [Outcome::Success, Outcome::Failure, Outcome::Cancelled] {
            events.extend([1, 2].map(|attempt| ended(attempt, outcome)));
        }
        for awaited in Awaited::ALL {
            match awaited {
                Awaited::Ack => {
                    let acks = [Ack::Ours, Ack::Taken, Ack::Unheard];
                    events.extend(acks.map(Event::Acked));
                }
                Awaited::Turn => {
                    let pause = Duration::from_secs(1);
                    events.extend([Event::Turn, Event::NoBudget(pause, "No.".to_owned())]);
                }
                Awaited::Call => {
                    events.extend([Event::Leaving, Event::Dispatched(Ok(started()))]);
                    events.extend(kinds().map(failed));
                }
                Awaited::Wake => events.push(Event::Woken),
                Awaited::Quiet => events.push(Event::Quiet),
                Awaited::Overdue => events.push(Event::Overdue),
                Awaited::Cancel => {
                    let answers = [
                        Ok(()),
                        Err(failure(FailureKind::Unavailable)),
                        Err(failure(FailureKind::Rejected)),
                    ];
                    events.extend(answers.map(Event::Cancelled));
                }
            }
        }
        events
    }

    /// Lets something happen, and checks what must hold.
    fn happen(&mut self, event: &Event, rules: &Rules) {
        let before = self.clone();
        let effects = self.life.handle(event.clone(), rules);
        self.forget_awaited(event);
        match event {
            // The driver lets no request out in any other state.
            Event::Leaving => {
                self.may_have_started |= matches!(before.life.state(), State::Dispatching(_));
            }
            Event::Dispatched(Err(failure)) if self.proves_nothing_started(&before, failure) => {
                self.may_have_started = false;
            }
            _ => {}
        }
        for effect in &effects {
            self.expect(effect);
        }
        let story = || {
            format!(
                "{before:#?}\n--- {event:?}\n--- {effects:?}\n{:#?}",
                self.life
            )
        };
        assert!(self.ends_told <= 1, "told twice: {}", story());
        if before.life.end().is_some() {
            assert_eq!(effects, [], "{}", story());
            assert_eq!(self.life, before.life, "{}", story());
        }
        let sends_blindly = effects.contains(&Effect::Dispatch(1));
        assert!(
            !(sends_blindly && self.may_have_started),
            "doubled: {}",
            story()
        );
        let goes_on = self.goes_on();
        assert!(goes_on, "hangs: {}", story());
    }

    fn forget_awaited(&mut self, event: &Event) {
        let over = match event {
            Event::Restarted => return self.awaited.clear(),
            Event::Acked(_) => Awaited::Ack,
            Event::Turn | Event::NoBudget(..) => Awaited::Turn,
            Event::Dispatched(_) => Awaited::Call,
            Event::Woken => Awaited::Wake,
            Event::Quiet => Awaited::Quiet,
            Event::Overdue => Awaited::Overdue,
            Event::Cancelled(_) => Awaited::Cancel,
            _ => return,
        };
        self.awaited.remove(&over);
    }

    /// By the contract, these kinds say that nothing was started; of a later attempt they only say that it could not look.
    fn proves_nothing_started(&self, before: &World, failure: &Failure) -> bool {
        before.life.attempt == 1
            && !matches!(
                failure.kind,
                FailureKind::Ambiguous | FailureKind::Internal | FailureKind::Other(_)
            )
    }

    fn expect(&mut self, effect: &Effect) {
        let awaited = match effect {
            Effect::Ack { .. } => Awaited::Ack,
            Effect::LineUp => Awaited::Turn,
            Effect::Dispatch(_) => Awaited::Call,
            Effect::Wake(_) => Awaited::Wake,
            Effect::Listen(_) => Awaited::Quiet,
            Effect::Deadline(_) | Effect::LastChance(_) => Awaited::Overdue,
            Effect::Cancel => Awaited::Cancel,
            Effect::Write(Write::Completed(_) | Write::NotStarted(_)) => {
                self.ends_told += 1;
                return;
            }
            Effect::Check | Effect::HoldInstallation(_) | Effect::Write(_) => return,
        };
        self.awaited.insert(awaited);
    }

    /// Whether something will come back that leads out of this state.
    fn goes_on(&self) -> bool {
        let any = |of: &[Awaited]| of.iter().any(|it| self.awaited.contains(it));
        match self.life.state() {
            State::Planning => false,
            State::Acking(_) => any(&[Awaited::Ack]),
            State::Ready(_) => any(&[Awaited::Turn]),
            State::Dispatching(_) | State::Sending(_) => any(&[Awaited::Call]),
            State::Parked { .. } | State::Holding { .. } => any(&[Awaited::Wake]),
            State::Started { .. } => any(&[Awaited::Quiet]),
            State::Stopping => any(&[Awaited::Cancel, Awaited::Wake]),
            State::Ended(_) => true,
        }
    }

    /// Without what only counts, so that there are finitely many worlds.
    fn normal(mut self) -> World {
        self.life.tally = retry::Tally::default();
        self.life.quiet = 0;
        self.life.unanswered = self.life.unanswered.min(1);
        self.life.cancels = 0;
        self.life.attempt = self.life.attempt.min(AMBIGUOUS_TRIES + 1);
        self
    }
}

fn kinds() -> [FailureKind; 9] {
    [
        FailureKind::InvalidParameters,
        FailureKind::Rejected,
        FailureKind::Unauthorized,
        FailureKind::RateLimited(Some(3)),
        FailureKind::RateLimited(None),
        FailureKind::Unavailable,
        FailureKind::Ambiguous,
        FailureKind::Internal,
        FailureKind::Other("quantum".to_owned()),
    ]
}

fn plans() -> [Result<RunPlan, Failure>; 3] {
    let wrong = failure(FailureKind::InvalidParameters);
    [Ok(plan(true)), Ok(plan(false)), Err(wrong)]
}

fn all_rules() -> Vec<Rules> {
    let some = Some(Duration::from_secs(60));
    let mut all = Vec::new();
    for max_run in [None, some] {
        for failure_grace in [None, some] {
            for cancel_with_port in [false, true] {
                all.push(Rules {
                    max_run,
                    failure_grace,
                    cancel_with_port,
                    ..Rules::default()
                });
            }
        }
    }
    all
}

#[test]
fn no_reachable_state_hangs_doubles_or_reports_twice_whatever_happens() {
    for rules in all_rules() {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut open: VecDeque<World> = plans().map(World::new).into();
        while let Some(world) = open.pop_front() {
            for event in world.events() {
                let mut next = world.clone();
                next.happen(&event, &rules);
                let next = next.normal();
                if seen.insert(format!("{next:?}")) {
                    open.push_back(next);
                }
            }
        }
        assert!(seen.len() > 100, "{} states", seen.len());
    }
}

proptest! {
    #[test]
    fn no_sequence_of_events_hangs_doubles_or_reports_twice(
        plan in 0usize..3,
        rules in 0usize..8,
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..200),
    ) {
        let rules = all_rules()[rules];
        let mut world = World::new(plans()[plan].clone());
        for choice in choices {
            let events = world.events();
            let event = events[choice.index(events.len())].clone();
            world.happen(&event, &rules);
        }
    }

    /// A life is what the journal says it is.
    #[test]
    fn a_life_is_the_same_after_it_was_in_the_journal(
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let rules = all_rules()[7];
        let mut world = World::new(Ok(plan(true)));
        for choice in choices {
            let events = world.events();
            world.happen(&events[choice.index(events.len())].clone(), &rules);
            let written = serde_json::to_string(&world.life).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Life>(&written).unwrap(), &world.life);
        }
    }
}
