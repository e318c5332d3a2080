// The unchanged component in a host that shares no code with ours: transpiled by jco, with WASI from the preview2 shim.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { alikeCases } from '../second_host/alike_cases.mjs';
import { contractCases, printed } from '../second_host/contract_cases.mjs';
import { policyCases } from '../second_host/policy_cases.mjs';
import { Plugin, transpiled } from '../second_host/plugin.mjs';
import { runCases } from '../second_host/run_cases.mjs';
import { Stage } from '../second_host/stage.mjs';
import { troubleCases } from '../second_host/trouble_cases.mjs';

export const title = 'jco and preview2-shim on Node.js as a second host of the component';

export async function judge(bench) {
  const made = await transpiled(bench.component, join(bench.folder, 'component'));
  await contractCases(bench, made);
  const manifest = await bench.case('describe: both hosts get the same manifest', () => describe(bench, made.entry));
  if (!manifest) return;
  const stage = await Stage.open(bench, made.entry, manifest.webhooks);
  try {
    await alikeCases(stage);
    await runCases(stage);
    await policyCases(stage);
    await troubleCases(stage);
  } finally {
    await stage.close();
  }
  await bench.case('the simulated GitHub saw nothing that a correct client never does', async () => {
    assert.equal(await stage.program.stop(), 0, stage.program.lines.at(-1));
    assert.deepEqual(stage.program.json.at(-1), { violations: [] });
  });
}

async function describe(bench, entry) {
  // Nothing is sent, so the origin is one that nobody could reach.
  const plugin = new Plugin(entry, { apiUrl: 'https://api.github.invalid', token: 'none' });
  try {
    const { ok: manifest } = await plugin.call('describe');
    const { stdout } = await bench.run(['inspect', bench.component, '--output', 'json']);
    assert.deepEqual(printed(manifest), JSON.parse(stdout).manifest);
    return manifest;
  } finally {
    await plugin.close();
  }
}
