/** Makes the certificates of a cluster: an authority, one certificate a node, one for clients. What is there already stays. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { FolkmootError } from '../../base/errors.ts';
import { NODE_UNIT } from './certificate-files.ts';

export interface CertificateRequest {
  readonly folder: string;
  /** Addresses and names of nodes; each gets a folder of its own. */
  readonly hosts: readonly string[];
  /** How long certificates of nodes and clients are valid. */
  readonly days: number;
}

const CA_DAYS = 3_650;
const DAY_MS = 86_400_000;
/** Clocks of other machines may be behind. */
const BACKDATED_MS = 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Returns the folders that were written, that of clients last. */
export async function makeCertificates({ folder, hosts, days }: CertificateRequest): Promise<string[]> {
  x509.cryptoProvider.set(webcrypto);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = (await readAuthority(folder)) ?? (await makeAuthority(folder));
  const secret = secretOf(folder);
  const written: string[] = [];
  for (const host of hosts) {
    const target = join(folder, host.replaceAll(':', '_'));
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const names = [...new Set([host, 'localhost', '127.0.0.1', '::1'])];
    await issue(authority, target, 'node', `CN=${host}, OU=${NODE_UNIT}`, names, days);
    writeFileSync(join(target, 'peers.key'), secret, { mode: 0o600 });
    written.push(target);
  }
  const clients = join(folder, 'client');
  mkdirSync(clients, { recursive: true, mode: 0o700 });
  await issue(authority, clients, 'client', 'CN=client, OU=folkmoot-client', [], days);
  return [...written, clients];
}

async function makeAuthority(folder: string): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Folkmoot cluster ${randomBytes(4).toString('hex')}`,
    notBefore: new Date(Date.now() - BACKDATED_MS),
    notAfter: new Date(Date.now() + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeSecret(join(folder, 'ca.key'), await privateKeyText(keys.privateKey));
  writeFileSync(join(folder, 'ca.crt'), `${certificate.toString('pem')}\n`);
  return { certificate, key: keys.privateKey };
}

async function readAuthority(folder: string): Promise<Authority | null> {
  const [certificateFile, keyFile] = [join(folder, 'ca.crt'), join(folder, 'ca.key')];
  if (!existsSync(certificateFile)) return null;
  if (!existsSync(keyFile)) {
    throw new FolkmootError(
      'TLS_UNUSABLE',
      `${certificateFile} is there and ca.key is not`,
      'Use the folder in which the authority was made, with its key.',
    );
  }
  const certificate = new x509.X509Certificate(readFileSync(certificateFile, 'utf8'));
  const [block] = x509.PemConverter.decode(readFileSync(keyFile, 'utf8'));
  const key = await webcrypto.subtle.importKey('pkcs8', block as ArrayBuffer, ALGORITHM, true, ['sign']);
  return { certificate, key };
}

async function issue(
  authority: Authority,
  folder: string,
  name: 'node' | 'client',
  subject: string,
  names: readonly string[],
  days: number,
): Promise<void> {
  const keys = await generateKeys();
  const usages =
    name === 'node'
      ? [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]
      : [x509.ExtendedKeyUsage.clientAuth];
  const alternatives = names.map((text) => ({
    type: isIP(text) === 0 ? ('dns' as const) : ('ip' as const),
    value: text,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject,
    issuer: authority.certificate.subject,
    notBefore: new Date(Date.now() - BACKDATED_MS),
    notAfter: new Date(Math.min(Date.now() + days * DAY_MS, authority.certificate.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  writeSecret(join(folder, `${name}.key`), await privateKeyText(keys.privateKey));
  writeFileSync(join(folder, `${name}.crt`), `${certificate.toString('pem')}\n`);
  writeFileSync(join(folder, 'ca.crt'), `${authority.certificate.toString('pem')}\n`);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyText(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

/** Of the cluster, for the datagrams between its nodes. */
function secretOf(folder: string): string {
  const file = join(folder, 'peers.key');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const secret = `${randomBytes(32).toString('hex')}\n`;
  writeSecret(file, secret);
  return secret;
}

function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above is only for a file that was not there.
  chmodSync(file, 0o600);
}

/** Positive, and different each time. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString('hex');
}
