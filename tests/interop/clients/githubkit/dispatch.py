"""Dispatches, in both versions."""

from cases import equal
from world import OLD, SHOP


def judge(cases, client):
    actions = client.rest.actions
    inputs = {"environment": "staging"}

    def plain():
        response = actions.create_workflow_dispatch(*SHOP, "deploy.yml", ref="main", inputs=inputs)
        if client.version == OLD:
            equal((response.status_code, response.content), (204, b""))
        else:
            details(response.parsed_data.model_dump())

    def with_details():
        response = actions.create_workflow_dispatch(*SHOP, "deploy.yml", ref="main", inputs=inputs, return_run_details=True)
        details(response.json())

    def details(found):
        run = client.run(found["workflow_run_id"])
        equal((found["run_url"], found["html_url"]), (run.url, run.html_url))
        equal((run.event, run.head_branch, run.run_attempt), ("workflow_dispatch", "main", 1))
        equal((run.actor.login, run.triggering_actor.type), ("ocean-runner[bot]", "Bot"))

    def by_id_at_release():
        workflow = actions.get_workflow(*SHOP, "deploy.yml").parsed_data
        run = client.run(client.start(workflow.id, ref="release", **inputs))
        tip = client.rest.git.get_ref(*SHOP, "heads/release").parsed_data
        equal((run.workflow_id, run.head_branch, run.head_sha), (workflow.id, "release", tip.object_.sha))

    cases.case(f"a plain dispatch is answered as the version says ({client.who})", plain)
    if client.version == OLD:
        cases.case(f"a dispatch is answered with its run when asked to ({client.who})", with_details)
    cases.case(f"a workflow can be named by its id, and started at any ref ({client.who})", by_id_at_release)
