//! The integration as Port knows it.

use crate::misread;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What Port knows about this integration; only the fields that matter to running actions.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Its identifier.
    pub installation_id: Option<String>,
    /// The version that registered last.
    pub version: Option<String>,
    /// Whether Port hands action runs to it. Absent counts as not: Port's own default is false.
    #[serde(default)]
    pub actions_processing_enabled: Option<bool>,
    /// Its configuration, as Port sent it.
    pub config: Option<Box<RawValue>>,
}

pub(super) fn read(body: &[u8]) -> Result<Integration, String> {
    #[derive(Deserialize)]
    struct Answer {
        integration: Integration,
    }
    serde_json::from_slice::<Answer>(body)
        .map(|answer| answer.integration)
        .map_err(|error| misread::without_value(&error.to_string()).into_owned())
}
