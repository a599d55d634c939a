// Compiles the simulator and the sources that it runs into sim/dist/.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = fileURLToPath(new URL('../node_modules/@typescript/native/bin/tsc', import.meta.url));
const result = spawnSync(process.execPath, [compiler, '-p', 'sim/tsconfig.json'], { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
