/**
 * Which server a read may go to, so that it sees everything that was acknowledged before it began, to whomever, on whichever node.
 *
 * The primary is asked how far its log is on disk (everything acknowledged is in there), once for all reads that have come until the
 * question leaves; a standby that has replayed so far will do. Where none is known to have, the one with the least to do is asked until
 * it has, for `replay_ms`; then the primary itself is read.
 *
 * The alternative, to remember for each session what it wrote, knows nothing of what an application wrote over another connection, which
 * on two ports is the usual case.
 */
import type { Clock } from '../../../base/clock.ts';
import type { NodeId } from '../../../cluster/view.ts';
import type { PoolHost } from './pool-host.ts';
import { Probe } from './probe.ts';

const ASK_PRIMARY = 'SELECT pg_catalog.pg_current_wal_flush_lsn()';
const ASK_STANDBY = 'SELECT pg_catalog.pg_last_wal_replay_lsn()';
/** Between two questions to a standby that is not there yet. */
const REPLAY_POLL_MS = 1;

/** Gets the node to read; -1 when nobody could be asked in time. */
export type Chosen = (node: NodeId) => void;

interface Wish {
  readonly chosen: Chosen;
  readonly since_ms: number;
}

interface Catching {
  readonly lsn: bigint;
  readonly chosen: Chosen;
  readonly until_ms: number;
}

export class CausalReads {
  readonly #host: PoolHost;
  readonly #clock: Clock;
  /** Reads for which the primary has not been asked yet. */
  #wishes: Wish[] = [];
  #asking = false;
  #primary: Probe | null = null;
  readonly #standbys = new Map<NodeId, Probe>();
  readonly #catching = new Map<NodeId, Catching[]>();
  /** Those that are asked now, or will be in a moment: each one question at a time. */
  readonly #askedStandbys = new Set<NodeId>();

  constructor(host: PoolHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  choose(chosen: Chosen): void {
    this.#wishes.push({ chosen, since_ms: this.#host.now_ms });
    if (!this.#asking) this.#ask();
  }

  /** Ten times a second, and when roles have moved. */
  sweep(): void {
    const { now_ms, limits, routes } = this.#host;
    const primary = this.#primary;
    // A server that says nothing any more must not keep who asks; once it is known to be none to ask, its question is over.
    if (primary !== null && (primary.node !== routes.primary || primary.epoch !== routes.epoch)) primary.end();
    for (const [node, catching] of this.#catching) this.#giveUp(node, catching);
    const late = this.#wishes.filter(({ since_ms }) => now_ms - since_ms > limits.wait_ms);
    this.#wishes = this.#wishes.filter((wish) => !late.includes(wish));
    for (const { chosen } of late) chosen(-1);
    if (!this.#asking && this.#wishes.length > 0) this.#ask();
  }

  end(): void {
    for (const { chosen } of this.#wishes.splice(0)) chosen(-1);
    this.#primary?.end();
    for (const probe of this.#standbys.values()) probe.end();
  }

  #ask(): void {
    const { routes } = this.#host;
    if (routes.isHeld('primary')) return;
    let probe = this.#primary;
    if (probe === null || probe.isClosed || probe.node !== routes.primary || probe.epoch !== routes.epoch) {
      probe?.end();
      probe = new Probe(this.#host, routes.primary);
      this.#primary = probe;
    }
    const wishes = this.#wishes;
    this.#wishes = [];
    this.#asking = true;
    probe.ask(ASK_PRIMARY, (rows) => {
      this.#asking = false;
      const lsn = parseLsn(rows?.[0]?.[0]);
      // Those who have come meanwhile need a new answer: what they must see may be newer than this one.
      if (lsn === null) this.#wishes = [...wishes, ...this.#wishes];
      else {
        for (const { chosen } of wishes) this.#chooseBy(lsn, chosen);
        if (this.#wishes.length > 0) this.#ask();
      }
    });
  }

  #giveUp(node: NodeId, catching: readonly Catching[]): void {
    const left = catching.filter(({ until_ms }) => this.#clock.monotonic_ms() <= until_ms);
    if (left.length === catching.length) return;
    const late = catching.filter((wish) => !left.includes(wish));
    this.#catching.set(node, left);
    for (const { chosen } of late) this.#readPrimary(chosen);
    if (left.length > 0) return;
    this.#catching.delete(node);
    this.#standbys.get(node)?.end();
    this.#standbys.delete(node);
  }

  #chooseBy(lsn: bigint, chosen: Chosen): void {
    const { routes, now_ms, limits } = this.#host;
    const node = routes.standbyWith(lsn);
    if (node !== 0) {
      chosen(node);
      return;
    }
    const behind = routes.standbyWith(0n);
    if (behind === 0) {
      this.#readPrimary(chosen);
      return;
    }
    const catching = this.#catching.get(behind) ?? [];
    this.#catching.set(behind, catching);
    catching.push({ lsn, chosen, until_ms: now_ms + limits.replay_ms });
    if (this.#askedStandbys.has(behind)) return;
    this.#askedStandbys.add(behind);
    this.#askStandby(behind);
  }

  #askStandby(node: NodeId): void {
    if (!this.#catching.has(node)) {
      this.#askedStandbys.delete(node);
      return;
    }
    let probe = this.#standbys.get(node);
    if (probe === undefined || probe.isClosed) {
      probe = new Probe(this.#host, node);
      this.#standbys.set(node, probe);
    }
    probe.ask(ASK_STANDBY, (rows) => this.#standbyIsAt(node, parseLsn(rows?.[0]?.[0])));
  }

  #standbyIsAt(node: NodeId, replayed: bigint | null): void {
    const catching = this.#catching.get(node) ?? [];
    this.#catching.delete(node);
    if (replayed !== null) this.#host.routes.noteReplayed(node, replayed);
    const left: Catching[] = [];
    for (const wish of catching) {
      if (replayed !== null && replayed >= wish.lsn) wish.chosen(node);
      else if (replayed === null || this.#clock.monotonic_ms() > wish.until_ms) this.#readPrimary(wish.chosen);
      else left.push(wish);
    }
    if (left.length > 0) this.#catching.set(node, [...left, ...(this.#catching.get(node) ?? [])]);
    this.#clock.after(REPLAY_POLL_MS, () => this.#askStandby(node));
  }

  #readPrimary(chosen: Chosen): void {
    this.#host.statistics.readsOnPrimary += 1;
    chosen(this.#host.routes.primary);
  }
}

/** `16/B374D848`; null when it is none. */
export function parseLsn(text: string | null | undefined): bigint | null {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text ?? '');
  return match === null ? null : (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}
