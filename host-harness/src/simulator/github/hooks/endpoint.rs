//! Which hook endpoint a request names, what it asks for, and its page in the documentation.

use super::super::endpoint::Named;
use super::super::errors::DOCS;

/// Whose hooks a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Owner<'a> {
    Repository(Named<'a>),
    Organization(&'a str),
    App,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Action<'a> {
    List,
    Create,
    Get,
    Update,
    Delete,
    Config,
    UpdateConfig,
    Ping,
    Deliveries,
    Delivery(&'a str),
    Redeliver(&'a str),
}

/// A request to one of the hook endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Call<'a> {
    pub(in super::super) owner: Owner<'a>,
    /// None for all hooks of the owner, and for the App, which has one.
    pub(super) hook: Option<&'a str>,
    pub(super) action: Action<'a>,
}

impl<'a> Call<'a> {
    /// `rest`: what follows `hooks` or, for the App, `hook`. None if there is no such endpoint.
    pub(in super::super) fn parse(
        method: &str,
        owner: Owner<'a>,
        rest: &[&'a str],
    ) -> Option<Self> {
        let (hook, rest) = match (owner, rest) {
            (Owner::App, []) => return None,
            (Owner::App, rest) => (None, rest),
            (_, []) => (None, rest),
            (_, [hook, rest @ ..]) => (Some(*hook), rest),
        };
        let action = match (method, rest, hook) {
            ("GET", [], None) => Action::List,
            ("POST", [], None) => Action::Create,
            ("GET", [], Some(_)) => Action::Get,
            ("PATCH", [], Some(_)) => Action::Update,
            ("DELETE", [], Some(_)) => Action::Delete,
            ("POST", ["pings"], Some(_)) => Action::Ping,
            ("GET", ["config"], _) => Action::Config,
            ("PATCH", ["config"], _) => Action::UpdateConfig,
            ("GET", ["deliveries"], _) => Action::Deliveries,
            ("GET", ["deliveries", id], _) => Action::Delivery(id),
            ("POST", ["deliveries", id, "attempts"], _) => Action::Redeliver(id),
            _ => return None,
        };
        Some(Self {
            owner,
            hook,
            action,
        })
    }

    /// Name for faults and the log.
    pub(in super::super) fn operation(&self) -> &'static str {
        match self.action {
            Action::List => "list-hooks",
            Action::Create => "create-hook",
            Action::Get => "get-hook",
            Action::Update => "update-hook",
            Action::Delete => "delete-hook",
            Action::Config => "get-hook-config",
            Action::UpdateConfig => "update-hook-config",
            Action::Ping => "ping-hook",
            Action::Deliveries => "list-deliveries",
            Action::Delivery(_) => "get-delivery",
            Action::Redeliver(_) => "redeliver",
        }
    }

    pub(in super::super) fn repository(&self) -> Option<Named<'a>> {
        match self.owner {
            Owner::Repository(named) => Some(named),
            Owner::Organization(_) | Owner::App => None,
        }
    }

    /// The App permission that the endpoint asks for; the App's own hook needs none.
    pub(in super::super) fn permission(&self) -> &'static str {
        let reads = matches!(
            self.action,
            Action::List | Action::Get | Action::Config | Action::Deliveries | Action::Delivery(_)
        );
        match (self.owner, reads) {
            (Owner::Repository(_), true) => "repository_hooks=read",
            (Owner::Repository(_), false) => "repository_hooks=write",
            (Owner::Organization(_), true) => "organization_hooks=read",
            (Owner::Organization(_), false) => "organization_hooks=write",
            (Owner::App, _) => "",
        }
    }

    pub(in super::super) fn known_parameters(&self) -> &'static [&'static str] {
        match self.action {
            Action::List => &["per_page", "page"],
            Action::Deliveries => &["per_page", "cursor", "status"],
            _ => &[],
        }
    }

    /// Page of the documentation that errors name.
    pub(in super::super) fn page(&self) -> String {
        let (chapter, a, the) = match self.owner {
            Owner::Repository(_) => ("repos", "a-repository", "for-a-repository"),
            Owner::Organization(_) => ("orgs", "an-organization", "for-an-organization"),
            Owner::App => ("apps", "an-app", "for-an-app"),
        };
        let all = a.split_once('-').map_or(a, |(_, noun)| noun);
        let section = match self.action {
            Action::List => format!("list-{all}-webhooks"),
            Action::Create => format!("create-{a}-webhook"),
            Action::Get => format!("get-{a}-webhook"),
            Action::Update => format!("update-{a}-webhook"),
            Action::Delete => format!("delete-{a}-webhook"),
            Action::Config => format!("get-a-webhook-configuration-{the}"),
            Action::UpdateConfig => format!("update-a-webhook-configuration-{the}"),
            Action::Ping => format!("ping-{a}-webhook"),
            Action::Deliveries => format!("list-deliveries-{the}-webhook"),
            Action::Delivery(_) if all == "organization" => {
                format!("get-a-webhook-delivery-{the}-webhook")
            }
            Action::Delivery(_) => format!("get-a-delivery-{the}-webhook"),
            Action::Redeliver(_) => format!("redeliver-a-delivery-{the}-webhook"),
        };
        format!("{DOCS}/{chapter}/webhooks#{section}")
    }
}
