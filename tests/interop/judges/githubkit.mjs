// GitHub's description as a typed Python client: its models validate every answer and delivery of the simulated GitHub.

import assert from 'node:assert/strict';
import { SECRET, startWorld, stopWorld } from '../clients/world.mjs';

export const title = "githubkit, with pydantic models of GitHub's description, as a user of the simulated GitHub";

export async function judge(bench) {
  const github = await startWorld(bench);
  let violations;
  try {
    const { apiUrl, token, app, keyFile, receiver } = github;
    const world = { apiUrl, token, app, keyFile, receiver: receiver.url, secret: SECRET };
    // Nothing is to be written beside the sources.
    const environment = { INTEROP_WORLD: JSON.stringify(world), PYTHONDONTWRITEBYTECODE: '1' };
    await tell(bench, await bench.python('clients/githubkit/main.py', [], environment));
  } finally {
    violations = await stopWorld(github);
  }
  await bench.case('the simulator finds nothing wrong with what githubkit does', () => {
    // One token was never given: that is a case.
    const found = violations.filter((violation) => !violation.endsWith(': a token that was never issued'));
    assert.deepEqual(found, []);
  });
}

/** Takes over what the program found, and fails if it did not come to its end. */
async function tell(bench, { code, stdout, stderr }) {
  const lines = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const cases = lines.filter((line) => line.name);
  for (const { name, ok, error } of cases) {
    await bench.case(name, () => {
      if (!ok) throw error;
    });
  }
  await bench.case('the Python program comes to its end', () => {
    assert.deepEqual([code, lines.at(-1)], [0, { cases: cases.length }], stderr);
  });
}
