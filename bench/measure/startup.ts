/** (e) From the start of the process until everything serves, on a fresh folder and on the one that is left then. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../servers/addresses.ts';
import { ServerProcess } from '../servers/child.ts';
import { waitUntil } from '../servers/deployment.ts';
import { RedisCluster } from '../servers/redis-cluster.ts';
import { askOnce } from '../servers/resp-client.ts';

const READY_TIMEOUT_MS = 60_000;
const NODE_TIMEOUT_MS = 15_000;

export interface StartupRound {
  readonly fresh_ms: number;
  /** Until a SET that was sent at once to any node was acknowledged there, or by the node that it was sent on to. */
  readonly freshWrite_ms: number;
  readonly existing_ms: number;
}

/** `folkmoot up --nodes=3`, until it prints its line. */
export async function startFolkmoot(root: string, folder: string): Promise<StartupRound> {
  const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
  const port = await freePorts(hosts, 4);
  const ports = ['redis', 'redis-single', 'admin', 'peer', 'cql'].map(
    (name, index) => `--${name}-port=${port + index}`,
  );
  const args = [join(root, 'bin', 'folkmoot.js'), 'up', '--nodes=3', `--data=${folder}`, ...ports, '--log-level=warn'];
  const single = { host: '127.0.0.1', port: port + 1 };
  const run = async (): Promise<[number, number]> => {
    const begun_ms = performance.now();
    const up = new ServerProcess(process.execPath, args);
    try {
      await up.line('ready', READY_TIMEOUT_MS);
      const ready_ms = performance.now() - begun_ms;
      await waitUntil('a first write', READY_TIMEOUT_MS, async () => (await askOnce(single, 'SET', 'k', 'v')) === 'OK');
      return [ready_ms, performance.now() - begun_ms];
    } finally {
      await up.stop();
    }
  };
  const [fresh_ms, freshWrite_ms] = await run();
  const [existing_ms] = await run();
  return { fresh_ms, freshWrite_ms, existing_ms };
}

/** Six servers and `redis-cli --cluster create`, until all of them say `cluster_state:ok`. */
export async function startRedisCluster(folder: string): Promise<StartupRound> {
  mkdirSync(folder, { recursive: true });
  const cluster = await RedisCluster.prepare({ folder, nodeTimeout_ms: NODE_TIMEOUT_MS, replicasPerMaster: 1 });
  const run = async (form: boolean): Promise<number> => {
    const begun_ms = performance.now();
    try {
      await cluster.start(form);
      return performance.now() - begun_ms;
    } finally {
      await cluster.stop();
    }
  };
  const fresh_ms = await run(true);
  return { fresh_ms, freshWrite_ms: fresh_ms, existing_ms: await run(false) };
}
