//! What came out of a campaign.

use super::catalogue::{Fate, Profile, Side, Trouble, find};
use super::conduct::Record;
use super::judge::{Case, Verdict, judge};
use super::plan::{Happening, Plan};
use super::trace::{self, Sources};
use super::world::World;
use crate::simulator::Exchange;
use crate::simulator::github;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How many runs came out how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub runs: usize,
    /// As they should.
    pub right: usize,
    /// Nobody can tell, honestly.
    pub unknown: usize,
    /// Never started and never ended.
    pub lost: usize,
    /// Started or ended twice.
    pub doubled: usize,
    /// In progress for ever.
    pub stuck: usize,
    /// Ended otherwise than they should; and violations of a service's contract.
    pub wrong: usize,
    /// Of all: failed in Port although they succeeded on GitHub.
    pub false_failures: usize,
    /// Of all: failed in Port without having been started.
    pub never_started: usize,
}

impl Tally {
    /// Adds another campaign's.
    pub fn add(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.right += other.right;
        self.unknown += other.unknown;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.stuck += other.stuck;
        self.wrong += other.wrong;
        self.false_failures += other.false_failures;
        self.never_started += other.never_started;
    }
}

/// What came out of a campaign.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// How many runs came out how.
    pub tally: Tally,
    /// How often the host's process was killed with SIGKILL.
    pub kills: usize,
    /// How often it was started.
    pub starts: usize,
    /// How often each fault struck.
    pub strikes: BTreeMap<&'static str, u32>,
    /// What the host did that a correct client would never do.
    pub violations: Vec<String>,
    /// The bad runs, and everything about the first of each kind.
    pub trace: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// Whether the time was over before all runs had their end.
    pub out_of_time: bool,
}

impl Report {
    pub(super) fn of(
        plan: &Plan,
        world: &World,
        record: &Record,
        log: &Path,
        took: Duration,
    ) -> Report {
        let cases = cases(plan, world, record);
        let verdicts: Vec<Verdict> = cases.iter().map(judge).collect();
        let violations = world.violations();
        let mut tally = count(&cases, &verdicts);
        tally.wrong += violations.len();
        let trace = trace::of(&Sources {
            plan,
            world,
            record,
            log,
            cases: &cases,
            verdicts: &verdicts,
        });
        Report {
            seed: plan.seed,
            tally,
            kills: record.kills,
            starts: record.lives.len(),
            strikes: strikes(plan, world, record),
            violations,
            trace,
            took,
            out_of_time: record.out_of_time,
        }
    }

    /// Whether no run was lost, doubled, stuck or wrong.
    pub fn is_good(&self) -> bool {
        let tally = &self.tally;
        tally.lost + tally.doubled + tally.stuck + tally.wrong == 0 && !self.out_of_time
    }

    /// Whether a fault had no occasion to strike.
    pub fn never_struck(&self, profile: &Profile) -> bool {
        self.strikes.get(profile.word) == Some(&0)
    }

    /// The result in one line.
    pub fn closing_line(&self) -> String {
        let tally = &self.tally;
        format!(
            "{} runs: {} lost, {} doubled, {} stuck, {} wrong",
            tally.runs, tally.lost, tally.doubled, tally.stuck, tally.wrong
        )
    }
}

/// How often each fault has struck: requests, deliveries, processes, services or runs.
fn strikes(plan: &Plan, world: &World, record: &Record) -> BTreeMap<&'static str, u32> {
    let happened = |wanted: Happening| {
        let same = plan.happenings.iter().filter(|(_, what)| *what == wanted);
        same.count()
    };
    let mut strikes = world.strikes();
    for dose in &plan.doses {
        for trouble in dose.profile.troubles {
            let count = match trouble {
                Trouble::Outages(side) => happened(Happening::Unplug(*side)),
                Trouble::Revocation(side) => happened(Happening::Revoke(*side)),
                Trouble::PeopleEndRuns => record.ended_by_people.len(),
                Trouble::UnreadableNeighbour => world.sites.len(),
                Trouble::Kills => record.kills,
                Trouble::Terminations => record.lives.iter().filter(|life| life.orderly).count(),
                _ => continue,
            };
            *strikes.entry(dose.profile.word).or_default() +=
                u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
    strikes
}

fn count(cases: &[Case], verdicts: &[Verdict]) -> Tally {
    let mut tally = Tally {
        runs: cases.len(),
        ..Tally::default()
    };
    for verdict in verdicts {
        *match verdict {
            Verdict::Right => &mut tally.right,
            Verdict::Unknown => &mut tally.unknown,
            Verdict::Lost(_) => &mut tally.lost,
            Verdict::Doubled(_) => &mut tally.doubled,
            Verdict::Stuck(_) => &mut tally.stuck,
            Verdict::Wrong(_) => &mut tally.wrong,
        } += 1;
    }
    for case in cases {
        let failed = case.port.ended() && !case.port.succeeded();
        let succeeded = |run: &github::RunView| run.conclusion.as_deref() == Some("success");
        tally.false_failures += usize::from(failed && case.github.iter().any(succeeded));
        tally.never_started += usize::from(failed && case.github.is_empty());
    }
    tally
}

/// Everything that the judge has to know about each run, in the order of the plan.
fn cases(plan: &Plan, world: &World, record: &Record) -> Vec<Case> {
    let mut on_github: BTreeMap<String, Vec<github::RunView>> = BTreeMap::new();
    for run in world.github.runs() {
        if let Some(marker) = run.inputs.get("marker") {
            on_github.entry(marker.clone()).or_default().push(run);
        }
    }
    let struck = Struck::of(world);
    let people: BTreeSet<usize> = record.ended_by_people.iter().copied().collect();
    let everybody: Vec<Fate> = everybody(plan);
    let mut cases = Vec::new();
    for (number, (planned, id)) in plan.runs.iter().zip(&record.ids).enumerate() {
        let Some(port) = world.port.run(id) else {
            continue;
        };
        let mut fates = everybody.clone();
        fates.extend(struck.of_run(id, &planned.marker));
        cases.push(Case {
            course: planned.course,
            echoes: planned.echoes,
            in_doubt: in_doubt(record, port.created_at, port.ended_at),
            github: on_github.remove(&planned.marker).unwrap_or_default(),
            port,
            fates,
            ended_by_a_person: people.contains(&number),
        });
    }
    cases
}

/// Fates that faults bring about which strike no single request: any run may have them.
fn everybody(plan: &Plan) -> Vec<Fate> {
    let strikes_all = |trouble: &Trouble| {
        matches!(
            trouble,
            Trouble::Revocation(Side::GitHub) | Trouble::DiskFull
        )
    };
    plan.doses
        .iter()
        .filter(|dose| dose.profile.has(strikes_all))
        .map(|dose| dose.profile.fate)
        .collect()
}

/// Whether a process died without warning or GitHub went away in this time.
fn in_doubt(record: &Record, from: SystemTime, to: Option<SystemTime>) -> bool {
    let to = to.unwrap_or_else(SystemTime::now);
    // The last process was killed when everything was over.
    let deaths = record.lives.iter().rev().skip(1);
    deaths
        .filter(|life| !life.orderly)
        .map(|life| life.to)
        .any(|death| death >= from && death <= to)
        || record
            .outages
            .iter()
            .any(|(begin, end)| *begin <= to && *end >= from)
}

/// Which faults struck requests about which runs.
struct Struck {
    /// Words of faults by what the request names: a marker, or an id in Port.
    words: BTreeMap<String, Vec<String>>,
}

impl Struck {
    fn of(world: &World) -> Struck {
        let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let was_struck = |exchange: &Exchange| !exchange.faults.is_empty();
        let exchanges = world
            .github
            .exchanges_that(was_struck)
            .into_iter()
            .chain(world.port.exchanges_that(was_struck));
        for exchange in exchanges {
            if let Some(subject) = subject(&exchange) {
                words.entry(subject).or_default().extend(exchange.faults);
            }
        }
        Struck { words }
    }

    fn of_run(&self, id: &str, marker: &str) -> Vec<Fate> {
        let words = [id, marker]
            .into_iter()
            .filter_map(|key| self.words.get(key));
        words
            .flatten()
            .filter_map(|word| find(word).ok())
            .map(|profile| profile.fate)
            .collect()
    }
}

/// Which run a request is about: the marker of a dispatch, or the id in the path or the body of a call to Port.
fn subject(exchange: &Exchange) -> Option<String> {
    let text = |pointer: &str| {
        exchange
            .json()
            .and_then(|body| body.pointer(pointer)?.as_str().map(str::to_owned))
    };
    match exchange.operation {
        "dispatch" => text("/inputs/marker"),
        "ack" => text("/runId"),
        "ack-node" => text("/nodeRunIdentifier"),
        _ => exchange
            .path
            .split('/')
            .find(|part| part.starts_with("r_") || part.starts_with("wfnr_"))
            .map(str::to_owned),
    }
}
