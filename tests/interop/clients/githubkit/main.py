"""GitHub's description as a typed client (githubkit) against the simulated GitHub.

INTEROP_WORLD holds the simulator's address and credentials as JSON. Prints one JSON line for each case, and one at the
end that says how many there were.
"""

import app
import dispatch
import hooks
import reads
import refusals
import runs
import webhooks
from cases import Cases
from world import World


def main() -> None:
    cases, world = Cases(), World.from_environment()
    for client in world.clients():
        for part in (reads, dispatch, runs):
            part.judge(cases, client)
    app.judge(cases, world)
    refusals.judge(cases, world)
    webhooks.judge(cases, world)
    hooks.judge(cases, world)
    cases.end()


main()
