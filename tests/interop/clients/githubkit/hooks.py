"""Hooks that are administered over REST, in the official form."""

from cases import equal, until
from refusals import refused
from world import SHOP, VERSIONS


def judge(cases, world):
    for version in VERSIONS:
        client, app = world.with_token(version), world.as_app(version)
        for kind, of, methods in (("repository", SHOP, client.rest.repos), ("organization", ("acme",), client.rest.orgs)):
            life = Life(world, client, f"/{kind}/{version}/githubkit", of, methods)
            cases.case(f"a hook of the {kind} is created, used and deleted ({version})", life.judge)
        cases.case(f"the App's own hook has the official form ({version})", lambda: app_hook(world, app))


class Life:
    """One hook's life."""

    def __init__(self, world, client, path, of, methods):
        self.world, self.client, self.path, self.of, self.methods = world, client, path, of, methods

    def arrived(self, event, count=1):
        def look():
            found = [one for one in self.world.deliveries() if one["path"] == self.path and one["headers"]["x-github-event"] == event]
            return found if len(found) >= count else None

        return until(f"{event} at {self.path}", look)

    def judge(self):
        config = {
            "url": self.world.receiver.replace("/hook", self.path),
            "content_type": "json",
            "secret": self.world.secret,
            "insecure_ssl": "0",
        }
        hook = self.methods.create_webhook(*self.of, name="web", config=config, events=["workflow_run"]).parsed_data
        equal((hook.active, hook.events, hook.config.secret), (True, ["workflow_run"], "********"))
        namespace = self.client.github.webhooks(self.client.version)
        ping = self.arrived("ping")[0]
        assert namespace.verify(self.world.secret, ping["body"], ping["headers"]["x-hub-signature-256"])
        equal(namespace.parse("ping", ping["body"]).hook_id, hook.id)
        equal(self.methods.get_webhook(*self.of, hook.id).parsed_data.config, hook.config)
        assert hook.id in [one.id for one in self.client.all(self.methods.list_webhooks, *self.of)]
        self.deliveries(hook)
        equal(self.methods.delete_webhook(*self.of, hook.id).status_code, 204)
        refused(lambda: self.methods.get_webhook(*self.of, hook.id), 404, "Not Found")

    def deliveries(self, hook):
        self.client.ended(self.client.start("fails.yml"))
        arrived = self.arrived("workflow_run", 3) + self.arrived("ping")

        def look():
            log = self.client.all(self.methods.list_webhook_deliveries, *self.of, hook.id, per_page=2)
            return log if len(log) >= len(arrived) else None

        log = until("the log", look)
        equal({one.guid for one in log}, {one["headers"]["x-github-delivery"] for one in arrived})
        newest = self.methods.get_webhook_delivery(*self.of, hook.id, log[0].id).parsed_data
        equal((newest.event, newest.action, newest.status, newest.redelivery), ("workflow_run", "completed", "OK", False))
        again = self.methods.redeliver_webhook_delivery(*self.of, hook.id, log[0].id)
        equal(again.status_code, 202)
        guid = self.arrived("workflow_run", 4)[-1]["headers"]["x-github-delivery"]
        equal(guid, log[0].guid)


def app_hook(world, app):
    apps = app.rest.apps
    config = apps.get_webhook_config_for_app().parsed_data
    equal((config.url, config.content_type, config.secret), (world.receiver, "json", "********"))
    changed = apps.update_webhook_config_for_app(url=world.receiver, content_type="json").parsed_data
    equal(changed, config)
    log = app.all(apps.list_webhook_deliveries, per_page=100)
    assert log
    delivery = apps.get_webhook_delivery(log[0].id).parsed_data
    equal(delivery.guid, log[0].guid)
    equal(apps.redeliver_webhook_delivery(log[0].id).status_code, 202)
