/**
 * Random histories: a single copy is asked by several clients, and then some of what they were told is changed, so that
 * about as many histories are wrong as right. The same seed gives the same history.
 */
import { Prng } from '../../base/prng.ts';
import type { Operation } from './history.ts';
import { EMPTY, SEMANTICS } from './oracle.test-support.ts';

export interface RandomHistoryOptions {
  readonly operations: number;
  readonly processes: number;
  /** How likely it is that an outcome is unknown. */
  readonly unknown: number;
  /** How likely it is that an output is replaced by another one. */
  readonly wrong: number;
  /** How likely it is that an operation takes effect before its call or after its return. */
  readonly astray: number;
  /** True: no two writes write the same value, counters go up by 1, and what is incremented is not set. */
  readonly unique: boolean;
}

type Draft = { -readonly [Field in keyof Operation]: Operation[Field] } & { moment: number };

/** Operations on one key, in order of call. */
export function randomHistory(model: string, seed: number, options: RandomHistoryOptions): Operation[] {
  const random = new Prng(seed);
  const drafts = schedule(random, options);
  let writes = 0;
  const value = (): number => (options.unique ? ++writes : 1 + random.below(3));
  for (const draft of drafts) draft.input = randomInput(model, random, options.unique, value);
  runAll(model, random, drafts);
  for (const draft of drafts) {
    if (draft.outcome === 'ok' && random.chance(options.wrong)) draft.output = otherOutput(random, draft, drafts);
  }
  return drafts.map(({ moment: _, ...operation }) => operation);
}

/** Calls, returns, moments and outcomes. Times are small integers, so that many are equal. */
function schedule(random: Prng, options: RandomHistoryOptions): Draft[] {
  const drafts: Draft[] = [];
  const free = new Array<number>(options.processes).fill(0);
  for (let count = 0; count < options.operations; count++) {
    const process = random.below(options.processes);
    const call = (free[process] ?? 0) + random.below(4);
    const end = call + random.below(6);
    free[process] = end + 1;
    const fate = random.fraction();
    const outcome = fate < options.unknown ? 'unknown' : fate < options.unknown + 0.03 ? 'failed' : 'ok';
    // What is unknown happens late, soon or never.
    let moment = outcome === 'unknown' ? call + random.below(30) : call + random.fraction() * (end - call);
    if (outcome === 'ok' && random.chance(options.astray)) moment = random.chance(0.5) ? call - 4 : end + 4;
    const returned = outcome === 'unknown' ? Number.POSITIVE_INFINITY : end;
    drafts.push({ process, key: 'k', call, return: returned, input: [], output: undefined, outcome, moment });
  }
  return drafts.sort((a, b) => a.call - b.call);
}

function runAll(model: string, random: Prng, drafts: readonly Draft[]): void {
  const semantics = SEMANTICS[model];
  if (semantics === undefined) throw new RangeError(model);
  let state = EMPTY;
  for (const draft of [...drafts].sort((a, b) => a.moment - b.moment)) {
    if (draft.outcome === 'failed' || (draft.outcome === 'unknown' && random.chance(0.5))) continue;
    const { state: next, output } = semantics(state, draft.input as readonly unknown[]);
    if (output === 'impossible') {
      draft.outcome = 'failed';
      continue;
    }
    state = next;
    if (draft.outcome === 'ok' && !random.chance(0.1)) draft.output = output;
  }
}

/** What another operation of the same kind was told, which is more often nearly right than anything made up. */
function otherOutput(random: Prng, draft: Draft, drafts: readonly Draft[]): unknown {
  const [what] = draft.input as readonly unknown[];
  const alike = drafts.filter((other) => (other.input as readonly unknown[])[0] === what && other.output !== undefined);
  const output = alike.length === 0 ? undefined : random.pick(alike).output;
  if (typeof output === 'number' && random.chance(0.5)) return output + 1;
  if (typeof output === 'boolean' && random.chance(0.5)) return !output;
  if (Array.isArray(output) && random.chance(0.5)) return output.slice(0, -1);
  return output;
}

function randomInput(model: string, random: Prng, unique: boolean, value: () => number): readonly unknown[] {
  const kind = random.below(100);
  const small = 1 + random.below(3);
  switch (model) {
    case 'register':
      if (kind < 40) return ['get'];
      if (kind < 70) return ['set', value()];
      if (kind < 90) return ['cas', random.chance(0.2) ? null : small, value()];
      return ['delete'];
    case 'counter':
      if (kind < 40) return ['read'];
      return ['increment', unique || random.chance(0.6) ? 1 : random.chance(0.3) ? -1 : small];
    case 'set':
      if (kind < 25) return ['members'];
      if (kind < 40) return ['contains', small];
      return kind < 75 ? ['add', value()] : ['remove', small];
    case 'list':
      if (kind < 45) return ['read'];
      return random.chance(0.8) ? ['append', value()] : ['prepend', value()];
    default: {
      const field = random.pick(['a', 'b']);
      if (kind < 15) return ['all'];
      if (kind < 35) return ['get', field];
      if (kind < 70) return ['set', field, value()];
      if (kind < 85) return ['delete', field];
      return ['increment', unique || random.chance(0.5) ? 'n' : field, 1];
    }
  }
}

export interface BusyHistoryOptions {
  readonly operations: number;
  /** Clients of the key; each asks again as soon as it was told. */
  readonly clients: number;
  /** How likely it is that an outcome is unknown. The client goes on at once. */
  readonly unknown: number;
  /** True: no two writes write the same value. */
  readonly unique: boolean;
  readonly key?: string;
  /** True: no operation reads a whole set or hash. */
  readonly parts?: boolean;
}

const WHOLE: readonly unknown[] = ['members', 'all'];

/** A correct history of clients that are always busy. */
export function busyHistory(model: string, seed: number, options: BusyHistoryOptions): Operation[] {
  const random = new Prng(seed);
  const free = Array.from({ length: options.clients }, () => random.fraction());
  const drafts: Draft[] = [];
  let writes = 0;
  const value = (): number => (options.unique ? ++writes : 1 + random.below(3));
  for (let count = 0; count < options.operations; count++) {
    const process = free.indexOf(Math.min(...free));
    const call = free[process] as number;
    const end = call + 0.5 + random.fraction();
    free[process] = end + 0.01;
    const outcome = random.chance(options.unknown) ? 'unknown' : 'ok';
    const moment = outcome === 'unknown' ? call + random.below(20) : call + random.fraction() * (end - call);
    const returned = outcome === 'unknown' ? Number.POSITIVE_INFINITY : end;
    let input = randomInput(model, random, options.unique, value);
    while (options.parts === true && WHOLE.includes(input[0]))
      input = randomInput(model, random, options.unique, value);
    drafts.push({
      process,
      key: options.key ?? 'k',
      call,
      return: returned,
      input,
      output: undefined,
      outcome,
      moment,
    });
  }
  runAll(model, random, drafts);
  return drafts.map(({ moment: _, ...operation }) => operation);
}
