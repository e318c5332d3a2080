// The validating proxy: Stoplight's Prism with an API description.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { freePort } from '../bench/free_port.mjs';

const PACKAGE = createRequire(import.meta.url).resolve('@stoplight/prism-cli/package.json');

/** Starts Prism between a free port and `upstream`; its URL. */
export async function prism(bench, description, upstream) {
  const port = await freePort();
  const program = bench.startOther(process.execPath, [
    join(dirname(PACKAGE), 'dist/index.js'), 'proxy', description, upstream, '--port', String(port),
  ]);
  await program.line('Prism is listening');
  return `http://127.0.0.1:${port}`;
}
