"""Deliveries of the simulator as githubkit verifies and parses them."""

from cases import equal, until
from world import SHOP, VERSIONS


def judge(cases, world):
    for version in VERSIONS:
        client = world.as_installation(version)
        namespace = client.github.webhooks(version)
        cases.case(f"a run and its jobs are told in the official form ({version})", lambda: told(world, client, namespace))
        cases.case(f"every delivery is signed, and can be parsed ({version})", lambda: signed(world, namespace))


def event(delivery):
    return delivery["headers"]["x-github-event"]


def told(world, client, namespace):
    run_id = client.start("fails.yml")
    client.ended(run_id)

    def look():
        found = [namespace.parse(event(one), one["body"]) for one in world.deliveries() if f"/actions/runs/{run_id}" in one["body"]]
        runs = [one for one in found if hasattr(one, "workflow_run")]
        return found if runs and runs[-1].action == "completed" else None

    parsed = until("the end of the run", look)
    runs = [one.workflow_run for one in parsed if hasattr(one, "workflow_run")]
    equal([(run.status, run.conclusion) for run in runs], [("queued", None), ("in_progress", None), ("completed", "failure")])
    equal({run.id for run in runs}, {run_id})
    jobs = [one.workflow_job for one in parsed if hasattr(one, "workflow_job") and one.action == "completed"]
    listed = client.rest.actions.list_jobs_for_workflow_run(*SHOP, run_id).parsed_data.jobs
    equal([(job.id, job.name, job.conclusion) for job in jobs], [(job.id, job.name, job.conclusion) for job in listed])
    for one in parsed:
        equal(one.installation.id, world.app["installations"]["acme"])


def signed(world, namespace):
    deliveries = world.deliveries()
    assert len(deliveries) > 100, len(deliveries)
    for delivery in deliveries:
        signature = delivery["headers"]["x-hub-signature-256"]
        assert namespace.verify(world.secret, delivery["body"], signature)
        assert not namespace.verify("another secret", delivery["body"], signature)
        assert not namespace.verify(world.secret, delivery["body"] + " ", signature)
        parsed = namespace.parse(event(delivery), delivery["body"])
        equal(parsed.repository.full_name, "acme/shop")
