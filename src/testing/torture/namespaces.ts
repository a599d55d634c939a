/**
 * A network of its own for a cluster, made of network namespaces: each node in one, all joined by a router, which is the
 * namespace of this process. The router drops what is to be lost, so that nodes meet a real network that is really broken. Linux,
 * root and `ip` only; see `scripts/torture.js`, which starts itself in the router.
 *
 *   router 10.77.N.1 --- veth --- 10.77.N.2 node N
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { NodeAddress } from '../../node/launch/addresses.ts';
import type { Pair, Wire } from './wire.ts';

const run = promisify(execFile);

/** The same for every node: each has an address of its own. */
const PORTS = { redis: 6_379, redisSingle: 6_380, cql: 9_042, admin: 7_070, peer: 7_071 };

export interface Namespaces {
  readonly addresses: readonly NodeAddress[];
  readonly wire: Wire;
}

/** To be called in the router's namespace, which `router` names; `dropNamespaces` removes all of it from outside. */
export async function makeNamespaces(router: string, nodes: number): Promise<Namespaces> {
  await ip('link', 'set', 'lo', 'up');
  await run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  const addresses: NodeAddress[] = [];
  for (let n = 1; n <= nodes; n++) {
    const [name, near, far] = [`${router}n${n}`, `v${n}`, `p${n}`];
    const host = `10.77.${n}.2`;
    await ip('netns', 'add', name);
    await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
    await ip('addr', 'add', `10.77.${n}.1/24`, 'dev', near);
    await ip('link', 'set', near, 'up');
    await ip('-n', name, 'addr', 'add', `${host}/24`, 'dev', far);
    await ip('-n', name, 'link', 'set', far, 'up');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, 'route', 'add', 'default', 'via', `10.77.${n}.1`);
    addresses.push({ host, ports: PORTS, launcher: ['ip', 'netns', 'exec', name] });
  }
  return { addresses, wire: new RouterWire() };
}

/** Removes the router and the namespaces of its nodes; what runs in them should have ended. */
export async function dropNamespaces(router: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']);
  for (const line of stdout.split('\n')) {
    const name = line.split(' ', 1)[0] ?? '';
    if (name === router || name.startsWith(`${router}n`)) await ip('netns', 'delete', name);
  }
}

/** Rules of the router that come before its routes. */
class RouterWire implements Wire {
  #rules: string[][] = [];

  async refuse(pairs: readonly Pair[]): Promise<void> {
    const both = pairs.flatMap(([a, b]): Pair[] => [
      [a, b],
      [b, a],
    ]);
    await this.#replace(both, 'unreachable');
  }

  async lose(pairs: readonly Pair[]): Promise<void> {
    await this.#replace(pairs, 'blackhole');
  }

  async heal(): Promise<void> {
    await this.#replace([], 'blackhole');
  }

  async #replace(pairs: readonly Pair[], action: string): Promise<void> {
    for (const rule of this.#rules.splice(0)) await ip('rule', 'del', ...rule);
    for (const [from, to] of pairs) {
      const rule = ['from', from.host, 'to', to.host, action];
      await ip('rule', 'add', ...rule);
      this.#rules.push(rule);
    }
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', [...args]);
}
