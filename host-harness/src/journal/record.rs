//! What is written into the journal.
//!
//! The journal looks into none of it: orders, lives and calls are JSON texts that the lifecycle writes and reads.
//! Columns exist for what the host searches by, and for people with a database tool.

use crate::port::RunKind;
use serde::Serialize;
use std::fmt;

/// Which run: Port's ids are unique within an installation's organization, so the installation belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RunKey {
    /// Port's `installationId`.
    pub installation: String,
    /// Port's id of the run.
    pub run: String,
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.installation, self.run)
    }
}

/// Where a run is in its life, for people and for searching. What the host goes by is [`Run::life`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Port is being told that the run is ours.
    Acking,
    /// It is ours and waits for its turn.
    Ready,
    /// A request that starts it may have left.
    Sending,
    /// It waits for a time.
    Parked,
    /// The server runs it.
    Started,
    /// It has ended; Port still has to be told.
    Reporting,
    /// Port knows everything.
    Finished,
    /// It was not taken: somebody else's, or given back to Port. Port may offer it again.
    Returned,
}

impl Phase {
    /// All phases, in the order of a life.
    pub const ALL: [Phase; 8] = [
        Phase::Acking,
        Phase::Ready,
        Phase::Sending,
        Phase::Parked,
        Phase::Started,
        Phase::Reporting,
        Phase::Finished,
        Phase::Returned,
    ];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Acking => "acking",
            Phase::Ready => "ready",
            Phase::Sending => "sending",
            Phase::Parked => "parked",
            Phase::Started => "started",
            Phase::Reporting => "reporting",
            Phase::Finished => "finished",
            Phase::Returned => "returned",
        }
    }

    /// The phase that a word names.
    pub fn parse(word: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.as_str() == word)
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Which run.
    #[serde(flatten)]
    pub key: RunKey,
    /// Which of Port's kinds.
    pub kind: RunKind,
    /// The action or node that it is a run of, if Port told.
    pub action: Option<String>,
    /// What Port ordered, as JSON.
    pub order: String,
    /// Where it stands.
    pub phase: Phase,
    /// The state of its life, as JSON.
    pub life: String,
    /// The id that connects it with the server.
    pub external_run_id: Option<String>,
    /// When it was claimed, in milliseconds since 1970.
    pub claimed_at: u64,
    /// When the server accepted it.
    pub started_at: Option<u64>,
    /// When Port knew everything.
    pub finished_at: Option<u64>,
}

/// How a run that the journal knows has moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which run.
    pub key: RunKey,
    /// As [`Run::phase`].
    pub phase: Phase,
    /// As [`Run::life`].
    pub life: String,
    /// As [`Run::external_run_id`].
    pub external_run_id: Option<String>,
    /// As [`Run::started_at`].
    pub started_at: Option<u64>,
    /// As [`Run::finished_at`].
    pub finished_at: Option<u64>,
}

/// A call that Port has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its place among the calls of its run.
    pub number: u32,
    /// What to tell Port, as JSON.
    pub call: String,
}

/// Something that happened to a run, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its place among the notes of its run.
    pub number: u32,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What.
    pub text: String,
}

/// Which delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The installation that it came for.
    pub installation: String,
    /// The sender's id of it, or a digest of its body where the sender gave none.
    pub delivery: String,
}

/// A delivery that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery.
    pub key: DeliveryKey,
    /// When it came, in milliseconds since 1970.
    pub received_at: u64,
    /// Its header fields, as JSON.
    pub headers: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// One change. Those of a set are made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A run that was just claimed. Where the journal knows the run already and it was not [`Phase::Returned`], nothing
    /// is changed, and the set is not [`Committed::fresh`].
    Claimed(Run),
    /// A known run has moved on.
    Moved(Moved),
    /// Something has to be told to Port.
    Call(RunKey, Call),
    /// Port has been told.
    CallDone(RunKey, u32),
    /// A delivery has come. One that came before changes nothing, and the set is not [`Committed::fresh`].
    Delivery(Delivery),
    /// A delivery has been handled: its body goes, its id stays.
    DeliveryDone(DeliveryKey, u64),
    /// A delivery could not be handled and may come again.
    DeliveryForgotten(DeliveryKey),
    /// Something happened to a run.
    Note(RunKey, Note),
}

/// What a change is about. Of two changes about the same the later one holds newer words, so their order counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Run(RunKey),
    Delivery(DeliveryKey),
}

impl Change {
    pub(super) fn subject(&self) -> Subject {
        match self {
            Change::Claimed(run) => Subject::Run(run.key.clone()),
            Change::Moved(moved) => Subject::Run(moved.key.clone()),
            Change::Call(key, _) | Change::CallDone(key, _) | Change::Note(key, _) => {
                Subject::Run(key.clone())
            }
            Change::Delivery(delivery) => Subject::Delivery(delivery.key.clone()),
            Change::DeliveryDone(key, _) | Change::DeliveryForgotten(key) => {
                Subject::Delivery(key.clone())
            }
        }
    }
}

/// Changes that are made together or not at all.
pub type ChangeSet = Vec<Change>;

/// What became of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whether everything in it that may be known already was new.
    pub fresh: bool,
}

/// A run that was under way, with what Port still has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// The run.
    pub run: Run,
    /// Its outbox, in order.
    pub calls: Vec<Call>,
    /// How many notes it has.
    pub notes: u32,
}

/// Everything that was under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Runs that are neither finished nor returned, oldest first.
    pub runs: Vec<StoredRun>,
    /// External run ids of runs that have ended not long ago: they belong to nobody else.
    pub taken: Vec<Taken>,
    /// Deliveries that were not handled, oldest first.
    pub deliveries: Vec<DeliveryKey>,
}

/// An external run id that belongs to a run which has ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// The run's installation.
    pub installation: String,
    /// The id.
    pub external_run_id: String,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this installation.
    pub installation: Option<String>,
    /// Only those in this phase.
    pub phase: Option<Phase>,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// All about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct History {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What Port still has to be told.
    pub calls: Vec<Call>,
    /// What happened, oldest first.
    pub notes: Vec<Note>,
}
