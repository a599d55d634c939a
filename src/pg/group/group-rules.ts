/**
 * How the group's record changes: the handler of its section, evaluated by the leader of the metadata group, one request after
 * the other. Every request names the epoch that its sender has seen, so that one that comes late changes nothing.
 *
 * Invariants
 *  1. The epoch goes up with every recruiting, and in one epoch at most one node becomes primary.
 *  2. Nobody is chosen before N - k voters have pledged themselves to the epoch, and then the one with the highest (epoch of its
 *     data, LSN) of them; unless the primary was shut down in order for a successor: then that one is, and says itself if it does not
 *     have all that the primary had.
 *  3. `serving` follows only when k voters have the new primary's first record of its reign, which it says itself.
 *  4. k and the voters are what every acknowledged transaction was acknowledged by, or something weaker.
 */
import type { NodeId } from '../../cluster/view.ts';
import {
  acknowledgersOf,
  CHAIN_MAX,
  type GroupRecord,
  type Pledge,
  pledgesNeeded,
  VOTERS_MAX,
  type Voter,
} from './group-record.ts';

export type GroupRequest =
  /** From the metadata group's leader, when it is clear which nodes have PostgreSQL. */
  | { readonly type: 'form'; readonly voters: readonly Voter[] }
  /** The leader holds the primary (or the node that was to be it) for dead. `successor` founds the group if nobody has served yet. */
  | { readonly type: 'suspect'; readonly epoch: number; readonly node: NodeId; readonly successor: NodeId }
  /**
   * From the primary: its server acknowledges nothing any more. `lastRecord`: where the last record begins (decimal LSN) that it has
   * written, when it was shut down in order; else empty, and no process of it is left.
   */
  | { readonly type: 'down'; readonly epoch: number; readonly node: NodeId; readonly lastRecord: string }
  /** The deposed primary's server is confirmed to be gone. */
  | { readonly type: 'released'; readonly epoch: number; readonly node: NodeId }
  | ({ readonly type: 'pledge'; readonly epoch: number } & Pledge)
  /** From the chosen node: it takes writes, which nobody may send yet. `parent`: the epoch that its data was of. */
  | {
      readonly type: 'promoted';
      readonly epoch: number;
      readonly node: NodeId;
      readonly timeline: number;
      readonly fork: string;
      readonly parent: number;
      readonly systemIdentifier: string;
    }
  | { readonly type: 'open'; readonly epoch: number; readonly node: NodeId }
  /** From an operator or a node that stops: another primary, the best one for target 0. */
  | { readonly type: 'switchover'; readonly epoch: number; readonly target: NodeId }
  | { readonly type: 'set'; readonly name: string; readonly value: string | null }
  /** From an operator, who has been asked twice: goes on with those that have pledged. */
  | { readonly type: 'override'; readonly epoch: number };

/** The record after the request; the same object when it changes nothing, a text when it is refused. */
export function changeGroup(
  record: GroupRecord | null,
  request: GroupRequest,
  now_ms: number,
): GroupRecord | string | null {
  if (request.type === 'form') return record ?? form(request.voters);
  if (record === null) return 'there is no group of PostgreSQL servers yet';
  if (request.type === 'set') return withSetting(record, request.name, request.value);
  if (request.epoch !== record.epoch) return stale(record, request);
  switch (request.type) {
    case 'suspect':
      return suspect(record, request.node, request.successor);
    case 'down':
      if (request.node !== record.primary) return record;
      return handedOver(record, request.lastRecord);
    case 'released':
      return request.node === record.deposed && !record.released ? { ...record, released: true } : record;
    case 'pledge':
      return pledge(record, { node: request.node, dataEpoch: request.dataEpoch, lsn: request.lsn });
    case 'promoted':
      return promoted(record, request);
    case 'open':
      if (record.phase !== 'opening' || request.node !== record.primary) return record;
      return { ...record, phase: 'serving', hasServed: true, deposed: 0, released: true };
    case 'switchover':
      return switchover(record, request.target);
    case 'override':
      return override(record, now_ms);
  }
}

function form(voters: readonly Voter[]): GroupRecord | string {
  const [first] = voters;
  if (first === undefined || voters.length > VOTERS_MAX) return `a group has 1 to ${VOTERS_MAX} servers`;
  return {
    epoch: 1,
    phase: 'forming',
    primary: first.node,
    deposed: 0,
    released: true,
    target: 0,
    lastRecord: '',
    voters: [...voters].sort((a, b) => a.node - b.node),
    k: acknowledgersOf(voters.length),
    chain: [],
    hasServed: false,
    systemIdentifier: '',
    pledges: [],
    settings: {},
    overrides: [],
  };
}

/** An operator is told; everybody else looks at the record anyway. */
function stale(record: GroupRecord, request: GroupRequest): GroupRecord | string {
  return request.type === 'switchover' || request.type === 'override'
    ? `the group is in epoch ${record.epoch} by now`
    : record;
}

function suspect(record: GroupRecord, node: NodeId, successor: NodeId): GroupRecord {
  if (record.phase === 'recruiting') {
    // It is not waited for any more.
    return node !== 0 && node === record.target ? chosen({ ...record, target: 0 }) : record;
  }
  if (node !== record.primary) return record;
  if (!record.hasServed) {
    if (!record.voters.some((voter) => voter.node === successor)) return record;
    // Nobody could write yet: what the founder has made is given up with it.
    return {
      ...record,
      epoch: record.epoch + 1,
      phase: 'forming',
      primary: successor,
      chain: [],
      systemIdentifier: '',
    };
  }
  return depose(record, node);
}

function depose(record: GroupRecord, node: NodeId): GroupRecord {
  if (!record.hasServed)
    return { ...record, epoch: record.epoch + 1, phase: 'forming', chain: [], systemIdentifier: '' };
  return {
    ...record,
    epoch: record.epoch + 1,
    phase: 'recruiting',
    primary: 0,
    deposed: node,
    released: false,
    target: record.phase === 'switching' ? record.target : 0,
    lastRecord: '',
    pledges: [],
  };
}

/** The primary has ended. Where its data ends may be known: then its successor need not be looked for. */
function handedOver(record: GroupRecord, lastRecord: string): GroupRecord {
  const after = { ...depose(record, record.primary), released: true };
  // A node with older software says nothing about its last record.
  if (after.phase !== 'recruiting' || after.target === 0 || !lastRecord) return after;
  return { ...after, phase: 'promoting', primary: after.target, target: 0, lastRecord };
}

function pledge(record: GroupRecord, given: Pledge): GroupRecord {
  if (record.phase !== 'recruiting' || !record.voters.some(({ node }) => node === given.node)) return record;
  const others = record.pledges.filter(({ node }) => node !== given.node);
  return chosen({ ...record, pledges: [...others, given] });
}

/** The record with a primary, when enough have pledged themselves. */
function chosen(record: GroupRecord): GroupRecord {
  const { pledges, target } = record;
  if (pledges.length < pledgesNeeded(record)) return record;
  const isWaited = target !== 0 && pledges.length < record.voters.length;
  if (isWaited && !pledges.some(({ node }) => node === target)) return record;
  return withBest(record);
}

function withBest(record: GroupRecord): GroupRecord {
  const best = [...record.pledges].sort((a, b) => comparePledges(record, a, b))[0];
  // Servers without data make no database.
  if (best === undefined || best.dataEpoch === 0) return record;
  return { ...record, phase: 'promoting', primary: best.node, target: 0 };
}

/** Who has most comes first; of equals the wanted one, then one that has not just failed. */
function comparePledges({ target, deposed }: GroupRecord, a: Pledge, b: Pledge): number {
  if (a.dataEpoch !== b.dataEpoch) return b.dataEpoch - a.dataEpoch;
  const [atA, atB] = [BigInt(a.lsn), BigInt(b.lsn)];
  if (atA !== atB) return atA > atB ? -1 : 1;
  const rank = ({ node }: Pledge): number => (node === target ? 0 : node === deposed ? 2 : 1);
  return rank(a) - rank(b) || a.node - b.node;
}

function promoted(record: GroupRecord, request: GroupRequest & { readonly type: 'promoted' }): GroupRecord {
  const { node, epoch, timeline, fork, parent, systemIdentifier } = request;
  const isExpected = record.phase === 'promoting' || record.phase === 'forming';
  if (!isExpected || node !== record.primary) return record;
  // Reigns that nobody's data comes from (promoted, and lost before anybody followed) are no part of the history.
  const ancestors = record.chain.filter((reign) => reign.epoch <= parent);
  const chain = [...ancestors, { epoch, timeline, fork }].slice(-CHAIN_MAX);
  return { ...record, phase: 'opening', lastRecord: '', chain, systemIdentifier };
}

function switchover(record: GroupRecord, target: NodeId): GroupRecord | string {
  if (record.phase === 'switching') return record;
  if (record.phase !== 'serving') return `the group is ${record.phase}; try again when it serves`;
  if (target === record.primary) return `node ${target} is the primary already`;
  if (record.voters.length < 2) return 'the group has no other server';
  if (target !== 0 && !record.voters.some(({ node }) => node === target)) {
    return `node ${target} is no server of the group`;
  }
  return { ...record, phase: 'switching', target };
}

function withSetting(record: GroupRecord, name: string, value: string | null): GroupRecord {
  const { [name]: _before, ...others } = record.settings;
  return { ...record, settings: value === null ? others : { ...others, [name]: value } };
}

function override(record: GroupRecord, now_ms: number): GroupRecord | string {
  if (record.phase !== 'recruiting') return `the group is ${record.phase}: nobody has to be given up`;
  const decided = withBest(record);
  if (decided === record) return 'no server with data has answered';
  const pledged = record.pledges.map(({ node }) => node);
  // The others are out of the group: they may have what is given up, and must not bring it back.
  const voters = record.voters.filter(({ node }) => pledged.includes(node));
  const entry = { at_ms: now_ms, epoch: record.epoch, node: decided.primary, pledged };
  return {
    ...decided,
    voters,
    k: acknowledgersOf(voters.length),
    overrides: [...record.overrides, entry],
  };
}
