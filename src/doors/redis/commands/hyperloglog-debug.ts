/** PFDEBUG and PFSELFTEST: for tests of HyperLogLogs, here and in clients. */
import { assert } from '../../../base/assert.ts';
import { type CommandSpec, oneKey } from '../command-spec.ts';
import type { CommandContext } from '../context.ts';
import { replyError } from '../errors.ts';
import { emptySparse, HEADER_BYTES, isSparse, unpackDense } from '../hyperloglog/format.ts';
import { countOf, HyperLogLogEditor, toDense } from '../hyperloglog/hyperloglog.ts';
import { markOf, REGISTER_COUNT } from '../hyperloglog/registers.ts';
import { runAt } from '../hyperloglog/sparse.ts';
import type { ReplyWriter } from '../reply-writer.ts';
import { Constant } from '../reply-writer.ts';
import type { Request } from '../request.ts';
import type { ClientSession } from '../session-view.ts';
import { hyperLogLogAt, putHyperLogLog, sound } from './hyperloglog.ts';

interface Found {
  readonly payload: Buffer;
  readonly expire_ms: number;
}

/** The dense form, stored at the key if it was not yet. */
function storeDense(context: CommandContext, { payload, expire_ms }: Found): Buffer {
  if (!isSparse(payload)) return payload;
  const dense = sound(toDense(payload));
  putHyperLogLog(context, context.key(2), dense, expire_ms);
  return dense;
}

/** The runs of a sparse HyperLogLog: `z:` few zeros, `Z:` many, `v:value,length`. */
function describeRuns(payload: Buffer): string {
  const parts: string[] = [];
  for (let at = HEADER_BYTES; at < payload.length; ) {
    const { length, value, bytes } = runAt(payload, at);
    if (value !== 0) parts.push(`v:${value},${length}`);
    else parts.push(`${bytes === 2 ? 'Z' : 'z'}:${length}`);
    at += bytes;
  }
  return parts.join(' ');
}

const subcommands: Readonly<Record<string, (context: CommandContext, found: Found) => void>> = {
  GETREG(context, found) {
    const dense = storeDense(context, found);
    context.reply.array(REGISTER_COUNT);
    for (const register of unpackDense(dense)) context.reply.integer(register);
  },
  DECODE(context, { payload }) {
    if (!isSparse(payload)) throw replyError('ERR HLL encoding is not sparse');
    context.reply.text(describeRuns(payload));
  },
  ENCODING(context, { payload }) {
    context.reply.status(isSparse(payload) ? 'sparse' : 'dense');
  },
  TODENSE(context, found) {
    storeDense(context, found);
    context.reply.constant(isSparse(found.payload) ? Constant.one : Constant.zero);
  },
};

export const pfdebug = {
  name: 'PFDEBUG',
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Shows the inside of a HyperLogLog: GETREG, DECODE, ENCODING, TODENSE.',
  complexity: 'O(1): up to 12 KB',
  arity: 3,
  flags: ['write', 'denyoom', 'admin'],
  categories: ['hyperloglog'],
  keys: [oneKey(2, 'RW', 'access')],
  run(context: CommandContext): void {
    const found = hyperLogLogAt(context, 2);
    if (found === undefined) throw replyError('ERR The specified key does not exist');
    const subcommand = subcommands[context.request.word(1)];
    if (subcommand === undefined) {
      throw replyError(`ERR Unknown PFDEBUG subcommand '${context.request.string(1)}'`);
    }
    subcommand(context, found);
  },
} as const satisfies CommandSpec;

const SELF_TEST_ELEMENTS = 20_000;
/** Five standard errors of an estimate with 16384 registers (1.04 / sqrt(16384)). */
const SELF_TEST_ERROR_MAX = 0.041;

/** Adds elements to a HyperLogLog kept sparse and to one that is dense from the start; both must agree and be near the truth. */
function selfTest(): void {
  const sparse = new HyperLogLogEditor(emptySparse(), 3_000);
  const dense = new HyperLogLogEditor(emptySparse(), 0);
  for (let element = 1; element <= SELF_TEST_ELEMENTS; element += 1) {
    const bytes = Buffer.from(`element-${element}`, 'latin1');
    const mark = markOf(bytes, 0, bytes.length);
    sparse.raise(mark);
    dense.raise(mark);
    if (element % 1_000 !== 0) continue;
    const count = countOf(dense.payload);
    assert(count === countOf(sparse.payload), 'both encodings of a HyperLogLog count alike');
    assert(Math.abs((count as number) - element) <= element * SELF_TEST_ERROR_MAX, 'a HyperLogLog is near the truth');
  }
}

export const pfselftest = {
  name: 'PFSELFTEST',
  group: 'hyperloglog',
  since: '2.8.9',
  summary: 'Checks both encodings of HyperLogLogs against each other and against the truth.',
  arity: 1,
  flags: ['admin'],
  categories: ['hyperloglog'],
  answer(_session: ClientSession, _request: Request, reply: ReplyWriter): void {
    selfTest();
    reply.ok();
  },
} as const satisfies CommandSpec;
