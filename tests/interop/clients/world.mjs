// The simulated GitHub that the clients use: what it holds, where it sends deliveries, and the key of its App.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { Receiver } from './receiver.mjs';

export const SECRET = 'known to both sides';

const environment = { name: 'environment', options: ['staging', 'production'], required: true };
const many = Array.from({ length: 26 }, (_, number) => ({ name: `input-${number}` }));

const repositories = [
  {
    owner: 'acme',
    name: 'shop',
    branches: ['main', 'release'],
    workflow: [
      { file: 'deploy.yml', name: 'Deploy the shop', inputs: [environment, { name: 'version', default: 'latest' }], queued: '50ms', 'runs-for': '100ms' },
      { file: 'fails.yml', conclusion: 'failure', queued: '50ms', 'runs-for': '100ms', jobs: ['build', 'test', 'publish'] },
      { file: 'slow.yml', queued: '50ms', 'runs-for': '10m' },
      { file: 'crowded.yml', inputs: many },
      { file: 'switched.yml', queued: '50ms', 'runs-for': '100ms' },
    ],
  },
  { owner: 'acme', name: 'attic', branches: ['main'], archived: true, workflow: [{ file: 'deploy.yml' }] },
  { owner: 'globex', name: 'site', branches: ['main'], workflow: [{ file: 'deploy.yml' }] },
];

/** Starts it, with a receiver for its deliveries: `{ apiUrl, token, app, key, keyFile, receiver, program }`. */
export async function startWorld(bench, name = 'world') {
  const receiver = await Receiver.listen();
  const [world, secret, keyFile] = ['toml', 'secret', 'pem'].map((kind) => join(bench.folder, `${name}.${kind}`));
  await writeFile(secret, SECRET);
  await writeFile(world, stringify({ repository: repositories, webhook: [{ url: receiver.url, secret: { file: secret } }] }));
  const args = ['--world', world, '--app-installed-on', 'acme,umbrella', '--app-key-out', keyFile];
  try {
    const github = await bench.simulateGithub(args);
    return { ...github, receiver, keyFile, key: await readFile(keyFile, 'utf8') };
  } catch (error) {
    await receiver.close();
    throw error;
  }
}

/** Stops it, and gives what its clients have done that correct ones would not have done. */
export async function stopWorld({ program, receiver }) {
  await program.stop();
  await receiver.close();
  return JSON.parse(await program.line((line) => line.startsWith('{"violations":'))).violations;
}
