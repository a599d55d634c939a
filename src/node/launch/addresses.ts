/**
 * Loopback addresses and ports for nodes on one machine. Every node has the same ports on an address of its own, because
 * that is what drivers expect of a cluster; where the system has one loopback address only (macOS), ports differ instead.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { FolkmootError, listenError } from '../../base/errors.ts';
import type { NodePorts } from '../../cluster/view.ts';

export interface NodeAddress {
  readonly host: string;
  readonly ports: NodePorts;
  /** A command that runs the node's command, where the address is not to be had without: `['ip', 'netns', 'exec', 'a']`. */
  readonly launcher?: readonly string[];
}

/** Which option sets which port. */
export const PORT_OPTIONS = {
  redis: 'redis-port',
  redisSingle: 'redis-single-port',
  cql: 'cql-port',
  admin: 'admin-port',
  peer: 'peer-port',
} as const satisfies Record<keyof NodePorts, string>;

const PORT_NAMES = Object.keys(PORT_OPTIONS) as (keyof NodePorts)[];

/** 127.0.0.1, 127.0.0.2, ... with the given ports. */
export function standardAddresses(count: number, ports: NodePorts): NodeAddress[] {
  return Array.from({ length: count }, (_, index) => ({ host: `127.0.0.${index + 1}`, ports }));
}

/** Rejects with the error of the first port that cannot be had; binds and lets go. */
export async function checkAddresses(addresses: readonly NodeAddress[]): Promise<void> {
  for (const { host, ports } of addresses) {
    for (const name of PORT_NAMES) await tryListen(host, ports[name], PORT_OPTIONS[name]);
  }
}

/** Below the range from which systems take ports for outgoing connections (Linux: 32768). */
const PORT_FIRST = 10_000;
const PORT_LAST = 30_000;

/**
 * A block of addresses that nothing else uses, chosen at random so that clusters that start at the same moment do not meet.
 * `spare` addresses more than `count` are checked too, for nodes that join later.
 */
export async function freeAddresses(count: number, spare = 0): Promise<NodeAddress[]> {
  let last: unknown;
  for (let attempt = 0; attempt < 50; attempt++) {
    const addresses = randomBlock(count + spare, attempt >= 25 || (await onlyOneLoopback()));
    try {
      await checkAddresses(addresses);
      return addresses;
    } catch (error) {
      last = error;
    }
  }
  throw new FolkmootError('PORT_TAKEN', 'found no free ports on loopback in 50 attempts', 'Stop what listens there.', {
    cause: last,
  });
}

function randomBlock(count: number, oneAddress: boolean): NodeAddress[] {
  const base = randomInt(PORT_FIRST, PORT_LAST - 8 * count);
  // 127.0.x.y is left to people, 127.255.255.255 is a broadcast address to some systems.
  const net = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;
  return Array.from({ length: count }, (_, index) => {
    const first = oneAddress ? base + PORT_NAMES.length * index : base;
    const ports = { redis: first, redisSingle: first + 1, cql: first + 4, admin: first + 2, peer: first + 3 };
    return { host: oneAddress ? '127.0.0.1' : `${net}.${index + 1}`, ports };
  });
}

async function onlyOneLoopback(): Promise<boolean> {
  if (process.platform === 'linux') return false;
  return tryListen('127.0.0.2', 0, '').then(
    () => false,
    () => true,
  );
}

function tryListen(host: string, port: number, option: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(listenError(error, host, port, option)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
