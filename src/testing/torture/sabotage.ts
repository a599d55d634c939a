/**
 * Lies between clients and cluster. A verdict that cannot fail proves nothing, so everybody can have a run found out:
 * `folkmoot verify --sabotage=lost-write`. They are told at every door.
 */
import type { CqlReply, CqlRequest } from '../cql/cql-connection.ts';
import type { RespValue } from '../redis/resp-connection.ts';
import type { CqlLine } from './cql-session.ts';
import type { Line } from './line.ts';
import type { RespLine } from './session.ts';

/**
 * `lost-write`: a SET is said to be done and never sent. `stale-read`: a GET is answered with what an earlier GET was.
 * `duplicate`: an INCR is sent twice. At the Cassandra door: an UPDATE of a register, its SELECT, and a counter.
 */
export const SABOTAGES = ['lost-write', 'stale-read', 'duplicate'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** One in so many of the requests that it is about. */
const EVERY = 5;

/** How the requests of a door can be lied about. */
interface Lies<Request extends readonly unknown[], Reply> {
  isWrite(...request: Request): boolean;
  /** What a write is answered when it is done. */
  readonly done: Reply;
  isIncrement(...request: Request): boolean;
  /** The key of a request that reads it. */
  readKey(...request: Request): string | undefined;
}

/** What it returns is for all connections of a run: lies are counted together. */
export function sabotaged(sabotage: Sabotage): (line: RespLine) => RespLine {
  return liar<readonly string[], RespValue>(sabotage, {
    isWrite: (name) => name === 'SET',
    done: 'OK',
    isIncrement: (name) => name === 'INCR',
    readKey: (name, key) => (name === 'GET' ? key : undefined),
  });
}

export function sabotagedCql(sabotage: Sabotage): (line: CqlLine) => CqlLine {
  const isLike = (request: CqlRequest, shape: RegExp): boolean =>
    'statement' in request && shape.test(request.statement.text);
  return liar<readonly [CqlRequest], CqlReply>(sabotage, {
    isWrite: (request) => isLike(request, /^UPDATE .* SET v = \? WHERE k = \?$/),
    done: [],
    isIncrement: (request) => isLike(request, /^UPDATE .* SET n = n \+ 1 /),
    readKey: (request) =>
      'statement' in request && isLike(request, /^SELECT v /) ? String(request.statement.values[0]) : undefined,
  });
}

function liar<Request extends readonly unknown[], Reply>(
  sabotage: Sabotage,
  { isWrite, done, isIncrement, readKey }: Lies<Request, Reply>,
): (line: Line<Request, Reply>) => Line<Request, Reply> {
  let count = 0;
  const earlier = new Map<string, Reply>();
  const isDue = (): boolean => ++count % EVERY === 0;
  return (line) => ({
    get lost() {
      return line.lost;
    },
    close: () => line.close(),
    async send(...request) {
      if (sabotage === 'lost-write' && isWrite(...request) && isDue()) return done;
      if (sabotage === 'duplicate' && isIncrement(...request) && isDue()) {
        // Both are sent before either is answered, as a client would that sends again what it has not heard of.
        const [first] = await Promise.all([line.send(...request), line.send(...request)]);
        return first as Reply;
      }
      const reply = await line.send(...request);
      const key = sabotage === 'stale-read' ? readKey(...request) : undefined;
      if (key === undefined) return reply;
      const old = earlier.get(key);
      if (old !== undefined && JSON.stringify(old) !== JSON.stringify(reply) && isDue()) return old;
      if (old === undefined) earlier.set(key, reply);
      return reply;
    },
  });
}
