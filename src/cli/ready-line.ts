/** The one line that scripts wait for. It begins with `ready`; what follows is for people. */
import type { NodeAddress } from '../node/launch/addresses.ts';

export function readyLine(what: string, nodes: readonly NodeAddress[]): string {
  const at = (port: keyof NodeAddress['ports'], scheme = ''): string =>
    nodes.map(({ host, ports }) => `${scheme}${bracketed(host)}:${ports[port]}`).join(',');
  const isOpen = nodes.some(({ ports }) => ports.postgres !== 0);
  const postgres = isOpen ? ` postgres=${at('postgres')} postgres-read=${at('postgresRead')}` : '';
  return `ready ${what} redis=${at('redis')} redis-single=${at('redisSingle')} cql=${at('cql')}${postgres} admin=${at('admin', 'http://')}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
