/**
 * The certificates of a node: a folder with `ca.crt`, `node.crt`, `node.key` and `peers.key`, as `folkmoot cert` makes it. Read at
 * the start, and again whenever one of the files has changed; what cannot be used then is reported, and what was in use stays.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.ts';
import { FolkmootError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

const FILES = ['ca.crt', 'node.crt', 'node.key', 'peers.key'] as const;
const LOOK_INTERVAL_MS = 2_000;
/** Of the subject of certificates of nodes: a client's certificate is of the same authority and must not pass for a node's. */
export const NODE_UNIT = 'folkmoot-node';

export interface NodeCertificates {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Seals the datagrams of liveness; the same on all nodes of the cluster. */
  readonly peersKey: Buffer;
  readonly expires: Date;
}

export class CertificateFiles {
  readonly #folder: string;
  readonly #log: Logger;
  #current: NodeCertificates;
  #stamp: string;
  #server: SecureContext;
  #timer: Timer | null = null;
  readonly #listeners = new Set<() => void>();

  /** Throws TLS_UNUSABLE. */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#log = logger;
    this.#stamp = stampOf(folder);
    this.#current = readCertificates(folder);
    this.#server = doorContext(this.#current);
  }

  get current(): NodeCertificates {
    return this.#current;
  }

  /** For connections of clients: they see this node's certificate and need none of their own. */
  get doorContext(): SecureContext {
    return this.#server;
  }

  /** Calls `listener` after other certificates have been taken over. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  watch(clock: Clock): void {
    this.#timer = clock.every(LOOK_INTERVAL_MS, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    try {
      const stamp = stampOf(this.#folder);
      if (stamp === this.#stamp) return;
      // Whatever comes of it: the same files are not read again and again.
      this.#stamp = stamp;
      const read = readCertificates(this.#folder);
      this.#server = doorContext(read);
      this.#current = read;
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'new certificates were not taken over; those in use stay');
      return;
    }
    this.#log.info({ expires: this.#current.expires.toISOString() }, 'new certificates are in use');
    for (const listener of this.#listeners) listener();
  }
}

function doorContext({ certificate, key }: NodeCertificates): SecureContext {
  return createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
}

function stampOf(folder: string): string {
  return FILES.map((name) => {
    try {
      const { mtimeMs, size, ino } = statSync(join(folder, name));
      return `${mtimeMs} ${size} ${ino}`;
    } catch {
      // Reading it says what is wrong.
      return '-';
    }
  }).join(' ');
}

/** Checks everything that would otherwise show in the middle of a handshake. Throws TLS_UNUSABLE. */
export function readCertificates(folder: string): NodeCertificates {
  const [ca, certificate, key, peersKey] = FILES.map((name) => readIn(folder, name)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const own = parseCertificate(folder, 'node.crt', certificate);
  const authority = parseCertificate(folder, 'ca.crt', ca);
  const now = new Date();
  for (const [name, parsed] of [
    ['node.crt', own],
    ['ca.crt', authority],
  ] as const) {
    if (parsed.validToDate < now)
      throw unusable(
        `${join(folder, name)} expired on ${parsed.validTo}`,
        'Make a new one with `folkmoot cert` in the same folder.',
      );
    if (parsed.validFromDate > now)
      throw unusable(
        `${join(folder, name)} is not valid before ${parsed.validFrom}`,
        'Check the clock of this machine.',
      );
  }
  if (!own.checkIssued(authority) || !own.verify(authority.publicKey)) {
    throw unusable(
      `${join(folder, 'node.crt')} is not of the authority in ca.crt`,
      'Take both from the same `folkmoot cert`.',
    );
  }
  let isPair = false;
  try {
    isPair = createPublicKey(createPrivateKey(key)).equals(own.publicKey);
  } catch (error) {
    throw unusable(
      `${join(folder, 'node.key')} is no private key: ${messageOf(error)}`,
      'Put back what `folkmoot cert` has made.',
    );
  }
  if (!isPair)
    throw unusable(
      `${join(folder, 'node.key')} does not belong to node.crt`,
      'Take both from the same `folkmoot cert`.',
    );
  if (!own.subject.includes(`OU=${NODE_UNIT}`)) {
    throw unusable(
      `${join(folder, 'node.crt')} is not the certificate of a node`,
      'Make one with `folkmoot cert --hosts=...`.',
    );
  }
  const secret = Buffer.from(peersKey.toString('utf8').trim(), 'hex');
  if (secret.length !== 32)
    throw unusable(
      `${join(folder, 'peers.key')} is not 64 hexadecimal digits`,
      'Put back what `folkmoot cert` has made.',
    );
  return { ca, certificate, key, peersKey: secret, expires: own.validToDate };
}

function readIn(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    throw unusable(
      `cannot read ${join(folder, name)}: ${messageOf(error)}`,
      'Set --tls-dir to a folder of `folkmoot cert`.',
      error,
    );
  }
}

function parseCertificate(
  folder: string,
  name: string,
  bytes: Buffer,
): X509Certificate & { validToDate: Date; validFromDate: Date } {
  try {
    const parsed = new X509Certificate(bytes);
    return Object.assign(parsed, { validToDate: new Date(parsed.validTo), validFromDate: new Date(parsed.validFrom) });
  } catch (error) {
    throw unusable(
      `${join(folder, name)} is no certificate: ${messageOf(error)}`,
      'Put back what `folkmoot cert` has made.',
      error,
    );
  }
}

function unusable(text: string, cure: string, cause?: unknown): FolkmootError {
  return new FolkmootError('TLS_UNUSABLE', text, cure, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
