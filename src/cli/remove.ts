/** `folkmoot remove NODE`: takes a node out of the cluster, dead or alive. */
import { AdminClient } from '../admin/admin-client.ts';
import type { ClusterStatus, NodeStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import { adminClient, findNode } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';

const POLL_MS = 100;

export const removeCommand: Command = {
  name: 'remove',
  summary: 'take a node out of the cluster',
  details: `Moves the replicas of NODE to other nodes, or gives them up where no other node is free, and takes NODE off the list. A node that runs hands over first and ends by itself; one that is dead is refused when it comes back. Refuses when tablets would lose their majority. Waits until it is done.

  folkmoot remove node-2`,
  argument: { name: 'node', description: 'id, name or host of the node' },
  async run({ options, argument, print }) {
    const client = adminClient(options);
    const status = await client.status();
    const node = findNode(status, argument);
    const asked = status.self === node.id ? otherThan(status, node, options['timeout-ms']) : client;
    await asked.removeNode(node.id);
    const end_ms = performance.now() + options['timeout-ms'];
    for (;;) {
      const now = await asked.status();
      if (!now.nodes.some(({ id }) => id === node.id)) {
        print(`${node.name} is removed; ${now.underReplicated} of ${now.tablets.length} tablets are under-replicated`);
        return ExitCode.ok;
      }
      if (performance.now() > end_ms) {
        const left = now.tablets.filter(({ replicas }) => replicas.includes(node.id)).length;
        throw new FolkmootError(
          'TIMED_OUT',
          `${node.name} is still being removed: ${left} tablets still count on it`,
          'It goes on by itself; see folkmoot status, and folkmoot tablets for tablets without a leader.',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },
};

/** The node that leaves cannot tell of its end. */
function otherThan(status: ClusterStatus, node: NodeStatus, timeout_ms: number): AdminClient {
  const other = status.nodes.find(({ id, alive }) => id !== node.id && alive);
  if (other === undefined) {
    throw new FolkmootError('CONFLICT', `no other node than ${node.name} is alive`, 'Start another node first.');
  }
  return new AdminClient({ host: other.host, port: other.ports.admin }, timeout_ms);
}
