//! What one call of a plugin may use, in the words of the configuration.

use super::ConfigError;
use crate::engine::Limits;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Limits of one call. What is not set is as for the host, or else the default; `engine::Limits` says what each one is
/// for, why its default is what it is, and what happens when it is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitsConfig {
    /// Linear memory, in MiB.
    pub memory_mib: Option<u32>,
    /// Elements of its tables.
    pub table_elements: Option<u32>,
    /// CPU time, in milliseconds. Waits don't count.
    pub cpu_ms: Option<u32>,
    /// Wall time, in seconds.
    pub wall_seconds: Option<u32>,
    /// What may be copied to the host in one host call, in MiB.
    pub hostcall_mib: Option<u32>,
    /// Handles open at once.
    pub handles: Option<u32>,
    /// Header fields of a request or response, in KiB.
    pub header_kib: Option<u32>,
    /// Body of a request, in KiB.
    pub request_body_kib: Option<u32>,
    /// Body of a response, in KiB.
    pub response_body_kib: Option<u32>,
    /// Requests.
    pub requests: Option<u32>,
    /// Log messages.
    pub log_lines: Option<u32>,
    /// Log messages in all, in KiB.
    pub log_kib: Option<u32>,
}

/// The largest memory that a WebAssembly module can have, in MiB: its addresses have 32 bits.
const MOST_MEMORY: u32 = 4_096;

impl LimitsConfig {
    /// These, and for what is not set those of the host.
    #[must_use]
    pub fn over(self, host: LimitsConfig) -> LimitsConfig {
        LimitsConfig {
            memory_mib: self.memory_mib.or(host.memory_mib),
            table_elements: self.table_elements.or(host.table_elements),
            cpu_ms: self.cpu_ms.or(host.cpu_ms),
            wall_seconds: self.wall_seconds.or(host.wall_seconds),
            hostcall_mib: self.hostcall_mib.or(host.hostcall_mib),
            handles: self.handles.or(host.handles),
            header_kib: self.header_kib.or(host.header_kib),
            request_body_kib: self.request_body_kib.or(host.request_body_kib),
            response_body_kib: self.response_body_kib.or(host.response_body_kib),
            requests: self.requests.or(host.requests),
            log_lines: self.log_lines.or(host.log_lines),
            log_kib: self.log_kib.or(host.log_kib),
        }
    }

    /// The limits, with defaults for what is not set. `table` is what the table is called in the file.
    pub fn resolve(&self, file: &Path, table: &str) -> Result<Limits, ConfigError> {
        let problem =
            |key: &str, message: &str| ConfigError::key(file, format!("{table}.{key}"), message);
        for (key, value) in self.entries() {
            if value == Some(0) && !key.starts_with("log-") {
                return Err(problem(key, "it is 0, and no call could do anything"));
            }
        }
        if self.memory_mib.is_some_and(|mib| mib > MOST_MEMORY) {
            let message = format!("it is more than {MOST_MEMORY}, the most that WebAssembly has");
            return Err(problem("memory-mib", &message));
        }
        let default = Limits::default();
        let size = |value: Option<u32>, unit: usize, default: usize| {
            let size = |n: u32| {
                usize::try_from(n)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(unit)
            };
            value.map_or(default, size)
        };
        Ok(Limits {
            memory: size(self.memory_mib, 1 << 20, default.memory),
            table_elements: size(self.table_elements, 1, default.table_elements),
            cpu: self
                .cpu_ms
                .map_or(default.cpu, |ms| Duration::from_millis(ms.into())),
            wall: self
                .wall_seconds
                .map_or(default.wall, |s| Duration::from_secs(s.into())),
            hostcall_bytes: size(self.hostcall_mib, 1 << 20, default.hostcall_bytes),
            handles: size(self.handles, 1, default.handles),
            header_bytes: size(self.header_kib, 1 << 10, default.header_bytes),
            request_body: size(self.request_body_kib, 1 << 10, default.request_body),
            response_body: size(self.response_body_kib, 1 << 10, default.response_body),
            requests: self.requests.unwrap_or(default.requests),
            log_lines: self.log_lines.unwrap_or(default.log_lines),
            log_bytes: size(self.log_kib, 1 << 10, default.log_bytes),
        })
    }

    fn entries(&self) -> [(&'static str, Option<u32>); 12] {
        [
            ("memory-mib", self.memory_mib),
            ("table-elements", self.table_elements),
            ("cpu-ms", self.cpu_ms),
            ("wall-seconds", self.wall_seconds),
            ("hostcall-mib", self.hostcall_mib),
            ("handles", self.handles),
            ("header-kib", self.header_kib),
            ("request-body-kib", self.request_body_kib),
            ("response-body-kib", self.response_body_kib),
            ("requests", self.requests),
            ("log-lines", self.log_lines),
            ("log-kib", self.log_kib),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> LimitsConfig {
        toml::from_str(text).unwrap()
    }

    fn resolved(limits: LimitsConfig) -> Result<Limits, ConfigError> {
        limits.resolve(Path::new("host.toml"), "limits")
    }

    #[test]
    fn what_an_installation_does_not_say_is_as_the_host_says_or_the_default() {
        let host = limits("cpu-ms = 100\nrequests = 9");
        let own = limits("requests = 5\nmemory-mib = 16");
        let limits = resolved(own.over(host)).unwrap();
        assert_eq!(limits.cpu, Duration::from_millis(100));
        assert_eq!((limits.requests, limits.memory), (5, 16 << 20));
        assert_eq!(limits.wall, Limits::default().wall);
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(resolved(limits("")).unwrap(), Limits::default());
    }

    #[test]
    fn every_limit_can_be_set_and_none_but_the_log_can_be_nothing() {
        for (key, _) in LimitsConfig::default().entries() {
            let one = resolved(limits(&format!("{key} = 1"))).unwrap();
            assert_ne!(one, Limits::default(), "{key}");
            let none = resolved(limits(&format!("{key} = 0")));
            assert_eq!(none.is_ok(), key.starts_with("log-"), "{key}");
            if let Err(error) = none {
                assert!(error.to_string().contains(&format!("limits.{key}: ")));
            }
        }
        assert!(resolved(limits("memory-mib = 4097")).is_err());
    }
}
