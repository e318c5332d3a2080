// A simulated GitHub in which everything happens that deliveries tell of.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Octokit } from '@octokit/rest';
import { until } from '../bench/until.mjs';

const REPOSITORY = { owner: 'acme', repo: 'shop' };
export const SECRET = 'a secret of the receiver: ü, 0, "';

/** A workflow for every conclusion, one with several jobs, and one that takes an hour. */
export async function simulate(bench, receiver, conclusions) {
  const workflow = (name, conclusion, seconds, jobs) =>
    `[[repository.workflow]]\nfile = "${name}.yml"\nconclusion = "${conclusion}"\nqueued = "50ms"\nruns-for = "${seconds}s"\njobs = ${JSON.stringify(jobs)}`;
  const world = [
    `[[webhook]]\nurl = "${receiver.url}/signed"\nsecret = { file = "secret" }`,
    `[[webhook]]\nurl = "${receiver.url}/unsigned"`,
    '[[repository]]\nowner = "acme"\nname = "shop"\nbranches = ["main"]',
    ...conclusions.map((conclusion) => workflow(conclusion, conclusion, 0.05, ['build'])),
    workflow('several', 'failure', 0.05, ['lint', 'unit tests', 'Prüfung ✓']),
    workflow('hour', 'success', 3600, ['build']),
  ];
  await writeFile(join(bench.folder, 'secret'), SECRET);
  await writeFile(join(bench.folder, 'world.toml'), world.join('\n'));
  return await bench.simulateGithub(['--world', 'world.toml', '--app-installed-on', 'acme']);
}

/** Starts all of it through GitHub's own client, cancels one run, runs one again. The runs' ids by workflow. */
export async function play(receiver, github, conclusions) {
  const { actions } = new Octokit({ auth: github.token, baseUrl: github.apiUrl }).rest;
  const runs = {};
  for (const name of [...conclusions, 'several', 'hour']) {
    const dispatch = { ...REPOSITORY, workflow_id: `${name}.yml`, ref: 'main', return_run_details: true };
    runs[name] = (await actions.createWorkflowDispatch(dispatch)).data.workflow_run_id;
  }
  await until('the run of an hour is in progress', () => told(receiver, runs.hour, 'in_progress', 1));
  await actions.cancelWorkflowRun({ ...REPOSITORY, run_id: runs.hour });
  for (const [name, id] of Object.entries(runs)) {
    await until(`the end of ${name} is told`, () => told(receiver, id, 'completed', 1));
  }
  await actions.reRunWorkflow({ ...REPOSITORY, run_id: runs.several });
  await until('the end of the second attempt is told', () => told(receiver, runs.several, 'completed', 2));
  await until('both hooks were told the same', () => receiver.unsigned.length === receiver.signed.length);
  return runs;
}

function told(receiver, id, action, attempt) {
  const matches = ({ action: of, workflow_run: run }) => of === action && run?.id === id && run.run_attempt === attempt;
  return receiver.signed.some(({ payload }) => matches(payload));
}
