//! What is to be seen after a scenario has been played.

use super::chronicle::Entry;
use crate::simulator::github;
use crate::simulator::port::RunView;
use serde_json::Value;
use std::time::Duration;

/// What is to be seen after a scenario.
#[derive(Debug, Default)]
pub struct Played {
    /// Everything that has happened, in order.
    pub entries: Vec<Entry>,
    /// How long it took, in virtual time: until the call answered, or the last run ended.
    pub took: Duration,
    /// What the call gave.
    pub result: Option<Value>,
    /// The runs in Port, by the scenario's names for them.
    pub runs: Vec<(String, RunView)>,
    /// GitHub's runs.
    pub workflow_runs: Vec<github::RunView>,
    /// What a correct client never does.
    pub violations: Vec<String>,
    /// Whether the host was ready in the end.
    pub ready: Option<Result<(), String>>,
    /// What went wrong with the scenario itself: it hung, or a step could not be taken.
    pub troubles: Vec<String>,
}
