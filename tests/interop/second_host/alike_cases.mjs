// The same call in both hosts: the component must answer alike, so no word of an answer may come from the host.

import assert from 'node:assert/strict';
import { attempt, portRun } from './stage.mjs';

const DEFINITIONS = [
  ['a complete definition stands', {}, 'definition-only', []],
  ['a definition that the server can run stands', {}, 'against-server', []],
  ['a workflow that the server does not have is a problem', { workflow: 'gone.yml' }, 'against-server', ['workflow-not-found']],
  [
    'all problems are told at once',
    { org: undefined, workflow: undefined },
    'definition-only',
    ['missing-organization', 'missing-workflow'],
  ],
];

const REFUSALS = [
  ['an organization that is missing', { org: undefined }, 'invalid-parameters', 'missing-organization', false],
  ['a repository that is not there', { repo: 'gone' }, 'rejected', 'repository-not-found', false],
  ['a workflow that is not there', { workflow: 'gone.yml' }, 'rejected', 'workflow-not-found', true],
  ['a branch that is not there', { ref: 'gone' }, 'rejected', 'ref-not-found', true],
  ['an input that is not declared', { workflowInputs: { colour: 'red' } }, 'rejected', 'unexpected-inputs', true],
];

export async function alikeCases(stage) {
  for (const [name, properties, scope, codes] of DEFINITIONS) {
    await stage.bench.case(`configure: ${name}`, () => configure(stage, properties, scope, codes));
  }
  for (const [name, properties, ...expected] of REFUSALS) {
    await stage.bench.case(`dispatch: ${name} is refused in the same words`, () => refuse(stage, properties, expected));
  }
}

async function configure(stage, properties, scope, codes) {
  const definition = JSON.stringify({
    type: 'INTEGRATION_ACTION',
    installationId: stage.installation.id,
    integrationActionType: 'dispatch_workflow',
    integrationActionExecutionProperties: JSON.parse(portRun(properties).properties),
  });
  const { ok, err } = await stage.plugin.call('configure', stage.installation, definition, 'api', scope);
  assert.deepEqual(err?.map(({ code }) => code) ?? [], codes);
  const flags = scope === 'against-server' ? ['--against-server'] : [];
  const ours = await stage.ours('configure', ['definition.json', ...flags], { 'definition.json': definition });
  const answer = err ? { ok: false, problems: err } : { ok: true, definition: JSON.parse(ok.definition), notes: ok.notes };
  assert.deepEqual(answer, ours);
}

async function refuse(stage, properties, expected) {
  const run = portRun(properties);
  const { err: failure } = await stage.plugin.call('dispatch', stage.installation, run, attempt());
  assert.deepEqual([failure.kind.tag, failure.code, failure.requestSent], expected);
  const pending = {
    id: run.id,
    payload: {
      type: 'INTEGRATION_ACTION',
      installationId: stage.installation.id,
      integrationActionType: run.actionType,
      integrationActionExecutionProperties: JSON.parse(run.properties),
    },
  };
  const ours = await stage.ours('dispatch', ['--run', 'run.json'], { 'run.json': JSON.stringify(pending) });
  assert.deepEqual({ ...failure, kind: failure.kind.tag, remedy: failure.remedy ?? null }, ours.failure);
}
