/** Runs the real `folkmoot` command for end-to-end tests, and waits for what it prints without sleeping. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { NodePorts } from '../../src/cluster/view.ts';
import { checkAddresses, standardAddresses } from '../../src/node/launch/addresses.ts';

const COMMAND = fileURLToPath(new URL('../../bin/folkmoot.js', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';
  /** A process group of its own, so that a test can kill the group without killing itself. */
  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.process = spawn(process.execPath, [COMMAND, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Resolves when what was printed so far matches; rejects when the command ends before or takes too long. */
  async printed(pattern: RegExp, timeout_ms = 30_000): Promise<void> {
    let over: string | undefined;
    void this.ended.then((result) => {
      over ??= `ended with ${result.code ?? result.signal}`;
    });
    const end_ms = performance.now() + timeout_ms;
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      if (performance.now() > end_ms) over = 'took too long';
      if (over !== undefined) throw new Error(`${over} before ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  ready(timeout_ms?: number): Promise<void> {
    return this.printed(/^ready /m, timeout_ms);
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** SIGKILL to every process of the group. */
  killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
}

const running = new Set<RunningCommand>();

/** Ends whatever a failed test has left behind. */
export async function killCommands(): Promise<void> {
  const left = [...running];
  for (const command of left) command.killGroup();
  await Promise.all(left.map((command) => command.ended));
}

/** Runs a command to its end. */
export function folkmoot(...args: readonly string[]): Promise<Result> {
  return new RunningCommand(args).ended;
}

/** Ports that are free on 127.0.0.1 to 127.0.0.`count`. */
export async function freePorts(count: number): Promise<NodePorts> {
  for (;;) {
    const first = randomInt(10_000, 30_000);
    const ports = { redis: first, redisSingle: first + 1, cql: first + 4, admin: first + 2, peer: first + 3 };
    try {
      await checkAddresses(standardAddresses(count, ports));
      return ports;
    } catch {
      // Others are free.
    }
  }
}

export function portFlags(ports: NodePorts): string[] {
  return [
    `--redis-port=${ports.redis}`,
    `--redis-single-port=${ports.redisSingle}`,
    `--cql-port=${ports.cql}`,
    `--admin-port=${ports.admin}`,
    `--peer-port=${ports.peer}`,
  ];
}

/** Polls until `probe` is true; never sleeps longer than it has to. */
export async function until(what: string, probe: () => boolean | Promise<boolean>, timeout_ms = 15_000): Promise<void> {
  const end_ms = performance.now() + timeout_ms;
  while (!(await probe())) {
    if (performance.now() > end_ms) throw new Error(`${what}: not within ${timeout_ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
