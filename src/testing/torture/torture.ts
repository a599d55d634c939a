/**
 * A run: a cluster of real processes, clients on every door, a nemesis, and a verdict. `folkmoot verify` and
 * `npm run torture` are thin over this. docs/internals/torture.md says what a run covers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '../../base/prng.ts';
import type { NodePorts } from '../../cluster/view.ts';
import type { NodeAddress } from '../../node/launch/addresses.ts';
import { type Cluster, createCluster } from '../cluster.ts';
import type { Verdict as CheckVerdict } from '../linearizability/checker.ts';
import type { History } from '../linearizability/history.ts';
import { ClientCuts } from './client-cuts.ts';
import { type CqlLine, CqlSession, connectCql } from './cql-session.ts';
import { Disks } from './disks.ts';
import { type Judgement, judge } from './judge.ts';
import { compareReplicas, cutPower, mend, missingCommands, type ReaderSession, readAll } from './last-reads.ts';
import { type Door, Load, type LoadClient, type Tally } from './load.ts';
import { Meter } from './meter.ts';
import { Nemesis } from './nemesis.ts';
import { FAULT_KINDS, FAULTS, type FaultKind, type FaultSpec, planDisruptions } from './plan.ts';
import type { ReportRow, TortureReport } from './report.ts';
import { type Sabotage, sabotaged, sabotagedCql } from './sabotage.ts';
import { connectTo, type RespLine, Session } from './session.ts';
import { type Wire, wireOfNodes } from './wire.ts';
import type { AnySession, Workload } from './workload.ts';
import { WORKLOADS, workloadNamed } from './workloads/all.ts';
import { makeTables } from './workloads/cql-tables.ts';

export interface TortureOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  /** Kinds of disruptions; all when left out. */
  readonly faults?: readonly FaultKind[];
  /** Clients of each workload on each door; 3 when left out. */
  readonly clients?: number;
  /** Makes the clients lie about one thing, to see that the run finds out. */
  readonly sabotage?: Sabotage;
  /** Mounts a small disk for each node, so that disks can be full; root only. */
  readonly disks?: boolean;
  /** A network that the system cuts, and its addresses; nodes cut it themselves when left out. */
  readonly network?: { readonly addresses: readonly NodeAddress[]; readonly wire: Wire };
  /** Where the nodes' logs are kept. */
  readonly logFolder?: string;
  /** Told of the cluster when it runs, so that whoever is interrupted can close it. */
  readonly onCluster?: (cluster: Cluster) => void;
  /** What happens, as it happens. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly elapsed_ms: number;
  readonly total: Tally;
  /** undefined: only the time has passed. */
  readonly event: string | undefined;
}

export interface TortureResult {
  readonly report: TortureReport;
  readonly history: History;
  readonly judgement: Judgement;
}

const TABLETS = 12;
const HOT_KEYS = 2;
const DOORS = { redis: ['cluster', 'single'], cql: ['cql'] } as const satisfies Record<
  Workload['protocol'],
  readonly Door[]
>;
const CLIENT_TIMEOUT_MS = 3_000;
/** Below the clients' patience, so that a cluster that cannot serve says so itself. */
const SERVER_TIMEOUT_MS = 2_000;
const READER_TIMEOUT_MS = 30_000;
/** As long as mending may take: all nodes start at once after a power cut, on a machine that may have other work. */
const START_TIMEOUT_MS = 90_000;
/** Operations a second that are recorded at most, and in a whole run: a history is kept in memory until it is checked. */
const RATE_MAX = 1_200;
const OPERATIONS_MAX = 600_000;
const PROGRESS_MS = 5_000;
/** Examples of each problem in the report. */
const SHOWN = 4;

/** Rejects only when the run cannot be made at all; what the cluster does wrong is in the report. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { nodes, logFolder, network } = options;
  const dataFolder = options.disks === true ? await mkdtemp(join(tmpdir(), 'folkmoot-torture-')) : undefined;
  const disks = dataFolder === undefined ? undefined : await Disks.mount(dataFolder, nodes);
  try {
    const cluster = await createCluster({
      nodes,
      tablets: TABLETS,
      startTimeout_ms: START_TIMEOUT_MS,
      options: { 'request-timeout-ms': SERVER_TIMEOUT_MS, ...swarm(options.seed) },
      ...(logFolder === undefined ? {} : { logFolder }),
      ...(network === undefined ? {} : { addresses: network.addresses }),
      ...(dataFolder === undefined ? {} : { dataFolder }),
    });
    options.onCluster?.(cluster);
    try {
      return await new Run(cluster, options, disks).run();
    } finally {
      await cluster.close();
    }
  } finally {
    await disks?.unmount();
    if (dataFolder !== undefined) await rm(dataFolder, { recursive: true, force: true });
  }
}

/** Options of the nodes that change from seed to seed: small segments and frequent flushes meet other moments than large ones. */
function swarm(seed: number): Readonly<Record<string, number>> {
  const prng = new Prng(seed ^ 0x2545f491);
  return {
    'flush-interval-ms': prng.pick([100, 1_000, 10_000]),
    'wal-segment-bytes': prng.pick([1, 4, 16]) * 1_024 * 1_024,
  };
}

class Run {
  readonly #cluster: Cluster;
  readonly #options: TortureOptions;
  readonly #begin_ms = performance.now();
  readonly #meter = new Meter();
  readonly #problems: string[] = [];
  readonly #disks: Disks | undefined;
  readonly #wire: Wire;
  readonly #clientCuts = new ClientCuts();
  readonly #through: ((line: RespLine) => RespLine) | undefined;
  readonly #throughCql: ((line: CqlLine) => CqlLine) | undefined;

  constructor(cluster: Cluster, options: TortureOptions, disks: Disks | undefined) {
    this.#cluster = cluster;
    this.#options = options;
    this.#disks = disks;
    this.#through = options.sabotage === undefined ? undefined : sabotaged(options.sabotage);
    this.#throughCql = options.sabotage === undefined ? undefined : sabotagedCql(options.sabotage);
    this.#wire = options.network?.wire ?? wireOfNodes(cluster);
  }

  async run(): Promise<TortureResult> {
    const { workloads, leftOut } = await this.#workloads();
    const faults = (this.#options.faults ?? FAULT_KINDS).filter((kind) => {
      const why = this.#whyNot(FAULTS[kind]);
      if (why !== undefined) leftOut.push(`${kind} (${FAULTS[kind].what}): ${why}`);
      return why === undefined;
    });
    if (this.#options.network === undefined) {
      leftOut.push('packets dropped by the system: it takes root, network namespaces and npm run torture');
    }
    await this.#makeTables();
    const before = await this.#terms();
    const load = this.#makeLoad(workloads);
    const nemesis = this.#makeNemesis(load, faults);
    const ticker = setInterval(() => this.#say(load, undefined), PROGRESS_MS);
    try {
      load.start();
      nemesis.start();
      await sleep(this.#options.seconds * 1_000);
      await this.#attempt('the disruptions', () => nemesis.stop());
      await load.stop();
      const seconds = this.#now() / 1_000;
      const after = await this.#finish(load);
      this.#say(load, 'checking');
      return this.#judge({
        load,
        nemesis,
        disturbed: faults.length > 0,
        leftOut,
        seconds,
        elections: after.terms - before,
        replicaReads: after.compared,
      });
    } finally {
      clearInterval(ticker);
    }
  }

  /** Mends everything and reads everything; resolves with the sum of terms and how many reads of replicas were compared. */
  async #finish(load: Load): Promise<{ terms: number; compared: number }> {
    this.#say(load, 'everything is mended; then kill -9 of all nodes, and every key is read back');
    const whole = await this.#attempt('mending', () => mend(this.#cluster, this.#wire));
    if (!whole) return { terms: 0, compared: 0 };
    const terms = await this.#terms();
    if (!(await this.#attempt('the last start', () => cutPower(this.#cluster)))) return { terms, compared: 0 };
    const readers = Object.values(DOORS)
      .flat()
      .map((door): ReaderSession => ({ door, session: this.#session(door, READER_TIMEOUT_MS) }));
    const found = await readAll(load, readers);
    for (const { session } of readers) session.close();
    const unread = load.recorder.history().models.size - found.size;
    if (unread > 0) this.#problems.push(`${unread} keys could not be read at the end`);
    const { compared, differences } = await compareReplicas(this.#cluster, found);
    for (const difference of differences.slice(0, SHOWN)) this.#problems.push(`replicas differ: ${difference}`);
    return { terms, compared };
  }

  #judge(run: {
    readonly load: Load;
    readonly nemesis: Nemesis;
    /** Whether it was to be disturbed at all. */
    readonly disturbed: boolean;
    readonly leftOut: readonly string[];
    readonly seconds: number;
    readonly elections: number;
    readonly replicaReads: number;
  }): TortureResult {
    const { load, nemesis } = run;
    const history = load.recorder.history();
    const judgement = judge(history, workloadNamed);
    const { lost, duplicated, undead, torn, findings, anomalies, keys } = judgement;
    const crashes = this.#cluster.nodes.flatMap(({ crashes }) =>
      crashes.filter((text) => this.#disks?.excuses(text) !== true),
    );
    const problems = [...crashes, ...this.#problems, ...load.wrongReplies.map((text) => `wrong reply: ${text}`)];
    if (lost.length > 0) problems.push(`lost: ${lost.slice(0, SHOWN).join('; ')}`);
    if (duplicated.length > 0) problems.push(`there twice: ${duplicated.slice(0, SHOWN).join('; ')}`);
    if (undead.length > 0) problems.push(`refused and there all the same: ${undead.slice(0, SHOWN).join('; ')}`);
    if (torn.length > 0) problems.push(`done in part: ${torn.slice(0, SHOWN).join('; ')}`);
    for (const anomaly of anomalies.slice(0, SHOWN)) problems.push(`anomaly of transactions: ${anomaly}`);
    const named = (wanted: CheckVerdict): string => {
      const keys = findings.filter(({ verdict }) => verdict === wanted).map(({ key }) => key);
      const more = keys.length - SHOWN;
      return keys.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
    };
    if (named('violation') !== '') problems.push(`not linearizable: ${named('violation')}`);
    const violated = problems.length > 0;
    if (named('unknown') !== '')
      problems.push(`no explanation found within the budget of the search: ${named('unknown')}`);
    if (run.disturbed && nemesis.counts.size === 0) problems.push('nothing was disturbed: take more time');
    if (load.total.acknowledged === 0) problems.push('no write was acknowledged: nothing is proved');
    const report: TortureReport = {
      verdict: violated ? 'violation' : problems.length > 0 ? 'unknown' : 'valid',
      seed: this.#options.seed,
      nodes: this.#options.nodes,
      seconds: run.seconds,
      total: load.total,
      rows: rowsOf(load),
      leftOut: run.leftOut,
      lost: lost.length,
      duplicated: duplicated.length,
      undead: undead.length,
      torn: torn.length,
      keys,
      replicaReads: run.replicaReads,
      gaps: this.#meter.gaps(),
      elections: run.elections,
      faults: nemesis.counts,
      problems,
      reasons: load.reasons,
    };
    return { report, history, judgement };
  }

  #whyNot(spec: FaultSpec): string | undefined {
    if (spec.nodes_min > this.#options.nodes) return `it takes ${spec.nodes_min} nodes`;
    if (spec.needs === 'disks' && this.#disks === undefined) return 'it takes root, and npm run torture';
    return undefined;
  }

  async #workloads(): Promise<{ workloads: Workload[]; leftOut: string[] }> {
    const [node] = this.#cluster.nodes;
    const names = [...new Set(WORKLOADS.flatMap(({ commands }) => commands))];
    const missing = node === undefined ? new Set<string>() : await missingCommands(node, names);
    const lacks = (workload: Workload): string[] => workload.commands.filter((name) => missing.has(name));
    const leftOut = WORKLOADS.filter((workload) => lacks(workload).length > 0).map(
      (workload) => `${workload.name} (${workload.what}): the server does not know ${lacks(workload).join(', ')}`,
    );
    return { workloads: WORKLOADS.filter((workload) => lacks(workload).length === 0), leftOut };
  }

  #makeLoad(workloads: readonly Workload[]): Load {
    const { clients: each = 3, seed, seconds } = this.#options;
    // Not the plan's generator: a change of the load leaves the plan as it is.
    const prng = new Prng(seed ^ 0x5bd1e995);
    const clients: LoadClient[] = [];
    for (const workload of workloads) {
      for (const door of DOORS[workload.protocol]) {
        for (let n = 0; n < each; n++) {
          clients.push({
            workload,
            door,
            prng: prng.fork(),
            session: this.#session(door, CLIENT_TIMEOUT_MS, prng.fork()),
          });
        }
      }
    }
    const rate = Math.min(RATE_MAX, OPERATIONS_MAX / seconds);
    const pace_ms = (1_000 * clients.length) / rate;
    return new Load({ clients, meter: this.#meter, hotKeys: HOT_KEYS, pace_ms, now: () => this.#now() });
  }

  #makeNemesis(load: Load, kinds: readonly FaultKind[]): Nemesis {
    const { seed, nodes, seconds } = this.#options;
    return new Nemesis({
      cluster: this.#cluster,
      wire: this.#wire,
      clientCuts: this.#clientCuts,
      disks: this.#disks,
      plan: planDisruptions({ seed, nodes, duration_ms: seconds * 1_000, kinds }),
      keys: () => load.hotKeys(),
      say: (text) => this.#say(load, text),
      majority: (isUp) => this.#meter.majority(isUp, this.#now()),
      now: () => this.#now(),
    });
  }

  #session(door: Door, timeout_ms: number, prng = new Prng(this.#options.seed)): AnySession {
    const endpoints = (): { host: string; port: number }[] =>
      this.#cluster.nodes.map(({ host, ports }) => ({ host, port: portOf(door, ports) }));
    if (door === 'cql') {
      return new CqlSession({
        endpoints,
        prng,
        timeout_ms,
        connect: (host, port, patience_ms) => this.#clientCuts.connect(host, port, patience_ms, connectCql),
        ...(this.#throughCql === undefined ? {} : { through: this.#throughCql }),
      });
    }
    return new Session({
      endpoints,
      prng,
      timeout_ms,
      connect: (host, port, patience_ms) => this.#clientCuts.connect(host, port, patience_ms, connectTo),
      ...(this.#through === undefined ? {} : { through: this.#through }),
    });
  }

  async #makeTables(): Promise<void> {
    const session = this.#session('cql', READER_TIMEOUT_MS) as CqlSession;
    try {
      await makeTables(session);
    } finally {
      session.close();
    }
  }

  /** The sum of the terms of all tablets. */
  async #terms(): Promise<number> {
    const views = await Promise.all(this.#cluster.nodes.map((node) => this.#cluster.status(node)));
    const terms = new Map<number, number>();
    for (const { id, term = 0 } of views.flatMap(({ tablets }) => tablets)) {
      terms.set(id, Math.max(terms.get(id) ?? 0, term));
    }
    return [...terms.values()].reduce((sum, term) => sum + term, 0);
  }

  /** A cluster that does not do what it is told is a finding, not the end of the run. */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  #say(load: Load, event: string | undefined): void {
    this.#options.onProgress?.({ elapsed_ms: this.#now(), total: load.total, event });
  }

  #now(): number {
    return performance.now() - this.#begin_ms;
  }
}

function portOf(door: Door, ports: NodePorts): number {
  if (door === 'cql') return ports.cql;
  return door === 'cluster' ? ports.redis : ports.redisSingle;
}

function rowsOf(load: Load): ReportRow[] {
  return [...load.tallies].map(([name, tally]) => {
    const [workload = '', door = ''] = name.split(' ');
    return { workload, what: workloadNamed(`${workload}:`).what, door: door as Door, tally };
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
