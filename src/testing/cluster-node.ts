/** One node of a test cluster, as tests see it. What happens to it is asked of the `Cluster`. */
import { AdminClient } from '../admin/admin-client.ts';
import type { NodePorts } from '../cluster/view.ts';
import type { ChildNode } from '../node/launch/child-node.ts';

const ADMIN_TIMEOUT_MS = 3_000;

/** One node: where it is and how it is. */
export interface ClusterNode {
  /** As in the cluster's status; 0 until the cluster has given it one. */
  readonly id: number;
  /** `node-1`, `node-2`, ... in the order of `cluster.nodes`. */
  readonly name: string;
  readonly host: string;
  /** Equal on all nodes where the system has more than one loopback address (Linux). */
  readonly ports: NodePorts;
  /** undefined while no process runs. */
  readonly pid: number | undefined;
  readonly running: boolean;
  readonly paused: boolean;
  readonly dataFolder: string;
  /** How its process ended whenever nobody had ended it, with the last lines of its log; empty when all is well. */
  readonly crashes: readonly string[];
  /** The last lines that it logged, over restarts; 20 when `lines` is left out. */
  logTail(lines?: number): string;
}

/** The node with its process; only the cluster sees this side of it. */
export class TestNode implements ClusterNode {
  readonly child: ChildNode;
  readonly admin: AdminClient;
  id = 0;
  /** True while its admin port can be asked: not yet while it starts. */
  listening = false;
  /** Nodes that it must exchange nothing with; put into force when its process can take it. */
  blocked: readonly TestNode[] = [];
  /** Nodes that it must hear nothing of. */
  deafTo: readonly TestNode[] = [];

  /** `ca`: of a cluster with certificates. */
  constructor(child: ChildNode, ca?: Buffer) {
    this.child = child;
    this.admin = new AdminClient({ host: this.host, port: this.ports.admin, ca }, ADMIN_TIMEOUT_MS);
  }

  get name(): string {
    return this.child.name;
  }

  get host(): string {
    return this.child.options.host;
  }

  get ports(): NodePorts {
    return this.child.options.ports;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return this.child.running;
  }

  get paused(): boolean {
    return this.child.paused;
  }

  get dataFolder(): string {
    return this.child.options.dataFolder;
  }

  get crashes(): readonly string[] {
    return this.child.crashes;
  }

  logTail(lines?: number): string {
    return this.child.logTail(lines);
  }
}
