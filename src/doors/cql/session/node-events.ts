/** Tells connections that asked for it which nodes came, went, rose and fell. */
import { isIPv4 } from 'node:net';
import type { Clock, Timer } from '../../../base/clock.ts';
import type { NodeView, Router } from '../../../cluster/view.ts';
import type { Connection } from './connection.ts';

const LOOK_INTERVAL_MS = 200;

export class NodeEvents {
  readonly #router: Router;
  readonly #connections: () => Iterable<Connection>;
  #version = -1;
  #known: Map<number, NodeView> | null = null;
  #timer: Timer | null = null;

  constructor(router: Router, connections: () => Iterable<Connection>) {
    this.#router = router;
    this.#connections = connections;
  }

  start(clock: Clock): void {
    this.#timer = clock.every(LOOK_INTERVAL_MS, () => this.look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  look(): void {
    const view = this.#router.view();
    if (view.version === this.#version) return;
    this.#version = view.version;
    const nodes = new Map(view.nodes.filter(({ ports }) => ports.cql > 0).map((node) => [node.id, node]));
    const before = this.#known;
    this.#known = nodes;
    // What is there when the door opens is no news.
    if (before === null) return;
    for (const [id, node] of nodes) {
      const older = before.get(id);
      if (older === undefined) this.#tell('TOPOLOGY_CHANGE', 'NEW_NODE', node);
      if (older?.alive !== node.alive) this.#tell('STATUS_CHANGE', node.alive ? 'UP' : 'DOWN', node);
    }
    for (const [id, node] of before) if (!nodes.has(id)) this.#tell('TOPOLOGY_CHANGE', 'REMOVED_NODE', node);
  }

  #tell(event: 'TOPOLOGY_CHANGE' | 'STATUS_CHANGE', change: string, node: NodeView): void {
    if (!isIPv4(node.host)) return;
    const address = Buffer.from(node.host.split('.').map(Number));
    for (const connection of this.#connections()) {
      if (connection.isRegistered(event)) connection.sendNodeChange(event, change, address, node.ports.cql);
    }
  }
}
