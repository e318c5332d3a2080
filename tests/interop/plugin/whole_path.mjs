// The host with this plugin, between a simulated Port that has runs and a simulated GitHub that sends webhooks.

import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { freePort } from '../bench/free_port.mjs';
import { installationToml } from './installation.mjs';

const deploy = (environment) => ({ org: 'acme', repo: 'shop', workflow: 'deploy.yml', workflowInputs: { environment } });

/** Execution properties of each run; `node` is one of a Port workflow. */
const RUNS = {
  action: deploy('staging'),
  node: deploy('production'),
  refused: deploy('moon'),
  broken: { org: 'acme', repo: 'shop', workflow: 'broken.yml' },
  wrong: { org: 'acme', workflow: 'deploy.yml' },
};

/** How long a run may take, in milliseconds. */
const PATIENCE = 30_000;

export class WholePath {
  #github;
  #port;
  #host;
  #listen;

  static async open(bench, plugin, environment) {
    const path = new WholePath();
    const listen = `127.0.0.1:${await freePort()}`;
    const world = await write(bench, 'world.toml', worldToml(listen));
    const { apiUrl, token, program: github } = await bench.simulateGithub(['--world', world], environment);
    const args = [];
    for (const [name, properties] of Object.entries(RUNS)) {
      args.push(name === 'node' ? '--node-run' : '--run', await write(bench, `${name}.json`, JSON.stringify(properties)));
    }
    const port = await bench.simulatePort(args);
    const config = await write(bench, 'host.toml', hostToml(plugin, listen, apiUrl, port));
    path.#listen = listen;
    path.#github = github;
    path.#port = port.program;
    path.#host = bench.start(
      ['serve', '--config', config, '--output', 'json'], { ...environment, GITHUB_TOKEN: token, PORT_SECRET: port.clientSecret },
    );
    await path.#host.line('listening');
    return path;
  }

  /** Waits until Port knows a run's end: `{ end, told }`, what ended it and everything that was told on the way. */
  async endOf(name) {
    await this.#port.line((line) => idIn(JSON.parse(line), name) !== undefined, PATIENCE);
    const id = this.#port.json.map((one) => idIn(one, name)).find((id) => id !== undefined);
    const tells = ({ path, body, status }) => path?.includes(`/${id}`) && status < 300 && body;
    const ends = (one) => tells(one) && (one.body.terminationStatus !== undefined || one.body.status === 'COMPLETED');
    const end = JSON.parse(await this.#port.line((line) => ends(JSON.parse(line)), PATIENCE)).body;
    return { end, told: Object.assign({}, ...this.#port.json.filter(tells).map(({ body }) => body)) };
  }

  /** How often the host has called a function of the plugin. */
  async calls(name) {
    const metrics = await (await fetch(`http://${this.#listen}/metrics`)).text();
    const [, count] = metrics.match(new RegExp(`^host_harness_guest_call_duration_seconds_count\\{function="${name}"\\} (\\d+)$`, 'm'));
    return Number(count);
  }

  /** Stops all of it, and says what was seen. */
  async close() {
    const host = await this.#host.stop();
    await Promise.all([this.#github.stop(), this.#port.stop()]);
    const last = (program) => program.json.at(-1);
    const dispatches = this.#github.json.filter(({ method, path }) => method === 'POST' && path.endsWith('/dispatches'));
    return { host, github: { ...last(this.#github), dispatches }, port: last(this.#port) };
  }
}

/** The id of the run in what Port handed out, if it is there. */
function idIn({ path, answer }, name) {
  if (!path?.endsWith('/claim-pending')) return undefined;
  const runs = name === 'node' ? answer?.nodeRuns : answer?.runs;
  const run = runs?.find(({ payload, config }) => {
    return isDeepStrictEqual((payload ?? config).integrationActionExecutionProperties, RUNS[name]);
  });
  return run?.id ?? run?.identifier;
}

function worldToml(listen) {
  return `
    [[webhook]]
    url = "http://${listen}/webhooks/acme-github"
    secret = { env = "WEBHOOK_SECRET" }

    [[repository]]
    owner = "acme"
    name = "shop"
    branches = ["main"]

    [[repository.workflow]]
    file = "deploy.yml"
    inputs = [{ name = "environment", options = ["staging", "production"], required = true }]
    queued = "50ms"
    runs-for = "2s"

    [[repository.workflow]]
    file = "broken.yml"
    conclusion = "failure"
    queued = "50ms"
    runs-for = "200ms"
  `;
}

function hostToml(plugin, listen, apiUrl, port) {
  return `
    component = ${JSON.stringify(plugin)}
    listen = "${listen}"

    [port]
    base-url = "${port.baseUrl}"
    client-id = "${port.clientId}"
    client-secret = { env = "PORT_SECRET" }
    poll-interval-ms = 200

    [[installation]]
    ${installationToml(apiUrl)}

    [check]
    first-seconds = 1
  `;
}

async function write(bench, name, text) {
  const path = join(bench.folder, name);
  await writeFile(path, text);
  return path;
}
