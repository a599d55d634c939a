/** `folkmoot status`: the cluster as one of its nodes sees it. */
import type { ClusterStatus } from '../admin/cluster-status.ts';
import { adminClient } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';
import { count, left, right, table } from './table.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'show the nodes of a cluster',
  details: 'Shows the nodes of a cluster, as the node on --host sees them.',
  async run({ options, print }) {
    const status = await adminClient(options).status();
    if (options.json) print(JSON.stringify(status, undefined, 2));
    else for (const line of statusLines(status)) print(line);
    return ExitCode.ok;
  },
};

export function statusLines(status: ClusterStatus): string[] {
  const alive = status.nodes.filter((node) => node.alive).length;
  const rows = status.nodes.map(({ id, name, host, zone, alive, leaving, ports }) => [
    String(id),
    name,
    host,
    zone ?? '',
    `${alive ? 'alive' : 'DEAD'}${leaving ? ', leaving' : ''}`,
    count(status.tablets.filter((tablet) => tablet.leader === id).length),
    count(status.tablets.filter((tablet) => tablet.replicas.includes(id)).length),
    String(ports.redis),
    String(ports.redisSingle),
    String(ports.cql),
    String(ports.admin),
  ]);
  const nodes = table(
    [
      right('id'),
      left('name'),
      left('host'),
      left('zone'),
      left('state'),
      right('leads'),
      right('replicas'),
      right('redis'),
      right('single'),
      right('cql'),
      right('admin'),
    ],
    rows,
  );
  return [headline(status), `${alive} of ${status.nodes.length} nodes alive; ${tabletSummary(status)}`, '', ...nodes];
}

function headline(status: ClusterStatus): string {
  if (status.clusterId === '') return `cluster not formed yet: run folkmoot init   folkmoot ${status.version}`;
  return `cluster ${status.clusterId}   folkmoot ${status.version}`;
}

export function tabletSummary(status: ClusterStatus): string {
  const leaderless = status.tablets.filter((tablet) => tablet.leader === 0).length;
  const notes = [`${count(status.tablets.length)} tablets`];
  const rebuilding = status.tablets.filter((tablet) => (tablet.rebuilding ?? []).length > 0).length;
  if (rebuilding > 0) notes.push(`${count(rebuilding)} with a replica being rebuilt`);
  if (leaderless > 0) notes.push(`${count(leaderless)} without a leader`);
  notes.push(
    status.underReplicated === 0 ? 'all replicas in place' : `${count(status.underReplicated)} under-replicated`,
  );
  return notes.join(', ');
}
