// Some registries do not serve every platform's optional packages, and npm then leaves them out of the lock file, which `npm ci`
// refuses on every machine. This adds the missing entries from what their parents ask for. Run it after `npm install`.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (key in lock.packages) continue;
    const platform = name
      .split('/')
      .pop()
      .replace(/^(cli|msgpackr-extract|lmdb|binding|rolldown-binding|lightningcss)-/, '');
    const os = /android|darwin|freebsd|linux|win32|openharmony/.exec(platform)?.[0];
    const cpu = /arm64|x64|ia32|arm|ppc64|s390x|wasm32/.exec(platform)?.[0];
    if (os === undefined && cpu === undefined) continue;
    lock.packages[key] = {
      version: version.replace(/^[\^~]/, ''),
      ...(cpu === undefined ? {} : { cpu: [cpu] }),
      ...(entry.dev ? { dev: true } : {}),
      ...(/musl/.test(platform) ? { libc: ['musl'] } : {}),
      ...(entry.license ? { license: entry.license } : {}),
      optional: true,
      ...(os === undefined ? {} : { os: [os] }),
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`lock file: ${added} entries added`);
