/**
 * Streams from primaries to standbys. A standby reports what it has flushed as soon as it is connected, whatever that is; what is under
 * way when it leaves still arrives.
 */
import type { BrokenRules } from './broken-rules.test-support.ts';
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimMetadata } from './sim-metadata.test-support.ts';
import type { SimNetwork } from './sim-network.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';
import type { Entry, SimServer } from './sim-server.test-support.ts';

export interface SimReplicationOptions {
  readonly clock: ModelClock;
  readonly network: SimNetwork;
  readonly metadata: SimMetadata;
  readonly rules: BrokenRules;
  readonly nodes: readonly SimNode[];
}

export class SimReplication {
  readonly #options: SimReplicationOptions;

  constructor(options: SimReplicationOptions) {
    this.#options = options;
  }

  disconnect(node: SimNode): void {
    const { clock } = this.#options;
    const { upstream, replica } = node;
    node.upstream = null;
    node.replica = null;
    if (upstream !== null && replica !== null)
      clock.after(clock.between(0, 40), () => upstream.server.replicas.delete(replica));
  }

  /** Runs on the node of the standby. */
  replicate(node: SimNode): void {
    const { network, metadata, nodes } = this.#options;
    const { server } = node;
    const primary = nodes[metadata.recordOf(node).primary - 1];
    const isWanted = server.is === 'standby' && server.follows !== '';
    if (node.upstream !== null && (!isWanted || node.upstream !== primary)) this.disconnect(node);
    if (!isWanted || primary === undefined || primary === node || !network.reaches(node, primary)) {
      this.disconnect(node);
      return;
    }
    if (primary.server.is !== 'primary') {
      this.disconnect(node);
      return;
    }
    if (node.upstream === null) this.#connect(node, primary);
    if (isBeginning(server.log, primary.server.log)) this.#send(primary, node);
  }

  /** A primary that is shut down in order sends all that it has, to those that can still take it. */
  sendRest(primary: SimNode): void {
    const { clock, nodes } = this.#options;
    const source = primary.server;
    for (const { server, upstream } of nodes) {
      if (upstream !== primary || !isBeginning(server.log, source.log) || clock.chance(0.2)) continue;
      this.#receive(server, source, source.log.slice(server.log.length));
    }
  }

  #connect(node: SimNode, primary: SimNode): void {
    const { server } = node;
    node.upstream = primary;
    // As PostgreSQL does: what it has flushed, before anybody has compared histories.
    node.replica = { name: this.#options.rules.named(server.follows), flushed: server.log.length };
    primary.server.replicas.add(node.replica);
    primary.server.acknowledge();
  }

  #send(primary: SimNode, node: SimNode): void {
    const { clock } = this.#options;
    const { server, life } = node;
    const source = primary.server;
    const from = server.log.length;
    const entries = source.log.slice(from, from + clock.between(1, 20));
    const { replica } = node;
    clock.after(clock.between(1, 30), () => {
      if (node.life !== life || node.upstream !== primary || server.log.length !== from) return;
      if (server.is !== 'standby' || !isBeginning(server.log, source.log)) return;
      this.#receive(server, source, entries);
      const flushed = server.log.length;
      clock.after(clock.between(1, 30), () => {
        if (replica === null || !source.replicas.has(replica)) return;
        replica.flushed = Math.max(replica.flushed, flushed);
        source.acknowledge();
      });
    });
  }

  #receive(server: SimServer, source: SimServer, entries: readonly Entry[]): void {
    server.log.push(...entries);
    server.timeline = Math.max(server.timeline, source.timeline);
    server.replayed = this.#options.clock.between(server.replayed, server.log.length);
  }
}

function isBeginning(short: readonly Entry[], long: readonly Entry[]): boolean {
  if (short.length > long.length) return false;
  const last = short.length - 1;
  // Entries are the same objects everywhere, and each has one predecessor.
  return last < 0 || short[last] === long[last];
}
