import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { freePorts } from './support/command.ts';

// What is published, since a node starts a worker thread from its compiled files.
const built = new URL('../dist/index.js', import.meta.url).href;
const { completeNodeOptions, FolkmootError, Node } = (await import(built)) as typeof import('../src/index.ts');

test('a program runs a node in its own process, and again on the same data', async () => {
  const dataFolder = join(await mkdtemp(join(tmpdir(), 'folkmoot-embedded-')), 'data');
  const ports = await freePorts(1);
  const options = completeNodeOptions({ dataFolder, ports, name: 'embedded' });
  for (const round of [1, 2]) {
    const node = new Node(options);
    await node.start();
    expect(node.ready()).toBe(true);
    expect(node.healthy()).toEqual({ ok: true, reasons: [] });
    // The PostgreSQL door is closed unless it is asked for.
    const open = { ...ports, postgres: 0, postgresRead: 0 };
    expect(node.status().nodes).toMatchObject([{ name: 'embedded', host: '127.0.0.1', ports: open, alive: true }]);

    const second = new Node(completeNodeOptions({ dataFolder, ports }));
    const failure = await second.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FolkmootError);
    expect(failure).toMatchObject({ code: 'FOLDER_IN_USE' });

    const redis = new Redis({ host: '127.0.0.1', port: ports.redis });
    expect(await redis.incr('rounds')).toBe(round);
    const metrics = await (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text();
    expect(metrics).toMatch(/^folkmoot_redis_commands_total\{node="embedded"\} \d+$/m);
    expect(metrics).toContain('nodejs_eventloop_lag_p99_seconds');
    redis.disconnect();

    await node.drain();
    await node.stop();
  }
  await rm(join(dataFolder, '..'), { recursive: true });
});
