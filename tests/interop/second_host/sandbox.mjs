// The thread in which the component runs. Its imports return when they are done, so a call blocks its thread; on one of
// its own it blocks nobody else, and can be stopped.

import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { clocks, io } from '@bytecodealliance/preview2-shim';
import { egress } from './egress.mjs';

const { entry, installation } = workerData;
const { instantiate } = await import(entry);
const leaving = () => parentPort.postMessage({ leaving: true });
const http = egress({ ...installation, leaving });

// Everything that the component gets, and nothing else.
const imports = {
  'ocean:integration-action/logging': { log: (level, message) => parentPort.postMessage({ log: { level, message } }) },
  'wasi:clocks/monotonic-clock': clocks.monotonicClock,
  'wasi:clocks/wall-clock': clocks.wallClock,
  'wasi:http/outgoing-handler': http.outgoingHandler,
  'wasi:http/types': http.types,
  'wasi:io/error': io.error,
  'wasi:io/poll': io.poll,
  'wasi:io/streams': io.streams,
};

const compiled = new Map();

function core(name) {
  if (!compiled.has(name)) compiled.set(name, readFile(new URL(name, entry)).then((bytes) => WebAssembly.compile(bytes)));
  return compiled.get(name);
}

/** One call, in an instance of its own: what another call has left in memory must not matter. */
async function call(name, args) {
  const { actions } = await instantiate(core, imports);
  try {
    return { ok: actions[name](...args) };
  } catch (error) {
    return 'payload' in error ? { err: error.payload } : { trap: error.stack };
  }
}

parentPort.on('message', async ({ name, args }) => parentPort.postMessage({ answer: await call(name, args) }));
