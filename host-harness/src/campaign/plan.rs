//! From a seed to everything that will happen in a campaign. Pure: the same request gives the same plan.

use super::catalogue::{CATALOGUE, Choice, Fate, Mixes, Profile, Side, Trouble};
use super::dice::Dice;
use crate::simulator::port::Kind;
use std::time::Duration;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// How many runs.
    pub runs: usize,
    /// What everything that is left to chance comes from.
    pub seed: u64,
    /// The faults.
    pub faults: Faults,
    /// How often the process is killed at random moments, for mixtures and faults that kill; none for as many as suit.
    pub kills: Option<usize>,
    /// The runs' workflows.
    pub cast: Cast,
}

/// Which faults.
#[derive(Debug, Clone)]
pub enum Faults {
    /// A bit of everything that mixes, without these.
    Mixture(Vec<&'static Profile>),
    /// One, with a share in percent.
    One(&'static Profile, u8),
    /// None.
    None,
}

/// What kinds of runs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// Everything: workflows that succeed, fail, take their time; runs that cannot start.
    All,
    /// Workflows that succeed in 0.2 to 1.5 seconds, as in the baseline.
    Succeeding,
    /// One action run and one node run of each course, as far as the number of runs goes.
    OneOfEach,
}

/// How a run is meant to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Course {
    /// Its workflow succeeds at once.
    Succeeds,
    /// Its workflow fails in a step.
    Fails,
    /// Its workflow is cancelled on GitHub.
    Cancelled,
    /// Its workflow succeeds after more than a second.
    Slow,
    /// Its workflow succeeds, and the end is not to be reported.
    NotReported,
    /// GitHub refuses an input.
    Refused,
    /// A property that is needed is missing.
    Incomplete,
    /// The run itself cannot be read: its properties are null.
    Unreadable,
}

impl Course {
    /// All of them.
    pub const ALL: [Course; 8] = [
        Course::Succeeds,
        Course::Fails,
        Course::Cancelled,
        Course::Slow,
        Course::NotReported,
        Course::Refused,
        Course::Incomplete,
        Course::Unreadable,
    ];

    /// How many of a hundred runs.
    fn weight(self) -> usize {
        match self {
            Course::Succeeds => 46,
            Course::Fails => 14,
            Course::Cancelled => 6,
            Course::Slow => 12,
            Course::NotReported => 8,
            Course::Refused => 8,
            Course::Incomplete => 3,
            Course::Unreadable => 3,
        }
    }

    /// Whether GitHub starts it, if nothing goes wrong.
    pub fn starts(self) -> bool {
        !matches!(
            self,
            Course::Refused | Course::Incomplete | Course::Unreadable
        )
    }
}

/// One press of a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRun {
    /// A value among the workflow's inputs that no other run has: how to tell whose run a run on GitHub is.
    pub marker: String,
    /// Kind.
    pub kind: Kind,
    /// Number of its installation.
    pub installation: usize,
    /// How it is meant to go.
    pub course: Course,
    /// Whether the workflow's `run-name` shows the run's id.
    pub echoes: bool,
    /// Which of the workflows of that kind.
    pub lane: usize,
    /// When the button is pressed.
    pub pressed: Duration,
    /// When somebody ends it in Port: so long after it was pressed; and whether as a success.
    pub ended_by_a_person: Option<(Duration, bool)>,
}

/// A share of a fault.
#[derive(Debug, Clone, Copy)]
pub struct Dose {
    /// The fault.
    pub profile: &'static Profile,
    /// Its share, in percent.
    pub percent: u8,
    /// What decides where it strikes.
    pub seed: u64,
    /// How often at most.
    pub at_most: Option<u32>,
}

/// Something that happens to the services at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Nobody listens any more.
    Unplug(Side),
    /// Back again.
    Plug(Side),
    /// Tokens are revoked.
    Revoke(Side),
}

/// The end of one life of the host's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// When.
    pub when: When,
    /// SIGTERM instead of SIGKILL.
    pub gently: bool,
    /// How long until the process is started again.
    pub down: Duration,
    /// By how many seconds the next process's clock is wrong.
    pub next_clock: i64,
}

/// When a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long after it was started.
    After(Duration),
    /// When so many runs have been started on GitHub.
    Starts(usize),
}

/// Everything that will happen.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed that it comes from.
    pub seed: u64,
    /// How many installations.
    pub installations: usize,
    /// The runs, in the order in which they are pressed.
    pub runs: Vec<PlannedRun>,
    /// The faults.
    pub doses: Vec<Dose>,
    /// What happens to the services, in order of time.
    pub happenings: Vec<(Duration, Happening)>,
    /// The ends of processes, in order.
    pub interruptions: Vec<Interruption>,
    /// Whether the services take as long as real ones do.
    pub like_a_service: bool,
}

/// Pause between two presses.
const PRESS_EVERY: Duration = Duration::from_millis(25);
/// Mean time that a killed process and its pause take, for spreading the presses over all kills.
const TIME_OF_A_KILL: Duration = Duration::from_millis(330);
/// How long an outage lasts.
const OUTAGE: Duration = Duration::from_millis(250);
/// Workflows of one kind and repository: as many runs of that kind can be looked for at once.
pub(super) const LANES: usize = 8;
/// The lane whose workflows take 20 ms.
pub(super) const QUICK_LANE: usize = 0;
/// Share of each fault in a mixture.
const MIXED_PERCENT: u8 = 2;
/// From how many runs on faults that take long are part of a mixture, and how often they strike.
const LARGE: usize = 1_000;
const RARE: u32 = 3;

impl Plan {
    /// Draws a plan.
    pub fn draw(wish: &Wish) -> Plan {
        let dice = Dice::new(wish.seed);
        let doses = doses(wish, &dice);
        let kills = kills(wish, &doses);
        let runs_wanted = match wish.cast {
            Cast::OneOfEach => wish.runs.min(Course::ALL.len() * 2),
            _ => wish.runs,
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let time = (PRESS_EVERY * count(runs_wanted)).max(TIME_OF_A_KILL * count(kills));
        let installations = (runs_wanted / 40).clamp(1, 6);
        let mut plan = Plan {
            seed: wish.seed,
            installations,
            runs: runs(
                wish.cast,
                runs_wanted,
                installations,
                time,
                dice.fork("runs"),
            ),
            happenings: happenings(&doses, time, dice.fork("happenings")),
            interruptions: interruptions(&doses, kills, dice.fork("kills")),
            like_a_service: false,
            doses,
        };
        plan.let_people_end_runs(dice.fork("people"));
        plan
    }

    /// Whether some run may have this fate because of a fault.
    pub fn may(&self, fate: Fate) -> bool {
        self.doses.iter().any(|dose| dose.profile.fate == fate)
    }

    /// Whether a trouble of this kind is part of it.
    pub fn has(&self, kind: impl Fn(&Trouble) -> bool + Copy) -> bool {
        self.doses.iter().any(|dose| dose.profile.has(kind))
    }

    fn let_people_end_runs(&mut self, mut dice: Dice) {
        let is_people = |trouble: &Trouble| matches!(trouble, Trouble::PeopleEndRuns);
        let percent = self
            .doses
            .iter()
            .find(|dose| dose.profile.has(is_people))
            .map_or(0, |dose| usize::from(dose.percent));
        for run in &mut self.runs {
            let after = dice.between(Duration::ZERO, Duration::from_millis(600));
            let succeeded = dice.percent(50);
            if dice.percent(percent) && run.course != Course::Unreadable {
                run.ended_by_a_person = Some((after, succeeded));
            }
        }
    }
}

fn doses(wish: &Wish, dice: &Dice) -> Vec<Dose> {
    let dose = |profile: &'static Profile, percent, at_most| Dose {
        profile,
        percent,
        seed: dice.fork(profile.word).next(),
        at_most,
    };
    match &wish.faults {
        Faults::None => vec![],
        Faults::One(profile, percent) => vec![dose(profile, *percent, None)],
        Faults::Mixture(without) => CATALOGUE
            .iter()
            .filter(|profile| !without.iter().any(|other| other.word == profile.word))
            .filter(|profile| match profile.mixes {
                Mixes::Well => wish.kills != Some(0) || !profile.ends_the_process(),
                Mixes::Rarely => wish.runs >= LARGE,
                Mixes::Alone => false,
            })
            .map(|profile| {
                let at_most = (profile.mixes == Mixes::Rarely).then_some(RARE);
                dose(profile, MIXED_PERCENT, at_most)
            })
            .collect(),
    }
}

/// How often the process is ended.
fn kills(wish: &Wish, doses: &[Dose]) -> usize {
    let ends = |trouble: &Trouble| {
        matches!(
            trouble,
            Trouble::Kills | Trouble::Terminations | Trouble::DiskFull
        )
    };
    if doses.iter().any(|dose| dose.profile.has(ends)) {
        wish.kills.unwrap_or((wish.runs / 5).max(3))
    } else {
        0
    }
}

fn runs(
    cast: Cast,
    count: usize,
    installations: usize,
    time: Duration,
    mut dice: Dice,
) -> Vec<PlannedRun> {
    let every = time / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    (0..count)
        .map(|number| {
            let kind = match cast {
                Cast::OneOfEach if number % 2 == 0 => Kind::Action,
                Cast::OneOfEach => Kind::Node,
                _ if dice.percent(30) => Kind::Node,
                _ => Kind::Action,
            };
            let course = match cast {
                Cast::OneOfEach => Course::ALL
                    .get(number / 2)
                    .copied()
                    .unwrap_or(Course::Succeeds),
                Cast::Succeeding => Course::Succeeds,
                Cast::All => any_course(&mut dice),
            };
            PlannedRun {
                marker: format!("m{number:05}-{:08x}", dice.next() & 0xFFFF_FFFF),
                kind,
                installation: dice.below(installations),
                course,
                echoes: dice.percent(60),
                lane: dice.below(LANES),
                pressed: every * u32::try_from(number).unwrap_or(u32::MAX),
                ended_by_a_person: None,
            }
        })
        .collect()
}

fn any_course(dice: &mut Dice) -> Course {
    let mut left = dice.below(Course::ALL.iter().map(|course| course.weight()).sum());
    for course in Course::ALL {
        match left.checked_sub(course.weight()) {
            Some(rest) => left = rest,
            None => return course,
        }
    }
    Course::Succeeds
}

fn happenings(doses: &[Dose], time: Duration, mut dice: Dice) -> Vec<(Duration, Happening)> {
    let mut happenings = Vec::new();
    for dose in doses {
        for trouble in dose.profile.troubles {
            match trouble {
                Trouble::Outages(side) => {
                    for start in moments(dose.percent, time, &mut dice) {
                        happenings.push((start, Happening::Unplug(*side)));
                        happenings.push((start + OUTAGE, Happening::Plug(*side)));
                    }
                }
                Trouble::Revocation(Side::Port) => {
                    for moment in moments(dose.percent, time, &mut dice) {
                        happenings.push((moment, Happening::Revoke(Side::Port)));
                    }
                }
                Trouble::Revocation(Side::GitHub) => {
                    happenings.push((time.mul_f64(0.4), Happening::Revoke(Side::GitHub)));
                }
                _ => {}
            }
        }
    }
    happenings.sort_by_key(|(moment, _)| *moment);
    happenings
}

/// Moments that an outage can begin at, so that such a share of the time (at most a third) is filled with outages.
fn moments(percent: u8, time: Duration, dice: &mut Dice) -> Vec<Duration> {
    let every = OUTAGE.mul_f64(100.0 / f64::from(percent.clamp(1, 33)));
    let slots = (time.as_secs_f64() / every.as_secs_f64()).ceil().max(1.0);
    let mut moments = Vec::new();
    let mut slot = 0.0;
    while slot < slots {
        let start = every.mul_f64(slot);
        let last = start + every.saturating_sub(OUTAGE * 2);
        moments.push(dice.between(start, last));
        slot += 1.0;
    }
    moments
}

fn interruptions(doses: &[Dose], count: usize, mut dice: Dice) -> Vec<Interruption> {
    let has = |kind: fn(&Trouble) -> bool| doses.iter().any(|dose| dose.profile.has(kind));
    let kills = has(|trouble| matches!(trouble, Trouble::Kills | Trouble::DiskFull));
    let terminations = has(|trouble| matches!(trouble, Trouble::Terminations));
    let clocks: Vec<i64> = doses
        .iter()
        .flat_map(|dose| dose.profile.troubles)
        .filter_map(|trouble| match trouble {
            Trouble::HostClock(seconds) => Some(*seconds),
            _ => None,
        })
        .collect();
    (0..count)
        .map(|number| {
            let after = life(&mut dice);
            let gently = terminations && (!kills || dice.percent(10));
            // The last process has the right time, and so has every other one.
            let wrong = number % 2 == 0 && number + 1 < count;
            let next_clock = clocks.get(dice.below(clocks.len())).copied();
            Interruption {
                when: When::After(after),
                gently,
                down: dice.between(Duration::ZERO, Duration::from_millis(60)),
                next_clock: next_clock.filter(|_| wrong).unwrap_or_default(),
            }
        })
        .collect()
}

/// How long a process lives: some die while they start, most while they work, a few get far.
fn life(dice: &mut Dice) -> Duration {
    let (first, last) = match dice.below(10) {
        0..3 => (10, 120),
        3..8 => (120, 400),
        _ => (400, 1_500),
    };
    dice.between(Duration::from_millis(first), Duration::from_millis(last))
}

/// The share that a choice makes of what was asked for.
pub(super) fn share(choice: Choice, percent: u8) -> u8 {
    match choice {
        Choice::Each(_) => percent.min(100),
        Choice::Any => percent.min(50),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::find;
    use super::*;

    fn wish(seed: u64) -> Wish {
        Wish {
            runs: 400,
            seed,
            faults: Faults::Mixture(vec![]),
            kills: None,
            cast: Cast::All,
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_plan_and_another_does_not() {
        let draw = |seed| format!("{:?}", Plan::draw(&wish(seed)));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn every_course_occurs_and_no_marker_stands_for_two() {
        let plan = Plan::draw(&wish(1));
        for course in Course::ALL {
            assert!(
                plan.runs.iter().any(|run| run.course == course),
                "{course:?}"
            );
        }
        let mut markers: Vec<&str> = plan.runs.iter().map(|run| run.marker.as_str()).collect();
        markers.sort_unstable();
        markers.dedup();
        assert_eq!(markers.len(), 400);
    }

    #[test]
    fn a_mixture_without_kills_has_no_fault_that_ends_the_process() {
        let plan = Plan::draw(&Wish {
            kills: Some(0),
            ..wish(1)
        });
        assert!(plan.interruptions.is_empty());
        assert!(plan.doses.len() > 40);
        assert!(
            plan.doses
                .iter()
                .all(|dose| !dose.profile.ends_the_process())
        );
    }

    #[test]
    fn the_last_process_has_the_right_time() {
        let plan = Plan::draw(&Wish {
            faults: Faults::One(find("host.clock: back").unwrap(), 100),
            ..wish(1)
        });
        let clocks: Vec<i64> = plan
            .interruptions
            .iter()
            .map(|one| one.next_clock)
            .collect();
        assert!(clocks.contains(&-3600));
        assert_eq!(clocks.last(), Some(&0));
    }

    #[test]
    fn outages_do_not_overlap() {
        let plan = Plan::draw(&Wish {
            faults: Faults::One(find("github.api: connection-refused").unwrap(), 20),
            ..wish(1)
        });
        let happenings: Vec<Happening> = plan.happenings.iter().map(|(_, what)| *what).collect();
        assert!(happenings.len() >= 4);
        for pair in happenings.chunks(2) {
            assert_eq!(
                pair,
                [
                    Happening::Unplug(Side::GitHub),
                    Happening::Plug(Side::GitHub)
                ]
            );
        }
    }
}
