// Makes a component of the plugin.
//
//     build.mjs OUT.wasm

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { componentize } from '@bytecodealliance/componentize-js';
import { _addPreopen } from '@bytecodealliance/preview2-shim/filesystem';

const CONTRACT = fileURLToPath(new URL('../../../wit', import.meta.url));

// What the JavaScript engine would import beside the contract: a plugin gets none of it. `http` stays on, since its switch
// cuts off the plugin's own imports of wasi:http as well.
const disableFeatures = ['random', 'stdio', 'clocks', 'fetch-event'];

/** Builds the plugin into a file. */
export async function build(out) {
  // The tool reads WIT in a sandbox that sees no file unless it is told.
  _addPreopen('/', '/');
  const source = await readFile(new URL('plugin.js', import.meta.url), 'utf8');
  const options = { sourceName: 'plugin.js', witPath: CONTRACT, worldName: 'plugin', disableFeatures };
  const { component } = await componentize(source, options);
  await writeFile(out, component);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(process.argv[2]);
