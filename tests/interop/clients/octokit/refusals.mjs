// Requests that GitHub refuses, with its words.

import { startWorld, stopWorld } from '../world.mjs';
import { SHOP, VERSIONS, asApp, asInstallation, withToken, withoutToken } from './client.mjs';
import { start } from './dispatch.mjs';
import { Refusals } from './refused.mjs';
import { until } from '../../bench/until.mjs';

const [OLD, NEW] = VERSIONS;
const ATTIC = { owner: 'acme', repo: 'attic' };
const ROOT = { page: 'https://docs.github.com/rest' };
const DEPLOY = { ...SHOP, workflow_id: 'deploy.yml', ref: 'main', inputs: { environment: 'staging' } };

export async function judgeRefusals(bench) {
  const github = await startWorld(bench, 'refusals');
  try {
    const refusals = await Refusals.open(bench);
    for (const version of VERSIONS) await dispatches(refusals, withToken(github, version), version);
    await unknown(refusals, withToken(github, OLD), 'token');
    await unknown(refusals, asInstallation(github, NEW), 'App');
    await credentials(refusals, github);
    await writes(refusals, github);
    await tokens(refusals, github);
  } finally {
    await stopWorld(github);
  }
}

async function dispatches(refusals, { actions }, type) {
  const cases = [
    ['an unknown ref', { ref: 'nowhere' }, 'No ref found for: nowhere'],
    ['no ref', { ref: undefined }, 'Invalid request.\n\n"ref" wasn\'t supplied.'],
    ['a ref that is a number', { ref: 7 }, 'Invalid request.\n\nFor \'properties/ref\', 7 is not a string.'],
    ['an unknown key', { branch: 'main' }, 'Invalid request.\n\n"branch" is not a permitted key.'],
    ['no input', { inputs: undefined }, "Required input 'environment' not provided"],
    ['an input that is null', { inputs: { environment: null } }, "Invalid request.\n\nFor 'additionalProperties', nil is not a string."],
    ['unexpected inputs', { inputs: { environment: 'staging', a: '1', b: '2' } }, 'Unexpected inputs provided: ["a", "b"]'],
    [
      'a value outside the list',
      { inputs: { environment: 'moon' } },
      "Provided value 'moon' for input 'environment' not in the list of allowed values",
    ],
    ['too much input', { inputs: { environment: 'staging', version: 'x'.repeat(65_535) } }, 'inputs are too large.'],
    [
      'a workflow with 26 inputs',
      { workflow_id: 'crowded.yml', inputs: {} },
      'Invalid Argument - failed to parse workflow: you may only define up to 25 `inputs` for a `workflow_dispatch` event',
    ],
  ];
  for (const [name, change, message] of cases) {
    await refusals.expect(`a dispatch with ${name}`, actions.createWorkflowDispatch, { ...DEPLOY, ...change }, 422, message, { type });
  }
}

async function unknown(refusals, { actions, git, repos }, type) {
  const cases = [
    ['a repository', repos.get, { owner: 'acme', repo: 'nothing' }],
    ['a branch', git.getRef, { ...SHOP, ref: 'heads/nothing' }],
    ['a file', repos.getContent, { ...SHOP, path: 'nothing.txt' }],
    ['workflows of a repository', actions.listRepoWorkflows, { owner: 'acme', repo: 'nothing' }],
    ['a workflow', actions.getWorkflow, { ...SHOP, workflow_id: 'nothing.yml' }],
    ['a workflow to switch on', actions.enableWorkflow, { ...SHOP, workflow_id: 'nothing.yml' }],
    ['a workflow to switch off', actions.disableWorkflow, { ...SHOP, workflow_id: 'nothing.yml' }],
    ['a workflow to dispatch', actions.createWorkflowDispatch, { ...DEPLOY, workflow_id: 'nothing.yml' }],
    ['a workflow by its path', actions.createWorkflowDispatch, { ...DEPLOY, workflow_id: '.github/workflows/deploy.yml' }],
    ['runs of a workflow', actions.listWorkflowRuns, { ...SHOP, workflow_id: 'nothing.yml' }],
    ['runs of a repository', actions.listWorkflowRunsForRepo, { owner: 'acme', repo: 'nothing' }],
    ['a run', actions.getWorkflowRun, { ...SHOP, run_id: 1 }],
    ['an attempt', actions.getWorkflowRunAttempt, { ...SHOP, run_id: 1, attempt_number: 1 }],
    ['jobs of a run', actions.listJobsForWorkflowRun, { ...SHOP, run_id: 1 }],
    ['jobs of an attempt', actions.listJobsForWorkflowRunAttempt, { ...SHOP, run_id: 1, attempt_number: 1 }],
    ['a job', actions.getJobForWorkflowRun, { ...SHOP, job_id: 1 }],
    ['a run to cancel', actions.cancelWorkflowRun, { ...SHOP, run_id: 1 }],
    ['a run to cancel by force', actions.forceCancelWorkflowRun, { ...SHOP, run_id: 1 }],
    ['a run to run again', actions.reRunWorkflow, { ...SHOP, run_id: 1 }],
    ['failed jobs to run again', actions.reRunWorkflowFailedJobs, { ...SHOP, run_id: 1 }],
  ];
  for (const [name, call, parameters] of cases) {
    await refusals.expect(`${name} that does not exist`, call, parameters, 404, 'Not Found', { type });
  }
}

async function credentials(refusals, github) {
  const { apps, actions } = asApp(github, OLD);
  const stranger = withToken(github, OLD, 'ghs_NobodyEverGaveThisTokenToAnybody0000');
  await refusals.expect('a token that was never given', stranger.repos.get, SHOP, 401, 'Bad credentials', ROOT);
  await refusals.expect('a dispatch with such a token', stranger.actions.createWorkflowDispatch, DEPLOY, 401, 'Bad credentials', ROOT);
  const nobody = withoutToken(github, OLD);
  await refusals.expect('a private repository without a token', nobody.repos.get, SHOP, 404, 'Not Found');
  await refusals.expect('the user without a token', nobody.users.getAuthenticated, {}, 401, 'Requires authentication');
  const app = asInstallation(github, OLD);
  const foreign = { owner: 'globex', repo: 'site' };
  await refusals.expect('a repository of another account', app.repos.get, foreign, 404, 'Not Found', { type: 'App' });
  await refusals.expect('a user who is an App', app.users.getAuthenticated, {}, 403, 'Resource not accessible by integration');
  const token = withToken(github, OLD);
  const undecoded = 'A JSON web token could not be decoded';
  await refusals.expect('the App with a token', token.apps.getAuthenticated, {}, 401, undecoded, ROOT);
  await refusals.expect('an unknown version', withToken(github, '1999-01-01').repos.get, SHOP, 400, 'Bad Request', {
    page: 'https://docs.github.com/rest/about-the-rest-api/api-versions',
  });
  for (const [name, call, parameters] of [
    ['an installation', apps.getInstallation, { installation_id: 1 }],
    ['an installation of an organization', apps.getOrgInstallation, { org: 'globex' }],
    ['an installation of a user', apps.getUserInstallation, { username: 'globex' }],
    ['an installation of a repository', apps.getRepoInstallation, { owner: 'globex', repo: 'site' }],
    ['an installation to give a token for', apps.createInstallationAccessToken, { installation_id: 1 }],
  ]) {
    await refusals.expect(`${name} that does not exist`, call, parameters, 404, 'Not Found', { type: 'App' });
  }
}

async function writes(refusals, github) {
  const { actions } = asInstallation(github, OLD);
  const archived = { ...DEPLOY, ...ATTIC };
  const readOnly = 'Repository was archived so is read-only.';
  await refusals.expect('a dispatch in an archived repository', actions.createWorkflowDispatch, archived, 403, readOnly);
  const run_id = await start({ actions }, OLD, 'slow.yml');
  const run = { ...SHOP, run_id };
  const running = 'This workflow is already running';
  await refusals.expect('a running run to run again', actions.reRunWorkflow, run, 403, running);
  await refusals.expect('failed jobs of a running run', actions.reRunWorkflowFailedJobs, run, 403, running);
  await actions.cancelWorkflowRun(run);
  await until('the end of the run', async () => (await actions.getWorkflowRun(run)).data.status === 'completed');
  const over = 'Cannot cancel a workflow run that is completed.';
  await refusals.expect('a run that has ended', actions.cancelWorkflowRun, run, 409, over);
  await refusals.expect('a run that has ended, by force', actions.forceCancelWorkflowRun, run, 409, over);
  const good = { ...SHOP, run_id: await start({ actions }, OLD, 'deploy.yml', { inputs: DEPLOY.inputs }) };
  await until('the end of the good run', async () => (await actions.getWorkflowRun(good)).data.conclusion === 'success');
  const nothing = 'This workflow run cannot be retried';
  await refusals.expect('failed jobs of a run without any', actions.reRunWorkflowFailedJobs, good, 403, nothing);
  await actions.disableWorkflow({ ...SHOP, workflow_id: 'switched.yml' });
  const off = "Cannot trigger a 'workflow_dispatch' on a disabled workflow";
  const switched = { ...SHOP, workflow_id: 'switched.yml', ref: 'main' };
  await refusals.expect('a dispatch of a disabled workflow', actions.createWorkflowDispatch, switched, 422, off);
}

async function tokens(refusals, github) {
  const { createInstallationAccessToken } = asApp(github, NEW).apps;
  const installation_id = github.app.installations.acme;
  const foreign = 'There is at least one repository that does not exist or is not accessible to the parent installation.';
  for (const [name, wanted, message] of [
    ['a repository that does not exist', { repositories: ['shop', 'nothing'] }, foreign],
    ["another account's repository", { repositories: ['site'] }, foreign],
    ['a permission too many', { permissions: { issues: 'write' } }, 'The permissions requested are not granted to this installation.'],
    ['an unknown key', { repos: ['shop'] }, 'Invalid request.\n\n"repos" is not a permitted key.'],
  ]) {
    const asked = { installation_id, ...wanted };
    await refusals.expect(`a token for ${name}`, createInstallationAccessToken, asked, 422, message, { type: 'App' });
  }
}
