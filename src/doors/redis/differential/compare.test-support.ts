/**
 * Runs command sequences against a redis-server of its own and against a door, pipelined, and tells the first command
 * whose replies differ. fast-check makes the sequences and shrinks one that fails.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import { encode, RawClient } from '../raw-client.test-support.ts';
import type { CommandGenerator, Words } from './generator.test-support.ts';

/** FOLKMOOT_DIFFERENTIAL_COMMANDS makes a run as long as one likes. */
const COMMANDS = Number(process.env['FOLKMOOT_DIFFERENTIAL_COMMANDS'] ?? '4000');
const SEQUENCE_LENGTH_MAX = 50;
/** Sequences have any length up to the longest. */
const SEQUENCE_LENGTH_MEAN = SEQUENCE_LENGTH_MAX / 2;

export function hasRedis(): boolean {
  try {
    return /v=7\./.test(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

/** A port that nothing listens on at the moment. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function connectWhenUp(port: number): Promise<RawClient> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const client = await RawClient.connect(port);
      if ((await client.call('PING')) === 'PONG') return client;
    } catch (error) {
      if (attempt > 100) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Comparison {
  readonly #server: ChildProcess;
  readonly #doors: TestDoors;
  readonly #theirs: RawClient;
  readonly #ours: RawClient;

  private constructor(server: ChildProcess, doors: TestDoors, theirs: RawClient, ours: RawClient) {
    this.#server = server;
    this.#doors = doors;
    this.#theirs = theirs;
    this.#ours = ours;
  }

  static async start(): Promise<Comparison> {
    const port = await freePort();
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const server = spawn('redis-server', options, { stdio: 'ignore' });
    const theirs = await connectWhenUp(port);
    const doors = await startDoors();
    return new Comparison(server, doors, theirs, await doors.single());
  }

  async stop(): Promise<void> {
    this.#theirs.close();
    await this.#doors.stop();
    this.#server.kill('SIGKILL');
  }

  async useResp(version: 2 | 3): Promise<void> {
    await this.call('HELLO', String(version));
  }

  /** A command to both, for what a sequence cannot say: its reply does not count. */
  async call(...words: readonly string[]): Promise<void> {
    for (const client of [this.#theirs, this.#ours]) await client.call(...words);
  }

  /** The replies of both sides, Redis's first, on an empty keyspace. */
  async run(sequence: readonly Words[]): Promise<[string[], string[]]> {
    const commands = [['FLUSHALL'], ...sequence];
    const bytes = Buffer.concat(commands.map((words) => encode(words)));
    const replies = await Promise.all(
      [this.#theirs, this.#ours].map(async (client) => {
        client.write(bytes);
        return Promise.all(commands.map(async () => (await client.next()).latin1Slice()));
      }),
    );
    return [(replies[0] as string[]).slice(1), (replies[1] as string[]).slice(1)];
  }

  /** What differs, for people to read; empty when nothing does. */
  async differences(sequence: readonly Words[], normalize: CommandGenerator['normalize']): Promise<string> {
    const [theirs, ours] = await this.run(sequence);
    const lines: string[] = [];
    for (const [index, words] of sequence.entries()) {
      const expected = theirs[index] as string;
      const actual = ours[index] as string;
      const [left, right] = normalize
        ? [normalize(words, expected, expected), normalize(words, actual, expected)]
        : [expected, actual];
      if (left !== right) {
        lines.push(`${printable(words)}\n   redis: ${JSON.stringify(left)}\n   door:  ${JSON.stringify(right)}`);
      }
    }
    return lines.join('\n');
  }

  /** Random sequences of a family. Throws what fast-check makes of a difference. */
  async compareRandom(generator: CommandGenerator, seed: number): Promise<void> {
    const sequences = fc.array(generator.command, { maxLength: SEQUENCE_LENGTH_MAX, size: 'max' });
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const found = await this.differences(sequence, generator.normalize);
      if (found !== '') throw new Error(found);
    });
    await fc.assert(property, { numRuns: Math.ceil(COMMANDS / SEQUENCE_LENGTH_MEAN), seed });
  }
}

function printable(words: Words): string {
  const text = words.map((word) => (typeof word === 'string' ? word : word.latin1Slice())).join(' ');
  return JSON.stringify(text.length > 400 ? `${text.slice(0, 400)}...` : text);
}

/** Lines of words, separated by `|` or line ends, with every `{t}` written by the script itself. */
export function scriptCommands(script: string): Words[] {
  return script
    .trim()
    .split(/[|\n]/)
    .map((line) => line.split(' '));
}
