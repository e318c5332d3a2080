//! What a file says about the page to look at.

use super::ConfigError;
use crate::page::PageOptions;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;

/// A page to look at. Without the table there is none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PageConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether deliveries can be replayed from it.
    pub allow_replay: bool,
    /// Allows an address that other machines reach.
    pub beyond_loopback: bool,
}

impl Default for PageConfig {
    fn default() -> PageConfig {
        PageConfig {
            listen: PageOptions::LISTEN,
            allow_replay: false,
            beyond_loopback: false,
        }
    }
}

impl PageConfig {
    /// How the page is offered.
    pub fn resolve(&self, file: &Path) -> Result<PageOptions, ConfigError> {
        match PageOptions::stays_here(self.listen) {
            Err(seen) if !self.beyond_loopback => Err(ConfigError::key(
                file,
                "page.listen",
                format!("{seen}; if that is meant, set beyond-loopback = true"),
            )),
            _ => Ok(PageOptions {
                listen: self.listen,
                allow_replay: self.allow_replay,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<PageOptions, String> {
        let config: PageConfig = toml::from_str(text).unwrap();
        let options = config.resolve(Path::new("host.toml"));
        options.map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_is_local_and_read_only_unless_the_file_says_otherwise() {
        let options = resolve("").unwrap();
        assert!(options.listen.ip().is_loopback() && !options.allow_replay);
        assert!(resolve("allow-replay = true").unwrap().allow_replay);
        assert!(resolve("listen = \"[::1]:8090\"").is_ok());
    }

    #[test]
    fn who_would_see_the_page_is_said_before_others_can_reach_it() {
        for address in ["0.0.0.0:8090", "[::]:8090", "192.168.1.7:8090"] {
            let listen = format!("listen = \"{address}\"");
            let error = resolve(&listen).unwrap_err();
            assert!(
                error.starts_with("host.toml: page.listen: it is not loopback"),
                "{error}"
            );
            assert!(error.contains("anybody who reaches it sees"), "{error}");
            assert!(error.ends_with("set beyond-loopback = true"), "{error}");
            assert!(resolve(&format!("{listen}\nbeyond-loopback = true")).is_ok());
        }
    }
}
