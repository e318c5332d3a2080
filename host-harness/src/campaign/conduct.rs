//! Lets a plan happen: presses the buttons, ends the process and starts it again, and waits until every run has its end.

use super::catalogue::{Fate, Trouble};
use super::plan::{Course, Happening, Interruption, Plan, When};
use super::process::{Launcher, Process, Start};
use super::world::World;
use super::{CampaignError, Progress};
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

/// How often the conductor looks at the clock.
const BEAT: Duration = Duration::from_millis(4);
/// How often it looks whether everything is over.
const LOOK: Duration = Duration::from_millis(60);
/// How often it tells how far it is.
const TELL: Duration = Duration::from_secs(5);
/// How long it listens after the last end, for what should not come.
const SILENCE: Duration = Duration::from_millis(700);
/// The size of a journal that is full at once or soon.
const FULL_AT_MIB: u32 = 1;
/// After this time a run that another host has is believed to be left alone.
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// One life of the process.
#[derive(Debug, Clone)]
pub(super) struct Life {
    /// When it was started.
    pub(super) from: SystemTime,
    /// By how many seconds its clock was wrong.
    pub(super) clock: i64,
    /// When it ended.
    pub(super) to: SystemTime,
    /// How.
    pub(super) how: String,
    /// Whether it had the time to put everything in order.
    pub(super) orderly: bool,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The runs' ids in Port, in the order of the plan.
    pub(super) ids: Vec<String>,
    /// Runs that a person has ended, by number.
    pub(super) ended_by_people: Vec<usize>,
    /// Lives of the process.
    pub(super) lives: Vec<Life>,
    /// How often it was killed with SIGKILL, by us or by itself.
    pub(super) kills: usize,
    /// When GitHub was away.
    pub(super) outages: Vec<(SystemTime, SystemTime)>,
    /// Whether the time was over before all runs had their end.
    pub(super) out_of_time: bool,
}

/// How long it may take, and how the first process is started.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) time: Duration,
    pub(super) crash: Option<String>,
}

/// Lets the plan happen.
///
/// # Errors
/// If the process does not start, or ends without having been told to.
pub(super) async fn conduct(
    plan: &Plan,
    world: &World,
    launcher: &Launcher,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<Record, CampaignError> {
    let mut conductor = Conductor {
        plan,
        world,
        launcher,
        began: Instant::now(),
        happenings: plan.happenings.iter().copied().collect(),
        interruptions: plan.interruptions.iter().copied().collect(),
        people: VecDeque::new(),
        open: VecDeque::new(),
        record: Record::default(),
        process: None,
        next: Start {
            crash: limits.crash.clone(),
            journal_limit: plan.has(is_disk_full).then_some(FULL_AT_MIB),
            ..Start::default()
        },
        start_at: Instant::now(),
        looked: Instant::now(),
        told: Instant::now(),
        quiet_since: None,
    };
    loop {
        conductor.services();
        conductor.process()?;
        if conductor.is_over() {
            break;
        }
        if conductor.began.elapsed() > limits.time {
            conductor.record.out_of_time = true;
            break;
        }
        conductor.tell(progress);
        tokio::time::sleep(BEAT).await;
    }
    conductor.end_life("the campaign is over");
    // What was under way at that moment must not look as if it had come later.
    world.happen(Happening::Plug(super::catalogue::Side::GitHub));
    Ok(conductor.record)
}

fn is_disk_full(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::DiskFull)
}

struct Conductor<'a> {
    plan: &'a Plan,
    world: &'a World,
    launcher: &'a Launcher,
    began: Instant,
    happenings: VecDeque<(Duration, Happening)>,
    interruptions: VecDeque<Interruption>,
    /// Runs that a person is about to end: when, number, whether as a success.
    people: VecDeque<(Duration, usize, bool)>,
    /// Numbers of the runs that may not have their end yet.
    open: VecDeque<usize>,
    record: Record,
    process: Option<Process>,
    next: Start,
    start_at: Instant,
    looked: Instant,
    told: Instant,
    quiet_since: Option<Instant>,
}

impl Conductor<'_> {
    /// What is due at the services and in front of the screens.
    fn services(&mut self) {
        let now = self.began.elapsed();
        while let Some((_, happening)) = self.happenings.pop_front_if(|(due, _)| *due <= now) {
            self.note_outage(happening);
            self.world.happen(happening);
        }
        let plan = self.plan;
        while let Some(run) = plan.runs.get(self.record.ids.len()) {
            if run.pressed > now {
                break;
            }
            let number = self.record.ids.len();
            if let Some((after, succeeded)) = run.ended_by_a_person {
                self.people.push_back((now + after, number, succeeded));
            }
            self.record.ids.push(self.world.press(run));
            self.open.push_back(number);
        }
        let (due, later) = self.people.drain(..).partition(|(due, ..)| *due <= now);
        self.people = later;
        for (_, number, succeeded) in Vec::from(due) {
            if let Some(id) = self.record.ids.get(number)
                && self.world.port.end_elsewhere(id, succeeded)
            {
                self.record.ended_by_people.push(number);
            }
        }
    }

    fn note_outage(&mut self, happening: Happening) {
        use super::catalogue::Side;
        let now = SystemTime::now();
        match happening {
            Happening::Unplug(Side::GitHub) => self.record.outages.push((now, now)),
            Happening::Plug(Side::GitHub) => {
                if let Some(outage) = self.record.outages.last_mut() {
                    outage.1 = now;
                }
            }
            _ => {}
        }
    }

    /// Starts the process, ends it, or sees how it has ended.
    fn process(&mut self) -> Result<(), CampaignError> {
        let Some(process) = &mut self.process else {
            if Instant::now() >= self.start_at {
                self.start()?;
            }
            return Ok(());
        };
        if let Some(ended) = process.ended() {
            if ended.is_killed() && self.next.crash.is_some() {
                self.record.kills += 1;
                self.end_life("it killed itself at its point of the journal");
                self.next = Start::default();
                return Ok(());
            }
            if process.is_stopping() && ended.is_orderly() {
                self.end_life("it was told to stop (SIGTERM) and did");
                if let Some(life) = self.record.lives.last_mut() {
                    life.orderly = true;
                }
                self.after_interruption();
                return Ok(());
            }
            if process.is_stopping() && ended.is_terminated() {
                self.end_life("it was told to stop (SIGTERM) while it was starting");
                self.after_interruption();
                return Ok(());
            }
            let text = ended.to_string();
            self.end_life(&text);
            return Err(CampaignError::Ended {
                how: text,
                log: self.launcher.log(),
            });
        }
        if process.is_stopping() {
            if process.refuses_to_stop() {
                self.record.kills += 1;
                self.end_life("it was told to stop (SIGTERM), did not, and was killed");
                self.after_interruption();
            }
            return Ok(());
        }
        let due = match self.interruptions.front().map(|next| next.when) {
            None => false,
            Some(When::After(time)) => process.since.elapsed() >= time,
            Some(When::Starts(count)) => self.world.github.count("dispatch") >= count,
        };
        if due {
            if self.interruptions.front().is_some_and(|next| next.gently) {
                process.terminate();
            } else {
                self.record.kills += 1;
                self.end_life("killed (SIGKILL)");
                self.after_interruption();
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), CampaignError> {
        // Only now: what the last process had sent has arrived meanwhile.
        if !self.record.lives.is_empty() {
            self.world.port.client_was_killed();
            self.world.github.client_was_killed();
        }
        self.process = Some(self.launcher.start(self.world, &self.next)?);
        Ok(())
    }

    fn end_life(&mut self, how: &str) {
        if let Some(mut process) = self.process.take() {
            process.kill();
            self.record.lives.push(Life {
                from: process.started,
                clock: process.clock,
                to: SystemTime::now(),
                how: how.to_owned(),
                orderly: false,
            });
        }
        self.start_at = Instant::now() + BEAT * 2;
    }

    /// What the plan says of the time after an interruption.
    fn after_interruption(&mut self) {
        let Some(done) = self.interruptions.pop_front() else {
            return;
        };
        self.start_at = Instant::now() + done.down.max(BEAT * 2);
        let left = self.interruptions.len();
        // A full disk is mended before the end, and now and then before that.
        let full = self.plan.has(is_disk_full) && left > 0 && left.is_multiple_of(2);
        self.next = Start {
            clock: done.next_clock,
            crash: None,
            journal_limit: full.then_some(FULL_AT_MIB),
        };
    }

    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        let all_done = self.record.ids.len() == self.plan.runs.len()
            && self.interruptions.is_empty()
            && self.happenings.is_empty()
            && self.people.is_empty()
            && self.process.is_some();
        if !all_done || now.duration_since(self.looked) < LOOK {
            return false;
        }
        self.looked = now;
        while let Some(number) = self.open.front() {
            if !self.has_its_end(*number) {
                self.quiet_since = None;
                return false;
            }
            self.open.pop_front();
        }
        let runs_end = |run: &crate::simulator::github::RunView| run.status == "completed";
        if !self.world.github.runs().iter().all(runs_end) {
            return false;
        }
        let since = *self.quiet_since.get_or_insert(now);
        now.duration_since(since) > SILENCE
    }

    fn has_its_end(&self, number: usize) -> bool {
        let (Some(planned), Some(id)) = (self.plan.runs.get(number), self.record.ids.get(number))
        else {
            return true;
        };
        let Some(run) = self.world.port.run(id) else {
            return true;
        };
        let is_old = |at: SystemTime| at.elapsed().is_ok_and(|age| age > LEFT_ALONE);
        run.ended()
            || (planned.course == Course::NotReported
                && run.external_run_id.is_some()
                && !run.link.is_empty())
            || (self.plan.may(Fate::IsLeftAlone)
                && run.external_run_id.is_none()
                && run.acked_at.is_some_and(is_old))
    }

    fn tell(&mut self, progress: Progress<'_>) {
        if self.told.elapsed() < TELL {
            return;
        }
        self.told = Instant::now();
        let pressed = self.record.ids.len();
        progress(&format!(
            "{:>4} s: {pressed} of {} buttons pressed, {} runs open, {} kills",
            self.began.elapsed().as_secs(),
            self.plan.runs.len(),
            self.open
                .iter()
                .filter(|number| !self.has_its_end(**number))
                .count(),
            self.record.kills,
        ));
    }
}
