// Builds dist/ with the TypeScript compiler, makes one file of the command, and marks it executable.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
const compiler = fileURLToPath(new URL('../node_modules/@typescript/native/bin/tsc', import.meta.url));
const result = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (result.status !== 0) process.exit(result.status ?? 1);
await bundleCommand();
chmodSync(`${root}bin/folkmoot.js`, 0o755);

/**
 * Node.js needs half a second of processor to find and link the several hundred modules of a node, each time that one starts. Only our own are
 * put together; packages stay where they are, and so do modules that are loaded when they are needed, all in one folder.
 */
async function bundleCommand() {
  const bundle = await rolldown({
    input: { main: `${root}dist/cli/main.js` },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
  });
  await bundle.write({
    dir: `${root}dist/cli`,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'main-[name].js',
    sourcemap: true,
  });
  await bundle.close();
}
