/** A real Redis of this machine, to compare with. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { RawClient } from '../raw-client.test-support.ts';

export function hasRedis(): boolean {
  try {
    return /v=7\./.test(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

/** A port that nothing listens on at the moment. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export async function startRedis(): Promise<{ server: ChildProcess; client: RawClient }> {
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', settings, { stdio: 'ignore' });
  for (let attempt = 0; ; attempt += 1) {
    try {
      const client = await RawClient.connect(port);
      if ((await client.call('PING')) === 'PONG') return { server, client };
    } catch (error) {
      if (attempt > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
