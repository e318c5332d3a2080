// The real host between both simulators. Nobody but the judge delivers anything: the simulated GitHub has no webhook.

import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sign } from '@octokit/webhooks-methods';
import { until } from '../bench/until.mjs';

export const SECRET = 'a secret of the hook: ü, 0, "';
export const FORM = 'application/x-www-form-urlencoded';

/** GitHub's documentation, "Validating webhook deliveries", has a body and its signature with this secret. */
export const DOCUMENTED = {
  secret: 'It\'s a Secret to Everybody',
  body: 'Hello, World!',
  signature: 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
};

export class Stage {
  #bench;
  #number = 0;

  /** With so many runs that are pending in Port. Each of their workflows takes an hour. */
  static async open(bench, runs) {
    const stage = new Stage();
    stage.#bench = bench;
    const write = (name, text) => writeFile(join(bench.folder, name), text);
    const workflow = '[[repository.workflow]]\nfile = "hour.yml"\nqueued = "50ms"\nruns-for = "1h"\n';
    await write('world.toml', `[[repository]]\nowner = "acme"\nname = "shop"\n${workflow}`);
    stage.github = await bench.simulateGithub(['--world', 'world.toml']);
    await write('run.json', JSON.stringify({ org: 'acme', repo: 'shop', workflow: 'hour.yml' }));
    const pending = Array(runs).fill(['--run', 'run.json']).flat();
    stage.port = await bench.simulatePort(['--installation', 'acme-github', '--installation', 'documented', ...pending]);
    await write('token', stage.github.token);
    await write('secret', SECRET);
    await write('documented', DOCUMENTED.secret);
    await write('client-secret', stage.port.clientSecret);
    await write('installation.toml', stage.#installation('acme-github', 'secret'));
    await write('host.toml', stage.#config());
    stage.serve = bench.start(['serve', '--config', 'host.toml', '--output', 'json']);
    stage.url = `http://${(await stage.serve.firstJson()).listening}`;
    return stage;
  }

  #installation(id, secret) {
    return [
      `id = "${id}"`,
      'hosting = "self-hosted"',
      `api-url = "${this.github.apiUrl}"`,
      'allow-plain-http = true',
      'allow-addresses = ["127.0.0.0/8"]',
      'credential = { token = { file = "token" } }',
      `webhook-secret = { file = "${secret}" }`,
      '',
    ].join('\n');
  }

  /** Runs are not checked, so that only deliveries tell of them. */
  #config() {
    const { baseUrl, clientId } = this.port;
    return [
      `component = ${JSON.stringify(this.#bench.component)}`,
      'listen = "127.0.0.1:0"',
      `[port]\nbase-url = "${baseUrl}"\nclient-id = "${clientId}"\nclient-secret = { file = "client-secret" }\npoll-interval-ms = 50`,
      '[check]\nfirst-seconds = 3600\nlongest-seconds = 3600',
      `[[installation]]\n${this.#installation('acme-github', 'secret')}`,
      `[[installation]]\n${this.#installation('documented', 'documented')}`,
    ].join('\n');
  }

  /** Sends a delivery as GitHub would, with more or other header fields; null leaves one out. `{ status, text }`. */
  async send(event, body, more = {}, installation = 'acme-github') {
    const headers = {
      accept: '*/*',
      'user-agent': 'GitHub-Hookshot/0123abc',
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-github-hook-id': '470000001',
      'x-github-hook-installation-target-id': '900001',
      'x-github-hook-installation-target-type': 'integration',
      ...(!('x-hub-signature-256' in more) && { 'x-hub-signature-256': await sign(SECRET, body) }),
      ...more,
    };
    for (const name of Object.keys(headers)) if (headers[name] === null) delete headers[name];
    const response = await fetch(`${this.url}/webhooks/${installation}`, { method: 'POST', headers, body });
    return { status: response.status, text: (await response.text()).trim() };
  }

  /** Sends a delivery and waits until it was handled. Adds what the host counts it as: `handled`. */
  async deliver(event, body, more = {}) {
    const before = await this.handled();
    const answer = await this.send(event, body, more);
    if (answer.status !== 202 || answer.text !== 'accepted') return answer;
    const handled = await this.until(`the delivery of ${event} is handled`, async () => {
      const after = await this.handled();
      return Object.keys(after).find((label) => after[label] > before[label]);
    });
    return { ...answer, handled };
  }

  /** How many deliveries were handled, by what they were. An earlier one that is tried again may fail at any moment. */
  async handled() {
    const { failed: _, ...counts } = await this.counts('host_harness_deliveries_handled_total');
    return counts;
  }

  /** The counters of a metric by their only label: `{ news: 1, early: 0, … }`. */
  async counts(metric) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.matchAll(new RegExp(`^${metric}\\{\\w+="([^"]*)"\\} (\\d+)$`, 'gm'));
    return Object.fromEntries([...lines].map(([, label, count]) => [label, Number(count)]));
  }

  /** What the component says to a delivery with that signature: the command's JSON. */
  async decide(event, body, signature, contentType = 'application/json') {
    const file = `body-${(this.#number += 1)}`;
    await writeFile(join(this.#bench.folder, file), body);
    const named = ['--event', event, '--body', file, '--installation', 'installation.toml', '--content-type', contentType];
    const run = await this.#bench.run(['webhook', ...named, `--signature=${signature}`, '--output', 'json']);
    if (!run.stdout) throw new Error(`webhook ended with ${run.code}: ${run.stderr}`);
    return JSON.parse(run.stdout);
  }

  /** Requests to GitHub so far whose path is this. */
  asked(path) {
    return this.github.program.json.filter((line) => line.path === path).length;
  }

  /** An action run as Port shows it. */
  async portRun(id) {
    return (await this.#askPort(`/v1/actions/runs/${id}`)).run;
  }

  /** All messages of a run's log. */
  async portLog(id) {
    return (await this.#askPort(`/v1/actions/runs/${id}/logs`)).runLogs.map(({ message }) => message);
  }

  async #askPort(path) {
    const { baseUrl, clientId, clientSecret } = this.port;
    const body = JSON.stringify({ clientId, clientSecret });
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`${baseUrl}/v1/auth/access_token`, { method: 'POST', headers, body });
    const { accessToken } = await login.json();
    const response = await fetch(`${baseUrl}${path}`, { headers: { authorization: `Bearer ${accessToken}` } });
    if (!response.ok) throw new Error(`Port answered ${response.status} to ${path}: ${await response.text()}`);
    return await response.json();
  }

  /** The host's runs as its journal has them. */
  async journal() {
    const { stdout } = await this.#bench.run(['journal', 'ls', '--journal', 'journal.db', '--output', 'json']);
    return JSON.parse(stdout).runs;
  }

  /** What `look` returns, as soon as it is something. A failure shows the host's last words. */
  async until(claim, look) {
    try {
      return await until(claim, look);
    } catch (error) {
      throw new Error(`${error.message}\n${this.serve.stderr.split('\n').slice(-6).join('\n')}`);
    }
  }
}
