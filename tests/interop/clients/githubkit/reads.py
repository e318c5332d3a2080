"""The repository, its workflows and files, and what GitHub says about itself."""

import base64

from cases import equal
from world import OLD, SHOP, VERSIONS

DEPLOY = ".github/workflows/deploy.yml"


def judge(cases, client):
    def case(name, look):
        cases.case(f"{name} ({client.who})", look)

    rest = client.rest
    case("a repository has the form of the version", lambda: repository(client))
    case("a file has the official form, and its text", lambda: contents(rest))
    case("a branch has the official form", lambda: equal(rest.git.get_ref(*SHOP, "heads/main").parsed_data.object_.type, "commit"))
    case("the quota has the form of the version", lambda: quota(client))
    case("the versions are dates", lambda: equal(sorted(map(str, rest.meta.get_all_versions().parsed_data)), list(VERSIONS)))
    case("GitHub tells of itself in the official form", lambda: rest.meta.get().parsed_data)
    case("workflows are listed, page after page, and each alone", lambda: workflows(client))
    case("a workflow is switched off and on", lambda: switch(rest))
    case("an answer that is known already comes from the client's own cache", lambda: cached(rest))


def repository(client):
    found = client.rest.repos.get(*SHOP)
    equal(found.parsed_data.full_name, "acme/shop")
    equal(client.github.request("GET", f"/repositories/{found.parsed_data.id}").json()["id"], found.parsed_data.id)
    equal("has_downloads" in found.json(), client.version == OLD)


def contents(rest):
    found = rest.repos.get_content(*SHOP, DEPLOY).parsed_data
    text = base64.b64decode(found.content)
    equal((found.type, found.size, found.path), ("file", len(text), DEPLOY))
    assert b"workflow_dispatch" in text


def quota(client):
    found = client.rest.rate_limit.get()
    core = found.parsed_data.resources.core
    equal(core.limit, core.used + core.remaining)
    equal("rate" in found.json(), client.version == OLD)


def workflows(client):
    actions = client.rest.actions
    listed = client.all(actions.list_repo_workflows, *SHOP, of="workflows", per_page=2)
    equal([workflow.path.split("/")[-1] for workflow in listed], ["deploy.yml", "fails.yml", "slow.yml", "crowded.yml", "switched.yml"])
    for workflow in listed:
        equal(actions.get_workflow(*SHOP, workflow.id).parsed_data, workflow)
        equal(actions.get_workflow(*SHOP, workflow.path.split("/")[-1]).parsed_data, workflow)


def switch(rest):
    for change, state in ((rest.actions.disable_workflow, "disabled_manually"), (rest.actions.enable_workflow, "active")):
        equal(change(*SHOP, "switched.yml").status_code, 204)
        equal(rest.actions.get_workflow(*SHOP, "switched.yml").parsed_data.state, state)


def cached(rest):
    before, after = rest.repos.get(*SHOP), rest.repos.get(*SHOP)
    equal(after.parsed_data, before.parsed_data)
    assert after.raw_response.extensions.get("hishel_from_cache"), after.raw_response.extensions
