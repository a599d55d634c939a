/**
 * What the server of one node has to do next, from what the node knows: pure, one step at a time. The runner carries a step out
 * and asks again; so does the model test, with simulated servers.
 *
 * Rules (docs/internals/postgres.md has the reasons)
 *  1. Only the primary of the record's epoch writes, and only if it was promoted in this life of its process. Any other one that
 *     writes is fenced: it is never started again as it was.
 *  2. A pledge is durable before it is given, the server follows nobody when it is given, and what it has is replayed.
 *  3. It is given only when the lease of the deposed primary is over, as far as it rests on this node.
 *  4. A server follows under a name that counts only if its data is a beginning of the primary's, which it knows and does not guess.
 *  5. Who takes over from a primary that was shut down in order has replayed the last record of that one: it needs no pledges, since
 *     nothing can be acknowledged any more that it does not have.
 *  6. Data is given up only for a copy of a primary that is served, and a server that has given up what it may have acknowledged
 *     answers no recruiting until it has the copy.
 */
import { assert } from '../../base/assert.ts';
import type { NodeId } from '../../cluster/view.ts';
import {
  currentReign,
  endOfReign,
  type GroupRecord,
  lastRecordOf,
  learnerName,
  type Reign,
  synchronousNames,
  voterName,
} from './group-record.ts';
import type { GroupRequest } from './group-rules.ts';
import { dataEpoch, type MemberState } from './member-state.ts';

export interface MemberView {
  readonly self: NodeId;
  readonly record: GroupRecord;
  readonly state: MemberState;
  readonly server: ServerView;
  /** Another node's lease as primary may rest on this node. */
  readonly supportsDeposed: boolean;
  /** How long the group has been in this phase of this epoch, as far as the node knows. */
  readonly phaseFor_ms: number;
  /** So many other voters are alive that they can find every acknowledged transaction without this one. */
  readonly othersSuffice: boolean;
  /** Enough voters stand by this node as primary. */
  readonly holdsLease: boolean;
  /** The epoch after which this node is to be primary, for all that its operator knows; 0 for none. */
  readonly preparesFor: number;
}

export interface ServerView {
  readonly is: 'absent' | 'stopped' | 'busy' | 'standby' | 'primary';
  /** The name under which it follows the primary of the record; empty for nobody, or for another primary. */
  readonly follows: string;
  /** Of a standby, when somebody has to know: what it has replayed. When it follows nobody that is everything it has. */
  readonly replayed: bigint;
  /** Of the primary of this epoch, once it was shut down in order: where the last record begins that it wrote; else null. */
  readonly lastRecord: bigint | null;
  /** The epoch in which this process of it was made primary; 0 for none. */
  readonly reigns: number;
  readonly timeline: number;
  /** Where that timeline began. */
  readonly fork: bigint;
  readonly systemIdentifier: string;
  /** The names and the number that its commits wait for, as `ruleOf` says them. */
  readonly rule: string;
  /** Of the reign's first record: how many voters have it; -1 while it is not written. */
  readonly flushedBy: number;
  /** How often in a row a standby did not start, or a rewind failed. */
  readonly failures: number;
}

export type Step =
  | { readonly do: 'nothing'; readonly why: string }
  | { readonly do: 'fence'; readonly why: string }
  /** In order, so that what comes next finds the data as PostgreSQL wants it. */
  | { readonly do: 'stop' }
  | { readonly do: 'remember'; readonly state: MemberState }
  | { readonly do: 'tell'; readonly request: GroupRequest }
  /** Removes what is left of a database that nobody could ever write to. */
  | { readonly do: 'discard' }
  /** Makes a new database. */
  | { readonly do: 'found' }
  /** Starts the new database as primary. */
  | { readonly do: 'found-start'; readonly epoch: number }
  /** Starts as standby: of the primary under that name, or of nobody. */
  | { readonly do: 'start'; readonly as: string }
  | { readonly do: 'follow'; readonly as: string }
  | { readonly do: 'cut' }
  | { readonly do: 'synchronous'; readonly names: readonly string[]; readonly k: number }
  | { readonly do: 'promote'; readonly epoch: number }
  /** Writes the reign's first record and makes the roles. */
  | { readonly do: 'inaugurate' }
  /** Replaces the data by a copy of the primary's: `rewind` when the histories have a common beginning. Then starts as learner. */
  | { readonly do: 'rebuild'; readonly by: 'rewind' | 'clone' }
  /** Asks the primary that was, whose lease rests on this node too, to end at once. */
  | { readonly do: 'demand'; readonly of: NodeId }
  | { readonly do: 'hand-over' }
  /** Steps of which none needs the effect of another: at most one of them is for the server. */
  | { readonly do: 'together'; readonly steps: readonly Step[] };

/** Opening takes so long only when a standby is missing. */
const STUCK_MS = 2_000;
/** The last record of a primary that was shut down in order needs no longer to a standby that is not held up. */
const ARRIVAL_MS = 100;
/** How often a standby may fail to start, or a rewind, before the server is cloned. */
const FAILURES_MAX = 2;

export function nextStep(view: MemberView): Step {
  const { self, record, server, state } = view;
  const isMine = record.primary === self && record.phase !== 'recruiting';
  if (server.is === 'primary' && !(isMine && server.reigns === record.epoch)) {
    return { do: 'fence', why: `the group is in epoch ${record.epoch}, with another primary` };
  }
  if (!record.voters.some(({ node }) => node === self)) {
    return server.is === 'standby' ? { do: 'fence', why: 'the node is no server of the group' } : nothing('no member');
  }
  if (server.is === 'busy' && server.lastRecord === null) return nothing('the server is starting or stopping');
  if (state.systemIdentifier !== '' && state.systemIdentifier !== record.systemIdentifier) {
    return nothing(
      `its data is of another database (${state.systemIdentifier}); remove it to make it one of this group`,
    );
  }
  if (record.hasServed && state.systemIdentifier === '' && state.voted === record.epoch) {
    return { do: 'remember', state: { ...state, systemIdentifier: record.systemIdentifier } };
  }
  if (isMine) return asPrimary(view);
  if (record.phase === 'forming') return nothing('another node makes the database');
  if (record.phase === 'recruiting' || record.phase === 'promoting') return asRecruit(view);
  return asStandby(view);
}

/** How the runner writes down what `setSynchronous` was told. */
export function ruleOf(names: readonly string[], k: number): string {
  return `${k} of ${names.join(', ')}`;
}

type RuleStep = Step & { do: 'synchronous' };

/** Whom commits of the record's primary wait for. */
function ruleFor(record: GroupRecord): RuleStep {
  return { do: 'synchronous', names: synchronousNames(record), k: record.k };
}

function hasRule(server: ServerView, { names, k }: RuleStep): boolean {
  return server.rule === ruleOf(names, k);
}

function asPrimary(view: MemberView): Step {
  const { self, record, state, server } = view;
  const { epoch } = record;
  const synchronous = ruleFor(record);
  const isRuled = hasRule(server, synchronous);
  if (record.phase === 'forming') return asFounder(view, synchronous);
  if (record.phase === 'promoting') {
    if (server.is === 'primary') return promotedStep(view);
    const last = lastRecordOf(record);
    if (last !== null && state.branch?.epoch !== epoch) return takeOver(view, last, synchronous);
    if (server.is !== 'standby' || state.pledged < epoch) return down(view);
    if (last === null && server.follows !== '') return { do: 'cut' };
    if (state.branch?.epoch !== epoch) {
      const remember: Step = { do: 'remember', state: branched(state, epoch, server.replayed) };
      return isRuled ? remember : { do: 'together', steps: [remember, synchronous] };
    }
    // Before anybody can write: not one transaction of the reign is acknowledged by an older rule.
    return isRuled ? { do: 'promote', epoch } : synchronous;
  }
  if (server.is !== 'primary') return down(view);
  if (record.phase === 'opening') {
    if (!isRuled) return synchronous;
    if (!view.holdsLease) return nothing('waiting for the support of the other nodes');
    if (server.flushedBy < 0) return { do: 'inaugurate' };
    if (server.flushedBy < record.k) return nothing('waiting for standbys that have the first record of the reign');
    return { do: 'tell', request: { type: 'open', epoch, node: self } };
  }
  if (!view.holdsLease) return { do: 'fence', why: 'too few nodes stand by this one as primary' };
  if (record.phase === 'switching') return { do: 'hand-over' };
  return isRuled ? nothing('serving') : synchronous;
}

/**
 * The primary before was shut down in order, and `last` is where its last record begins. So the history of its reign ends behind that, and
 * the next one's begins there: known without being told, by everybody who has replayed it and was verified for that reign.
 */
function takeOver(view: MemberView, last: bigint, synchronous: RuleStep): Step {
  const { record, server, state, phaseFor_ms } = view;
  if (!isOfLastReign(view)) return down(view);
  if (server.replayed > last) {
    const remember: Step = { do: 'remember', state: branched(state, record.epoch, server.replayed) };
    return hasRule(server, synchronous) ? remember : { do: 'together', steps: [remember, synchronous] };
  }
  // Queries may hold up the replay, which a cut ends.
  if (server.follows === '') return down(view);
  return phaseFor_ms < ARRIVAL_MS ? nothing(LAST_RECORD) : { do: 'cut' };
}

/** Another standby than the one that takes over: it can follow that one as soon as it has the same. Null when it has to be told more. */
function followOn(view: MemberView, last: bigint): Step | null {
  const { self, record, server, state, phaseFor_ms } = view;
  const { epoch } = record;
  const counts = voterName(self, epoch);
  if (server.is !== 'standby') return null;
  if (state.branch?.epoch === epoch) {
    return server.follows === counts ? nothing('another node is being promoted') : { do: 'follow', as: counts };
  }
  if (!isOfLastReign(view)) return null;
  if (server.replayed > last) return { do: 'remember', state: branched(state, epoch, server.replayed) };
  return server.follows !== '' && phaseFor_ms < ARRIVAL_MS ? nothing(LAST_RECORD) : null;
}

const LAST_RECORD = 'waiting for the last record of the primary that was';

/** Its data is known to be a beginning of the history up to the last reign, and of that one's. */
function isOfLastReign({ record, server, state }: MemberView): boolean {
  const reign = record.chain.at(-1)?.epoch;
  return server.is === 'standby' && state.branch?.epoch === reign && !state.isCopy && state.rebuild === null;
}

/** What comes beyond `lsn`, which is all that it has, is of that epoch, in which it may acknowledge. */
function branched(state: MemberState, epoch: number, lsn: bigint): MemberState {
  const pledged = Math.max(state.pledged, epoch);
  return { ...state, pledged, base: dataEpoch(state, lsn), branch: { epoch, fork: String(lsn) }, voted: epoch };
}

function nothing(why: string): Step {
  return { do: 'nothing', why };
}

function asFounder({ record, state, server }: MemberView, synchronous: RuleStep): Step {
  const { epoch } = record;
  const isOwn = state.branch?.epoch === epoch;
  if (server.is === 'primary') {
    const { timeline, fork, systemIdentifier } = server;
    return {
      do: 'tell',
      request: {
        type: 'promoted',
        epoch,
        node: record.primary,
        timeline,
        fork: String(fork),
        parent: 0,
        systemIdentifier,
      },
    };
  }
  // What is there is of a founding that came to nothing.
  if (!isOwn && server.is !== 'absent') return { do: 'discard' };
  if (!isOwn) {
    return { do: 'remember', state: { ...state, pledged: epoch, base: 0, branch: { epoch, fork: '0' }, voted: epoch } };
  }
  if (server.is === 'absent') return { do: 'found' };
  return hasRule(server, synchronous) ? { do: 'found-start', epoch } : synchronous;
}

/** The record may hear of it while the first record is written: until it has, nobody is served. */
function promotedStep({ self, record, state, server }: MemberView): Step {
  const { timeline, fork, systemIdentifier, flushedBy } = server;
  const tell: Step = {
    do: 'tell',
    request: {
      type: 'promoted',
      epoch: record.epoch,
      node: self,
      timeline,
      fork: String(fork),
      parent: state.base,
      systemIdentifier,
    },
  };
  return flushedBy < 0 ? { do: 'together', steps: [tell, { do: 'inaugurate' }] } : tell;
}

function down({ self, record, server }: MemberView): Step {
  const lastRecord = server.lastRecord === null ? '' : String(server.lastRecord);
  return { do: 'tell', request: { type: 'down', epoch: record.epoch, node: self, lastRecord } };
}

function asRecruit(view: MemberView): Step {
  const { self, record, state, server, supportsDeposed } = view;
  const { epoch } = record;
  if (record.deposed === self && !record.released)
    return { do: 'tell', request: { type: 'released', epoch, node: self } };
  if (server.is === 'absent' && !mayAnswerEmpty(state)) {
    return nothing('its data is not complete, and it may have acknowledged what is not there');
  }
  const last = lastRecordOf(record);
  const step = last === null ? null : followOn(view, last);
  if (step !== null) return step;
  if (server.is === 'stopped' && isUnhurried(view)) return nothing(UNHURRIED);
  if (state.pledged < epoch) {
    const remember: Step = { do: 'remember', state: { ...state, pledged: epoch } };
    return server.follows === '' ? remember : { do: 'together', steps: [remember, { do: 'cut' }] };
  }
  if (server.is === 'stopped') return { do: 'start', as: '' };
  if (server.follows !== '') return { do: 'cut' };
  if (record.phase === 'promoting') return nothing('another node is being promoted');
  if (!record.released && supportsDeposed) return { do: 'demand', of: record.deposed };
  if (record.pledges.some(({ node }) => node === self)) return nothing('waiting for the answers of the others');
  const lsn = server.is === 'absent' ? 0n : server.replayed;
  const epochOfData = server.is === 'absent' ? 0 : dataEpoch(state, lsn);
  return {
    do: 'tell',
    request: { type: 'pledge', epoch, node: self, dataEpoch: epochOfData, lsn: String(lsn) },
  };
}

const UNHURRIED = 'the others can do without it until the group serves';

/** The start of the primary that was would only take disk and processor from the others, who may be on this machine. */
function isUnhurried({ self, record, othersSuffice, phaseFor_ms }: MemberView): boolean {
  return record.deposed === self && othersSuffice && phaseFor_ms <= STUCK_MS;
}

function mayAnswerEmpty(state: MemberState): boolean {
  return state.voted === 0 || state.emptied > state.voted;
}

function asStandby(view: MemberView): Step {
  const { self, record, state, server } = view;
  const { epoch, chain } = record;
  const reign = currentReign(record);
  assert(reign !== null, 'a group that is open has a reign of its epoch');
  if (server.is === 'stopped' && isUnhurried(view)) return nothing(UNHURRIED);
  if (state.pledged < epoch) return { do: 'remember', state: { ...state, pledged: epoch } };
  const counts = voterName(self, epoch);
  const learner = learnerName(self);
  if (state.rebuild?.epoch === epoch) return goOnRebuilding(view, state.rebuild.by);
  if (server.is === 'absent') return decideRebuild(view, 'clone');
  if (server.is === 'stopped') {
    if (server.failures > FAILURES_MAX) return decideRebuild(view, 'clone');
    if (state.branch?.epoch !== epoch) return { do: 'start', as: '' };
    return { do: 'start', as: state.isCopy ? learner : counts };
  }
  if (server.follows === counts) return asFollower(view);
  if (state.branch?.epoch === epoch && state.isCopy) {
    if (server.follows !== learner) return { do: 'follow', as: learner };
    // It has streamed past the beginning of the reign: now it is known to have what the primary has up to there.
    if (server.replayed <= BigInt(reign.fork)) return nothing('learning');
    return { do: 'remember', state: { ...state, isCopy: false, voted: epoch } };
  }
  if (state.branch?.epoch === epoch) return { do: 'follow', as: counts };
  // Only who follows nobody knows how far it is.
  if (server.follows !== '') return { do: 'cut' };
  const known = dataEpoch(state, server.replayed);
  const end = endOfReign(chain, known);
  if (end === 'strange') return decideRebuild(view, 'clone');
  if (end !== null && server.replayed > end) return decideRebuild(view, 'rewind');
  return { do: 'remember', state: followed(state, server.replayed, reign) };
}

function asFollower({ self, record, server, preparesFor }: MemberView): Step {
  const isNext = record.phase === 'switching' && record.target === self;
  if (!isNext && preparesFor !== record.epoch) return nothing('following');
  // Of the reign that will be its own, while the primary of this one still serves: on a standby a rule has no effect.
  const next = ruleFor({ ...record, epoch: record.epoch + 1, primary: self });
  return hasRule(server, next) ? nothing('about to take over') : next;
}

/** Its data up to `lsn` is a beginning of the reign's. */
function followed(state: MemberState, lsn: bigint, reign: Reign): MemberState {
  const { epoch, fork } = reign;
  return { ...state, base: dataEpoch(state, lsn), branch: { epoch, fork }, voted: epoch, isCopy: false };
}

/**
 * What is there may be all that is left, beside the primary's, of an acknowledged transaction, until k voters of this reign have it. So
 * that is waited for, unless the group cannot open without this server: then it is cloned, which leaves what is there until the copy is
 * complete, where a rewind would leave nothing if the primary were lost meanwhile.
 */
function decideRebuild({ record, state, server, phaseFor_ms }: MemberView, by: 'rewind' | 'clone'): Step {
  const { epoch } = record;
  const isServed = record.phase === 'serving' || record.phase === 'switching';
  if (!isServed && server.is !== 'absent' && phaseFor_ms <= STUCK_MS) return nothing('waiting until the group serves');
  const emptied = isServed ? epoch : state.emptied;
  return { do: 'remember', state: { ...state, emptied, rebuild: { epoch, by: isServed ? by : 'clone' } } };
}

function goOnRebuilding({ server }: MemberView, by: 'rewind' | 'clone'): Step {
  if (server.is === 'standby') return { do: 'stop' };
  return { do: 'rebuild', by: server.is === 'absent' || server.failures > FAILURES_MAX ? 'clone' : by };
}

/** After a rebuild from the primary of the record's reign. */
export function copied(state: MemberState, record: GroupRecord): MemberState {
  const reign = currentReign(record);
  assert(reign !== null, 'copies are made of a primary that reigns');
  const { epoch, fork } = reign;
  return { ...state, base: epoch, branch: { epoch, fork }, rebuild: null, isCopy: true };
}
