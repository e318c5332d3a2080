// What makes the component, the host and the simulators talk: the project's own tests, the demo and a fault campaign,
// each with every simulator writing down what it saw.

import { join } from 'node:path';

/** `[{ name, run }]`; all of them write into `folder`. */
export function traffic(bench, folder) {
  const environment = { HOST_HARNESS_EXCHANGES: folder };
  const root = join(bench.here, '../..');
  const tests = ['test', '--workspace', '--quiet', '--lib', '--test', 'component', '--test', 'end_to_end'];
  return [
    { name: 'the tests pass while their exchanges are written down', run: () => succeeds(bench.runOther('cargo', tests, environment, root)) },
    { name: 'so does the demo', run: () => succeeds(bench.run(['demo', '--output', 'json'], environment)) },
    { name: 'so does a fault campaign', run: () => succeeds(bench.run(['chaos', '--runs', '100', '--seed', '1'], environment)) },
  ];
}

async function succeeds(running) {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`it ended with ${code}:\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
}
