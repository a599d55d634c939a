/** `folkmoot demo`: a throw-away cluster under load, whose nodes are killed with SIGKILL; then everything is read back. */
import { AdminClient } from '../admin/admin-client.ts';
import type { ClusterStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import { freeAddresses } from '../node/launch/addresses.ts';
import type { ChildNode } from '../node/launch/child-node.ts';
import { killAll, localNodes, startAll } from '../node/launch/local-nodes.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { readBack, readBackCql } from './demo/read-back.ts';
import { CqlWriteClient, cqlSlot, RedisWriteClient, redisSlot } from './demo/write-clients.ts';
import { Writers } from './demo/writers.ts';
import { LocalFolder } from './local-folder.ts';
import { count, left, right, table } from './table.ts';

const NODES = 3;
const ADMIN_TIMEOUT_MS = 5_000;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'see a cluster survive: write, kill -9, read back',
  details: `Starts three nodes in a temporary folder on free addresses, writes through the Redis and the Cassandra door, kills the node that leads most with SIGKILL, starts it again, and reads every acknowledged write back through each node; then does the same with all three nodes killed at once. Exit code 1 when anything is lost.`,
  run: runDemo,
};

async function runDemo(context: CommandContext): Promise<ExitCode> {
  const folder = await LocalFolder.temporary();
  let nodes: ChildNode[] = [];
  const end = (): void => {
    void killAll(nodes)
      .then(() => folder.release())
      .then(() => process.exit(ExitCode.failed));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  try {
    const begin_ms = performance.now();
    nodes = await startSomewhere(folder.path);
    return await new Demo(nodes, context, begin_ms).run();
  } finally {
    await killAll(nodes);
    await folder.release();
  }
}

/** Another process may take an address between the check and the start; then there are others. */
async function startSomewhere(folder: string): Promise<ChildNode[]> {
  for (let attempt = 1; ; attempt++) {
    const addresses = await freeAddresses(NODES);
    const nodes = localNodes({ addresses, folder: `${folder}/${attempt}`, flags: ['--tablets=12'], log: 'keep' });
    try {
      await startAll(nodes);
      return nodes;
    } catch (error) {
      if (!(error instanceof FolkmootError) || error.code !== 'PORT_TAKEN' || attempt === 5) throw error;
    }
  }
}

/** A door that is written to. */
interface DoorUnderLoad {
  readonly name: string;
  readonly writers: Writers;
  /** Keys that are not there, as a node says. */
  readonly readBack: (node: ChildNode, acknowledged: ReadonlyMap<string, string>) => Promise<string[]>;
  readonly lost: Set<string>;
}

class Demo {
  readonly #nodes: readonly ChildNode[];
  readonly #context: CommandContext;
  readonly #begin_ms: number;

  constructor(nodes: readonly ChildNode[], context: CommandContext, begin_ms: number) {
    this.#nodes = nodes;
    this.#context = context;
    this.#begin_ms = begin_ms;
  }

  async run(): Promise<ExitCode> {
    const ready_ms = performance.now() - this.#begin_ms;
    const { seconds, writers: writerCount } = this.#context.options;
    const first = this.#nodes[0] as ChildNode;
    const { host, ports } = first.options;
    this.#say(`three nodes ready: redis-cli -c -h ${host} -p ${ports.redis}`);
    this.#say(`                   cqlsh -u cassandra -p cassandra ${host} ${ports.cql}`);
    const status = await this.#status();
    const doors = await this.#doors(status);
    const each = (work: (writers: Writers) => unknown): Promise<unknown> =>
      Promise.all(doors.map(({ writers }) => work(writers)));

    await each((writers) => writers.start('a', seconds));
    this.#say(`${writerCount} writers at each door write; a majority syncs to disk before each acknowledgement`);
    await sleep((seconds * 1_000) / 3);
    const victim = this.#busiest(await this.#status());
    await victim.node.kill();
    this.#say(`kill -9 ${victim.node.name}, leader of ${victim.leads} of ${status.tablets.length} tablets`);
    await sleep((seconds * 1_000) / 3);
    const again_ms = await timed(() => startAll([victim.node]));
    this.#say(`${victim.node.name} is back after ${Math.round(again_ms)} ms`);
    await sleep((seconds * 1_000) / 3);
    await each((writers) => writers.stop());
    await this.#readBack(doors);

    await each((writers) => writers.start('b', 60));
    await sleep(1_000);
    await each((writers) => writers.stopMeasuring());
    await killAll(this.#nodes);
    await each((writers) => writers.abandon());
    this.#say('kill -9 all three nodes while they are written to');
    const all_ms = await timed(() => startAll(this.#nodes));
    this.#say(`all three are back after ${Math.round(all_ms)} ms`);
    await this.#readBack(doors);
    return this.#verdict(doors, ready_ms);
  }

  async #doors(status: ClusterStatus): Promise<DoorUnderLoad[]> {
    const { writers: count } = this.#context.options;
    const tabletOf = tabletFinder(status);
    const redisSeeds = this.#nodes.map(({ options }) => ({ host: options.host, port: options.ports.redis }));
    const redisClients = Array.from({ length: count }, () => new RedisWriteClient(redisSeeds));
    const cqlSeeds = this.#nodes.map(({ options }) => ({ host: options.host, port: options.ports.cql }));
    const cqlClients = Array.from({ length: count }, () => new CqlWriteClient(cqlSeeds));
    await cqlClients[0]?.makeTable();
    return [
      {
        name: 'redis',
        writers: new Writers(redisClients, (key) => tabletOf(redisSlot(key))),
        readBack: ({ options: { host, ports } }, keys) => readBack({ host, port: ports.redisSingle }, keys),
        lost: new Set(),
      },
      {
        name: 'cql',
        writers: new Writers(cqlClients, (key) => tabletOf(cqlSlot(key))),
        readBack: ({ options: { host, ports } }, keys) => readBackCql({ host, port: ports.cql }, keys),
        lost: new Set(),
      },
    ];
  }

  async #readBack(doors: readonly DoorUnderLoad[]): Promise<void> {
    for (const { name, writers, readBack: read, lost } of doors) {
      const { acknowledged } = writers.log;
      const before = lost.size;
      for (const node of this.#nodes) for (const key of await read(node, acknowledged)) lost.add(key);
      const result = lost.size === before ? 'all there' : `${count(lost.size - before)} LOST`;
      this.#say(`${name}: ${count(acknowledged.size)} acknowledged writes read back through each node: ${result}`);
    }
  }

  #verdict(doors: readonly DoorUnderLoad[], ready_ms: number): ExitCode {
    const rows = doors.map(({ name, writers, lost }) => {
      const { acknowledged, unknown, longestGap_ms } = writers.log;
      const gap = `${count(Math.round(longestGap_ms))} ms`;
      return [
        name,
        count(acknowledged.size),
        count(lost.size),
        count(unknown),
        gap,
        `${count(Math.round(ready_ms))} ms`,
      ];
    });
    const columns = [
      left('door'),
      right('acknowledged'),
      right('lost'),
      right('unknown'),
      right('longest gap'),
      right('ready after'),
    ];
    const { print } = this.#context;
    print('');
    for (const line of table(columns, rows)) print(`  ${line}`);
    print('');
    const idle = doors.find(({ writers }) => writers.log.acknowledged.size === 0);
    if (idle !== undefined) {
      print(`  Nothing was acknowledged through the ${idle.name} door: the cluster did not work.`);
      return ExitCode.failed;
    }
    const lost = doors.flatMap((door) => [...door.lost]);
    if (lost.length > 0) {
      print(`  LOST, for example: ${lost.slice(0, 3).join(', ')}`);
      return ExitCode.failed;
    }
    print('  Nothing acknowledged was lost. Run one yourself: folkmoot up');
    return ExitCode.ok;
  }

  #busiest(status: ClusterStatus): { node: ChildNode; leads: number } {
    const leads = (node: ChildNode): number => {
      const id = status.nodes.find(({ name }) => name === node.name)?.id;
      return status.tablets.filter((tablet) => tablet.leader === id).length;
    };
    const [node] = this.#nodes.toSorted((a, b) => leads(b) - leads(a));
    return { node: node as ChildNode, leads: leads(node as ChildNode) };
  }

  #status(): Promise<ClusterStatus> {
    const { host, ports } = (this.#nodes.find((node) => node.running) as ChildNode).options;
    return new AdminClient({ host, port: ports.admin }, ADMIN_TIMEOUT_MS).status();
  }

  #say(text: string): void {
    const seconds = (performance.now() - this.#begin_ms) / 1_000;
    this.#context.print(`${seconds.toFixed(1).padStart(5)} s  ${text}`);
  }
}

/** Which tablet a slot belongs to, for gaps by tablet. */
function tabletFinder(status: ClusterStatus): (slot: number) => number {
  const bySlot: number[] = [];
  for (const { id, slots } of status.tablets) for (let slot = slots[0]; slot <= slots[1]; slot++) bySlot[slot] = id;
  return (slot) => bySlot[slot] ?? 0;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin_ms = performance.now();
  await work();
  return performance.now() - begin_ms;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
