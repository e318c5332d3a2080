//! Where webhooks can be: at the App, at the organization, at a repository.

use super::client::{Asker, GitHub};
use super::hook::{Config, Hook, Object};
use crate::doctor::repository::RepositoryName;
use std::fmt;

/// Whose hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) enum Place {
    /// The App's, which has one.
    App,
    /// An organization's: of all its repositories.
    Organization(String),
    /// A repository's.
    Repository(RepositoryName),
}

impl Place {
    /// The path of its hooks, below the one at which the API begins.
    pub(super) fn path(&self) -> String {
        match self {
            Place::App => "/app/hook".to_owned(),
            Place::Organization(login) => format!("/orgs/{login}/hooks"),
            Place::Repository(name) => format!("/repos/{name}/hooks"),
        }
    }

    /// As whom it is asked.
    pub(super) fn asker(&self, github: &GitHub<'_>) -> Asker {
        match self {
            Place::App => Asker::Itself,
            Place::Organization(login) => github.asker_for(login),
            Place::Repository(name) => github.asker_for(&name.owner),
        }
    }

    /// What a credential needs to see and change what is there.
    fn right(&self) -> &'static str {
        match self {
            Place::App => "the App's own key",
            Place::Organization(_) => {
                "Webhooks of the organization: read and write (of a classic token: admin:org_hook)"
            }
            Place::Repository(_) => {
                "Webhooks of the repository: read and write (of a classic token: repo)"
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::App => write!(f, "the App"),
            Place::Organization(login) => write!(f, "the organization {login}"),
            Place::Repository(name) => write!(f, "the repository {name}"),
        }
    }
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct HookId {
    pub(super) place: Place,
    /// None: the App's.
    pub(super) id: Option<u64>,
}

impl HookId {
    pub(super) fn new(place: Place, id: Option<u64>) -> HookId {
        HookId { place, id }
    }

    /// Its path.
    pub(super) fn path(&self) -> String {
        match self.id {
            Some(id) => format!("{}/{id}", self.place.path()),
            None => self.place.path(),
        }
    }
}

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "the webhook {id} of {}", self.place),
            None => write!(f, "the webhook of {}", self.place),
        }
    }
}

/// The hooks of all places.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) hooks: Vec<Hook>,
    /// The places whose hooks are known.
    pub(super) seen: Vec<Place>,
    /// Why the others are not, with the right that it takes.
    pub(super) unseen: Vec<(String, &'static str)>,
}

impl Places {
    /// Looks into each of these places. `events`: what an App has subscribed to.
    pub(super) async fn look(github: &GitHub<'_>, places: Vec<Place>, events: &[String]) -> Places {
        let mut all = Places::default();
        for place in places {
            match hooks(github, &place, events).await {
                Ok(hooks) => {
                    all.hooks.extend(hooks);
                    all.seen.push(place);
                }
                Err(why) => all.unseen.push((
                    format!("the webhooks of {place} cannot be seen ({why})"),
                    place.right(),
                )),
            }
        }
        all
    }
}

async fn hooks(github: &GitHub<'_>, place: &Place, events: &[String]) -> Result<Vec<Hook>, String> {
    let path = match place {
        Place::App => format!("{}/config", place.path()),
        // More than a hundred hooks in one place are not looked at.
        _ => format!("{}?per_page=100", place.path()),
    };
    let asked = github.get(&place.asker(github), &path).await;
    let answer = asked.map_err(|trouble| trouble.to_string())?;
    if *place == Place::App && answer.status == 404 {
        // An App that was registered without one.
        return Ok(vec![Hook::of_app(Config::default(), events.to_vec())]);
    }
    if !answer.is_success() {
        return Err(answer.words());
    }
    let unreadable = || "the answer cannot be read".to_owned();
    if *place == Place::App {
        let config = answer.read::<Config>().ok_or_else(unreadable)?;
        return Ok(vec![Hook::of_app(config, events.to_vec())]);
    }
    let objects = answer.read::<Vec<Object>>().ok_or_else(unreadable)?;
    let hook = |object| Hook::of(place.clone(), object);
    Ok(objects.into_iter().map(hook).collect())
}
