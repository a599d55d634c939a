/**
 * A server process that this program started. Everything it started ends with it, whatever ends it; nothing else is
 * ever signalled.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

const LOG_CHARACTERS_MAX = 20_000;
const STOP_TIMEOUT_MS = 30_000;

const running = new Set<ServerProcess>();

export class ServerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  #log = '';
  #lines: ((line: string) => void)[] = [];

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this);
    this.exited = new Promise((resolve) => {
      const end = (): void => {
        running.delete(this);
        resolve();
      };
      this.child.once('exit', end);
      this.child.once('error', (error) => {
        this.#log += `${error.message}\n`;
        end();
      });
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#onText(text));
    }
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`the process did not start: ${this.#log}`);
    return pid;
  }

  get running(): boolean {
    return running.has(this);
  }

  /** What it printed last, for messages. */
  get log(): string {
    return this.#log.slice(-2_000);
  }

  /** Resolves at the first line that begins with `beginning`; rejects when the process ends or time is up. */
  async line(beginning: string, timeout_ms: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const found = new Promise<string>((resolve, reject) => {
      this.#lines.push((line) => {
        if (line.startsWith(beginning)) resolve(line);
      });
      const fail = (why: string): void => reject(new Error(`${why} before "${beginning}":\n${this.log}`));
      timer = setTimeout(() => fail(`${timeout_ms} ms passed`), timeout_ms);
      void this.exited.then(() => fail('the process ended'));
    });
    return found.finally(() => clearTimeout(timer));
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  #onText(text: string): void {
    this.#log = (this.#log + text).slice(-LOG_CHARACTERS_MAX);
    // The lines that are waited for are short and printed at once, so they do not straddle chunks.
    for (const line of text.split('\n')) for (const listen of this.#lines) listen(line);
  }
}

/** Called once by the main program. */
export function endServersWithThisProcess(cleanUp: () => void): void {
  const killAll = (): void => {
    for (const server of running) server.child.kill('SIGKILL');
    cleanUp();
  };
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}
