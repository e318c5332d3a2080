//! A folder for the files of one campaign.

use super::CampaignError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Removed when it is dropped, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// A new folder in `parent`, or in the system's folder for temporary files.
    pub(super) fn make(parent: Option<&Path>, seed: u64) -> Result<Folder, CampaignError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("campaign-{seed}-{}-{number}", std::process::id());
        let path = parent.join(name);
        std::fs::create_dir_all(&path).map_err(|error| CampaignError::file(&path, error))?;
        Ok(Folder { path, keep: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // Whatever cannot be removed is the system's to remove.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
