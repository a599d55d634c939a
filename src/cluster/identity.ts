/**
 * Who this node is, on its own disk: `node.json` in the data folder. The epoch goes up at every start and is durable before the
 * node says a word to its peers, so that they can tell one life of the node from the next.
 */
import { crc32 } from 'node:zlib';
import type { Disk } from '../base/disk.ts';
import { FolkmootError } from '../base/errors.ts';
import type { InitialAccess } from './access/access-records.ts';
import type { Seed } from './cluster-messages.ts';
import type { NodeId } from './view.ts';

export interface Identity {
  /** 32 hexadecimal digits; empty until the node belongs to a cluster. */
  readonly clusterId: string;
  /** 0 until the node belongs to a cluster. */
  readonly node: NodeId;
  readonly epoch: number;
  /**
   * Names this folder when it asks to be taken in: drawn in its first life and kept, because an answer can be lost together
   * with the process that asked, and the next one must be found to be the same node. Empty in folders of version 0.1.0.
   */
  readonly token: string;
  /** Nodes to answer to before the metadata has been heard of. */
  readonly seeds: readonly Seed[];
  /** The nodes that vote in the metadata group, as last heard. */
  readonly voters: readonly NodeId[];
  /** This node has had replicas: if its disk holds none, they are lost. */
  readonly begun: boolean;
  /**
   * Users of the cluster that this node has formed, until its first records hold them: a crash in between must not leave a
   * cluster that is open to everybody.
   */
  readonly firstAccess?: InitialAccess;
}

export const NOBODY_YET: Identity = {
  clusterId: '',
  node: 0,
  epoch: 0,
  token: '',
  seeds: [],
  voters: [],
  begun: false,
};

const FILE = 'node.json';
const VERSION = 1;

/** The identity for this life: the stored one with the next epoch, already durable. `token` becomes a new folder's. */
export async function beginLife(disk: Disk, folder: string, token: string): Promise<Identity> {
  const stored = await read(disk, folder);
  const identity = { ...stored, epoch: stored.epoch + 1, token: stored.token === '' ? token : stored.token };
  await saveIdentity(disk, folder, identity);
  return identity;
}

export async function saveIdentity(disk: Disk, folder: string, identity: Identity): Promise<void> {
  const contents = { version: VERSION, ...identity };
  const text = `${JSON.stringify({ ...contents, checksum: checksumOf(contents) }, null, 2)}\n`;
  await disk.replaceFile(`${folder}/${FILE}`, Buffer.from(text, 'utf8'));
}

async function read(disk: Disk, folder: string): Promise<Identity> {
  let contents: Buffer;
  try {
    contents = await disk.readFile(`${folder}/${FILE}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOBODY_YET;
    throw error;
  }
  const parsed = parse(contents);
  if (!isIdentity(parsed)) {
    throw new FolkmootError(
      'DATA_DAMAGED',
      `${folder}/${FILE} is damaged, or not the identity of a node of this version`,
      'Put the file back from a backup; or remove this node from the cluster and start it with an empty folder.',
    );
  }
  const { clusterId, node, epoch, token = '', seeds, voters = [], begun = node !== 0, firstAccess } = parsed;
  const identity = { clusterId, node, epoch, token, seeds, voters, begun };
  return firstAccess === undefined ? identity : { ...identity, firstAccess };
}

function parse(contents: Buffer): unknown {
  try {
    const { checksum, ...parsed } = JSON.parse(contents.toString('utf8')) as Record<string, unknown>;
    // An epoch that has gone back would be taken for another process with this identity, or worse, not be.
    return checksum === undefined || checksum === checksumOf(parsed) ? parsed : null;
  } catch {
    // Not JSON: refused by the caller.
    return null;
  }
}

function checksumOf(contents: object): number {
  return crc32(JSON.stringify(contents));
}

type Stored = Omit<Identity, 'token' | 'voters' | 'begun'> & Partial<Identity>;

function isIdentity(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return (
    candidate['version'] === VERSION &&
    typeof candidate['clusterId'] === 'string' &&
    Number.isSafeInteger(candidate['node']) &&
    Number.isSafeInteger(candidate['epoch']) &&
    (candidate['token'] === undefined || typeof candidate['token'] === 'string') &&
    Array.isArray(candidate['seeds'])
  );
}
