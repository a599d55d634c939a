/** A redis-server and a door side by side, for command sequences that are written out; random ones: random-commands.test.ts. */
import type { ChildProcess } from 'node:child_process';
import { startDoors, type TestDoors } from '../door.test-support.ts';
import { encode, type RawClient } from '../raw-client.test-support.ts';
import type { Word } from './family.test-support.ts';
import { startRedis } from './redis-server.test-support.ts';

export type Words = readonly Word[];

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
    const { server, client } = await startRedis();
    const doors = await startDoors();
    return new Comparison(server, doors, client, await doors.single());
  }

  async stop(): Promise<void> {
    this.#theirs.close();
    await this.#doors.stop();
    this.#server.kill('SIGKILL');
  }

  /** A command to both, for what a sequence cannot say: its reply does not count. */
  async call(...words: readonly string[]): Promise<void> {
    for (const client of [this.#theirs, this.#ours]) await client.call(...words);
  }

  /** The replies of both sides, Redis's first, on an empty keyspace. */
  async run(sequence: readonly Words[]): Promise<[string[], string[]]> {
    const commands: Words[] = [['FLUSHALL'], ...sequence];
    const bytes = Buffer.concat(commands.map((words) => encode(words)));
    const ask = async (client: RawClient): Promise<string[]> => {
      client.write(bytes);
      const replies: string[] = [];
      for (const _words of commands) replies.push((await client.next()).latin1Slice());
      return replies.slice(1);
    };
    return Promise.all([ask(this.#theirs), ask(this.#ours)]);
  }

  /** What differs, for people to read; empty when nothing does. `alike` takes out what differs on purpose. */
  async differences(sequence: readonly Words[], alike = (reply: string): string => reply): Promise<string> {
    const [theirs, ours] = await this.run(sequence);
    const lines: string[] = [];
    for (const [index, words] of sequence.entries()) {
      const expected = theirs[index] as string;
      const actual = ours[index] as string;
      if (alike(expected) === alike(actual)) continue;
      lines.push(`${printable(words)}\n   redis: ${JSON.stringify(expected)}\n   door:  ${JSON.stringify(actual)}`);
    }
    return lines.join('\n');
  }
}

function printable(words: Words): string {
  const text = words.map((word) => (typeof word === 'string' ? word : word.latin1Slice())).join(' ');
  return JSON.stringify(text.length > 400 ? `${text.slice(0, 400)}...` : text);
}

/** Lines of words, separated by `|` or line ends. */
export function scriptCommands(script: string): string[][] {
  return script
    .trim()
    .split(/[|\n]/)
    .map((line) => line.split(' '));
}
