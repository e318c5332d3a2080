// What the component is, seen from the second host: its imports, its types, what it says about itself.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { componentEmbed, componentNew, componentWit, types } from '@bytecodealliance/jco';
import { _clearPreopens, _setPreopens } from '@bytecodealliance/preview2-shim/filesystem';

/** Where the contract lies for jco's own tools, which see no other folder. */
const WIT = '/wit';

export async function contractCases(bench, made) {
  _setPreopens({ [WIT]: join(bench.here, '../../wit') });
  try {
    await bench.case('the component imports and exports what the world says, and nothing else', async () => {
      const empty = await componentEmbed({ dummy: true, witPath: WIT, world: 'plugin' });
      const world = await componentWit(await componentNew(empty, []));
      assert.equal(await componentWit(await readFile(bench.component)), world);
    });
    await bench.case('all of its types and functions are those of the world', async () => {
      const world = await types(WIT, { name: 'component', worldName: 'plugin', instantiation: 'async', outDir: '' });
      const declared = Object.entries(made.files).filter(([name]) => name.startsWith('interfaces/'));
      assert.equal(declared.length, 10);
      for (const [name, text] of declared) {
        const there = lines(world[name]);
        assert.deepEqual(lines(text).filter((line) => !there.includes(line)), [], `${name}: not in the world`);
      }
      const exported = 'interfaces/ocean-integration-action-actions.d.ts';
      assert.deepEqual(lines(made.files[exported]), lines(world[exported]));
    });
  } finally {
    _clearPreopens();
  }
  await bench.case('the second host gives it eight interfaces, none of them for files, environment or sockets', () => {
    assert.deepEqual([...made.imports].sort(), [
      'ocean:integration-action/logging',
      'wasi:clocks/monotonic-clock',
      'wasi:clocks/wall-clock',
      'wasi:http/outgoing-handler',
      'wasi:http/types',
      'wasi:io/error',
      'wasi:io/poll',
      'wasi:io/streams',
    ]);
  });
}

/** What a declaration says, without its comments. */
function lines(bytes) {
  const text = new TextDecoder().decode(bytes).replace(/\/\*\*.*?\*\//gs, '');
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '').sort();
}

/** A manifest as our own host prints it. */
export function printed(manifest) {
  const actionTypes = manifest.actionTypes.map((it) => ({ ...it, inputSchema: JSON.parse(it.inputSchema) }));
  const settings = manifest.settings.map((it) => ({ ...it, schema: JSON.parse(it.schema) }));
  return { ...manifest, actionTypes, settings };
}
