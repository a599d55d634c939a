/**
 * A node in a process of its own, on this machine: started, watched, stopped, killed, paused. The child is in the parent's
 * process group and ends when the IPC channel to its parent closes, so no way of ending the parent leaves it behind.
 *
 * idle -> starting -> ready -> ended -> starting ...   (kill and stop lead to ended from everywhere)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { assert } from '../../base/assert.ts';
import { FolkmootError } from '../../base/errors.ts';
import { COMMAND } from '../../base/package.ts';
import type { NodeAddress } from './addresses.ts';
import { isChildReport } from './supervision.ts';

export interface ChildNodeOptions extends NodeAddress {
  readonly name: string;
  readonly dataFolder: string;
  /** Further flags of `folkmoot start`. */
  readonly flags: readonly string[];
  /** `inherit`: its log goes to this process's stderr. `keep`: the last lines are kept for `logTail`. */
  readonly log: 'inherit' | 'keep';
  /** With `log: 'keep'`: all of it goes into this file, too, over restarts. */
  readonly logFile?: string;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LOG_LINES_MAX = 200;

interface Run {
  readonly process: ChildProcess;
  /** Ports are bound; the admin port answers. */
  readonly listening: Promise<void>;
  readonly ready: Promise<void>;
  readonly exit: Promise<ExitStatus>;
}

export class ChildNode {
  readonly options: ChildNodeOptions;
  #run: Run | undefined;
  #paused = false;
  #ending = false;
  readonly #crashes: string[] = [];
  readonly #log: string[] = [];

  constructor(options: ChildNodeOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  /** undefined while no process runs. */
  get pid(): number | undefined {
    return this.running ? this.#run?.process.pid : undefined;
  }

  get running(): boolean {
    const child = this.#run?.process;
    return child !== undefined && child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** How its process ended when nobody had ended it, in words, with the end of its log. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  /** The last lines of the log, newest last; empty with `log: 'inherit'`. */
  logTail(lines = 20): string {
    return this.#log.slice(-lines).join('\n');
  }

  /** Starts the process, and does not wait for it: see `listening` and `ready`. */
  spawn(): void {
    assert(!this.running, 'a node runs once at a time');
    const { host, ports, name, dataFolder, flags, log, launcher = [] } = this.options;
    const [program = process.execPath, ...before] = [...launcher, process.execPath];
    const child = spawn(
      program,
      [
        ...before,
        COMMAND,
        'start',
        '--supervised',
        `--name=${name}`,
        `--data=${dataFolder}`,
        `--listen=${host}`,
        `--redis-port=${ports.redis}`,
        `--redis-single-port=${ports.redisSingle}`,
        `--cql-port=${ports.cql}`,
        // 0: the door is closed.
        ...(ports.postgres === 0 ? [] : [`--postgres-port=${ports.postgres}`]),
        ...(ports.postgresRead === 0 ? [] : [`--postgres-read-port=${ports.postgresRead}`]),
        `--admin-port=${ports.admin}`,
        `--peer-port=${ports.peer}`,
        ...flags,
      ],
      { stdio: ['ignore', 'ignore', log === 'inherit' ? 'inherit' : 'pipe', 'ipc'], env: childEnvironment() },
    );
    this.#paused = false;
    this.#ending = false;
    this.#keepLog(child);
    const run = watch(child, this);
    this.#run = run;
    void run.exit.then((status) => {
      if (!this.#ending) this.#crashes.push(endedError(this, status).message);
    });
  }

  /** Resolves when the node's ports are bound; rejects when it ends before. */
  listening(): Promise<void> {
    return this.#current().listening;
  }

  /** Resolves when every door of the node serves; rejects when it ends before. */
  ready(): Promise<void> {
    return this.#current().ready;
  }

  /** Resolves when the process has ended; at once when it does not run. */
  async exited(): Promise<ExitStatus> {
    return this.#run === undefined ? { code: 0, signal: null } : this.#run.exit;
  }

  /** SIGKILL: nothing is handed over, nothing is flushed. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: the node hands its leadership over and ends. */
  async stop(): Promise<ExitStatus> {
    // A stopped process takes SIGTERM only when it goes on.
    this.resume();
    return this.#end('SIGTERM');
  }

  /** SIGSTOP: the process stands still, its connections stay open. */
  pause(): void {
    assert(this.running, 'a node that is paused runs');
    this.#paused = true;
    this.#run?.process.kill('SIGSTOP');
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#run?.process.kill('SIGCONT');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<ExitStatus> {
    if (this.running) {
      this.#ending = true;
      this.#run?.process.kill(signal);
    }
    const status = await this.exited();
    this.#paused = false;
    return status;
  }

  #current(): Run {
    assert(this.#run !== undefined, 'the node has been started');
    return this.#run;
  }

  #keepLog(child: ChildProcess): void {
    let rest = '';
    const { logFile } = this.options;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (logFile !== undefined) appendFileSync(logFile, text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#log.push(...lines);
      if (this.#log.length > LOG_LINES_MAX) this.#log.splice(0, this.#log.length - LOG_LINES_MAX);
    });
  }
}

function watch(child: ChildProcess, node: ChildNode): Run {
  let failure: FolkmootError | undefined;
  const listening = new Gate();
  const ready = new Gate();
  child.on('message', (message) => {
    if (!isChildReport(message)) return;
    if (message.type === 'failed') failure = new FolkmootError(message.code, message.text, message.cure);
    if (message.type === 'listening' || message.type === 'ready') listening.open();
    if (message.type === 'ready') ready.open();
  });
  const exit = new Promise<ExitStatus>((resolve) => {
    const ended = (status: ExitStatus): void => {
      const error = failure ?? endedError(node, status);
      listening.break(error);
      ready.break(error);
      resolve(status);
    };
    // `close` comes after `exit` and after the last line of the log.
    child.once('close', (code, signal) => ended({ code, signal }));
    child.once('error', (error) => {
      failure = new FolkmootError(
        'NODE_ENDED',
        `cannot start ${node.name}: ${error.message}`,
        'Check the installation.',
      );
      if (child.pid === undefined) ended({ code: null, signal: null });
    });
  });
  return { process: child, listening: listening.passed, ready: ready.passed, exit };
}

/** A promise that is settled from outside, once, and that nobody has to wait for. */
class Gate {
  readonly passed: Promise<void>;
  open: () => void = () => undefined;
  break: (error: Error) => void = () => undefined;

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.open = resolve;
      this.break = reject;
    });
    // A node that is killed while nobody waits for it is no unhandled rejection.
    this.passed.catch(() => undefined);
  }
}

function endedError(node: ChildNode, status: ExitStatus): FolkmootError {
  const how = status.signal === null ? `with exit code ${status.code}` : `by ${status.signal}`;
  const tail = node.logTail();
  const log = tail === '' ? '' : `; the last lines of its log:\n${tail}`;
  return new FolkmootError('NODE_ENDED', `${node.name} ended ${how}${log}`, 'Its log says why.');
}

/** Options come by flag only: what the parent's environment says is already in them. */
function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FOLKMOOT_')));
}
