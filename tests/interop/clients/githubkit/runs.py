"""Runs: listed, filtered, read with their attempts and jobs, cancelled and run again."""

from cases import equal, until
from world import SHOP


def judge(cases, client):
    def case(name, look):
        cases.case(f"{name} ({client.who})", look)

    case("runs are filtered by everything that they can be", lambda: lists(client))
    for cancel in ("cancel_workflow_run", "force_cancel_workflow_run"):
        case(f"{cancel} ends a run", lambda: cancelled(client, cancel))
    for again in ("re_run_workflow", "re_run_workflow_failed_jobs"):
        case(f"{again} makes a second attempt", lambda: run_again(client, again))


def lists(client):
    actions = client.rest.actions

    def listed(method=actions.list_workflow_runs_for_repo, *args, **filters):
        return client.all(method, *SHOP, *args, of="workflow_runs", per_page=7, **filters)

    good = client.ended(client.start("deploy.yml", ref="release", environment="staging"))
    client.ended(client.start("fails.yml"))

    def still():
        found = listed()
        return found if all(run.status == "completed" for run in found) else None

    runs = until("a still world", still)
    since = good.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for filters, belongs in (
        ({"event": "workflow_dispatch"}, lambda run: True),
        ({"event": "push"}, lambda run: False),
        ({"status": "success"}, lambda run: run.conclusion == "success"),
        ({"status": "failure"}, lambda run: run.conclusion == "failure"),
        ({"status": "in_progress"}, lambda run: False),
        ({"branch": "release"}, lambda run: run.head_branch == "release"),
        ({"actor": "nobody"}, lambda run: False),
        ({"head_sha": good.head_sha}, lambda run: run.head_sha == good.head_sha),
        ({"check_suite_id": good.check_suite_id}, lambda run: run.id == good.id),
        ({"created": f">={since}"}, lambda run: run.created_at >= good.created_at),
        ({"exclude_pull_requests": True, "branch": "main"}, lambda run: run.head_branch == "main"),
    ):
        found = listed(**filters)
        wanted = [run.id for run in runs if belongs(run)]
        if [run.id for run in found] != wanted:
            raise AssertionError(f"{filters}: {len(found)} runs, and not {len(wanted)}")
    ours = [run for run in runs if run.workflow_id == good.workflow_id]
    equal(listed(actions.list_workflow_runs, "deploy.yml"), ours)
    equal(client.run(good.id), next(run for run in runs if run.id == good.id))


def cancelled(client, cancel):
    run_id = client.start("slow.yml")
    response = getattr(client.rest.actions, cancel)(*SHOP, run_id)
    equal(response.status_code, 202)
    assert response.parsed_data is not None
    equal(client.ended(run_id).conclusion, "cancelled")


def run_again(client, again):
    actions = client.rest.actions
    first = client.ended(client.start("fails.yml"))
    response = getattr(actions, again)(*SHOP, first.id)
    equal(response.status_code, 201)
    assert response.parsed_data is not None
    second = client.ended(first.id, 2)
    equal(actions.get_workflow_run_attempt(*SHOP, first.id, 1).parsed_data, first)
    equal(actions.get_workflow_run_attempt(*SHOP, first.id, 2).parsed_data, second)
    jobs = []
    for attempt in (1, 2):
        found = client.all(actions.list_jobs_for_workflow_run_attempt, *SHOP, first.id, attempt, of="jobs", per_page=2)
        assert {job.run_attempt for job in found} == {attempt}
        jobs += found
    everything = client.all(actions.list_jobs_for_workflow_run, *SHOP, first.id, of="jobs", filter_="all", per_page=2)
    equal({job.id for job in everything}, {job.id for job in jobs})
    for job in jobs:
        equal(actions.get_job_for_workflow_run(*SHOP, job.id).parsed_data, job)
