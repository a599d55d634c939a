// Writes docs/doors/redis.md from the Redis door's table of commands. The unit test that checks the page also writes it.
import { spawnSync } from 'node:child_process';

const result = spawnSync('npx', ['vitest', 'run', '--project', 'unit', 'src/doors/redis/documentation.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, FOLKMOOT_WRITE_DOCS: '1' },
});
process.exit(result.status ?? 1);
