import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as netConnect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { ManualClock } from '../../cluster/transport-world.test-support.ts';
import { CertificateFiles, readCertificates } from './certificate-files.ts';
import { doorServerFactory } from './door-server.ts';
import { makeCertificates } from './make-certificates.ts';

let folder: string;
let node: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'folkmoot-tls-'));
  await makeCertificates({ folder, hosts: ['127.0.0.1', 'db.example'], days: 30 });
  node = join(folder, '127.0.0.1');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function withEcho(
  required: boolean,
  files: CertificateFiles,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = doorServerFactory(
    files,
    required,
    Buffer.from('-ERR TLS\r\n'),
  )({}, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await run(typeof address === 'object' && address !== null ? address.port : 0);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function answer(socket: Socket | TLSSocket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      resolve(chunk.toString());
      socket.destroy();
    });
    socket.write(text);
  });
}

function tls(port: number, options: object = {}): TLSSocket {
  return tlsConnect({ host: '127.0.0.1', port, ca: readCertificates(node).ca, ...options });
}

describe('certificates', () => {
  test('OpenSSL takes them for a chain of the right purposes', () => {
    for (const [purpose, file] of [
      ['sslserver', join(node, 'node.crt')],
      ['sslclient', join(node, 'node.crt')],
      ['sslclient', join(folder, 'client', 'client.crt')],
    ] as const) {
      const said = execFileSync('openssl', ['verify', '-CAfile', join(folder, 'ca.crt'), '-purpose', purpose, file]);
      expect(said.toString()).toContain('OK');
    }
  });

  test('a second call keeps the authority and its secret, and adds nodes', async () => {
    const before = readCertificates(node);
    await makeCertificates({ folder, hosts: ['10.0.0.9'], days: 30 });
    const added = readCertificates(join(folder, '10.0.0.9'));
    expect(added.ca.equals(before.ca)).toBe(true);
    expect(added.peersKey.equals(before.peersKey)).toBe(true);
    expect(existsSync(join(node, 'node.crt'))).toBe(true);
  });

  test('what cannot be used is named, with its cure', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'folkmoot-tls-'));
    const other = mkdtempSync(join(tmpdir(), 'folkmoot-tls-'));
    await makeCertificates({ folder: other, hosts: ['127.0.0.1'], days: 30 });
    const expired = mkdtempSync(join(tmpdir(), 'folkmoot-tls-'));
    await makeCertificates({ folder: expired, hosts: ['127.0.0.1'], days: 0 });
    const attempt = (change: () => void): (() => unknown) => {
      rmSync(broken, { recursive: true });
      cpSync(node, broken, { recursive: true });
      change();
      return () => readCertificates(broken);
    };
    const from = (name: string) => () => cpSync(join(other, '127.0.0.1', name), join(broken, name));
    expect(attempt(from('ca.crt'))).toThrow(/node\.crt is not of the authority in ca\.crt/);
    expect(attempt(from('node.key'))).toThrow(/node\.key does not belong to node\.crt/);
    expect(attempt(() => rmSync(join(broken, 'node.key')))).toThrow(/cannot read .*node\.key/);
    expect(attempt(() => writeFileSync(join(broken, 'ca.crt'), 'nonsense'))).toThrow(/ca\.crt is no certificate/);
    expect(attempt(() => writeFileSync(join(broken, 'peers.key'), '12'))).toThrow(/64 hexadecimal digits/);
    expect(() => readCertificates(join(expired, '127.0.0.1'))).toThrow(/expired on/);
    for (const path of [broken, other, expired]) rmSync(path, { recursive: true });
  });
});

describe('a door', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s, and plainly where that is allowed', async (version) => {
    const files = new CertificateFiles(node, silentLogger);
    await withEcho(false, files, async (port) => {
      const socket = tls(port, { minVersion: version, maxVersion: version });
      expect(await answer(socket, 'hello')).toBe('hello');
      expect(await answer(netConnect(port, '127.0.0.1'), 'plain')).toBe('plain');
    });
  });

  test('refuses plain connections, and versions before 1.2, where TLS is required', async () => {
    const files = new CertificateFiles(node, silentLogger);
    await withEcho(true, files, async (port) => {
      expect(await answer(netConnect(port, '127.0.0.1'), 'PING\r\n')).toBe('-ERR TLS\r\n');
      await expect(answer(tls(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }), 'x')).rejects.toThrow();
    });
  });

  test('takes over new certificates while connections live, and keeps the old ones when the new are of no use', async () => {
    const own = mkdtempSync(join(tmpdir(), 'folkmoot-tls-'));
    await makeCertificates({ folder: own, hosts: ['127.0.0.1'], days: 30 });
    const place = join(own, '127.0.0.1');
    const clock = new ManualClock();
    const files = new CertificateFiles(place, silentLogger);
    files.watch(clock);
    const serialOf = async (port: number): Promise<string> => {
      const socket = tlsConnect({ host: '127.0.0.1', port, ca: readCertificates(place).ca });
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    await withEcho(true, files, async (port) => {
      const first = await serialOf(port);
      await makeCertificates({ folder: own, hosts: ['127.0.0.1'], days: 31 });
      clock.advance(2_001);
      const second = await serialOf(port);
      expect(second).not.toBe(first);
      const good = files.current;
      writeFileSync(join(place, 'node.key'), 'nonsense');
      clock.advance(2_001);
      expect(files.current).toBe(good);
    });
    files.stop();
    rmSync(own, { recursive: true });
  });
});
