// GitHub's own JavaScript client against the simulated GitHub.

import assert from 'node:assert/strict';
import { judgeApp } from '../clients/octokit/app.mjs';
import { clients } from '../clients/octokit/client.mjs';
import { judgeDeliveries } from '../clients/octokit/deliveries.mjs';
import { judgeDispatch, judgeWorkflows } from '../clients/octokit/dispatch.mjs';
import { judgeHooks } from '../clients/octokit/hooks.mjs';
import { judgePlain } from '../clients/octokit/plain.mjs';
import { judgeReads } from '../clients/octokit/reads.mjs';
import { judgeRefusals } from '../clients/octokit/refusals.mjs';
import { judgeLists, judgeRuns } from '../clients/octokit/runs.mjs';
import { startWorld, stopWorld } from '../clients/world.mjs';

export const title = '@octokit/rest, auth-app and webhooks as users of the simulated GitHub';

export async function judge(bench) {
  const github = await startWorld(bench);
  let violations;
  try {
    for (const client of clients(github)) {
      for (const part of [judgeReads, judgeWorkflows, judgeDispatch, judgeLists, judgeRuns]) await part(bench, client);
    }
    await judgeApp(bench, github);
    await judgeDeliveries(bench, github);
  } finally {
    violations = await stopWorld(github);
  }
  await bench.case('the simulator finds nothing wrong with what the official client does', () => assert.deepEqual(violations, []));
  await judgePlain(bench);
  await judgeHooks(bench);
  await judgeRefusals(bench);
}
