/** What the measurements know of a set of running servers, whichever product they are. */
import type { Endpoint } from '../load/client.ts';
import { pause } from '../load/run.ts';
import { SLOT_COUNT, type SlotRange } from '../load/slots.ts';
import { askOnce, type Reply } from './resp-client.ts';

export type Side = 'folkmoot' | 'redis';

export interface Deployment {
  readonly side: Side;
  /** Where clients connect; indexes are those of `SlotRange.node`. */
  readonly nodes: readonly Endpoint[];
  /** Every server process, for CPU and memory. */
  readonly pids: readonly number[];
  /** One folder a server, for disk. */
  readonly folders: readonly string[];
  /** Replicas that a SET must wait for by WAIT to be as safe as on the other side; 0 when the reply says it already. */
  readonly waitReplicas: number;
  slots(): Promise<readonly SlotRange[]>;
  /** Longest delay of each server's event loop since this was asked last; empty where there is no such thing. */
  pauses_ms(): Promise<readonly number[]>;
  /** Ends the servers in order and keeps their data. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function waitUntil(what: string, timeout_ms: number, attempt: () => Promise<boolean>): Promise<void> {
  const end_ms = performance.now() + timeout_ms;
  while (performance.now() < end_ms) {
    if (await attempt()) return;
    await pause(10);
  }
  throw new Error(`${what}: not within ${timeout_ms} ms`);
}

/** By CLUSTER SLOTS: each slot's first node. Undefined when the answer has holes or names unknown nodes. */
export async function slotsOf(endpoint: Endpoint, nodes: readonly Endpoint[]): Promise<SlotRange[] | undefined> {
  const reply = await askOnce(endpoint, 'CLUSTER', 'SLOTS');
  if (!Array.isArray(reply)) return undefined;
  const ranges: SlotRange[] = [];
  for (const entry of reply as readonly Reply[]) {
    if (!Array.isArray(entry)) return undefined;
    const [first, last, master] = entry as readonly Reply[];
    if (!Array.isArray(master)) return undefined;
    const node = nodes.findIndex(({ host, port }) => host === master[0] && port === master[1]);
    if (node < 0) return undefined;
    ranges.push({ first: Number(first), last: Number(last), node });
  }
  const covered = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return covered === SLOT_COUNT ? ranges : undefined;
}
