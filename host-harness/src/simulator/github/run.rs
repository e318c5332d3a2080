//! A run with its attempts and jobs, and how it moves.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::repository::Workflow;

#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) repository: u64,
    pub(super) workflow: u64,
    pub(super) number: u64,
    pub(super) event: String,
    pub(super) branch: String,
    pub(super) sha: String,
    pub(super) title: String,
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) actor: String,
    pub(super) created_at: SystemTime,
    pub(super) held: bool,
    pub(super) attempts: Vec<Attempt>,
}

/// Where an attempt stands; the words are GitHub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Waiting,
    InProgress,
    Completed,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) status: Status,
    pub(super) conclusion: Option<String>,
    pub(super) started_at: SystemTime,
    pub(super) updated_at: SystemTime,
    pub(super) jobs: Vec<Job>,
}

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) conclusion: Option<String>,
    pub(super) created_at: SystemTime,
    pub(super) started_at: SystemTime,
    pub(super) completed_at: Option<SystemTime>,
    pub(super) failing_step: Option<String>,
}

/// What makes a run.
#[derive(Debug, Clone)]
pub(super) struct NewRun {
    pub(super) repository: u64,
    pub(super) workflow: u64,
    pub(super) event: String,
    pub(super) branch: String,
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) actor: String,
}

/// The step of a job that does its work, and the one that fails where nobody has said which.
pub(super) const STEP: &str = "Run make";

impl Workflow {
    pub(super) fn attempt(&self, number: u32, first_job: u64, now: SystemTime) -> Attempt {
        let conclusion = self.conclusion_of(number);
        let jobs = if conclusion == "startup_failure" {
            &[][..]
        } else {
            &self.jobs[..]
        };
        let jobs = jobs
            .iter()
            .zip(first_job..)
            .map(|(name, id)| Job {
                id: 60_000_000_000 + id,
                name: name.clone(),
                status: Status::Queued,
                conclusion: None,
                created_at: now,
                started_at: now,
                completed_at: None,
                failing_step: match &self.failing {
                    Some(failing) if &failing.job == name && conclusion == "failure" => {
                        Some(failing.step.clone())
                    }
                    _ => None,
                },
            })
            .collect();
        Attempt {
            number,
            status: Status::Queued,
            conclusion: None,
            started_at: now,
            updated_at: now,
            jobs,
        }
    }
}

impl Run {
    pub(super) fn current(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    pub(super) fn attempt(&self, number: u32) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| attempt.number == number)
    }

    /// `head_branch` and friends show the latest attempt.
    pub(super) fn status(&self) -> Status {
        self.current()
            .map_or(Status::Queued, |attempt| attempt.status)
    }

    /// Moves the latest attempt and its jobs. `false`: it is already there or beyond.
    pub(super) fn step(
        &mut self,
        status: Status,
        conclusion: Option<&str>,
        now: SystemTime,
    ) -> bool {
        let Some(attempt) = self.attempts.last_mut() else {
            return false;
        };
        let order = |status| match status {
            Status::Queued => 0,
            Status::Waiting => 1,
            Status::InProgress => 2,
            Status::Completed => 3,
        };
        if order(status) <= order(attempt.status) {
            return false;
        }
        attempt.status = status;
        attempt.updated_at = now;
        attempt.conclusion = conclusion.map(str::to_owned);
        let somewhere = attempt.jobs.iter().any(|job| job.failing_step.is_some());
        if let (Some("failure"), false, Some(last)) =
            (conclusion, somewhere, attempt.jobs.last_mut())
        {
            // A run fails because one of its jobs does.
            last.failing_step = Some(STEP.to_owned());
        }
        for job in &mut attempt.jobs {
            job.status = status;
            match status {
                Status::InProgress => job.started_at = now,
                Status::Completed => {
                    job.completed_at = Some(now);
                    job.conclusion =
                        Some(job_conclusion(conclusion, job.failing_step.is_some()).to_owned());
                }
                Status::Queued | Status::Waiting => {}
            }
        }
        true
    }
}

/// A job's conclusion follows the run's, except that a failed run with a failing step elsewhere has good jobs too.
fn job_conclusion(run: Option<&str>, fails: bool) -> &str {
    match run {
        Some("failure") if !fails => "success",
        Some(
            conclusion @ ("failure" | "cancelled" | "skipped" | "timed_out" | "neutral"
            | "action_required"),
        ) => conclusion,
        _ => "success",
    }
}
