/** Clients of the PostgreSQL door that write through all nodes, and remember what they were told. */
import type { Cluster, ClusterNode, ClusterStatus } from 'folkmoot/testing';
import pg from 'pg';

export type PostgresPicture = NonNullable<ClusterStatus['postgres']>;

const CONNECT_TIMEOUT_MS = 15_000;
const QUERY_TIMEOUT_MS = 15_000;

/** As the superuser of local clusters. */
export async function connectPostgres(node: ClusterNode): Promise<pg.Client> {
  const client = new pg.Client({
    host: node.host,
    port: node.ports.postgres,
    user: 'postgres',
    password: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A node that stands still answers nothing: its clients go elsewhere.
    query_timeout: QUERY_TIMEOUT_MS,
  });
  // A connection that breaks is told to whoever waits for an answer.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs one statement on a connection of its own. */
export async function runSql(node: ClusterNode, sql: string): Promise<Record<string, unknown>[]> {
  const client = await connectPostgres(node);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The group as a node sees it. */
export async function groupOf(cluster: Cluster, node?: ClusterNode): Promise<PostgresPicture> {
  const { postgres } = await cluster.status(node);
  if (postgres === undefined) throw new Error('the cluster has no PostgreSQL servers');
  return postgres;
}

/** Waits until the group is as wanted; resolves with the node of the primary. */
export async function untilGroup(
  cluster: Cluster,
  what: string,
  is: (group: PostgresPicture) => boolean,
  timeout_ms = 90_000,
): Promise<ClusterNode> {
  const status = await cluster.waitFor(({ postgres }) => postgres !== undefined && is(postgres), { what, timeout_ms });
  const node = cluster.nodes.find(({ id }) => id === status.postgres?.primary);
  return node ?? (cluster.nodes[0] as ClusterNode);
}

/** Serving, with every server of the group in its place. */
export function isWhole(group: PostgresPicture): boolean {
  const standbys = group.servers.filter(({ role }) => role === 'standby').length;
  return group.availability === 'serving' && standbys === group.servers.length - 1;
}

/** Writes numbered rows until it is stopped, through each node in turn, on connections that it makes anew when they break. */
export class PostgresWriters {
  readonly acknowledged = new Set<number>();
  /** What clients were told, by SQLSTATE or text, and how often. */
  readonly errors = new Map<string, number>();
  /** The longest time between two acknowledgements since `mark`. */
  gap_ms = 0;
  readonly #cluster: Cluster;
  readonly #running: Promise<void>[];
  #next = 1;
  #last_ms = performance.now();
  #isStopped = false;

  static async start(cluster: Cluster, clients = 3): Promise<PostgresWriters> {
    const [node] = cluster.nodes.filter(({ running }) => running);
    if (node === undefined) throw new Error('no node runs');
    await runSql(node, 'CREATE TABLE IF NOT EXISTS ledger (id int PRIMARY KEY)');
    return new PostgresWriters(cluster, clients);
  }

  private constructor(cluster: Cluster, clients: number) {
    this.#cluster = cluster;
    this.#running = Array.from({ length: clients }, (_, index) => this.#write(index));
  }

  mark(): void {
    this.gap_ms = 0;
    this.#last_ms = performance.now();
    this.errors.clear();
  }

  /** Resolves when so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    while (this.acknowledged.size < goal) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Those of what was acknowledged before this call that a node does not have. */
  async lost(node: ClusterNode): Promise<number[]> {
    const acknowledged = [...this.acknowledged];
    const rows = new Set((await runSql(node, 'SELECT id FROM ledger')).map(({ id }) => Number(id)));
    return acknowledged.filter((id) => !rows.has(id));
  }

  async #write(index: number): Promise<void> {
    let client: pg.Client | null = null;
    let turn = index;
    while (!this.#isStopped) {
      const nodes = this.#cluster.nodes.filter(({ running, paused }) => running && !paused);
      const node = nodes[turn % Math.max(1, nodes.length)];
      try {
        if (node !== undefined) {
          client ??= await connectPostgres(node);
          await this.#writeOne(client);
        }
      } catch (error) {
        const name = codeOf(error);
        this.errors.set(name, (this.errors.get(name) ?? 0) + 1);
        void client?.end().catch(() => undefined);
        client = null;
        turn++;
      }
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await client?.end().catch(() => undefined);
  }

  async #writeOne(client: pg.Client): Promise<void> {
    const id = this.#next++;
    await client.query('INSERT INTO ledger VALUES ($1)', [id]);
    this.acknowledged.add(id);
    const now_ms = performance.now();
    this.gap_ms = Math.max(this.gap_ms, now_ms - this.#last_ms);
    this.#last_ms = now_ms;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.code ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
