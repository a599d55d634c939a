/**
 * Random transactions over lists, run by a store whose isolation can be broken, and the definition of serializability tried
 * out on every order. Shares no code with the checker.
 */
import { isDeepStrictEqual } from 'node:util';
import { Prng } from '../../../base/prng.ts';
import type { Step, TransactionOperation } from './transaction.ts';

type Lists = Record<string, number[]>;

export interface RandomTransactions {
  readonly transactions: number;
  readonly processes: number;
  /** How likely it is that a transaction is not run at one moment, but step by step. */
  readonly torn: number;
  /** How likely it is that all reads of a transaction show an earlier moment. */
  readonly stale: number;
  /** How likely it is that the appends of an acknowledged transaction are lost. */
  readonly lost: number;
  /** How likely it is that a read leaves a value out. */
  readonly wrong: number;
  /** True: the last transaction reads everything after all others have ended. */
  readonly readAll: boolean;
}

interface Draft {
  readonly process: number;
  readonly call: number;
  readonly return: number;
  readonly outcome: TransactionOperation['outcome'];
  readonly input: Step[];
  readonly output: (number[] | null)[];
}

const LISTS = ['x', 'y'];

export function randomTransactions(seed: number, options: RandomTransactions): TransactionOperation[] {
  const random = new Prng(seed);
  const free = new Array<number>(options.processes).fill(0);
  const events: { moment: number; run: (lists: Lists, past: readonly Lists[]) => void }[] = [];
  const drafts: Draft[] = [];
  let values = 0;
  for (let count = 0; count < options.transactions; count++) {
    const process = random.below(options.processes);
    const call = (free[process] ?? 0) + random.below(4);
    const end = call + 2 + random.below(6);
    free[process] = end + 1;
    const fate = random.fraction();
    const outcome = fate < 0.1 ? 'unknown' : fate < 0.15 ? 'failed' : 'ok';
    const input = Array.from({ length: 1 + random.below(3) }, (): Step => {
      const list = random.pick(LISTS);
      return random.chance(0.5) ? ['append', list, ++values] : ['read', list];
    });
    const output: (number[] | null)[] = input.map(() => null);
    drafts.push({
      process,
      call,
      return: outcome === 'unknown' ? Number.POSITIVE_INFINITY : end,
      outcome,
      input,
      output,
    });
    if (outcome === 'failed' && !random.chance(options.torn / 2)) continue;
    if (outcome === 'unknown' && random.chance(0.5)) continue;
    const lost = random.chance(options.lost);
    const ago = random.chance(options.stale) ? 1 + random.below(2) : 0;
    const one = call + random.fraction() * (end - call);
    const torn = random.chance(options.torn);
    const moments = input.map(() => (torn ? call + random.fraction() * (end - call) : one)).sort((a, b) => a - b);
    for (const [index, step] of input.entries()) {
      events.push({
        moment: moments[index] as number,
        run(lists, past) {
          const list = step[1];
          if (step[0] === 'append' && !lost) lists[list] = [...(lists[list] ?? []), step[2] as number];
          if (step[0] === 'append') return;
          const seen = (past[past.length - 1 - ago] ?? lists)[list] ?? [];
          const left = random.chance(options.wrong) ? random.below(3) : -1;
          output[index] = seen.filter((_, position) => position !== left);
        },
      });
    }
  }
  const lists: Lists = {};
  const past: Lists[] = [];
  for (const event of events.sort((a, b) => a.moment - b.moment)) {
    past.push({ ...lists });
    event.run(lists, past);
  }
  if (options.readAll) {
    const call = Math.max(...free) + 1;
    const input = LISTS.map((list): Step => ['read', list]);
    const output = LISTS.map((list) => lists[list] ?? []);
    drafts.push({ process: 0, call, return: call + 1, outcome: 'ok', input, output });
  }
  return drafts
    .sort((a, b) => a.call - b.call)
    .map((draft) => ({ ...draft, key: '*', output: draft.outcome === 'ok' ? draft.output : undefined }));
}

/** Is there an order of the transactions, one after the other, that explains everything that was read? */
export function isSerializable(operations: readonly TransactionOperation[], realTime: boolean): boolean {
  const extend = (lists: Lists, rest: readonly TransactionOperation[]): boolean => {
    if (!rest.some(({ outcome }) => outcome === 'ok')) return true;
    return rest.some((operation) => {
      const others = rest.filter((other) => other !== operation);
      const late = others.some(({ outcome, return: returned }) => outcome === 'ok' && returned < operation.call);
      if (realTime && late) return false;
      const next = run(lists, operation);
      return next !== undefined && extend(next, others);
    });
  };
  return extend(
    {},
    operations.filter(({ outcome }) => outcome !== 'failed'),
  );
}

/** The lists after the transaction; undefined when it would have read something else. */
function run(lists: Lists, { input, output }: TransactionOperation): Lists | undefined {
  const next = { ...lists };
  for (const [index, step] of input.entries()) {
    const list = next[step[1]] ?? [];
    if (step[0] === 'append') next[step[1]] = [...list, step[2] as number];
    else if (output !== undefined && !isDeepStrictEqual(output[index], list)) return undefined;
  }
  return next;
}
