/**
 * The group as the gateway and people see it on this node. The types are those of doors/postgres/servers.ts, which this layer must not
 * know: node/ puts the two together.
 */
import type { NodeId } from '../../cluster/view.ts';
import type { MemberReport } from './group-calls.ts';
import { type GroupRecord, pledgesNeeded } from './group-record.ts';

export interface ServerPicture {
  readonly node: NodeId;
  readonly name: string;
  readonly role: 'primary' | 'standby' | 'learner' | 'down';
  readonly isAlive: boolean;
  readonly replayedLsn: bigint;
  /** What it waits for, or what is wrong. */
  readonly note: string;
}

export interface GroupPicture {
  readonly availability: 'off' | 'starting' | 'serving' | 'switching' | 'failing-over' | 'unavailable';
  readonly reason: string;
  readonly epoch: number;
  readonly primary: NodeId;
  readonly upcoming: NodeId;
  readonly servers: readonly ServerPicture[];
  /** Equal when nothing has changed but how far servers are. */
  readonly essence: string;
  /** Equal when nothing has changed. */
  readonly text: string;
}

export interface PictureInput {
  readonly record: GroupRecord | null;
  readonly isOff: boolean;
  readonly isAlive: (node: NodeId) => boolean;
  readonly nameOf: (node: NodeId) => string;
  readonly report: (node: NodeId) => MemberReport | null;
  /** False on the node of the primary while it may not write. */
  readonly mayServe: boolean;
}

export function pictureOf(input: PictureInput): GroupPicture {
  const { record } = input;
  const servers = record === null ? [] : record.voters.map(({ node }) => serverOf(input, record, node));
  const { availability, reason } = stateOf(input);
  const isWritten = availability === 'serving' || availability === 'switching';
  const epoch = record?.epoch ?? 0;
  const primary = isWritten ? (record?.primary ?? 0) : 0;
  const upcoming = record?.phase === 'opening' ? record.primary : 0;
  const roles = servers.map(({ node, name, role, isAlive }) => `${node} ${name} ${role} ${isAlive}`);
  const essence = [availability, reason, epoch, primary, upcoming, ...roles].join('; ');
  const places = servers.map(({ replayedLsn, note }) => `${replayedLsn} ${note}`);
  return { availability, reason, epoch, primary, upcoming, servers, essence, text: [essence, ...places].join('; ') };
}

function serverOf({ isAlive, nameOf, report }: PictureInput, record: GroupRecord, node: NodeId): ServerPicture {
  const said = isAlive(node) ? report(node) : null;
  return {
    node,
    name: nameOf(node),
    role: said === null ? 'down' : roleNow(record, node, said.role),
    isAlive: isAlive(node),
    replayedLsn: BigInt(said?.replayed ?? 0),
    note: said?.note ?? 'not heard of',
  };
}

/** What the record knows is newer than what a server has said: that may be of a time before this node stood still. */
function roleNow({ primary, phase }: GroupRecord, node: NodeId, said: MemberReport['role']): ServerPicture['role'] {
  if (node !== primary) return said === 'primary' ? 'down' : said;
  const hasOpened = phase === 'serving' || phase === 'switching';
  return hasOpened && said === 'standby' ? 'primary' : said;
}

function stateOf({ record, isOff, isAlive, mayServe }: PictureInput): Pick<GroupPicture, 'availability' | 'reason'> {
  if (isOff) return { availability: 'off', reason: 'the node runs without the PostgreSQL door; see --postgres' };
  if (record === null) return { availability: 'starting', reason: 'the group of PostgreSQL servers is not formed yet' };
  const { phase, primary, hasServed } = record;
  if (phase === 'serving' || phase === 'switching') {
    if (!isAlive(primary)) return { availability: 'failing-over', reason: `node ${primary}, the primary, is dead` };
    if (!mayServe)
      return { availability: 'failing-over', reason: 'this node, the primary, has too few others behind it' };
    return phase === 'serving'
      ? { availability: 'serving', reason: '' }
      : { availability: 'switching', reason: 'another server is about to become primary' };
  }
  if (!hasServed) return { availability: 'starting', reason: `the group is ${phase}` };
  if (phase !== 'recruiting') return { availability: 'failing-over', reason: `node ${primary} becomes primary` };
  const needed = pledgesNeeded(record);
  const { pledges } = record;
  const alive = record.voters.filter(({ node }) => isAlive(node)).length;
  return alive < needed
    ? {
        availability: 'unavailable',
        reason: `${alive} of ${record.voters.length} servers are alive and ${needed} are needed to be sure that nothing is lost: start another one`,
      }
    : { availability: 'failing-over', reason: `${pledges.length} of ${needed} answers of servers are there` };
}
