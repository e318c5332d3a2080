// The recorded deliveries of @octokit/webhooks-examples, of github.com and of every Enterprise Server in it.

import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';

const require = createRequire(import.meta.url);

/** The events of a workflow run's life, and those that every App gets. */
const EVENTS = ['installation', 'ping', 'workflow_job', 'workflow_run'];

/** All of them by name, `api.github.com workflow_run 0 completed`: `{ name, event, payload }`. */
export async function examples() {
  const folder = dirname(require.resolve('@octokit/webhooks-examples/package.json'));
  const servers = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name !== 'node_modules');
  const all = new Map();
  for (const server of servers.map(({ name }) => name).sort()) {
    const events = JSON.parse(await readFile(join(folder, server, 'index.json'), 'utf8'));
    for (const { name: event, examples } of events.filter(({ name }) => EVENTS.includes(name))) {
      for (const [number, payload] of examples.entries()) {
        const name = [server, event, number, payload.action].filter((part) => part !== undefined).join(' ');
        all.set(name, { name, event, payload });
      }
    }
  }
  return all;
}

/** What has to become of them. */
export async function expectations() {
  return parse(await readFile(new URL('expected.toml', import.meta.url), 'utf8'));
}

/** A delivery of another run: the same, with its owner, repository, run and what started it replaced. */
export function addressed(example, { owner, repository, run }, changes = {}) {
  const payload = structuredClone(example.payload);
  const [name, login] = [repository.name, owner.login];
  Object.assign(payload.repository, { id: repository.id, name, full_name: `${login}/${name}` });
  Object.assign(payload.repository.owner, { id: owner.id, login });
  if (payload.workflow_run) Object.assign(payload.workflow_run, { id: run, event: 'workflow_dispatch', ...changes });
  if (payload.workflow_job) Object.assign(payload.workflow_job, { run_id: run, ...changes });
  return payload;
}
