/**
 * The end of a run: everything is mended, all nodes are killed and started once more, so that what is read comes from disks,
 * and every key is read: as part of the history, and then from each replica.
 */
import type { Cluster } from '../cluster.ts';
import type { ClusterNode } from '../cluster-node.ts';
import { RespConnection, type RespError } from '../redis/resp-connection.ts';
import type { Door, Load } from './load.ts';
import { NotDone, WrongReply } from './outcome.ts';
import { type RespLine, Session } from './session.ts';
import type { Wire } from './wire.ts';
import type { AnySession } from './workload.ts';
import { workloadNamed } from './workloads/all.ts';

const WHOLE_TIMEOUT_MS = 90_000;
const READ_TIMEOUT_MS = 20_000;
const READ_ATTEMPTS = 50;
const READ_PAUSE_MS = 100;
/** Reads under way at a time. */
const LANES = 32;
/** Processes of the history that read at the end; clients have small numbers. */
const READER_PROCESS = 100_000;

/** Starts what does not run, heals, and waits until every replica has everything. Rejects when that does not come about. */
export async function mend(cluster: Cluster, wire: Wire): Promise<void> {
  await wire.heal();
  await Promise.all(cluster.nodes.filter(({ paused }) => paused).map((node) => cluster.resume(node)));
  const down = cluster.nodes.filter(({ running }) => !running);
  await Promise.all(down.map((node) => cluster.start(node, { ready: false })));
  await untilWhole(cluster);
}

/** Kills all nodes at once and starts them. */
export async function cutPower(cluster: Cluster): Promise<void> {
  await Promise.all(cluster.nodes.map((node) => cluster.kill(node)));
  await Promise.all(cluster.nodes.map((node) => cluster.start(node)));
  await untilWhole(cluster);
}

/** Under load too: all nodes live, every tablet has a leader, and no replica is missing or being rebuilt. */
export async function untilInPlace(cluster: Cluster): Promise<void> {
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(cluster.nodes.map((node) => cluster.status(node)));
      return views.every(
        (view) =>
          view.underReplicated === 0 &&
          view.nodes.every(({ alive }) => alive) &&
          view.tablets.every((tablet) => tablet.leader !== 0 && (tablet.rebuilding ?? []).length === 0),
      );
    },
    { timeout_ms: WHOLE_TIMEOUT_MS, what: 'all replicas in place' },
  );
}

/** Only without load: all nodes live, every tablet has a leader, and every replica has all that its leader has. */
export async function untilWhole(cluster: Cluster): Promise<void> {
  await cluster.waitFor(
    async () => {
      const views = await Promise.all(cluster.nodes.map((node) => cluster.status(node)));
      return views.every(
        (view) =>
          view.underReplicated === 0 &&
          view.nodes.every(({ alive }) => alive) &&
          view.tablets.every(({ leader, lag }) => leader !== 0 && (leader !== view.self || lag === 0)),
      );
    },
    { timeout_ms: WHOLE_TIMEOUT_MS, what: 'a whole cluster after everything was mended' },
  );
}

/** Reads every key of the history, through both ports of Redis in turn. Resolves with what was told, by key. */
export async function readAll(load: Load, sessions: readonly ReaderSession[]): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  await inLanes([...load.recorder.history().models.keys()], async (key, lane) => {
    const workload = workloadNamed(key);
    const readers = sessions.filter(({ door }) => (door === 'cql') === (workload.protocol === 'cql'));
    const reader = readers[lane % readers.length] as ReaderSession;
    // A leader that hands over to the preferred one may refuse; that it refuses for ever would be a finding.
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const result = await load.perform({ workload, ...reader }, READER_PROCESS + lane, key, workload.read);
      if (result !== undefined) {
        found.set(key, result.output);
        if (workload.isSettled?.(result.output) !== false) return;
      }
      await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS));
    }
  });
  return found;
}

export interface ReaderSession {
  readonly door: Door;
  readonly session: AnySession;
}

/**
 * Asks each node for what its own replica holds (READONLY) and compares it with what was told before. Resolves with the
 * differences in words. A node without a replica of a key answers MOVED, which is skipped. Only Redis has such reads.
 */
export async function compareReplicas(
  cluster: Cluster,
  found: ReadonlyMap<string, unknown>,
): Promise<{ readonly compared: number; readonly differences: string[] }> {
  const differences: string[] = [];
  let compared = 0;
  for (const node of cluster.nodes) {
    const session = new ReplicaSession(node);
    const keys = [...found.keys()].filter((key) => workloadNamed(key).protocol === 'redis');
    await inLanes(keys, async (key) => {
      const workload = workloadNamed(key);
      try {
        const output = await workload.perform(session, key, workload.read);
        compared += 1;
        if (sameOutput(output, found.get(key))) return;
        differences.push(`${key}: ${node.name} holds ${shown(output)}, the leader said ${shown(found.get(key))}`);
      } catch (error) {
        if (!(error instanceof NotDone)) throw error;
      }
    });
    session.close();
  }
  return { compared, differences };
}

/** Sends to one node only, on a connection that asked for replica reads. */
class ReplicaSession extends Session {
  constructor(node: ClusterNode) {
    super({
      endpoints: () => [{ host: node.host, port: node.ports.redis }],
      prng: { pick: (list) => list[0] as never },
      timeout_ms: READ_TIMEOUT_MS,
      redirect: false,
      through: (line: RespLine) => {
        line.send('READONLY').catch(() => undefined);
        return line;
      },
    });
  }
}

/** Members of sets and fields of hashes come in any order. */
function sameOutput(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 120 ? text : `${text.slice(0, 60)} ... ${text.slice(-50)}`;
}

async function inLanes<T>(items: readonly T[], work: (item: T, lane: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item, index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Names of commands that the server does not know. */
export async function missingCommands(node: ClusterNode, names: readonly string[]): Promise<Set<string>> {
  const connection = new RespConnection(node.host, node.ports.redis, { timeout_ms: READ_TIMEOUT_MS });
  try {
    const reply = await connection.send('COMMAND', 'INFO', ...names);
    if (!Array.isArray(reply)) throw new WrongReply(`COMMAND INFO answered ${(reply as RespError).text}`);
    return new Set(names.filter((_, index) => reply[index] === null));
  } finally {
    connection.close();
  }
}
