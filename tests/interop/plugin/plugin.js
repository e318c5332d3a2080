// A small plugin for the contract in wit/, in JavaScript: starts a GitHub workflow and reads its webhooks. It has what
// every plugin must have, `describe`, `dispatch` and `handleWebhook`; the rest is `unsupported`.

import { log } from 'ocean:integration-action/logging@0.1.0';
import { handle } from 'wasi:http/outgoing-handler@0.2.0';
import { Fields, OutgoingBody, OutgoingRequest } from 'wasi:http/types@0.2.0';

/** From this version on, GitHub always answers a dispatch with the run's id. */
const API_VERSION = '2026-03-10';

/** Before a connection is there, nothing has left. */
const NOT_CONNECTED = [
  'DNS-timeout', 'DNS-error', 'destination-not-found', 'destination-unavailable', 'destination-IP-prohibited',
  'destination-IP-unroutable', 'connection-refused', 'connection-limit-reached', 'TLS-protocol-error',
  'TLS-certificate-error', 'TLS-alert-received',
];

export const actions = {
  describe() {
    return {
      name: 'github-workflow-js',
      version: '0.1.0',
      actionTypes: [{
        name: 'dispatch_workflow',
        title: 'Run a GitHub workflow',
        description: 'Starts a workflow and waits for its end.',
        inputSchema: JSON.stringify({
          type: 'object',
          properties: {
            org: { type: 'string' },
            repo: { type: 'string' },
            workflow: { type: 'string' },
            ref: { type: 'string' },
            workflowInputs: { type: 'object' },
          },
          required: ['org', 'repo', 'workflow'],
        }),
      }],
      webhooks: {
        events: ['workflow_run'],
        eventHeader: 'x-github-event',
        deliveryHeader: 'x-github-delivery',
        signatureHeader: 'x-hub-signature-256',
        signaturePrefix: 'sha256=',
        signatureAlgorithm: 'hmac-sha256',
      },
      settings: [],
    };
  },

  dispatch: explained((installation, run, attempt) => {
    const { org, repo, workflow, ref, inputs } = readProperties(run);
    if (attempt.number > 1) {
      throw failure({ tag: 'ambiguous' }, 'no-discovery', 'An earlier try may have started the run; this plugin cannot look for it.', true);
    }
    const path = ['repos', org, repo].map(encodeURIComponent).join('/');
    const { body: repository } = ask(installation, 'get', path);
    const { body: started } = ask(installation, 'post', `${path}/actions/workflows/${encodeURIComponent(workflow)}/dispatches`, {
      ref: ref ?? repository.default_branch,
      inputs,
    });
    return {
      externalRunId: externalId(repository.id, started.workflow_run_id),
      link: started.html_url,
      output: JSON.stringify({ workflowRunId: started.workflow_run_id }),
      statusLabel: 'Started',
    };
  }),

  handleWebhook: explained((_installation, delivery) => {
    const event = delivery.headers.find(({ name }) => name === 'x-github-event');
    if (!event || new TextDecoder().decode(event.value) !== 'workflow_run') return [];
    const { action, repository, workflow_run: run } = JSON.parse(new TextDecoder().decode(delivery.body));
    // An end without a conclusion is none: GitHub sends another delivery.
    if (action === 'completed' && !run.conclusion) return [];
    log('debug', `workflow_run ${run.id} of ${repository.full_name}: ${action}`);
    const change = action === 'completed'
      ? { tag: 'completed', val: completion(run) }
      : { tag: 'progress', val: { label: run.status === 'in_progress' ? 'Running' : 'Queued', log: [], part: undefined } };
    return [{ externalRunId: externalId(repository.id, run.id), attempt: run.run_attempt, change }];
  }),

  configure() {
    throw [{ pointer: '', code: 'unsupported', message: 'This plugin checks no definitions.', remedy: 'Save it as it is.' }];
  },
  plan() {
    throw unsupported('plan');
  },
  check() {
    throw unsupported('check');
  },
  cancel() {
    throw unsupported('cancel');
  },
};

/** An exception that nobody throws on purpose would end the call without a word: makes a failure with its text of it. */
function explained(call) {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw error instanceof Error ? failure({ tag: 'internal' }, 'exception', `${error}\n${error.stack}`, true) : error;
    }
  };
}

/** The id that connects a dispatch with its webhooks. */
function externalId(repository, run) {
  return `github/${repository}/${run}`;
}

function readProperties(run) {
  const { org, repo, workflow, ref, workflowInputs } = JSON.parse(run.properties);
  for (const [name, value] of Object.entries({ org, repo, workflow })) {
    if (typeof value === 'string' && value !== '' && !/^\.\.?$/.test(value)) continue;
    throw failure({ tag: 'invalid-parameters' }, 'invalid-property', `\`${name}\` is missing, or cannot be that.`, false);
  }
  // GitHub takes texts alone.
  const inputs = Object.entries(workflowInputs ?? {})
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  return { org, repo, workflow, ref, inputs: Object.fromEntries(inputs) };
}

function completion({ conclusion, html_url: link }) {
  const isFine = ['success', 'neutral', 'skipped'].includes(conclusion);
  return {
    outcome: isFine ? 'success' : conclusion === 'cancelled' ? 'cancelled' : 'failure',
    conclusion,
    label: isFine ? 'Succeeded' : `Ended: ${conclusion}`,
    summary: isFine ? undefined : `[The run](${link}) ended with \`${conclusion}\`.`,
    output: JSON.stringify({ conclusion }),
    log: [{ level: isFine ? 'info' : 'error', message: `GitHub says: ${conclusion}` }],
  };
}

/** Sends one request and reads its answer. Anything but success is thrown as the failure that it means. */
function ask(installation, method, path, body) {
  const mayStart = method !== 'get';
  const answer = send(installation.apiUrl, method, path, body);
  if (answer.error) {
    const { tag } = answer.error;
    if (tag === 'HTTP-request-denied') throw failure({ tag: 'rejected' }, 'denied', 'The host refused the request.', false);
    const isUnknown = mayStart && !NOT_CONNECTED.includes(tag);
    throw failure({ tag: isUnknown ? 'ambiguous' : 'unavailable' }, 'no-answer', `GitHub gave no answer: ${tag}`, isUnknown);
  }
  if (answer.status === 200) return answer;
  const message = `GitHub answered ${answer.status}: ${answer.body?.message ?? 'nothing more'}`;
  throw failure(kindOf(answer, mayStart), `github-${answer.status}`, message, mayStart);
}

function kindOf({ status, headers }, mayStart) {
  if (status === 401) return { tag: 'unauthorized' };
  const pause = headers.get('retry-after');
  if (status === 429 || (status === 403 && (pause || headers.get('x-ratelimit-remaining') === '0'))) {
    return { tag: 'rate-limited', val: pause ? Number(pause) : undefined };
  }
  if (status >= 500) return { tag: mayStart ? 'ambiguous' : 'unavailable' };
  return { tag: 'rejected' };
}

function send(apiUrl, method, path, body) {
  const url = new URL(`${apiUrl}/${path}`);
  const text = (value) => new TextEncoder().encode(value);
  const fields = [
    ['accept', text('application/vnd.github+json')],
    ['user-agent', text('github-workflow-js')],
    ['x-github-api-version', text(API_VERSION)],
  ];
  if (body) fields.push(['content-type', text('application/json')]);
  const request = new OutgoingRequest(Fields.fromList(fields));
  request.setMethod({ tag: method });
  request.setScheme({ tag: url.protocol === 'http:' ? 'HTTP' : 'HTTPS' });
  request.setAuthority(url.host);
  request.setPathWithQuery(url.pathname);
  const outgoing = request.body();
  try {
    const future = handle(request, undefined);
    if (body) write(outgoing, text(JSON.stringify(body)));
    OutgoingBody.finish(outgoing, undefined);
    future.subscribe().block();
    // An option of a result of a result: the outer one says that the answer was not taken before.
    const { tag, val } = future.get().val;
    return tag === 'ok' ? receive(val) : { error: val };
  } catch (error) {
    if (error?.payload?.tag) return { error: error.payload };
    throw error;
  }
}

function write(outgoing, bytes) {
  const stream = outgoing.write();
  for (let from = 0; from < bytes.length; from += 4096) stream.blockingWriteAndFlush(bytes.subarray(from, from + 4096));
  stream[Symbol.dispose]();
}

function receive(response) {
  const headers = new Map(response.headers().entries().map(([name, value]) => [name, new TextDecoder().decode(value)]));
  const stream = response.consume().stream();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) text += decoder.decode(stream.blockingRead(65536n), { stream: true });
  } catch (error) {
    if (error?.payload?.tag !== 'closed') throw error;
  }
  return { status: response.status(), headers, body: text === '' ? undefined : JSON.parse(text) };
}

function unsupported(name) {
  return failure({ tag: 'unsupported' }, 'unsupported', `This plugin has no \`${name}\`.`, false);
}

function failure(kind, code, message, requestSent) {
  return { kind, code, message, remedy: undefined, requestSent };
}
