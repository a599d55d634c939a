/** `folkmoot drain NODE`: takes the leadership away from a node, before its machine is worked on. */
import { AdminClient } from '../admin/admin-client.ts';
import { adminClient, findNode } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';

export const drainCommand: Command = {
  name: 'drain',
  summary: 'hand the leadership of a node over',
  details: `Makes other nodes lead what NODE leads, without a gap, and keeps it so until NODE is started again. SIGTERM does the same before it ends a node.

  folkmoot drain node-2`,
  argument: { name: 'node', description: 'id, name or host of the node' },
  async run({ options, argument, print }) {
    const status = await adminClient(options).status();
    const node = findNode(status, argument);
    const target = new AdminClient({ host: node.host, port: node.ports.admin }, options['timeout-ms']);
    const { leads } = await target.drain();
    print(leads === 0 ? `${node.name} leads nothing any more` : `${node.name} still leads ${leads} tablets`);
    return leads === 0 ? ExitCode.ok : ExitCode.failed;
  },
};
