// What the cases have at hand: a simulated GitHub, both hosts, and a receiver of deliveries.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Deliveries } from './deliveries.mjs';
import { Front } from './front.mjs';
import { Plugin } from './plugin.mjs';

const SECRET = 'known to two';

const WORLD = (url) => `
[[webhook]]
url = "${url}"
secret = { env = "WEBHOOK_SECRET" }

[[repository]]
owner = "acme"
name = "shop"
branches = ["main"]

[[repository.workflow]]
file = "deploy.yml"
inputs = [{ name = "environment", default = "staging" }]
queued = "50ms"
runs-for = "300ms"

[[repository.workflow]]
file = "broken.yml"
jobs = ["unit tests"]
conclusion = "failure"
queued = "50ms"
runs-for = "300ms"

[[repository.workflow]]
file = "long.yml"
queued = "50ms"
runs-for = "10m"
${['cut', 'silent', 'gateway', 'half', 'idle'].map((name) => `
[[repository.workflow]]
file = "${name}.yml"
queued = "50ms"
runs-for = "1s"
`).join('')}`;

export class Stage {
  /** External ids of all runs that were started. */
  known = [];
  #open = [];
  #entry;

  constructor(bench, entry) {
    this.bench = bench;
    this.#entry = entry;
  }

  /** `webhooks`: the manifest's. */
  static async open(bench, entry, webhooks) {
    const stage = new Stage(bench, entry);
    stage.deliveries = await Deliveries.listen(webhooks, SECRET);
    stage.#open.push(stage.deliveries);
    const world = join(bench.folder, 'world.toml');
    await writeFile(world, WORLD(stage.deliveries.url));
    stage.github = await bench.simulateGithub(['--world', world], { WEBHOOK_SECRET: SECRET });
    stage.program = stage.github.program;
    stage.installation = stage.installationAt(stage.github.apiUrl);
    stage.plugin = stage.pluginAt(stage.github.apiUrl);
    return stage;
  }

  async close() {
    await Promise.all(this.#open.map((it) => it.close()));
  }

  /** The installation as the component sees it. */
  installationAt(apiUrl, settings = {}) {
    return {
      id: 'acme-github',
      hosting: 'self-hosted',
      organization: undefined,
      apiUrl,
      liveEvents: true,
      settings: JSON.stringify(settings),
    };
  }

  /** The component in the second host, with the simulated GitHub's token unless another is given. */
  pluginAt(apiUrl, { token = this.github.token, patience, seconds } = {}) {
    const plugin = new Plugin(this.#entry, { apiUrl, token, patience }, seconds);
    this.#open.push(plugin);
    return plugin;
  }

  /** A front before the simulated GitHub, with an installation and a plugin for it. */
  async front(options = {}) {
    const front = await Front.open(this.github.apiUrl);
    this.#open.push(front);
    const plugin = this.pluginAt(front.url, options);
    return { front, plugin, installation: this.installationAt(front.url, options.settings) };
  }

  /** The requests that the simulated GitHub has got so far. It prints them with a delay. */
  async requests() {
    await new Promise((done) => setTimeout(done, 250));
    return this.program.json.filter(({ method }) => method);
  }

  /** What our own host says about the same: the JSON that a command prints. `files` are written before. */
  async ours(command, args, files) {
    const installation = [
      'id = "acme-github"',
      'hosting = "self-hosted"',
      `api-url = "${this.github.apiUrl}"`,
      'credential = { token = { env = "TOKEN" } }',
      'webhook-secret = { env = "WEBHOOK_SECRET" }',
      'allow-plain-http = true',
      'allow-addresses = ["127.0.0.0/8"]',
    ];
    const all = { 'installation.toml': installation.join('\n'), ...files };
    for (const [name, content] of Object.entries(all)) await writeFile(join(this.bench.folder, name), content);
    const secrets = { TOKEN: this.github.token, WEBHOOK_SECRET: SECRET };
    const ended = await this.bench.run([command, ...args, '--installation', 'installation.toml', '--output', 'json'], secrets);
    if (![0, 1].includes(ended.code)) throw new Error(`${command} ended with ${ended.code}: ${ended.stderr}`);
    return JSON.parse(ended.stdout);
  }
}

let runs = 0;

/** A run as Port hands it out. */
export function portRun(properties) {
  runs += 1;
  return {
    id: `r_${String(runs).padStart(16, '0')}`,
    kind: 'action',
    actionType: 'dispatch_workflow',
    properties: JSON.stringify({ org: 'acme', repo: 'shop', workflow: 'deploy.yml', ...properties }),
  };
}

/** The first attempt, or a later one of a run that began now. */
export function attempt(number = 1, taken = []) {
  return { number, firstBegan: BigInt(Date.now()), taken };
}
