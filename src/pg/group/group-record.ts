/**
 * What all nodes agree on about the group of PostgreSQL servers: one record in the section `postgres` of the catalog. Who may be
 * written to, in which epoch, whose flush counts, and which history is the true one.
 *
 *   forming -> opening -> serving ---> switching
 *                ^           |          |     |
 *                |           v          |     | ended in order: where its data ends is known
 *                |       recruiting <---+     |
 *                |           |                |
 *                |           v                |
 *                +------ promoting <----------+     with a new epoch, as every recruiting
 *
 * Only `serving` (and `switching`, for what has begun) lets anybody write.
 */
import type { NodeId } from '../../cluster/view.ts';

export const GROUP_SECTION = 'postgres';
export const GROUP_KEY = 'group';

export type Phase = 'forming' | 'recruiting' | 'promoting' | 'opening' | 'serving' | 'switching';

export interface Voter {
  readonly node: NodeId;
  readonly name: string;
}

/** One primary's time: on which timeline it wrote, and where that forked off the reign before it in the list. */
export interface Reign {
  readonly epoch: number;
  readonly timeline: number;
  /** An LSN as a decimal number: JSON has no 64-bit integers. */
  readonly fork: string;
}

/** A voter's answer to a recruiting: it acknowledges nothing of an older epoch any more, and this is what it has. */
export interface Pledge {
  readonly node: NodeId;
  /** Of the newest reign of which it has anything; 0 for a server without data that may answer all the same. */
  readonly dataEpoch: number;
  /** Decimal. */
  readonly lsn: string;
}

/** An operator has given up what the rules protect. Kept for ever. */
export interface Override {
  readonly at_ms: number;
  readonly epoch: number;
  readonly node: NodeId;
  /** The nodes that had answered when the others were given up. */
  readonly pledged: readonly NodeId[];
}

export interface GroupRecord {
  readonly epoch: number;
  readonly phase: Phase;
  /** Of this epoch; 0 while nobody is chosen. */
  readonly primary: NodeId;
  /** Whose lease may still run while a successor is looked for; 0 for nobody. */
  readonly deposed: NodeId;
  /** The deposed primary's server is known to be gone: nobody has to wait for its lease. */
  readonly released: boolean;
  /** Who should become primary if it has everything; 0 for whoever has most. */
  readonly target: NodeId;
  /**
   * While `primary` is promoted after the one before was shut down in order: where the last record of that one begins (decimal LSN). Who has
   * replayed beyond it has everything that there is, so nobody has to be asked for pledges. Empty when pledges have decided.
   */
  readonly lastRecord: string;
  /** In order of their ids, the primary included. */
  readonly voters: readonly Voter[];
  /** How many voters beside the primary have to have a transaction before it is acknowledged. */
  readonly k: number;
  /** The reigns that today's data comes from, oldest first. */
  readonly chain: readonly Reign[];
  /** Whether anybody could ever write: before that nothing can be lost. */
  readonly hasServed: boolean;
  readonly systemIdentifier: string;
  /** Of this recruiting. */
  readonly pledges: readonly Pledge[];
  /** Settings of PostgreSQL that users have made, the same on all servers. */
  readonly settings: Readonly<Record<string, string>>;
  readonly overrides: readonly Override[];
}

/** The most voters that a group is formed with. */
export const VOTERS_MAX = 3;
/** What is further back is no longer told apart: a server from then is cloned anew. */
export const CHAIN_MAX = 64;

/** Voters beside the primary that have to have flushed a transaction: with the primary they are a majority, or half of an even number. */
export function acknowledgersOf(voterCount: number): number {
  return Math.floor(voterCount / 2);
}

/**
 * How many answers find every acknowledged transaction. It is on the primary and k others, k + 1 of N servers: so many sets
 * of N - k have one of these in them.
 */
export function pledgesNeeded(record: Pick<GroupRecord, 'voters' | 'k'>): number {
  return record.voters.length - record.k;
}

/**
 * By what name a standby counts for the primary of an epoch. The epoch is in it: who follows again after it was left behind must
 * not count by a position that it has on another history. By id, since ids are never the same and never too long for PostgreSQL.
 */
export function voterName(node: NodeId, epoch: number): string {
  return `n${node}.e${epoch}`;
}

/** The name of a standby that does not count (yet). */
export function learnerName(node: NodeId): string {
  return `n${node}.learner`;
}

/** The names that the primary waits for. */
export function synchronousNames(record: GroupRecord): string[] {
  return record.voters.filter(({ node }) => node !== record.primary).map(({ node }) => voterName(node, record.epoch));
}

/** Of whose data is the last record of the reign before: it has all of it, and nothing else. Null when that is not known. */
export function lastRecordOf({ phase, lastRecord }: GroupRecord): bigint | null {
  return phase === 'promoting' && lastRecord ? BigInt(lastRecord) : null;
}

export function currentReign(record: GroupRecord): Reign | null {
  const last = record.chain.at(-1);
  return last !== undefined && last.epoch === record.epoch ? last : null;
}

/** Where the history of a reign was left for the next one of the chain; null when it still goes on, 'strange' when it is no part of it. */
export function endOfReign(chain: readonly Reign[], epoch: number): bigint | null | 'strange' {
  const index = chain.findIndex((reign) => reign.epoch === epoch);
  if (index === -1) return 'strange';
  const next = chain[index + 1];
  return next === undefined ? null : BigInt(next.fork);
}

export function readGroup(records: ReadonlyMap<string, unknown>): GroupRecord | null {
  return (records.get(GROUP_KEY) as GroupRecord | undefined) ?? null;
}
