"""The simulated GitHub, and the clients of it: with the printed token, and as the App with its real key."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import httpx
from cases import until
from githubkit import AppAuthStrategy, GitHub

VERSIONS = ("2022-11-28", "2026-03-10")
OLD, NEW = VERSIONS
SHOP = ("acme", "shop")
# It would load all certificates for each request, although all of them are plain HTTP here.
TLS = httpx.create_ssl_context()


@dataclass
class Client:
    """One way to come, in one version."""

    who: str
    version: str
    github: GitHub

    @property
    def rest(self):
        return self.github.rest(self.version)

    def start(self, workflow, ref="main", **inputs):
        """Starts a run and says its id, in either version."""
        details = {"return_run_details": True} if self.version == OLD else {}
        actions = self.rest.actions
        response = actions.create_workflow_dispatch(*SHOP, workflow, ref=ref, inputs=inputs, **details)
        return response.json()["workflow_run_id"]

    def run(self, run_id):
        return self.rest.actions.get_workflow_run(*SHOP, run_id).parsed_data

    def ended(self, run_id, attempt=1):
        """Waits until the run has ended, and gives it."""

        def look():
            run = self.run(run_id)
            return run if run.run_attempt == attempt and run.status == "completed" else None

        return until(f"the end of run {run_id}", look)

    def all(self, method, *args, of=None, **parameters):
        """Everything in a list, page after page."""
        items = (lambda response: getattr(response.parsed_data, of)) if of else None
        return list(self.github.rest.paginate(method, items, *args, **parameters))


@dataclass
class World:
    api_url: str
    token: str
    app: dict
    key: str
    receiver: str
    secret: str

    @staticmethod
    def from_environment():
        given = json.loads(os.environ["INTEROP_WORLD"])
        return World(
            api_url=given["apiUrl"],
            token=given["token"],
            app=given["app"],
            key=Path(given["keyFile"]).read_text(),
            receiver=given["receiver"],
            secret=given["secret"],
        )

    def client(self, kind, version, auth):
        def complete(request):
            # It names no version when it asks for tokens and for further pages.
            request.headers.setdefault("X-GitHub-Api-Version", version)

        hooks = {"request": [complete]}
        github = GitHub(auth, base_url=self.api_url, auto_retry=False, event_hooks=hooks, ssl_verify=TLS)
        return Client(f"{kind}, {version}", version, github)

    def with_token(self, version, token=None):
        return self.client("token", version, token or self.token)

    def without_token(self, version):
        return self.client("nobody", version, None)

    def app_strategy(self):
        return AppAuthStrategy(self.app["id"], self.key)

    def as_app(self, version):
        return self.client("App", version, self.app_strategy())

    def as_installation(self, version, **narrowed):
        strategy = self.app_strategy().as_installation(self.app["installations"]["acme"], **narrowed)
        return self.client("installation", version, strategy)

    def clients(self):
        return [make(version) for version in VERSIONS for make in (self.with_token, self.as_installation)]

    def deliveries(self):
        """What the receiver has received so far: path, header fields and body of each."""
        return httpx.get(self.receiver).json()
