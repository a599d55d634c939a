/**
 * The words that the liveness worker and the main thread share, and the protocol between them.
 *
 * Writers. `given` is moved from 0 to a time and from a time to a later one by the worker, and from a time to 0 by either.
 * Everything else has one writer: the worker writes support words and epochs, main writes its own ages.
 *
 * Times are milliseconds of the monotonic clock, which is one for all threads. Words are 32 bits and only ever accessed by
 * `Atomics`, so all accesses of all threads have one total order (ECMAScript: SeqCst). 64-bit words would need BigInt, which
 * allocates per read.
 *
 * ## Support given: main must not act against a promise that the worker extends
 *
 * The word `given` of a peer is 0 (no promise) or the time at which the promise ends, rounded up, modulo 2^32.
 *
 *   worker, on a heartbeat at time t:            main, asked at time t:
 *   w = given                                    w = given
 *   if w != 0 and t is before w:                 if w == 0: answer 0
 *     if CAS(given, w, t + D): answer generation if t is before w: g = generation;
 *   CAS(given, w, 0)                               if given == w: answer g, else again
 *   generation = next; given = t + D             else if CAS(given, w, 0): answer 0, else again
 *   answer generation
 *
 * Claim 1. When main has answered 0, no promise of a generation up to the last one holds, or will ever be extended.
 *   Main answers 0 after it saw given == 0 or made it 0. A promise is extended only by a CAS from a non-zero word, and the
 *   word leaves 0 only by the worker's last step, which follows a new generation. So the stretch that ended with the 0 stays
 *   ended; and until main moved the word itself, it had seen that the promise had run out. If the worker's CAS came first,
 *   main's fails, and main looks again.
 * Claim 2. Main never answers a generation that it could have answered 0 for before its promise was given. `generation` is
 *   written while given == 0, and main answers g only if given was the same non-zero w before and after it read g. Non-zero
 *   values of the word only grow, so equal means that it was not 0 in between and g is the generation of w.
 * Claim 3. The worker may extend a promise whose time has passed unnoticed (it read t, and was then not scheduled): if main
 *   has not withdrawn it, nobody has acted against it, so it is unbroken. The comparison with t in the worker is there because
 *   an expired generation should end, not for safety. The same covers the 49.7 days after which the word repeats: an old word
 *   that looks like the future only makes main support a node for less than a promise longer.
 *
 * Main's loop ends: each round after the first needs a step of the worker in between, and those are a heartbeat apart.
 *
 * ## Support received: main must not see halves of two answers
 *
 * `sequence` is odd while the worker writes (generation, until, length). Main reads sequence, the words, sequence; if both
 * are the same even number, the words belong together. If not, the worker is in the middle of it (and maybe not scheduled, so
 * waiting for it could take long): main then uses what it read last. A promise "supported in generation g until T" once
 * received stays true until T, so old is safe.
 */
import { assert } from '../base/assert.ts';

export const LIVENESS_PEERS_MAX = 1023;

const WORDS_PER_SLOT = 16;
const TWO_32 = 2 ** 32;
/** Longest promise that is possible; a word further ahead than this is an old one. */
export const PROMISE_MS_MAX = 60_000;

/** Words of slot 0, which is this node's own. */
const LOOP_AT = 0;
const SYNC_SINCE = 1;

/** Words of a peer's slot. */
const GIVEN = 0;
const GIVEN_GENERATION_HIGH = 1;
const GIVEN_GENERATION_LOW = 2;
const SEQUENCE = 4;
const UNTIL_HIGH = 5;
const UNTIL_LOW = 6;
const LENGTH = 7;
const GENERATION_HIGH = 8;
const GENERATION_LOW = 9;
const EPOCH = 12;

/** An age beyond what can be told apart. */
export const AGE_MS_MAX = 2 ** 31 - 1;

export class LivenessMemory {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** Of a new process, or, in the worker, the one that main made. */
  constructor(shared?: SharedArrayBuffer) {
    const bytes = (LIVENESS_PEERS_MAX + 1) * WORDS_PER_SLOT * 4;
    this.shared = shared ?? new SharedArrayBuffer(bytes);
    assert(this.shared.byteLength === bytes, 'the threads share one layout of the liveness memory');
    this.#words = new Int32Array(this.shared);
  }

  // ---- Main thread: how it is doing

  loopTurned(now_ms: number): void {
    Atomics.store(this.#words, LOOP_AT, timeWord(now_ms));
  }

  syncStarted(now_ms: number): void {
    Atomics.store(this.#words, SYNC_SINCE, timeWord(now_ms));
  }

  syncFinished(): void {
    Atomics.store(this.#words, SYNC_SINCE, 0);
  }

  // ---- Worker: how main is doing

  loopAge_ms(now_ms: number): number {
    return ageOf(Atomics.load(this.#words, LOOP_AT), now_ms);
  }

  /** 0 when no sync is running. */
  syncAge_ms(now_ms: number): number {
    const word = Atomics.load(this.#words, SYNC_SINCE);
    return word === 0 ? 0 : ageOf(word, now_ms);
  }

  // ---- Support given

  /**
   * Worker: promises support until `until_ms`. Returns true when that extends the promise that stands; false when there is
   * none any more: then `begin` starts a new stretch.
   */
  extend(slot: number, now_ms: number, until_ms: number): boolean {
    const at = slot * WORDS_PER_SLOT + GIVEN;
    const word = Atomics.load(this.#words, at);
    if (word === 0) return false;
    if (!isAhead(word, now_ms)) {
      this.#withdrawWord(at, word);
      return false;
    }
    return Atomics.compareExchange(this.#words, at, word, timeWord(Math.ceil(until_ms))) === word;
  }

  /** Worker: starts a stretch of support after `extend` returned false, or `withdraw`. */
  begin(slot: number, generation: number, until_ms: number): void {
    const base = slot * WORDS_PER_SLOT;
    assert(Atomics.load(this.#words, base + GIVEN) === 0, 'a generation ends before the next one begins');
    Atomics.store(this.#words, base + GIVEN_GENERATION_HIGH, Math.floor(generation / TWO_32));
    Atomics.store(this.#words, base + GIVEN_GENERATION_LOW, generation | 0);
    Atomics.store(this.#words, base + GIVEN, timeWord(Math.ceil(until_ms)));
  }

  /** Worker: ends the stretch, whatever its time. */
  withdraw(slot: number): void {
    const at = slot * WORDS_PER_SLOT + GIVEN;
    this.#withdrawWord(at, Atomics.load(this.#words, at));
  }

  /** Worker: 0 when there is no promise, or it has just been found expired and withdrawn; else what is left of it. */
  left_ms(slot: number, now_ms: number): number {
    const at = slot * WORDS_PER_SLOT + GIVEN;
    const word = Atomics.load(this.#words, at);
    if (word === 0) return 0;
    if (isAhead(word, now_ms)) return (word - Math.floor(now_ms)) | 0;
    this.#withdrawWord(at, word);
    return 0;
  }

  /** Main: the generation of the promise that stands, or 0 after which it is withdrawn for good. */
  supportFor(slot: number, now_ms: number): number {
    const words = this.#words;
    const base = slot * WORDS_PER_SLOT;
    for (;;) {
      const word = Atomics.load(words, base + GIVEN);
      if (word === 0) return 0;
      if (isAhead(word, now_ms)) {
        const high = Atomics.load(words, base + GIVEN_GENERATION_HIGH);
        const low = Atomics.load(words, base + GIVEN_GENERATION_LOW);
        if (Atomics.load(words, base + GIVEN) === word) return high * TWO_32 + (low >>> 0);
      } else if (this.#withdrawWord(base + GIVEN, word)) return 0;
    }
  }

  #withdrawWord(at: number, word: number): boolean {
    return Atomics.compareExchange(this.#words, at, word, 0) === word;
  }

  // ---- Support received

  /** Worker: support in `generation` until `until_ms`, which is `length_ms` after the heartbeat was sent. */
  receive(slot: number, generation: number, until_ms: number, length_ms: number): void {
    const words = this.#words;
    const base = slot * WORDS_PER_SLOT;
    const sequence = Atomics.load(words, base + SEQUENCE);
    const until_us = Math.floor(until_ms * 1000);
    Atomics.store(words, base + SEQUENCE, (sequence + 1) | 0);
    Atomics.store(words, base + GENERATION_HIGH, Math.floor(generation / TWO_32));
    Atomics.store(words, base + GENERATION_LOW, generation | 0);
    Atomics.store(words, base + UNTIL_HIGH, Math.floor(until_us / TWO_32));
    Atomics.store(words, base + UNTIL_LOW, until_us | 0);
    Atomics.store(words, base + LENGTH, Math.ceil(length_ms));
    Atomics.store(words, base + SEQUENCE, (sequence + 2) | 0);
  }

  /** Main: brings `into` up to date with what the worker has received, if it is not writing at this moment. */
  read(slot: number, into: ReceivedSupport): void {
    const words = this.#words;
    const base = slot * WORDS_PER_SLOT;
    const sequence = Atomics.load(words, base + SEQUENCE);
    if (sequence === into.sequence || (sequence & 1) !== 0) return;
    const generationHigh = Atomics.load(words, base + GENERATION_HIGH);
    const generationLow = Atomics.load(words, base + GENERATION_LOW);
    const untilHigh = Atomics.load(words, base + UNTIL_HIGH);
    const untilLow = Atomics.load(words, base + UNTIL_LOW);
    const length_ms = Atomics.load(words, base + LENGTH);
    if (Atomics.load(words, base + SEQUENCE) !== sequence) return;
    into.sequence = sequence;
    into.generation = generationHigh * TWO_32 + (generationLow >>> 0);
    into.until_ms = (untilHigh * TWO_32 + (untilLow >>> 0)) / 1000;
    into.length_ms = length_ms;
  }

  // ---- Epochs

  setEpoch(slot: number, epoch: number): void {
    Atomics.store(this.#words, slot * WORDS_PER_SLOT + EPOCH, epoch);
  }

  epoch(slot: number): number {
    return Atomics.load(this.#words, slot * WORDS_PER_SLOT + EPOCH);
  }
}

/** Main's copy of what it read last of one peer. */
export interface ReceivedSupport {
  sequence: number;
  generation: number;
  until_ms: number;
  length_ms: number;
}

/** A time as a word; never 0, which means none. */
function timeWord(time_ms: number): number {
  return Math.floor(time_ms) | 0 || 1;
}

/** Whether the promise that ends at `word` still holds. */
function isAhead(word: number, now_ms: number): boolean {
  const left = (word - Math.floor(now_ms)) | 0;
  // More than a promise plus rounding: an old word, half a cycle back.
  return left > 0 && left <= PROMISE_MS_MAX + 2;
}

function ageOf(word: number, now_ms: number): number {
  const age = (Math.floor(now_ms) - word) | 0;
  // The other thread may have read the clock a moment later than this one.
  if (age >= 0) return age;
  return age > -1000 ? 0 : AGE_MS_MAX;
}
