// A second host for the component, as small as the contract allows. `docs/other-hosts.md` says what a real one needs
// besides.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { transpile } from '@bytecodealliance/jco';

/** Makes JavaScript and core modules of a component. Returns where to begin, what it imports, and all the files. */
export async function transpiled(component, folder) {
  // Without the shim's own file system, sockets and so on: whatever is not given in `sandbox.mjs` is not there.
  const options = { name: 'component', instantiation: 'async', wasiShim: false };
  const { files, imports } = await transpile(await readFile(component), options);
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return { entry: pathToFileURL(join(folder, 'component.js')).href, imports, files };
}

/** The call was stopped or has trapped. `requestSent`: a request that may have changed something had left. */
export class Stopped extends Error {
  constructor(why, requestSent) {
    super(why);
    this.requestSent = requestSent;
  }
}

/** The component for one installation. Calls are made one after the other. */
export class Plugin {
  /** What the component has logged. */
  log = [];
  #data;
  #seconds;
  #thread;
  #last = Promise.resolve();

  /** `installation`: `{ apiUrl, token, patience }`. `seconds`: how long a call may take. */
  constructor(entry, installation, seconds = 120) {
    this.#data = { entry, installation };
    this.#seconds = seconds;
  }

  /** Calls one of the contract's functions. `{ ok }` or `{ err }`, as the component has answered. */
  call(name, ...args) {
    const answer = this.#last.then(() => this.#call(name, args));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async close() {
    await this.#last;
    await this.#thread?.worker.terminate();
  }

  async #call(name, args) {
    this.#thread ??= this.#begin();
    const { worker, state } = this.#thread;
    let timer;
    try {
      return await new Promise((done, failed) => {
        const stop = (why) => failed(new Stopped(`${name}: ${why}`, state.requestSent));
        Object.assign(state, { done, stop, requestSent: false });
        timer = setTimeout(stop, this.#seconds * 1000, `took longer than ${this.#seconds} s`);
        worker.postMessage({ name, args });
      });
    } catch (stopped) {
      // What is left of it is not used again.
      this.#thread = undefined;
      await worker.terminate();
      throw stopped;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A thread, and the state of the call that is made there. */
  #begin() {
    const state = {};
    const worker = new Worker(new URL('sandbox.mjs', import.meta.url), { workerData: this.#data });
    worker.on('error', (error) => state.stop(error.stack)).on('exit', () => state.stop('its thread has ended'));
    worker.on('message', ({ log, leaving, answer }) => {
      if (log) this.log.push(log);
      if (leaving) state.requestSent = true;
      if (answer?.trap) state.stop(answer.trap);
      else if (answer) state.done(answer);
    });
    return { worker, state };
  }
}
