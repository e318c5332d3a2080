//! Which endpoint a request names, and what it is called in faults and the log.

use super::super::server::Received;
use super::errors::{DOCS, documentation};
use super::hooks::{Call, Owner};

/// All operations, as faults and logs name them.
pub const OPERATIONS: &[&str] = &[
    "rate-limit",
    "meta",
    "versions",
    "get-user",
    "app",
    "app-installations",
    "app-installation",
    "app-token",
    "get-repository",
    "get-ref",
    "get-contents",
    "list-environments",
    "list-workflows",
    "get-workflow",
    "switch-workflow",
    "dispatch",
    "list-runs",
    "get-run",
    "get-attempt",
    "list-jobs",
    "get-job",
    "list-annotations",
    "cancel",
    "rerun",
    "unknown",
    "list-hooks",
    "create-hook",
    "get-hook",
    "update-hook",
    "delete-hook",
    "get-hook-config",
    "update-hook-config",
    "ping-hook",
    "list-deliveries",
    "get-delivery",
    "redeliver",
];

/// A repository as a path names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named<'a> {
    Name(&'a str, &'a str),
    Id(&'a str),
}

/// The endpoints that exist here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    RateLimit,
    Meta,
    Versions,
    User,
    App,
    AppInstallations,
    AppInstallation(&'a str),
    OrgInstallation(&'a str),
    UserInstallation(&'a str),
    RepositoryInstallation(Named<'a>),
    AppToken(&'a str),
    Repository(Named<'a>),
    Reference(Named<'a>, String),
    Contents(Named<'a>, String),
    Environments(Named<'a>),
    Workflows(Named<'a>),
    Workflow(Named<'a>, &'a str),
    SwitchWorkflow(Named<'a>, &'a str, bool),
    Dispatch(Named<'a>, &'a str),
    WorkflowRuns(Named<'a>, &'a str),
    Runs(Named<'a>),
    Run(Named<'a>, &'a str),
    Attempt(Named<'a>, &'a str, &'a str),
    Jobs(Named<'a>, &'a str, Option<&'a str>),
    Job(Named<'a>, &'a str),
    Annotations(Named<'a>, &'a str),
    /// The last: whether by force.
    Cancel(Named<'a>, &'a str, bool),
    /// The last: whether only what has failed.
    Rerun(Named<'a>, &'a str, bool),
    Hooks(Call<'a>),
    Unknown,
}

pub(super) fn parse<'a>(method: &str, segments: &[&'a str]) -> Endpoint<'a> {
    match (method, segments) {
        ("GET", ["rate_limit"]) => Endpoint::RateLimit,
        ("GET", ["meta"]) => Endpoint::Meta,
        ("GET", ["versions"]) => Endpoint::Versions,
        ("GET", ["user"]) => Endpoint::User,
        ("GET", ["app"]) => Endpoint::App,
        ("GET", ["app", "installations"]) => Endpoint::AppInstallations,
        ("GET", ["app", "installations", id]) => Endpoint::AppInstallation(id),
        ("POST", ["app", "installations", id, "access_tokens"]) => Endpoint::AppToken(id),
        ("GET", ["orgs", login, "installation"]) => Endpoint::OrgInstallation(login),
        ("GET", ["users", login, "installation"]) => Endpoint::UserInstallation(login),
        (_, ["app", "hook", rest @ ..]) => hooks(method, Owner::App, rest),
        (_, ["orgs", login, "hooks", rest @ ..]) => hooks(method, Owner::Organization(login), rest),
        (_, ["repos", owner, name, rest @ ..]) => {
            in_repository(method, Named::Name(owner, name), rest)
        }
        (_, ["repositories", id, rest @ ..]) => in_repository(method, Named::Id(id), rest),
        _ => Endpoint::Unknown,
    }
}

fn in_repository<'a>(method: &str, named: Named<'a>, rest: &[&'a str]) -> Endpoint<'a> {
    match (method, rest) {
        ("GET", []) => Endpoint::Repository(named),
        ("GET", ["installation"]) => Endpoint::RepositoryInstallation(named),
        ("GET", ["git", "ref", reference @ ..]) if !reference.is_empty() => {
            Endpoint::Reference(named, reference.join("/"))
        }
        ("GET", ["contents", path @ ..]) if !path.is_empty() => {
            Endpoint::Contents(named, path.join("/"))
        }
        ("GET", ["check-runs", id, "annotations"]) => Endpoint::Annotations(named, id),
        ("GET", ["environments"]) => Endpoint::Environments(named),
        (_, ["actions", rest @ ..]) => in_actions(method, named, rest),
        (_, ["hooks", rest @ ..]) => hooks(method, Owner::Repository(named), rest),
        _ => Endpoint::Unknown,
    }
}

fn hooks<'a>(method: &str, owner: Owner<'a>, rest: &[&'a str]) -> Endpoint<'a> {
    Call::parse(method, owner, rest).map_or(Endpoint::Unknown, Endpoint::Hooks)
}

fn in_actions<'a>(method: &str, named: Named<'a>, rest: &[&'a str]) -> Endpoint<'a> {
    match (method, rest) {
        ("GET", ["workflows"]) => Endpoint::Workflows(named),
        ("GET", ["workflows", key]) => Endpoint::Workflow(named, key),
        ("PUT", ["workflows", key, "enable"]) => Endpoint::SwitchWorkflow(named, key, true),
        ("PUT", ["workflows", key, "disable"]) => Endpoint::SwitchWorkflow(named, key, false),
        ("POST", ["workflows", key, "dispatches"]) => Endpoint::Dispatch(named, key),
        ("GET", ["workflows", key, "runs"]) => Endpoint::WorkflowRuns(named, key),
        ("GET", ["runs"]) => Endpoint::Runs(named),
        ("GET", ["runs", id]) => Endpoint::Run(named, id),
        ("GET", ["runs", id, "attempts", number]) => Endpoint::Attempt(named, id, number),
        ("GET", ["runs", id, "jobs"]) => Endpoint::Jobs(named, id, None),
        ("GET", ["runs", id, "attempts", number, "jobs"]) => {
            Endpoint::Jobs(named, id, Some(number))
        }
        ("GET", ["jobs", id]) => Endpoint::Job(named, id),
        ("POST", ["runs", id, "cancel"]) => Endpoint::Cancel(named, id, false),
        ("POST", ["runs", id, "force-cancel"]) => Endpoint::Cancel(named, id, true),
        ("POST", ["runs", id, "rerun"]) => Endpoint::Rerun(named, id, false),
        ("POST", ["runs", id, "rerun-failed-jobs"]) => Endpoint::Rerun(named, id, true),
        _ => Endpoint::Unknown,
    }
}

impl<'a> Endpoint<'a> {
    /// Name for faults and the log.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::RateLimit => "rate-limit",
            Self::Meta => "meta",
            Self::Versions => "versions",
            Self::User => "get-user",
            Self::App => "app",
            Self::AppInstallations => "app-installations",
            Self::AppInstallation(_)
            | Self::OrgInstallation(_)
            | Self::UserInstallation(_)
            | Self::RepositoryInstallation(_) => "app-installation",
            Self::AppToken(_) => "app-token",
            Self::Repository(_) => "get-repository",
            Self::Reference(..) => "get-ref",
            Self::Contents(..) => "get-contents",
            Self::Environments(_) => "list-environments",
            Self::Workflows(_) => "list-workflows",
            Self::Workflow(..) => "get-workflow",
            Self::SwitchWorkflow(..) => "switch-workflow",
            Self::Dispatch(..) => "dispatch",
            Self::WorkflowRuns(..) | Self::Runs(_) => "list-runs",
            Self::Run(..) => "get-run",
            Self::Attempt(..) => "get-attempt",
            Self::Jobs(..) => "list-jobs",
            Self::Job(..) => "get-job",
            Self::Annotations(..) => "list-annotations",
            Self::Cancel(..) => "cancel",
            Self::Rerun(..) => "rerun",
            Self::Hooks(call) => call.operation(),
            Self::Unknown => "unknown",
        }
    }

    /// Page of the documentation that errors of the endpoint name.
    pub(super) fn page(&self) -> String {
        let page = match self {
            Self::Hooks(call) => return call.page(),
            Self::SwitchWorkflow(_, _, true) => "/actions/workflows#enable-a-workflow",
            Self::SwitchWorkflow(_, _, false) => "/actions/workflows#disable-a-workflow",
            Self::WorkflowRuns(..) => "/actions/workflow-runs#list-workflow-runs-for-a-workflow",
            Self::Attempt(..) => "/actions/workflow-runs#get-a-workflow-run-attempt",
            Self::Jobs(_, _, Some(_)) => {
                "/actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt"
            }
            Self::Cancel(_, _, true) => "/actions/workflow-runs#force-cancel-a-workflow-run",
            Self::Rerun(_, _, false) => "/actions/workflow-runs#re-run-a-workflow",
            Self::Rerun(_, _, true) => {
                "/actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run"
            }
            Self::OrgInstallation(_) => {
                "/apps/apps#get-an-organization-installation-for-the-authenticated-app"
            }
            Self::UserInstallation(_) => {
                "/apps/apps#get-a-user-installation-for-the-authenticated-app"
            }
            Self::RepositoryInstallation(_) => {
                "/apps/apps#get-a-repository-installation-for-the-authenticated-app"
            }
            other => return documentation(other.operation()),
        };
        format!("{DOCS}{page}")
    }

    pub(super) fn repository(&self) -> Option<Named<'a>> {
        match self {
            Self::Repository(named)
            | Self::RepositoryInstallation(named)
            | Self::Reference(named, _)
            | Self::Contents(named, _)
            | Self::Environments(named)
            | Self::Workflows(named)
            | Self::Workflow(named, _)
            | Self::SwitchWorkflow(named, _, _)
            | Self::Dispatch(named, _)
            | Self::WorkflowRuns(named, _)
            | Self::Runs(named)
            | Self::Run(named, _)
            | Self::Attempt(named, _, _)
            | Self::Jobs(named, _, _)
            | Self::Job(named, _)
            | Self::Annotations(named, _)
            | Self::Cancel(named, _, _)
            | Self::Rerun(named, _, _) => Some(*named),
            Self::Hooks(call) => call.repository(),
            Self::App
            | Self::AppInstallations
            | Self::AppInstallation(_)
            | Self::OrgInstallation(_)
            | Self::UserInstallation(_)
            | Self::AppToken(_)
            | Self::RateLimit
            | Self::Meta
            | Self::Versions
            | Self::User
            | Self::Unknown => None,
        }
    }

    /// Whether only the App itself may ask, with a JWT.
    pub(super) fn wants_jwt(&self) -> bool {
        let of_hook = matches!(self, Self::Hooks(call) if call.owner == Owner::App);
        of_hook
            || matches!(
                self,
                Self::App
                    | Self::AppInstallations
                    | Self::AppInstallation(_)
                    | Self::OrgInstallation(_)
                    | Self::UserInstallation(_)
                    | Self::RepositoryInstallation(_)
                    | Self::AppToken(_)
            )
    }

    /// The App permission that the endpoint asks for.
    pub(super) fn permission(&self) -> &'static str {
        match self {
            Self::Dispatch(..) | Self::Cancel(..) | Self::Rerun(..) | Self::SwitchWorkflow(..) => {
                "actions=write"
            }
            Self::Repository(_) => "metadata=read",
            Self::Reference(..) | Self::Contents(..) => "contents=read",
            Self::Annotations(..) => "checks=read",
            Self::Hooks(call) => call.permission(),
            Self::RateLimit | Self::Meta | Self::Versions | Self::User | Self::Unknown => "",
            _ if self.wants_jwt() => "",
            _ => "actions=read",
        }
    }

    pub(super) fn writes(&self) -> bool {
        self.permission().ends_with("=write")
    }

    /// Whether it is for those alone who administer the repository or the organization.
    pub(super) fn administers(&self) -> bool {
        matches!(self, Self::Hooks(_))
    }

    /// Query parameters that the endpoint knows; GitHub ignores others, a correct client sends none.
    fn known_parameters(&self) -> &'static [&'static str] {
        match self {
            Self::WorkflowRuns(..) | Self::Runs(_) => &[
                "actor",
                "branch",
                "event",
                "status",
                "per_page",
                "page",
                "created",
                "exclude_pull_requests",
                "check_suite_id",
                "head_sha",
            ],
            Self::Workflows(_) | Self::Annotations(..) | Self::Environments(_) => {
                &["per_page", "page"]
            }
            Self::AppInstallations => &["per_page", "page", "since", "outdated"],
            Self::Jobs(..) => &["filter", "per_page", "page"],
            Self::Run(..) | Self::Attempt(..) => &["exclude_pull_requests"],
            Self::Contents(..) => &["ref"],
            Self::Hooks(call) => call.known_parameters(),
            _ => &[],
        }
    }

    pub(super) fn unknown_parameters(&self, received: &Received) -> Vec<String> {
        let known = self.known_parameters();
        let given = received.parameters().into_iter().map(|(name, _)| name);
        given
            .filter(|name| !known.contains(&name.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::OPERATIONS;

    #[test]
    fn every_operation_is_listed_once() {
        let source = concat!(
            include_str!("endpoint.rs"),
            include_str!("hooks/endpoint.rs")
        );
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
