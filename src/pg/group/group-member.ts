/**
 * The server of this node as a member of the group: looks at it, asks `nextStep` what is to be done, does it, and looks again.
 * One step at a time; but what must not go on (a primary without its lease, a copy of a primary that is none any more) is fenced at
 * once, which interrupts the step.
 *
 * Life: `open`, then `wake` whenever something may have changed, `stop` at the end: the server is gone then.
 */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../base/clock.ts';
import { FolkmootError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Role } from '../../cluster/access/role.ts';
import type { NodeId } from '../../cluster/view.ts';
import type { LocalServer } from '../server/local-server.ts';
import type { GroupAnswer, MemberReport } from './group-calls.ts';
import { type GroupRecord, lastRecordOf, learnerName, voterName } from './group-record.ts';
import type { GroupRequest } from './group-rules.ts';
import { copied, nextStep, ruleOf, type ServerView, type Step } from './member.ts';
import { MemberStateFile } from './member-state-file.ts';
import { syncRoles } from './role-sync.ts';

export interface GroupMemberOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly server: LocalServer;
  readonly stateFile: string;
  /** Leads to the primary (`StandbySocket`). */
  readonly socketFolder: string;
  readonly connectToPrimary: () => Duplex;
  readonly self: () => NodeId;
  readonly record: () => GroupRecord | null;
  readonly supports: (node: NodeId) => boolean;
  readonly othersSuffice: (record: GroupRecord) => boolean;
  readonly holdsLease: (record: GroupRecord) => boolean;
  readonly tell: (request: GroupRequest) => void;
  readonly demand: (node: NodeId, epoch: number) => void;
  readonly roles: () => { readonly version: number; readonly roles: ReadonlyMap<string, Role> };
  /** Resolves when no client's transaction runs on the primary, or the patience for that is over. */
  readonly quiesce: (record: GroupRecord) => Promise<void>;
  /** Its server has been told to follow the primary of this epoch. */
  readonly hasFollowed: () => void;
}

const TICK_MS = 25;
const REPORT_MS = 100;
/** After a step that failed. */
const RETRY_MS = 200;
/** A standby that takes longer to start does not find what it needs. */
const START_TIMEOUT_MS = 60_000;
/** How often a new primary looks whether its first record is on the standbys, and a standby for the last one of the primary that was. */
const LOOK_MS = 4;

export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #log: Logger;
  readonly #file: MemberStateFile;
  readonly #timers: Timer[] = [];
  readonly #unwatch: () => void;
  #isRunning = false;
  #again = false;
  #isStopped = false;
  #onIdle: (() => void) | null = null;
  #notBefore_ms = 0;
  #step: Step = { do: 'nothing', why: 'starting' };
  #stepEpoch = 0;
  #isFencing = false;
  #follows = '';
  #reigns = 0;
  #timeline = 0;
  #fork = 0n;
  #systemIdentifier = '';
  #rule = '';
  /** Of the primary that it was, once that was shut down in order. */
  #ended: { readonly epoch: number; readonly lastRecord: bigint } | null = null;
  /** Where the reign's first record ends; null while it is not written. */
  #firstRecord: bigint | null = null;
  #failures = 0;
  #stage = '';
  #stageSince_ms = 0;
  /** As last measured, for others. */
  #replayed = 0n;
  /** As JSON: those that the server was given last; null for others than the record's. */
  #settings: string | null = null;
  #wantsCopy = false;
  #preparesFor = 0;
  #rolesVersion = -1;
  #isSyncingRoles = false;

  static async open(options: GroupMemberOptions): Promise<GroupMember> {
    return new GroupMember(options, await MemberStateFile.open(options.stateFile));
  }

  private constructor(options: GroupMemberOptions, file: MemberStateFile) {
    this.#options = options;
    this.#log = options.logger;
    this.#file = file;
    const { clock, server } = options;
    this.#unwatch = server.watch(() => this.wake());
    this.#timers.push(
      clock.every(TICK_MS, () => this.wake()),
      clock.every(REPORT_MS, () => void this.#measure()),
    );
  }

  /** The highest epoch that this server acknowledges nothing older than. */
  get pledged(): number {
    return this.#file.state.pledged;
  }

  /** The epoch in which its server is primary; 0 when it is not. */
  get reigns(): number {
    return this.#options.server.state === 'primary' ? this.#reigns : 0;
  }

  /** As one that counts in that epoch. */
  follows(epoch: number): boolean {
    return this.#follows === voterName(this.#options.self(), epoch);
  }

  report(): MemberReport {
    const { server } = this.#options;
    const role =
      server.state === 'primary'
        ? 'primary'
        : server.state === 'standby' && this.#follows !== ''
          ? this.#follows === learnerName(this.#options.self())
            ? 'learner'
            : 'standby'
          : 'down';
    const doing = this.#step.do === 'nothing' ? this.#step.why : nameOf(this.#step);
    const note = server.failure === '' ? doing : `${doing}; ${server.failure}`;
    return { role, replayed: String(this.#replayed), note };
  }

  /** Something may have changed: looks again. */
  wake(): void {
    this.#again = true;
    this.#fenceWhatIsWrong();
    if (!this.#isRunning && !this.#isStopped) void this.#run();
  }

  /** Ends the primary of an epoch before that one. Resolves when it is gone. */
  async yield(epoch: number): Promise<void> {
    const { server } = this.#options;
    if (server.state !== 'primary' || this.#reigns >= epoch) return;
    this.#log.warn({ epoch: this.#reigns, newer: epoch }, 'a newer epoch has begun: PostgreSQL is fenced');
    await server.fence();
  }

  /** Makes the stop that follows a short one. */
  async checkpoint(): Promise<void> {
    const { server } = this.#options;
    if (server.state === 'primary') await server.query('SELECT pg_switch_wal(); CHECKPOINT');
  }

  /** It is about to be asked to take over from the primary of that epoch: does what can be done before. */
  prepare(epoch: number): void {
    this.#preparesFor = epoch;
    this.wake();
  }

  /** Gives the server the record's settings with one changed. They stay until the record's are given to it, which is soon. */
  async trySetting(name: string, value: string | null): Promise<GroupAnswer> {
    const record = this.#options.record();
    const { server } = this.#options;
    if (record === null || server.state !== 'primary') return {};
    const { [name]: _before, ...others } = record.settings;
    this.#settings = null;
    try {
      return { afterRestart: await server.setSettings(value === null ? others : { ...others, [name]: value }) };
    } catch (error) {
      const isRefused = error instanceof FolkmootError && error.code === 'BAD_REQUEST';
      return isRefused ? { problem: error.message } : {};
    }
  }

  /** Has the data of this standby replaced by a copy of the primary's; says why not, or nothing. */
  reinit(): string {
    const record = this.#options.record();
    if (record?.phase !== 'serving') return 'the group does not serve at the moment';
    if (record.primary === this.#options.self()) return 'it is the primary: make another node that first';
    this.#wantsCopy = true;
    this.wake();
    return '';
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#unwatch();
    const { server } = this.#options;
    // A standby that is stopped in order starts again without recovery; a primary has handed over by now, or it is in a hurry.
    await server.stop(server.state === 'standby' ? 'fast' : 'immediate').catch((error: unknown) => {
      this.#log.warn({ error }, 'PostgreSQL was not stopped in order');
      return server.fence();
    });
    if (this.#isRunning) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this.#file.close();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#again && !this.#isStopped) {
      this.#again = false;
      if (this.#options.clock.monotonic_ms() < this.#notBefore_ms) break;
      const record = this.#options.record();
      if (record === null) break;
      try {
        await this.#applySettings(record);
        await this.#decideCopy(record);
        if (await this.#doNext(record)) this.#again = true;
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isRunning = false;
    this.#onIdle?.();
  }

  /** As an operator has asked for. */
  async #decideCopy({ epoch, phase, primary }: GroupRecord): Promise<void> {
    if (!this.#wantsCopy || phase !== 'serving' || primary === this.#options.self()) return;
    this.#wantsCopy = false;
    const { state } = this.#file;
    await this.#file.write({ ...state, emptied: epoch, rebuild: { epoch, by: 'clone' } });
  }

  /** False when there is nothing to do until something changes. */
  async #doNext(record: GroupRecord): Promise<boolean> {
    const { self, supports, othersSuffice, holdsLease } = this.#options;
    const server = await this.#look(record);
    const step = nextStep({
      self: self(),
      record,
      state: this.#file.state,
      server,
      supportsDeposed: record.deposed !== self() && supports(record.deposed),
      phaseFor_ms: this.#phaseFor(record),
      othersSuffice: othersSuffice(record),
      holdsLease: holdsLease(record),
      preparesFor: this.#preparesFor,
    });
    this.#note(step, record);
    if (step.do === 'nothing') {
      this.#syncRolesLater(record);
      const isOpening = record.phase === 'opening' && record.primary === self() && this.#firstRecord !== null;
      if (isOpening || this.#awaitsLastRecord(record)) this.#wakeSoon();
      return false;
    }
    await this.#carryOut(step, record);
    // What others are asked for takes its time.
    return step.do !== 'tell' && step.do !== 'demand';
  }

  #phaseFor({ epoch, phase }: GroupRecord): number {
    const now_ms = this.#options.clock.monotonic_ms();
    const stage = `${epoch} ${phase}`;
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#stageSince_ms = now_ms;
    }
    return now_ms - this.#stageSince_ms;
  }

  async #look(record: GroupRecord): Promise<ServerView> {
    const { server } = this.#options;
    const { state } = server;
    if (state !== 'standby') this.#follows = '';
    if (state !== 'primary') {
      this.#reigns = 0;
      this.#firstRecord = null;
    }
    let replayed = 0n;
    let is: ServerView['is'] = 'busy';
    if (state === 'standby' || state === 'primary') is = state;
    else if (state === 'absent' || state === 'stopped' || state === 'failed') {
      is = (await server.exists()) ? 'stopped' : 'absent';
    }
    const isAlone = this.#follows === '';
    const isLearner = this.#follows === learnerName(this.#options.self());
    if (is === 'standby' && (isAlone || isLearner || this.#awaitsLastRecord(record))) {
      const now = await this.#replayedNow();
      if (now === null && isAlone) is = 'busy';
      replayed = now ?? 0n;
    }
    if (is === 'standby' || is === 'primary') this.#ended = null;
    return {
      is,
      follows: this.#follows,
      replayed,
      lastRecord: this.#ended?.epoch === record.epoch ? this.#ended.lastRecord : null,
      reigns: this.#reigns,
      timeline: this.#timeline,
      fork: this.#fork,
      systemIdentifier: this.#systemIdentifier,
      rule: this.#rule,
      flushedBy: is === 'primary' && record.phase !== 'serving' ? await this.#flushedBy(record) : -1,
      failures: this.#failures,
    };
  }

  #awaitsLastRecord(record: GroupRecord): boolean {
    const isStandby = this.#options.server.state === 'standby';
    return isStandby && lastRecordOf(record) !== null && this.#file.state.branch?.epoch !== record.epoch;
  }

  /** Null while it does not say. */
  async #replayedNow(): Promise<bigint | null> {
    try {
      return (await this.#options.server.position()).replayed;
    } catch {
      return null;
    }
  }

  async #flushedBy(record: GroupRecord): Promise<number> {
    const first = this.#firstRecord;
    if (first === null) return -1;
    const names = new Set(record.voters.map(({ node }) => voterName(node, record.epoch)));
    const replicas = await this.#options.server.replication();
    const have = replicas.filter(({ applicationName, flushed }) => names.has(applicationName) && flushed >= first);
    return new Set(have.map(({ applicationName }) => applicationName)).size;
  }

  async #carryOut(step: Step, record: GroupRecord): Promise<void> {
    const { server, socketFolder } = this.#options;
    const followAs = (as: string) => (as === '' ? null : { applicationName: as, socketFolder });
    switch (step.do) {
      case 'tell':
        this.#options.tell(step.request);
        return;
      case 'demand':
        this.#options.demand(step.of, record.epoch);
        return;
      case 'fence':
        return server.fence();
      case 'stop':
        return server.stop('fast');
      case 'remember':
        return this.#file.write(step.state);
      case 'found':
        return server.initialize();
      case 'discard':
        return server.remove();
      case 'found-start':
        return this.#reign(step.epoch, async () => {
          await server.startPrimary();
          this.#timeline = (await server.position()).timeline;
          this.#fork = 0n;
        });
      case 'promote':
        return this.#reign(step.epoch, async () => {
          this.#timeline = (await server.promote()).timeline;
          this.#fork = await server.forkOf(this.#timeline);
        });
      case 'inaugurate':
        return this.#inaugurate(record);
      case 'synchronous':
        await server.setSynchronous(step.names, step.k);
        this.#rule = ruleOf(step.names, step.k);
        return;
      case 'start':
        await this.#start(() => server.startStandby(followAs(step.as)));
        this.#follows = step.as;
        return;
      case 'follow':
        await server.follow(followAs(step.as));
        this.#follows = step.as;
        this.#options.hasFollowed();
        return;
      case 'cut':
        await server.follow(null);
        this.#follows = '';
        return;
      case 'rebuild':
        return this.#rebuild(step.by, record);
      case 'hand-over':
        await this.#options.quiesce(record);
        return this.#handOver(record.epoch);
      case 'together':
        return this.#together(step.steps, record);
      default:
        return;
    }
  }

  /** All have ended when this ends, also when one of them failed. */
  async #together(steps: readonly Step[], record: GroupRecord): Promise<void> {
    const results = await Promise.allSettled(steps.map((step) => this.#carryOut(step, record)));
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  /** `reigns` is set before anybody can see a primary: until then what runs is nobody's. */
  async #reign(epoch: number, begin: () => Promise<void>): Promise<void> {
    this.#reigns = epoch;
    this.#firstRecord = null;
    try {
      await begin();
      this.#systemIdentifier = (await this.#options.server.systemIdentifier()) ?? '';
    } catch (error) {
      this.#reigns = 0;
      // Whatever it has become, it is not what was asked for.
      await this.#options.server.fence();
      throw error;
    }
  }

  /**
   * The record first, so that standbys get it while the roles are made, which clients have to find. Both are committed without waiting for
   * standbys: the runner has to be free for other news while they catch up, and looks itself how many of them have it.
   */
  async #inaugurate(record: GroupRecord): Promise<void> {
    const { server, roles } = this.#options;
    const { version, roles: wanted } = roles();
    const local = (sql: string) => server.query(`BEGIN; SET LOCAL synchronous_commit = local; ${sql}; COMMIT`);
    const query = (sql: string) => (sql.startsWith('SELECT') ? server.query(sql) : local(sql));
    await local(`SELECT pg_logical_emit_message(true, 'folkmoot', 'epoch ${record.epoch}')`);
    const { received } = await server.position();
    await syncRoles(query, wanted, this.#log);
    this.#rolesVersion = version;
    this.#firstRecord = received;
  }

  async #handOver(epoch: number): Promise<void> {
    const lastRecord = await this.#options.server.handOver();
    this.#ended = lastRecord === null ? null : { epoch, lastRecord };
  }

  async #start(start: () => Promise<void>): Promise<void> {
    const { clock, server } = this.#options;
    const timeout = clock.after(START_TIMEOUT_MS, () => void server.fence());
    try {
      await start();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      throw error;
    } finally {
      timeout.cancel();
    }
  }

  async #rebuild(by: 'rewind' | 'clone', record: GroupRecord): Promise<void> {
    const { server, socketFolder, connectToPrimary, self } = this.#options;
    this.#log.info({ by, primary: record.primary }, 'PostgreSQL takes over the data of the primary');
    if (by === 'clone' || !(await server.rewind(socketFolder))) await server.clone(connectToPrimary, 'folkmoot');
    await this.#file.write(copied(this.#file.state, record));
    const as = learnerName(self());
    await this.#start(() => server.startStandby({ applicationName: as, socketFolder }));
    this.#follows = as;
  }

  async #applySettings(record: GroupRecord): Promise<void> {
    // Every change of the record makes new objects of all that is in it.
    const settings = JSON.stringify(record.settings);
    if (settings === this.#settings) return;
    const { server } = this.#options;
    if (server.state === 'starting' || server.state === 'stopping') return;
    this.#settings = settings;
    try {
      await server.setSettings(record.settings);
    } catch (error) {
      const isRefused = error instanceof FolkmootError && error.code === 'BAD_REQUEST';
      if (!isRefused) this.#settings = null;
      this.#log.warn({ error }, 'PostgreSQL did not take settings');
    }
  }

  /** Beside the steps, since a change of roles waits for standbys like every other one. */
  #syncRolesLater(record: GroupRecord): void {
    const { server, roles } = this.#options;
    const { version, roles: wanted } = roles();
    const isPrimary = server.state === 'primary' && this.#reigns === record.epoch && record.phase === 'serving';
    if (!isPrimary || version === this.#rolesVersion || this.#isSyncingRoles) return;
    this.#isSyncingRoles = true;
    syncRoles((sql) => server.query(sql), wanted, this.#log)
      .then(() => {
        this.#rolesVersion = version;
      })
      .catch((error: unknown) => this.#log.warn({ error }, 'roles were not taken over; trying again'))
      .finally(() => {
        this.#isSyncingRoles = false;
      });
  }

  /** While a step goes on: what must not wait for its end. */
  #fenceWhatIsWrong(): void {
    const { server, self, holdsLease } = this.#options;
    const record = this.#options.record();
    if (record === null || this.#isFencing || !this.#isRunning) return;
    const isMine = record.primary === self() && record.phase !== 'recruiting' && this.#reigns === record.epoch;
    const isOpen = record.phase === 'serving' || record.phase === 'switching';
    const isWrong =
      server.state === 'primary'
        ? !isMine || (isOpen && !holdsLease(record))
        : (this.#step.do === 'rebuild' || this.#step.do === 'start') && this.#stepEpoch !== record.epoch;
    if (!isWrong) return;
    this.#isFencing = true;
    this.#log.warn({ epoch: record.epoch, step: this.#step.do }, 'PostgreSQL is fenced');
    void server
      .fence()
      .catch((error: unknown) => this.#log.error({ error }, 'PostgreSQL could not be fenced'))
      .finally(() => {
        this.#isFencing = false;
      });
  }

  #note(step: Step, record: GroupRecord): void {
    const before = this.#step;
    this.#step = step;
    this.#stepEpoch = record.epoch;
    if (step.do === before.do && (step.do !== 'nothing' || before.do !== 'nothing' || step.why === before.why)) return;
    const { epoch, phase } = record;
    const why = step.do === 'nothing' || step.do === 'fence' ? step.why : '';
    const log = step.do === 'fence' ? this.#log.warn : this.#log.debug;
    log.call(this.#log, { epoch, phase, step: nameOf(step), why }, 'PostgreSQL: next step');
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return;
    this.#log.warn({ error, step: nameOf(this.#step) }, 'a step of the PostgreSQL server failed; trying again');
    if (this.#step.do === 'rebuild') this.#failures++;
    this.#notBefore_ms = this.#options.clock.monotonic_ms() + RETRY_MS;
  }

  #wakeSoon(): void {
    this.#options.clock.after(LOOK_MS, () => this.wake());
  }

  /** What others hear of this server. */
  async #measure(): Promise<void> {
    const { server } = this.#options;
    if (server.state !== 'primary' && server.state !== 'standby') return;
    const replayed = await this.#replayedNow();
    if (replayed !== null) this.#replayed = replayed;
  }
}

function nameOf(step: Step): string {
  return step.do === 'together' ? step.steps.map((part) => part.do).join(' and ') : step.do;
}
