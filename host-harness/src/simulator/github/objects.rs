//! The objects that GitHub repeats in every answer and delivery: users, organizations, repositories, ids and times.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

/// Seconds, as in most of GitHub's fields.
pub(super) fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| format!("{at:.0}"))
        .unwrap_or_default()
}

/// Milliseconds, as in workflow and step objects.
pub(super) fn time_millis(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| format!("{at:.3}"))
        .unwrap_or_default()
}

/// An opaque global id.
pub(super) fn node_id(prefix: &str, id: u64) -> String {
    let mut bytes = vec![0x93, 0x00];
    bytes.extend_from_slice(&id.to_be_bytes());
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Serialises once what many answers will carry.
pub(super) fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Where the API and the pages for people live.
#[derive(Debug, Clone)]
pub(super) struct Bases {
    pub(super) api: String,
    pub(super) html: String,
}

const USER_LINKS: [(&str, &str); 9] = [
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// A user, an organization as owner, or a bot.
pub(super) fn user(bases: &Bases, login: &str, id: u64, kind: &str) -> Value {
    let escaped = login.replace('[', "%5B").replace(']', "%5D");
    let url = format!("{}/users/{escaped}", bases.api);
    let page = match login.strip_suffix("[bot]") {
        Some(slug) => format!("{}/apps/{slug}", bases.html),
        None => format!("{}/{login}", bases.html),
    };
    let prefix = match kind {
        "Organization" => "O",
        "Bot" => "BOT",
        _ => "U",
    };
    let mut object = Map::new();
    object.insert("login".into(), login.into());
    object.insert("id".into(), id.into());
    object.insert("node_id".into(), node_id(prefix, id).into());
    object.insert(
        "avatar_url".into(),
        format!("https://avatars.githubusercontent.com/u/{id}?v=4").into(),
    );
    object.insert("gravatar_id".into(), "".into());
    object.insert("html_url".into(), page.into());
    for (key, suffix) in USER_LINKS {
        object.insert(key.into(), format!("{url}{suffix}").into());
    }
    object.insert("url".into(), url.into());
    object.insert("type".into(), kind.into());
    object.insert("user_view_type".into(), "public".into());
    object.insert("site_admin".into(), false.into());
    Value::Object(object)
}

/// The `organization` of a delivery.
pub(super) fn organization(bases: &Bases, login: &str, id: u64) -> Value {
    let url = format!("{}/orgs/{login}", bases.api);
    json!({
        "login": login,
        "id": id,
        "node_id": node_id("O", id),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "description": "Builds what the simulator needs",
        "url": url,
    })
}

const REPOSITORY_LINKS: [(&str, &str); 37] = [
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
    ("url", ""),
];

/// What the repository objects are made of.
#[derive(Debug, Clone)]
pub(super) struct RepositoryFacts<'a> {
    pub(super) id: u64,
    pub(super) name: &'a str,
    pub(super) owner: &'a Value,
    pub(super) owner_login: &'a str,
    pub(super) default_branch: &'a str,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) created_at: SystemTime,
}

/// The short form inside runs.
pub(super) fn short_repository(bases: &Bases, facts: &RepositoryFacts<'_>) -> Map<String, Value> {
    let full_name = format!("{}/{}", facts.owner_login, facts.name);
    let url = format!("{}/repos/{full_name}", bases.api);
    let mut object = Map::new();
    object.insert("id".into(), facts.id.into());
    object.insert("node_id".into(), node_id("R", facts.id).into());
    object.insert("name".into(), facts.name.into());
    object.insert("full_name".into(), full_name.clone().into());
    object.insert("private".into(), facts.private.into());
    object.insert("owner".into(), facts.owner.clone());
    object.insert(
        "html_url".into(),
        format!("{}/{full_name}", bases.html).into(),
    );
    object.insert(
        "description".into(),
        format!("Sources of {}", facts.name).into(),
    );
    object.insert("fork".into(), false.into());
    for (key, suffix) in REPOSITORY_LINKS {
        object.insert(key.into(), format!("{url}{suffix}").into());
    }
    object
}

/// The long form at the top of deliveries.
pub(super) fn long_repository(bases: &Bases, facts: &RepositoryFacts<'_>) -> Map<String, Value> {
    let mut object = short_repository(bases, facts);
    let full_name = format!("{}/{}", facts.owner_login, facts.name);
    let page = format!("{}/{full_name}", bases.html);
    let host = bases.html.split("://").nth(1).unwrap_or("github.com");
    let created = time(facts.created_at);
    let more = json!({
        "created_at": created,
        "updated_at": created,
        "pushed_at": created,
        "git_url": format!("git://{host}/{full_name}.git"),
        "ssh_url": format!("git@{host}:{full_name}.git"),
        "clone_url": format!("{page}.git"),
        "svn_url": page,
        "homepage": null,
        "size": 1024,
        "stargazers_count": 3,
        "watchers_count": 3,
        "language": "Rust",
        "has_issues": true,
        "has_projects": true,
        "has_downloads": true,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "forks_count": 1,
        "mirror_url": null,
        "archived": facts.archived,
        "disabled": false,
        "open_issues_count": 2,
        "license": {
            "key": "apache-2.0",
            "name": "Apache License 2.0",
            "spdx_id": "Apache-2.0",
            "url": format!("{}/licenses/apache-2.0", bases.api),
            "node_id": node_id("L", 2),
        },
        "allow_forking": false,
        "is_template": false,
        "web_commit_signoff_required": false,
        "topics": ["deployment"],
        "visibility": if facts.private { "private" } else { "public" },
        "forks": 1,
        "open_issues": 2,
        "watchers": 3,
        "default_branch": facts.default_branch,
        "custom_properties": {},
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    object
}

/// The form in lists and beside a token. `write` is what the asking token may do.
pub(super) fn listed_repository(
    bases: &Bases,
    facts: &RepositoryFacts<'_>,
    write: bool,
    old_version: bool,
) -> Map<String, Value> {
    let mut object = long_repository(bases, facts);
    object.remove("custom_properties");
    let more = json!({
        "permissions": {"admin": false, "maintain": false, "push": write, "triage": write, "pull": true},
        "temp_clone_token": "",
        "allow_squash_merge": true,
        "allow_merge_commit": true,
        "allow_rebase_merge": true,
        "allow_auto_merge": false,
        "delete_branch_on_merge": true,
        "allow_update_branch": false,
        "squash_merge_commit_message": "COMMIT_MESSAGES",
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
        "merge_commit_message": "PR_TITLE",
        "merge_commit_title": "MERGE_MESSAGE",
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    // Version 2026-03-10 dropped both.
    if old_version {
        object.insert("use_squash_pr_title_as_default".into(), false.into());
    } else {
        object.remove("has_downloads");
    }
    object
}

/// The form that `GET /repos/{owner}/{repo}` answers.
pub(super) fn full_repository(
    bases: &Bases,
    facts: &RepositoryFacts<'_>,
    write: bool,
    old_version: bool,
) -> Value {
    let mut object = listed_repository(bases, facts, write, old_version);
    object.insert("custom_properties".into(), json!({}));
    object.insert("network_count".into(), 1.into());
    object.insert("subscribers_count".into(), 4.into());
    if facts.owner.get("type").and_then(Value::as_str) == Some("Organization") {
        object.insert("organization".into(), facts.owner.clone());
    }
    Value::Object(object)
}
