// A second plugin for the same contract, in another language, made by a toolchain that this project did not write: what
// it proves is that the contract and the host are not made for the one plugin that comes with them.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from '../plugin/build.mjs';
import { installationToml } from '../plugin/installation.mjs';
import { WholePath } from '../plugin/whole_path.mjs';

export const title = 'a plugin in JavaScript (componentize-js), in the host as it is';

const SECRET = 'It is a test';

export async function judge(bench) {
  const plugin = join(bench.folder, 'plugin.wasm');
  // The component is compiled once, by the first command, and that stays in the judge's folder.
  const environment = { HOST_HARNESS_COMPONENT: plugin, XDG_CACHE_HOME: join(bench.folder, 'cache'), WEBHOOK_SECRET: SECRET };
  const built = await bench.case('it is built from the contract in wit/', async () => {
    await build(plugin);
    return true;
  });
  if (!built) return;
  await loaded(bench, plugin, environment);
  await dispatched(bench, environment);
  await delivered(bench, environment);
  await wholePath(bench, plugin, environment);
}

/** Runs a command of the host that prints one JSON object. */
async function command(bench, environment, ...args) {
  const { code, stdout, stderr } = await bench.run([...args, '--output', 'json'], environment);
  assert.notEqual(stdout, '', `it printed nothing, and ended with ${code}: ${stderr}`);
  return { code, ...JSON.parse(stdout) };
}

async function file(bench, name, content) {
  const path = join(bench.folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function loaded(bench, plugin, environment) {
  await bench.case('it is loaded as it comes out of the toolchain, with no limit raised', async () => {
    const found = await command(bench, environment, 'inspect', plugin);
    const ours = await command(bench, environment, 'inspect', bench.component);
    assert.equal(found.code, 0);
    assert.equal(found.manifest.name, 'github-workflow-js');
    assert.deepEqual(found.contract, ours.contract);
    assert.deepEqual(found.limits, ours.limits);
  });
  await bench.case('it imports what the contract has and nothing else', async () => {
    const { imports, exports } = await command(bench, environment, 'inspect', plugin);
    const ours = /^ocean:integration-action\/(types|logging)@0\.1\.0$/;
    const wasi = /^wasi:(clocks\/(monotonic|wall)-clock|http\/(types|outgoing-handler)|io\/(error|poll|streams))@0\.2\.\d+$/;
    assert.deepEqual(imports.filter((name) => !ours.test(name) && !wasi.test(name)), []);
    assert.deepEqual(exports, ['ocean:integration-action/actions@0.1.0']);
  });
  await bench.case('what it cannot do is refused as such', async () => {
    const installation = await file(bench, 'nowhere.toml', installationToml('http://127.0.0.1:9'));
    const action = await file(bench, 'action.json', { type: 'INTEGRATION_ACTION', integrationActionType: 'dispatch_workflow' });
    const { code, problems } = await command(
      bench, { ...environment, GITHUB_TOKEN: 'ghs_none' }, 'configure', action, '--installation', installation,
    );
    assert.equal(code, 1);
    assert.deepEqual(problems.map(({ code }) => code), ['unsupported']);
  });
}

async function dispatched(bench, environment) {
  const github = await bench.simulateGithub();
  const installation = await file(bench, 'installation.toml', installationToml(github.apiUrl));
  const dispatch = async (inputs, token, ...more) => {
    const properties = { org: 'acme', repo: 'shop', workflow: 'deploy.yml', workflowInputs: inputs };
    const payload = {
      type: 'INTEGRATION_ACTION',
      installationId: 'acme-github',
      integrationActionType: 'dispatch_workflow',
      integrationActionExecutionProperties: properties,
    };
    const run = await file(bench, 'run.json', { id: 'r_1', payload });
    return command(bench, { ...environment, GITHUB_TOKEN: token }, 'dispatch', '--run', run, '--installation', installation, ...more);
  };

  await bench.case('it starts a workflow', async () => {
    const { code, started, exchanges } = await dispatch({ environment: 'production' }, github.token);
    assert.equal(code, 0);
    const [repository, created] = exchanges.map(({ answer }) => answer.body);
    assert.deepEqual(started, {
      externalRunId: `github/${repository.id}/${created.workflow_run_id}`,
      link: created.html_url,
      output: { workflowRunId: created.workflow_run_id },
      statusLabel: 'Started',
    });
    assert.deepEqual(exchanges[1].body, { ref: 'main', inputs: { environment: 'production' } });
  });
  await bench.case('the host adds the credential, and the plugin has none', async () => {
    const { exchanges } = await dispatch({}, github.token);
    assert.deepEqual(exchanges.map(({ credentialAdded, answer }) => [credentialAdded, answer.status]), [[true, 200], [true, 200]]);
    assert.ok(!JSON.stringify(exchanges).includes(github.token), 'the token is among what the plugin sent or got');
    assert.ok(exchanges.every(({ headers }) => headers.every(([name]) => name !== 'authorization')));
  });
  await bench.case('what GitHub refuses is a failure in its words', async () => {
    const { code, failure } = await dispatch({ colour: 'red' }, github.token);
    assert.equal(code, 1);
    assert.equal(failure.kind, 'rejected');
    assert.match(failure.message, /Unexpected inputs provided: \["colour"\]/);
  });
  await bench.case('a token that GitHub does not know is its own kind of failure', async () => {
    const { failure } = await dispatch({}, 'ghs_unknown');
    assert.deepEqual([failure.kind, failure.requestSent], ['unauthorized', false]);
  });
  await bench.case('a later attempt sends nothing', async () => {
    const { failure, exchanges } = await dispatch({}, github.token, '--attempt', '2');
    assert.deepEqual([failure.kind, exchanges], ['ambiguous', []]);
  });
}

async function delivered(bench, environment) {
  const installation = await file(bench, 'deliveries.toml', installationToml('http://127.0.0.1:9'));
  const webhook = async (event, delivery, ...more) => {
    const body = await file(bench, 'delivery.json', delivery);
    const args = ['webhook', '--event', event, '--body', body, '--installation', installation, ...more];
    return command(bench, { ...environment, GITHUB_TOKEN: 'ghs_none' }, ...args);
  };
  const recorded = (await recordings()).find(({ name }) => name === 'workflow_run').examples;
  const find = (action, conclusion) => recorded.find((one) => one.action === action && one.workflow_run.conclusion === conclusion);

  await bench.case('a delivery becomes news of its run', async () => {
    const delivery = find('completed', 'success');
    const { code, updates } = await webhook('workflow_run', delivery);
    assert.equal(code, 0);
    assert.equal(updates.length, 1);
    const [{ externalRunId, attempt, change }] = updates;
    assert.equal(externalRunId, `github/${delivery.repository.id}/${delivery.workflow_run.id}`);
    assert.equal(attempt, delivery.workflow_run.run_attempt);
    assert.deepEqual(change.completed, {
      outcome: 'success',
      conclusion: 'success',
      label: 'Succeeded',
      summary: null,
      output: { conclusion: 'success' },
      log: [{ level: 'info', message: 'GitHub says: success' }],
    });
  });
  await bench.case('a run on its way is no end', async () => {
    const { updates } = await webhook('workflow_run', find('requested', null));
    assert.deepEqual(updates.map(({ change }) => change), [{ progress: { label: 'Queued', log: [], part: null } }]);
  });
  await bench.case('deliveries that concern no run are no news', async () => {
    const { updates } = await webhook('ping', (await recordings()).find(({ name }) => name === 'ping').examples[0]);
    assert.deepEqual(updates, []);
    assert.deepEqual((await webhook('workflow_run', find('completed', null))).updates, []);
  });
  await bench.case('a delivery with a wrong signature does not reach it', async () => {
    const { code, refused } = await webhook('workflow_run', find('completed', 'success'), '--signature', `sha256=${'0'.repeat(64)}`);
    assert.equal(code, 1);
    assert.match(refused, /signature/);
  });
}

/** What GitHub's webhooks really were. */
async function recordings() {
  const examples = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json');
  return JSON.parse(await readFile(examples, 'utf8'));
}

async function wholePath(bench, plugin, environment) {
  const path = await bench.case('the host serves with it', () => WholePath.open(bench, plugin, environment));
  if (!path) return;
  await bench.case('a run goes from Port to GitHub and back, to SUCCESS', async () => {
    const { end, told } = await path.endOf('action');
    assert.deepEqual([end.terminationStatus, end.statusLabel], ['SUCCESS', 'Succeeded'], JSON.stringify(told));
    assert.match(told.link, /\/acme\/shop\/actions\/runs\/\d+$/);
    assert.match(told.externalRunId, /^github\/\d+\/\d+$/);
  });
  await bench.case('so does a node of a Port workflow', async () => {
    const { end } = await path.endOf('node');
    assert.deepEqual([end.status, end.result, end.output?.conclusion], ['COMPLETED', 'SUCCESS', 'success']);
  });
  await bench.case('what GitHub refuses ends as FAILURE with its text', async () => {
    const { end } = await path.endOf('refused');
    assert.deepEqual([end.terminationStatus, end.statusLabel], ['FAILURE', 'Refused'], end.message);
    assert.match(end.message, /Provided value 'moon' for input 'environment' not in the list of allowed values/);
  });
  await bench.case('a workflow that fails ends as FAILURE', async () => {
    const { end, told } = await path.endOf('broken');
    assert.deepEqual([end.terminationStatus, end.statusLabel], ['FAILURE', 'Ended: failure'], end.message);
    assert.match(told.summary, /ended with `failure`/);
  });
  await bench.case('properties that it cannot use end as FAILURE', async () => {
    const { end } = await path.endOf('wrong');
    assert.deepEqual([end.terminationStatus, end.statusLabel], ['FAILURE', 'Wrong parameters'], end.message);
  });
  await bench.case('that it cannot check a run has harmed no run', async () => {
    assert.ok(await path.calls('check') >= 1, 'no run was checked, so this says nothing');
  });
  await bench.case('three workflows were started, each once', async () => {
    const { github, port, host } = await path.close();
    assert.equal(host, 0, 'how the host ended');
    assert.deepEqual([github.violations, port.violations], [[], []]);
    assert.deepEqual(github.dispatches.map(({ status }) => status).sort(), [200, 200, 200, 422]);
  });
}

/** Toolchains that fill in what a plugin must not import do it by composition, and each part has a memory of its own. */
