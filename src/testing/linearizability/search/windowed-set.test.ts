import { expect, test } from 'vitest';
import { Prng } from '../../../base/prng.ts';
import { WindowedSet } from './windowed-set.ts';

test('keys are equal exactly when the members are, whatever was added and removed before', () => {
  const random = new Prng(1);
  const bySize = 150;
  const keys = new Map<string, string>();
  const membersOf = new Map<string, string>();
  const set = new WindowedSet(bySize);
  const members = new Set<number>();
  for (let step = 0; step < 50_000; step++) {
    // Mostly the lowest missing ones, as in a search.
    const member = random.chance(0.5) ? random.below(bySize) : Math.min(members.size, bySize - 1);
    if (members.has(member)) {
      members.delete(member);
      set.remove(member);
    } else {
      members.add(member);
      set.add(member);
    }
    const list = Array.from({ length: bySize }, (_, each) => (members.has(each) ? '1' : '0')).join('');
    const key = set.key();
    // An `expect` for each of so many steps would be most of the time.
    if ((keys.get(list) ?? key) !== key) expect.fail(`two keys for the members ${list}`);
    if ((membersOf.get(key) ?? list) !== list) expect.fail(`one key for ${list} and for ${membersOf.get(key)}`);
    keys.set(list, key);
    membersOf.set(key, list);
  }
});

test('the key is as long as the window, not as the set', () => {
  const set = new WindowedSet(100_000);
  for (let member = 0; member < 99_000; member++) set.add(member);
  set.add(99_040);
  expect(set.key().length).toBeLessThan(10);
});

test('the key does not run into what follows it', () => {
  const set = new WindowedSet(100);
  const keys = new Set<string>();
  for (let member = 0; member < 100; member++) {
    keys.add(set.key() + String.fromCharCode(1));
    keys.add(set.key());
    set.add(member);
  }
  expect(keys.size).toBe(200);
});
