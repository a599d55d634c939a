/** `folkmoot tablets`: who leads which slots. */
import type { ClusterStatus } from '../admin/cluster-status.ts';
import { adminClient } from './admin-host.ts';
import { type Command, ExitCode } from './command.ts';
import { tabletSummary } from './status.ts';
import { count, left, right, table } from './table.ts';

export const tabletsCommand: Command = {
  name: 'tablets',
  summary: 'show the tablets and who leads them',
  details: 'Shows the tablets: their slots, leader and replicas, and how far the slowest replica is behind.',
  async run({ options, print }) {
    const status = await adminClient(options).status();
    if (options.json) {
      const { clusterId, tablets, underReplicated } = status;
      print(JSON.stringify({ clusterId, tablets, underReplicated }, undefined, 2));
    } else for (const line of tabletLines(status)) print(line);
    return ExitCode.ok;
  },
};

export function tabletLines(status: ClusterStatus): string[] {
  const nameOf = (id: number): string => status.nodes.find((node) => node.id === id)?.name ?? String(id);
  const rows = status.tablets.map(({ id, slots, leader, replicas, lag, term }) => [
    String(id),
    `${slots[0]}-${slots[1]}`,
    leader === 0 ? 'NONE' : nameOf(leader),
    replicas.map(nameOf).join(' '),
    lag === null ? '' : count(lag),
    term === undefined ? '' : count(term),
  ]);
  return [
    tabletSummary(status),
    '',
    ...table([right('id'), left('slots'), left('leader'), left('replicas'), right('lag'), right('term')], rows),
  ];
}
