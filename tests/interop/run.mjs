// Puts every judge in `judges/` in front of the component, the host and the simulators, and prints who judged what and
// what came of it. Ends with 0 only if nothing is left unexplained.
//
//     run.mjs --host PROGRAM --component FILE [--only NAME]

import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Allowances } from './bench/allowances.mjs';
import { Bench } from './bench/bench.mjs';
import { Verdict } from './bench/verdict.mjs';
import { report } from './bench/report.mjs';

const { values: options } = parseArgs({
  options: {
    host: { type: 'string' },
    component: { type: 'string' },
    only: { type: 'string' },
  },
});
if (!options.host || !options.component) {
  console.error('interop: --host and --component have to be given; `make interop` does it');
  process.exit(2);
}

const here = new URL('.', import.meta.url);
const allowances = await Allowances.load(new URL('allowed.toml', here));
const verdicts = [];
for (const file of (await readdir(new URL('judges/', here))).filter((name) => name.endsWith('.mjs')).sort()) {
  const name = basename(file, '.mjs');
  if (options.only && options.only !== name) continue;
  const { title, judge } = await import(new URL(`judges/${file}`, here));
  const verdict = new Verdict(name, title, allowances);
  const bench = await Bench.open(options, verdict);
  const began = performance.now();
  process.stderr.write(`interop: ${name} …\n`);
  try {
    await judge(bench);
  } catch (error) {
    verdict.fail('(the judge itself)', error);
  } finally {
    await bench.close();
  }
  verdict.seconds = (performance.now() - began) / 1000;
  verdicts.push(verdict);
}
if (verdicts.length === 0) {
  console.error(`interop: there is no judge ${options.only}`);
  process.exit(2);
}
process.exitCode = report(verdicts, allowances) ? 0 : 1;
