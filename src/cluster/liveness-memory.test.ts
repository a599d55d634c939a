import { describe, expect, it, vi } from 'vitest';
import { AGE_MS_MAX, LivenessMemory } from './liveness-memory.ts';

const SLOT = 3;
const D = 600;

describe('LivenessMemory', () => {
  it('gives support from the beginning of a promise to its end', () => {
    const memory = new LivenessMemory();
    expect(memory.supportFor(SLOT, 1000)).toBe(0);
    expect(memory.extend(SLOT, 1000, 1000 + D)).toBe(false);
    memory.begin(SLOT, 2 ** 40 + 7, 1000 + D);
    expect(memory.supportFor(SLOT, 1000)).toBe(2 ** 40 + 7);
    expect(memory.supportFor(SLOT, 1599.9)).toBe(2 ** 40 + 7);
    expect(memory.extend(SLOT, 1100, 1100 + D)).toBe(true);
    expect(memory.supportFor(SLOT, 1699.9)).toBe(2 ** 40 + 7);
    expect(memory.supportFor(SLOT, 1700)).toBe(0);
  });

  it('never ends a promise early by rounding', () => {
    const memory = new LivenessMemory();
    memory.begin(SLOT, 1, 1000.25);
    expect(memory.supportFor(SLOT, 1000.9)).toBe(1);
    expect(memory.supportFor(SLOT, 1001)).toBe(0);
  });

  it('does not extend what main has withdrawn', () => {
    const memory = new LivenessMemory();
    memory.begin(SLOT, 1, 1600);
    expect(memory.supportFor(SLOT, 1600)).toBe(0);
    // A worker whose clock reading is older still finds the promise gone.
    expect(memory.extend(SLOT, 1500, 2100)).toBe(false);
    memory.begin(SLOT, 2, 2100);
    expect(memory.supportFor(SLOT, 1600)).toBe(2);
  });

  it('starts anew what has expired although main never looked', () => {
    const memory = new LivenessMemory();
    memory.begin(SLOT, 1, 1600);
    expect(memory.extend(SLOT, 1601, 2201)).toBe(false);
    expect(memory.supportFor(SLOT, 1601)).toBe(0);
  });

  it('works at any time of the 32-bit cycle', () => {
    for (const now of [1, 2 ** 31 - 300, 2 ** 32 - 300, 2 ** 32 - D, 2 ** 33 + 5, 2 ** 45]) {
      const memory = new LivenessMemory();
      memory.begin(SLOT, 9, now + D);
      expect(memory.supportFor(SLOT, now)).toBe(9);
      expect(memory.supportFor(SLOT, now + D - 1)).toBe(9);
      expect(memory.extend(SLOT, now + 500, now + 500 + D)).toBe(true);
      expect(memory.supportFor(SLOT, now + D + 2)).toBe(9);
      expect(memory.supportFor(SLOT, now + 502 + D)).toBe(0);
      memory.loopTurned(now);
      // The word 0 is taken, so one millisecond in 49.7 days is a millisecond off.
      expect([1233, 1234]).toContain(memory.loopAge_ms(now + 1234));
      // The worker's reading may be a little behind main's.
      expect(memory.loopAge_ms(now - 2)).toBe(0);
    }
  });

  it('takes a promise of half a cycle ago for expired', () => {
    const memory = new LivenessMemory();
    memory.begin(SLOT, 9, 1600);
    expect(memory.supportFor(SLOT, 1600 + 2 ** 31 + 1000)).toBe(0);
  });

  it('knows the ages of main', () => {
    const memory = new LivenessMemory();
    memory.loopTurned(5000);
    expect(memory.loopAge_ms(7500)).toBe(2500);
    expect(memory.loopAge_ms(5000 + 2 ** 31 + 100_000)).toBe(AGE_MS_MAX);
    expect(memory.syncAge_ms(7500)).toBe(0);
    memory.syncStarted(7000);
    expect(memory.syncAge_ms(7500)).toBe(500);
    memory.syncFinished();
    expect(memory.syncAge_ms(7500)).toBe(0);
  });

  it('hands received support over whole', () => {
    const memory = new LivenessMemory();
    const into = { sequence: 0, generation: 0, until_ms: 0, length_ms: 0 };
    memory.read(SLOT, into);
    expect(into.generation).toBe(0);
    memory.receive(SLOT, 2 ** 52 + 5, 123_456_789_012.345, 540);
    memory.read(SLOT, into);
    expect(into).toEqual({ sequence: 2, generation: 2 ** 52 + 5, until_ms: 123_456_789_012.345, length_ms: 540 });
  });

  it('keeps slots apart', () => {
    const memory = new LivenessMemory();
    memory.begin(1, 11, 1600);
    memory.begin(2, 22, 1600);
    memory.setEpoch(1, 4);
    expect([memory.supportFor(1, 1000), memory.supportFor(2, 1000), memory.supportFor(3, 1000)]).toEqual([11, 22, 0]);
    expect([memory.epoch(1), memory.epoch(2)]).toEqual([4, 0]);
  });
});

/**
 * The shipped code, interrupted: all of one thread's operation runs inside each atomic access of the other's. A function
 * cannot be suspended, so schedules that switch more often are left to the model below, which has the same steps.
 */
describe('one thread interrupted at every access by the other', () => {
  const accesses = ['load', 'store', 'compareExchange'] as const;

  /** Runs `first`, with `second` in full before its nth access. Returns false when there is no nth access. */
  function interrupted(n: number, first: () => void, second: () => void): boolean {
    let count = 0;
    let inside = false;
    const spies = accesses.map((name) => {
      const original = Atomics[name] as (...args: unknown[]) => unknown;
      return vi.spyOn(Atomics, name as 'load').mockImplementation(((...args: unknown[]) => {
        if (!inside && count++ === n) {
          inside = true;
          second();
          inside = false;
        }
        return original.apply(Atomics, args);
      }) as typeof Atomics.load);
    });
    try {
      first();
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return count > n;
  }

  /** As `LivenessCore` does on a heartbeat; returns the generation that the answer carries. */
  function heartbeat(memory: LivenessMemory, now: number, next: { generation: number }): number {
    if (!memory.extend(SLOT, now, now + D)) {
      next.generation++;
      memory.begin(SLOT, next.generation, now + D);
    }
    return next.generation;
  }

  for (const workerTime of [1500, 1599, 1600, 1700]) {
    for (const mainTime of [1500, 1599, 1600, 1700]) {
      it(`worker at ${workerTime}, main at ${mainTime}`, () => {
        for (const workerFirst of [true, false]) {
          for (let n = 0; ; n++) {
            const memory = new LivenessMemory();
            const next = { generation: 1 };
            memory.begin(SLOT, 1, 1600);
            let promised = 0;
            let seen = -1;
            const worker = (): void => {
              promised = heartbeat(memory, workerTime, next);
            };
            const main = (): void => {
              seen = memory.supportFor(SLOT, mainTime);
            };
            if (!interrupted(n, workerFirst ? worker : main, workerFirst ? main : worker)) break;
            // Claim 1: what main answered 0 for is not promised afterwards, unless in a generation that began later.
            if (seen === 0 && promised === 1) {
              // Then main must have come first, and the worker's promise been refused.
              expect.unreachable('main withdrew generation 1 and the worker extended it');
            }
            // Claim 2: main never reports a generation that is not promised.
            if (seen > 0) expect(seen).toBeLessThanOrEqual(promised);
            // Main's later answer agrees with the worker's promise.
            if (promised > 0) expect(memory.supportFor(SLOT, workerTime + D - 1)).toBe(promised);
          }
        }
      });
    }
  }

  it('main reads either the support before or the support after, whole', () => {
    for (const mainFirst of [true, false]) {
      for (let n = 0; ; n++) {
        const memory = new LivenessMemory();
        memory.receive(SLOT, 10, 5000, 540);
        const into = { sequence: 0, generation: 0, until_ms: 0, length_ms: 0 };
        memory.read(SLOT, into);
        const worker = (): void => memory.receive(SLOT, 11, 2 ** 34, 300);
        const main = (): void => memory.read(SLOT, into);
        if (!interrupted(n, mainFirst ? main : worker, mainFirst ? worker : main)) break;
        const state = [into.generation, into.until_ms, into.length_ms];
        expect(state[0] === 10 ? state : [10, 5000, 540]).toEqual([10, 5000, 540]);
        expect(state[0] === 11 ? state : [11, 2 ** 34, 300]).toEqual([11, 2 ** 34, 300]);
        main();
        expect(into.generation).toBe(11);
      }
    }
  });
});

/**
 * The given-support protocol as explicit atomic steps of both threads, all interleavings of all of them by search. The
 * worker handles two heartbeats, main asks twice; times are chosen freely from readings that each thread may hold.
 */
describe('the protocol of extending and withdrawing, all interleavings', () => {
  interface State {
    given: number;
    generation: number;
    /** Program counters and registers of the two threads. */
    worker: { pc: number; round: number; word: number };
    main: { pc: number; round: number; word: number; read: number };
    /** What has happened: promises sent, and generations that main has acted against. */
    promised: number[];
    promisedUntil: number;
    /** The latest clock reading that either thread has used: real time is at least this. */
    time: number;
    actedAgainst: number;
  }

  /** Ways to get it wrong, each of which the search must notice. */
  type Fault =
    | 'none'
    | 'extends by a plain store'
    | 'does not look again'
    | 'does not withdraw'
    | 'withdraws by a plain store';

  const workerTimes = [
    [9, 9],
    [9, 10],
    [10, 10],
    [9, 16],
    [10, 21],
  ];
  const mainTimes = [
    [9, 10],
    [10, 10],
    [10, 16],
    [16, 21],
    [10, 30],
  ];

  const clone = (state: State): State => ({
    ...state,
    worker: { ...state.worker },
    main: { ...state.main },
    promised: [...state.promised],
  });

  /** One atomic step; null when the thread is done. */
  function stepWorker(state: State, times: readonly number[], fault: Fault): State | null {
    if (state.worker.round >= times.length) return null;
    const next = clone(state);
    const worker = next.worker;
    const now = times[worker.round] as number;
    next.time = Math.max(next.time, now);
    const done = (): void => {
      next.promised.push(next.generation);
      next.promisedUntil = now + 6;
      worker.pc = 0;
      worker.round++;
    };
    if (worker.pc === 0) {
      worker.word = next.given;
      worker.pc = worker.word === 0 ? 3 : now < worker.word ? 1 : 2;
    } else if (worker.pc === 1) {
      if (next.given === worker.word || fault === 'extends by a plain store') {
        next.given = now + 6;
        done();
      } else worker.pc = 3;
    } else if (worker.pc === 2) {
      if (next.given === worker.word) next.given = 0;
      worker.pc = 3;
    } else if (worker.pc === 3) {
      next.generation++;
      worker.pc = 4;
    } else {
      next.given = now + 6;
      done();
    }
    return next;
  }

  function stepMain(state: State, times: readonly number[], fault: Fault): State | null {
    if (state.main.round >= times.length) return null;
    const next = clone(state);
    const main = next.main;
    const now = times[main.round] as number;
    next.time = Math.max(next.time, now);
    const answer = (generation: number): void => {
      if (generation === 0) {
        // Claim 1, first half: what has been promised has run out.
        if (next.time < next.promisedUntil) throw new Error('acted against a promise that holds');
        next.actedAgainst = next.promised.at(-1) ?? 1;
      } else {
        // Claim 2: a generation that main reports has been promised.
        if (!next.promised.includes(generation)) throw new Error('reported before it was promised');
        if (generation <= next.actedAgainst) throw new Error('reported after it was withdrawn');
      }
      main.pc = 0;
      main.round++;
    };
    if (main.pc === 0) {
      main.word = next.given;
      if (main.word === 0) answer(0);
      else main.pc = now < main.word ? 1 : 3;
    } else if (main.pc === 1) {
      main.read = next.generation;
      main.pc = 2;
    } else if (main.pc === 2) {
      if (next.given === main.word || fault === 'does not look again') answer(main.read);
      else main.pc = 0;
    } else if (fault === 'does not withdraw') answer(0);
    else if (next.given === main.word || fault === 'withdraws by a plain store') {
      next.given = 0;
      answer(0);
    } else main.pc = 0;
    return next;
  }

  /** Visits every state; throws at the first violation. */
  function search(fault: Fault): number {
    let states = 0;
    for (const workerTime of workerTimes) {
      for (const mainTime of mainTimes) {
        const seen = new Set<string>();
        const stack: State[] = [
          {
            given: 10,
            generation: 1,
            worker: { pc: 0, round: 0, word: 0 },
            main: { pc: 0, round: 0, word: 0, read: 0 },
            promised: [1],
            promisedUntil: 10,
            time: 0,
            actedAgainst: 0,
          },
        ];
        while (stack.length > 0) {
          const state = stack.pop() as State;
          const key = JSON.stringify(state);
          if (seen.has(key)) continue;
          seen.add(key);
          states++;
          for (const next of [stepWorker(state, workerTime, fault), stepMain(state, mainTime, fault)]) {
            if (next === null) continue;
            const sent = next.promised.length > state.promised.length ? (next.promised.at(-1) ?? 0) : Number.MAX_VALUE;
            if (sent <= state.actedAgainst) throw new Error('promised after main acted against it');
            stack.push(next);
          }
        }
      }
    }
    return states;
  }

  it('never promises a generation that main has acted against', () => {
    expect(search('none')).toBeGreaterThan(1000);
  });

  it.each([
    ['extends by a plain store', 'promised after main acted against it'],
    ['does not look again', 'reported before it was promised'],
    ['does not withdraw', 'promised after main acted against it'],
    ['withdraws by a plain store', 'acted against a promise that holds'],
  ] as const)('would notice a thread that %s', (fault, violation) => {
    expect(() => search(fault)).toThrow(violation);
  });
});
