//! Which endpoint a request names, and what it is called in faults and the log.

use super::view::Kind;

/// All operations, as faults and logs name them.
pub const OPERATIONS: &[&str] = &[
    "token",
    "claim",
    "claim-node",
    "ack",
    "ack-node",
    "patch-run",
    "add-log",
    "get-logs",
    "get-run",
    "find-run",
    "patch-node",
    "node-logs",
    "find-node-run",
    "list-integrations",
    "create-integration",
    "get-integration",
    "patch-integration",
    "unknown",
];

/// The endpoints that exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    Token,
    Claim(Kind),
    Ack(Kind),
    PatchRun(&'a str),
    AddLog(&'a str),
    Logs(&'a str),
    GetRun(&'a str),
    FindRuns,
    PatchNode(&'a str),
    NodeLogs(&'a str),
    FindNodeRuns,
    Integrations,
    CreateIntegration,
    Integration(&'a str),
    PatchIntegration(&'a str),
    Unknown,
}

pub(super) fn parse<'a>(method: &str, segments: &[&'a str]) -> Endpoint<'a> {
    let ["v1", rest @ ..] = segments else {
        return Endpoint::Unknown;
    };
    match (method, rest) {
        ("POST", ["auth", "access_token"]) => Endpoint::Token,
        ("POST", ["actions", "runs", "claim-pending"]) => Endpoint::Claim(Kind::Action),
        ("PATCH", ["actions", "runs", "ack"]) => Endpoint::Ack(Kind::Action),
        ("GET", ["actions", "runs"]) => Endpoint::FindRuns,
        ("GET", ["actions", "runs", id]) => Endpoint::GetRun(id),
        ("PATCH", ["actions", "runs", id]) => Endpoint::PatchRun(id),
        ("GET", ["actions", "runs", id, "logs"]) => Endpoint::Logs(id),
        ("POST", ["actions", "runs", id, "logs"]) => Endpoint::AddLog(id),
        ("POST", ["workflows", "runs", "claim-pending"]) => Endpoint::Claim(Kind::Node),
        ("PATCH", ["workflows", "runs", "ack"]) => Endpoint::Ack(Kind::Node),
        ("GET", ["workflows", "nodes", "runs"]) => Endpoint::FindNodeRuns,
        ("PATCH", ["workflows", "nodes", "runs", id]) => Endpoint::PatchNode(id),
        ("POST", ["workflows", "nodes", "runs", id, "logs"]) => Endpoint::NodeLogs(id),
        ("GET", ["integration"]) => Endpoint::Integrations,
        ("POST", ["integration"]) => Endpoint::CreateIntegration,
        ("GET", ["integration", id]) => Endpoint::Integration(id),
        ("PATCH", ["integration", id]) => Endpoint::PatchIntegration(id),
        _ => Endpoint::Unknown,
    }
}

impl Endpoint<'_> {
    /// Name for faults and the log.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Claim(Kind::Action) => "claim",
            Self::Claim(Kind::Node) => "claim-node",
            Self::Ack(Kind::Action) => "ack",
            Self::Ack(Kind::Node) => "ack-node",
            Self::PatchRun(_) => "patch-run",
            Self::AddLog(_) => "add-log",
            Self::Logs(_) => "get-logs",
            Self::GetRun(_) => "get-run",
            Self::FindRuns => "find-run",
            Self::PatchNode(_) => "patch-node",
            Self::NodeLogs(_) => "node-logs",
            Self::FindNodeRuns => "find-node-run",
            Self::Integrations => "list-integrations",
            Self::CreateIntegration => "create-integration",
            Self::Integration(_) => "get-integration",
            Self::PatchIntegration(_) => "patch-integration",
            Self::Unknown => "unknown",
        }
    }

    /// Port's own client marks these calls so that they do not count as usage.
    pub(super) fn reserved_usage(self) -> bool {
        matches!(self, Self::Claim(_) | Self::Ack(_) | Self::FindNodeRuns)
    }

    /// Query parameters that exist.
    pub(super) fn known_parameters(self) -> &'static [&'static str] {
        match self {
            Self::PatchRun(_) | Self::GetRun(_) => &["version"],
            Self::FindRuns => &[
                "entity",
                "blueprint",
                "active",
                "user_email",
                "user_id",
                "limit",
                "exclude",
                "external_run_id",
                "version",
                "action",
                "source",
            ],
            Self::Logs(_) => &["limit", "offset"],
            Self::FindNodeRuns => &["external_run_id", "include"],
            Self::Integrations => &["actionsProcessingEnabled"],
            Self::Integration(_) => &["byField"],
            _ => &[],
        }
    }

    pub(super) fn has_body(self) -> bool {
        !matches!(
            self,
            Self::Logs(_)
                | Self::GetRun(_)
                | Self::FindRuns
                | Self::FindNodeRuns
                | Self::Integrations
                | Self::Integration(_)
                | Self::Unknown
        )
    }
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;

    #[test]
    fn every_operation_is_listed_once() {
        let source = concat!(include_str!("endpoint.rs"));
        let named: Vec<&str> = source
            .split("fn operation")
            .skip(1)
            .flat_map(|rest| rest.split("\n    }\n").next())
            .flat_map(|body| body.split("=> \"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(named, OPERATIONS);
    }
}
