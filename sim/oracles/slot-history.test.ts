import { describe, expect, test } from 'vitest';
import { Outcome } from '../../src/tablet/operation.ts';
import type { SlotOperation } from '../load/slot-operation.ts';
import { type Attempt, SlotHistory } from './slot-history.ts';

let nextId: number;
let now: number;
let history: SlotHistory;

function begin(): void {
  nextId = 1;
  now = 1;
  history = new SlotHistory(7);
}

function attempt(kind: SlotOperation['kind'], before: Attempt['before'], result: string, value = 'x'): Attempt {
  const made: Attempt = {
    id: nextId++,
    slot: 7,
    operation: { kind, key: 0, other: 0, value, reverse: false },
    node: 1,
    called: now++,
    calledAt_ms: 0,
    returned: Number.POSITIVE_INFINITY,
    outcome: null,
    executed: true,
    before,
    result,
  };
  history.add(made);
  return made;
}

const NONE = { number: 0, attempt: 0 };
const committed = (write: Attempt): { number: number; attempt: number } => ({
  number: write.before.number + 1,
  attempt: write.id,
});
const done = (made: Attempt): void => history.returned(made, Outcome.done, now++);

describe('the history of a slot', () => {
  test('is right when operations follow each other', () => {
    begin();
    const set = attempt('set', NONE, 'ok', 'a');
    history.committed(committed(set));
    done(set);
    done(attempt('get', committed(set), 'a'));
    expect(() => history.check()).not.toThrow();
  });

  test('is wrong when a write is acknowledged that no quorum has', () => {
    begin();
    const set = attempt('set', NONE, 'ok', 'a');
    expect(() => done(set)).toThrow('acknowledged-durable');
  });

  test('is wrong when an acknowledged write is not among those that followed', () => {
    begin();
    const lost = attempt('set', NONE, 'ok', 'a');
    history.committed(committed(lost));
    done(lost);
    const other = attempt('set', NONE, 'ok', 'b');
    const third = attempt('set', committed(other), 'ok', 'c');
    history.committed(committed(third));
    expect(() => history.check()).toThrow('lost-write');
  });

  test('is wrong when a read misses a write that had been acknowledged before it began', () => {
    begin();
    const set = attempt('set', NONE, 'ok', 'a');
    history.committed(committed(set));
    done(set);
    done(attempt('get', NONE, '-'));
    expect(() => history.check()).toThrow('stale-read');
  });

  test('is wrong when something that failed for certain is there', () => {
    begin();
    const set = attempt('set', NONE, 'ok', 'a');
    history.committed(committed(set));
    history.returned(set, Outcome.notLeader, now++);
    expect(() => history.check()).toThrow('failed-visible');
  });

  test('is wrong when a write was done twice', () => {
    begin();
    const add = attempt('add', NONE, '1');
    history.committed(committed(add));
    expect(() => history.committed(committed(add))).toThrow('version-back');
  });

  test('is wrong when a result is not what the operations before it make', () => {
    begin();
    const first = attempt('add', NONE, '1');
    const second = attempt('add', committed(first), '1');
    history.committed(committed(second));
    done(second);
    expect(() => history.check()).toThrow('wrong-result');
  });

  test('may hold writes of which nobody knew what became', () => {
    begin();
    const set = attempt('set', NONE, 'ok', 'a');
    history.committed(committed(set));
    history.returned(set, Outcome.unknown, now++);
    done(attempt('get', committed(set), 'a'));
    done(attempt('get', committed(set), 'a'));
    expect(() => history.check()).not.toThrow();
  });
});
