/** Free loopback addresses, below the range from which the system takes ports for outgoing connections. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const PORT_FIRST = 10_000;
/** Redis Cluster's bus is 10,000 above the client port, and must stay below the system's own range too. */
const PORT_LAST = 20_000;

/** The first of `count` ports that are free, one after the other, on each of the hosts (and `alsoAbove` above them). */
export async function freePorts(hosts: readonly string[], count: number, alsoAbove = 0): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = randomInt(PORT_FIRST, PORT_LAST - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const all = alsoAbove === 0 ? ports : [...ports, ...ports.map((port) => port + alsoAbove)];
    const tries = hosts.flatMap((host) => all.map((port) => isFree(host, port)));
    if ((await Promise.all(tries)).every(Boolean)) return first;
  }
  throw new Error('found no free ports on loopback in 100 attempts');
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Loopback addresses of their own for N servers, away from 127.0.0.1 where other things run. */
export function loopbackHosts(count: number): string[] {
  if (process.platform !== 'linux') return Array.from({ length: count }, () => '127.0.0.1');
  const net = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;
  return Array.from({ length: count }, (_, index) => `${net}.${index + 1}`);
}
