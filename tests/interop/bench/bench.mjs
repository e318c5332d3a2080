// What a judge has at hand: the real program, a folder of its own, and a place to say what it found.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from './program.mjs';

export class Bench {
  /** This folder. */
  here = fileURLToPath(new URL('..', import.meta.url));
  #programs = [];

  constructor(options, verdict, folder) {
    /** The real program. */
    this.host = resolve(options.host);
    /** The component that was built. */
    this.component = resolve(options.component);
    /** A folder of the judge's own; it goes when the judge has ended. */
    this.folder = folder;
    this.verdict = verdict;
  }

  static async open(options, verdict) {
    return new Bench(options, verdict, await mkdtemp(join(tmpdir(), 'interop-')));
  }

  /** One case: it passes if `look` returns, fails if it throws, and the next one goes on. Returns what `look` returned. */
  async case(name, look) {
    try {
      const found = await look();
      this.verdict.pass();
      return found;
    } catch (error) {
      this.verdict.fail(name, error);
      return undefined;
    }
  }

  /** Starts the real program in the judge's folder; it is stopped with the judge. */
  start(args, environment = {}) {
    const program = new Program(this.host, args, { cwd: this.folder, env: this.#environment(environment) });
    this.#programs.push(program);
    return program;
  }

  /** Starts any other program in the judge's folder; it is stopped with the judge. */
  startOther(command, args, environment = {}) {
    const program = new Program(command, args, { cwd: this.folder, env: { ...process.env, ...environment } });
    this.#programs.push(program);
    return program;
  }

  /** Runs the real program to its end; `{ code, stdout, stderr }`. */
  run(args, environment = {}) {
    return run(this.host, args, { cwd: this.folder, env: this.#environment(environment) });
  }

  /** Runs any other program to its end in `folder`. */
  runOther(command, args, environment = {}, folder = this.folder) {
    return run(command, args, { cwd: folder, env: { ...process.env, ...environment } });
  }

  /** Runs a Python program of this folder to its end, with the packages in `requirements.txt`. */
  python(script, args, environment = {}) {
    const node = dirname(process.execPath);
    const python = resolve(node, '../../../../../bin/python');
    return run(python, [join(this.here, script), ...args], { cwd: this.folder, env: { ...process.env, ...environment } });
  }

  /** A simulated GitHub on a free port of loopback: `{ apiUrl, token, app, program }`. */
  async simulateGithub(args = [], environment = {}) {
    const program = this.start(['simulate', 'github', '--listen', '127.0.0.1:0', '--output', 'json', ...args], environment);
    return { ...(await program.firstJson()), program };
  }

  /** A simulated Port on a free port of loopback: `{ baseUrl, clientId, clientSecret, program }`. */
  async simulatePort(args = []) {
    const program = this.start(['simulate', 'port', '--listen', '127.0.0.1:0', '--output', 'json', ...args]);
    return { ...(await program.firstJson()), program };
  }

  async close() {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  #environment(more) {
    const { RUST_LOG: _, ...environment } = process.env;
    return { ...environment, HOST_HARNESS_COMPONENT: this.component, ...more };
  }
}

function run(command, args, options) {
  return new Promise((done) => {
    execFile(command, args, { ...options, timeout: 900_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}
