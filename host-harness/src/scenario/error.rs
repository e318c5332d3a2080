//! Why a scenario could not be played.

use crate::campaign::catalogue::UnknownFault;
use crate::config::ConfigError;
use crate::engine::LoadError;
use crate::stage::StageError;

/// Why a scenario could not be played: it is not the plugin's fault.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file is not what it should be.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// The component cannot be used.
    #[error(transparent)]
    Component(#[from] LoadError),
    /// A fault has no such name.
    #[error(transparent)]
    Fault(#[from] UnknownFault),
    /// The world cannot be set up.
    #[error("the world could not be set up: {0}")]
    World(#[from] StageError),
    /// Its recording cannot be used.
    #[error("the recording {}: {reason}", .file.display())]
    Recording {
        /// The file.
        file: std::path::PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Something that the scenario says makes no sense.
    #[error("{key}: {reason}")]
    Senseless {
        /// Where it says so.
        key: String,
        /// Why it makes no sense, and what would.
        reason: String,
    },
    /// The system did not give what is needed.
    #[error("the system refused what a scenario needs: {0}")]
    System(#[from] std::io::Error),
}

impl ScenarioError {
    /// An error of a key.
    pub(super) fn senseless(key: impl Into<String>, reason: impl Into<String>) -> ScenarioError {
        ScenarioError::Senseless {
            key: key.into(),
            reason: reason.into(),
        }
    }
}
