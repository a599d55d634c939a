/**
 * One client of a torture run: a process of the history, with one operation under way at a time. It goes through one door
 * and tells the three outcomes apart: done (with a reply), certainly not done, and unknown.
 */
import type { Prng } from '../../base/prng.ts';
import { ConnectionLost } from '../connection-lost.ts';
import type { Endpoint } from '../redis/cluster-client.ts';
import { RespConnection, RespError, type RespValue } from '../redis/resp-connection.ts';
import type { Line } from './line.ts';
import { NotDone, OutcomeOpen, WrongReply } from './outcome.ts';

/** Commands of Redis, and their replies. */
export type RespLine = Line<readonly string[], RespValue>;

export interface SessionOptions {
  /** The nodes to talk to, through the door of this session; read again for every attempt, since nodes are added. */
  readonly endpoints: () => readonly Endpoint[];
  readonly prng: Pick<Prng, 'pick'>;
  readonly timeout_ms: number;
  /** False: MOVED means that nothing was done; true when left out: it is followed. */
  readonly redirect?: boolean;
  /** How a node is reached; by a connection of its own when left out. */
  readonly connect?: (host: string, port: number, timeout_ms: number) => RespLine;
  /** Puts something between the session and its connections; for runs that must be found out. */
  readonly through?: (line: RespLine) => RespLine;
}

/** `TIMEOUT the outcome is unknown ...`: docs/doors/redis.md. */
const UNKNOWN = new Set(['TIMEOUT']);
/** Replies that promise that nothing was executed. */
const REFUSED = new Set(['CLUSTERDOWN', 'TRYAGAIN', 'LOADING', 'ASK', 'MASTERDOWN', 'MOVED', 'EXECABORT']);
const REDIRECTIONS_MAX = 5;

export class Session {
  readonly #options: SessionOptions;
  readonly #lines = new Map<string, RespLine>();
  /** By key: where its leader was last. Bounded by the keys of the run's hot set, and cleared when it grows. */
  readonly #homes = new Map<string, string>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Sends one command. Rejects with `NotDone`, `OutcomeOpen` or `WrongReply`; never resolves with an error reply. */
  command(key: string, ...args: readonly string[]): Promise<RespValue> {
    return this.#follow(key, (line) => line.send(...args));
  }

  /** MULTI, the commands, EXEC: the replies of the commands. */
  async transaction(key: string, commands: readonly (readonly string[])[]): Promise<readonly RespValue[]> {
    const replies = await this.#follow(key, (line) => execute(line, commands));
    if (!Array.isArray(replies)) throw new WrongReply(`EXEC without a watched key answered ${JSON.stringify(replies)}`);
    return replies;
  }

  /**
   * WATCH and GET; then, if the key holds `expected`, MULTI, the commands and EXEC. False when it holds something else;
   * `NotDone` when somebody wrote it in between.
   */
  async compareAndExecute(
    key: string,
    expected: string | null,
    commands: readonly (readonly string[])[],
  ): Promise<boolean> {
    const result = await this.#follow(key, async (line) => {
      const [watched, value] = await all([line.send('WATCH', key), line.send('GET', key)]).catch(notDone);
      const error = [watched, value].find(isError);
      if (error === undefined && value === expected) return execute(line, commands);
      // Without waiting for the answer: commands of a connection are carried out in order.
      line.send('UNWATCH').catch(() => undefined);
      return error ?? false;
    });
    if (result === null) throw new NotDone('the key was written in between');
    return result !== false;
  }

  close(): void {
    for (const line of this.#lines.values()) line.close();
  }

  /** Follows redirections, which say that nothing was done; every other error ends the attempt. */
  async #follow(key: string, work: (line: RespLine) => Promise<RespValue>): Promise<RespValue> {
    const redirections_max = this.#options.redirect === false ? 0 : REDIRECTIONS_MAX;
    for (let redirections = 0; ; redirections++) {
      const target = this.#homes.get(key) ?? this.#anyNode();
      let reply: RespValue;
      try {
        reply = await work(this.#line(target));
      } catch (error) {
        this.#homes.delete(key);
        // What was watched, or queued behind MULTI, must not reach the next operation.
        this.#drop(target);
        if (!(error instanceof ConnectionLost)) throw error;
        if (error.sent) throw new OutcomeOpen(error.message);
        // A node that does not run: any other one takes the command.
        if (redirections < redirections_max) continue;
        throw new NotDone(error.message);
      }
      if (!(reply instanceof RespError)) {
        this.#remember(key, target);
        return reply;
      }
      const moved = /^MOVED \d+ (\S+)$/.exec(reply.text)?.[1];
      if (moved !== undefined && redirections < redirections_max) {
        this.#remember(key, moved);
        continue;
      }
      this.#homes.delete(key);
      if (REFUSED.has(reply.prefix)) throw new NotDone(reply.text);
      if (UNKNOWN.has(reply.prefix)) throw new OutcomeOpen(reply.text);
      throw new WrongReply(reply.text);
    }
  }

  #anyNode(): string {
    const { host, port } = this.#options.prng.pick(this.#options.endpoints());
    return `${host}:${port}`;
  }

  #remember(key: string, target: string): void {
    if (this.#homes.size > 1_000) this.#homes.clear();
    this.#homes.set(key, target);
  }

  #line(target: string): RespLine {
    const open = this.#lines.get(target);
    if (open !== undefined && !open.lost) return open;
    const colon = target.lastIndexOf(':');
    const { timeout_ms, through, connect = connectTo } = this.#options;
    const connection = connect(target.slice(0, colon), Number(target.slice(colon + 1)), timeout_ms);
    const line = through === undefined ? connection : through(connection);
    this.#lines.set(target, line);
    return line;
  }

  #drop(target: string): void {
    this.#lines.get(target)?.close();
    this.#lines.delete(target);
  }
}

export function connectTo(host: string, port: number, timeout_ms: number): RespLine {
  return new RespConnection(host, port, { timeout_ms });
}

/** The EXEC's reply, or the error that kept a command from being queued, which kept all of them from being executed. */
async function execute(line: RespLine, commands: readonly (readonly string[])[]): Promise<RespValue> {
  const sent = [line.send('MULTI'), ...commands.map((command) => line.send(...command)), line.send('EXEC')];
  const replies = await all(sent);
  const last = replies.at(-1) as RespValue;
  if (!(last instanceof RespError)) return Array.isArray(last) ? (last.find(isError) ?? last) : last;
  const queued = replies.slice(0, -1).find(isError);
  return last.prefix === 'EXECABORT' && queued !== undefined ? queued : last;
}

function isError(reply: RespValue | undefined): reply is RespError {
  return reply instanceof RespError;
}

/** As `Promise.all`; when a connection breaks, every promise is settled before this one is. */
async function all(promises: readonly Promise<RespValue>[]): Promise<RespValue[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((result) => {
    if (result.status === 'fulfilled') return result.value;
    throw result.reason;
  });
}

/** For what only read: whatever became of it, nothing was written. */
function notDone(error: unknown): never {
  throw error instanceof ConnectionLost ? new NotDone(error.message) : error;
}
