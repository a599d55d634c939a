/** The one line that scripts wait for. It begins with `ready`; what follows is for people. */
import type { NodeAddress } from '../node/launch/addresses.ts';

export function readyLine(what: string, nodes: readonly NodeAddress[]): string {
  const at = (port: keyof NodeAddress['ports'], scheme = ''): string =>
    nodes.map(({ host, ports }) => `${scheme}${bracketed(host)}:${ports[port]}`).join(',');
  return `ready ${what} redis=${at('redis')} redis-single=${at('redisSingle')} cql=${at('cql')} admin=${at('admin', 'http://')}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
