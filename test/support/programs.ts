/** Other people's programs: whether they are here, and how to run them to their end. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether a program can be run with these arguments. */
export function works(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** For the name of a test, so that a skipped one says why. */
export function needs(available: boolean, what: string): string {
  return available ? '' : ` (skipped: needs ${what})`;
}

export class Program {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(program: string, args: readonly string[], input?: string) {
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdin?.on('error', () => undefined);
    if (input !== undefined) this.process.stdin?.end(input);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when stdout matches; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(this.stdout)) resolve();
      };
      this.process.stdout?.on('data', look);
      void this.ended.then(({ code }) => reject(new Error(`ended with ${code}:\n${this.stdout}\n${this.stderr}`)));
      look();
    });
  }

  send(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }
}

export function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Program(program, args, input).ended;
}
