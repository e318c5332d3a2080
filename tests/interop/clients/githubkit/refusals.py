"""Requests that GitHub refuses: the client's own error, with GitHub's words."""

from cases import equal
from githubkit.exception import PrimaryRateLimitExceeded, RequestFailed
from world import OLD, SHOP, VERSIONS


def refused(request, status, message):
    try:
        answer = request()
    except RequestFailed as failure:
        found = failure.response.json()
        equal((failure.response.status_code, found["message"], found["status"]), (status, message, str(status)))
        return failure.response
    raise AssertionError(f"not refused, but {answer!r}")


def judge(cases, world):
    for version in VERSIONS:
        client = world.as_installation(version)
        stranger = world.with_token(version, "ghs_NobodyEverGaveThisTokenToAnybody0000")
        run_id = client.start("slow.yml")
        for name, request, status, message in requests(client, stranger, world.as_app(version), run_id):
            cases.case(f"{name}: {status} {message!r} ({version})", lambda: refused(request, status, message))
        client.rest.actions.cancel_workflow_run(*SHOP, run_id)
        client.ended(run_id)
        over = "Cannot cancel a workflow run that is completed."
        cases.case(f"a run that has ended is not cancelled ({version})", lambda: conflict(client, run_id, over))
    cases.case("a quota that is used up is told by the client's own error", lambda: used_up(world))


def used_up(world):
    # The client asks with what it has in its cache. Without a token, the 304 that it gets is not free.
    nobody = world.without_token(OLD)
    try:
        for _ in range(61):
            nobody.rest.meta.get()
    except PrimaryRateLimitExceeded as failure:
        equal((failure.response.status_code, failure.response.headers["x-ratelimit-used"]), (403, "60"))
        assert failure.retry_after.total_seconds() > 3000, failure.retry_after
        return
    raise AssertionError("not refused")


def requests(client, stranger, app, run_id):
    actions, git, repos = client.rest.actions, client.rest.git, client.rest.repos
    missing = "Not Found"
    yield "a token that was never given", lambda: stranger.rest.repos.get(*SHOP), 401, "Bad credentials"
    yield "a repository that does not exist", lambda: repos.get("acme", "nothing"), 404, missing
    yield "a repository of another account", lambda: repos.get("globex", "site"), 404, missing
    yield "a branch that does not exist", lambda: git.get_ref(*SHOP, "heads/nothing"), 404, missing
    yield "a file that does not exist", lambda: repos.get_content(*SHOP, "nothing.txt"), 404, missing
    yield "a run that does not exist", lambda: actions.get_workflow_run(*SHOP, 1), 404, missing
    yield "a job that does not exist", lambda: actions.get_job_for_workflow_run(*SHOP, 1), 404, missing
    yield "a workflow that does not exist", lambda: client.start("nothing.yml"), 404, missing
    yield "an installation that does not exist", lambda: app.rest.apps.get_org_installation("globex"), 404, missing
    yield "a user who is an App", lambda: client.rest.users.get_authenticated(), 403, "Resource not accessible by integration"
    yield "a running run to run again", lambda: actions.re_run_workflow(*SHOP, run_id), 403, "This workflow is already running"
    yield "an unknown ref", lambda: client.start("deploy.yml", "nowhere", environment="staging"), 422, "No ref found for: nowhere"
    yield "no input", lambda: client.start("deploy.yml"), 422, "Required input 'environment' not provided"
    yield (
        "an archived repository",
        lambda: actions.create_workflow_dispatch("acme", "attic", "deploy.yml", ref="main"),
        403,
        "Repository was archived so is read-only.",
    )
    yield (
        "an unexpected input",
        lambda: client.start("deploy.yml", environment="staging", other="1"),
        422,
        'Unexpected inputs provided: ["other"]',
    )
    yield (
        "a value outside the list",
        lambda: client.start("deploy.yml", environment="moon"),
        422,
        "Provided value 'moon' for input 'environment' not in the list of allowed values",
    )


def conflict(client, run_id, message):
    """The one refusal of a run that the description gives a form."""
    response = refused(lambda: client.rest.actions.cancel_workflow_run(*SHOP, run_id), 409, message)
    equal(response.parsed_data.message, message)
