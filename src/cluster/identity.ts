/**
 * Who this node is, on its own disk: `node.json` in the data folder. The epoch goes up at every start and is durable before the
 * node says a word to its peers, so that they can tell one life of the node from the next.
 */
import type { Disk } from '../base/disk.ts';
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
}

const FILE = 'node.json';
const VERSION = 1;

/** Before the first life. */
export const UNBORN: Identity = { clusterId: '', node: 0, epoch: 0, token: '', seeds: [] };

/** The identity for this life: the stored one with the next epoch, already durable. `token` becomes a new folder's. */
export async function beginLife(disk: Disk, folder: string, token: string): Promise<Identity> {
  const stored = await read(disk, folder);
  const identity = { ...stored, epoch: stored.epoch + 1, token: stored.token === '' ? token : stored.token };
  await saveIdentity(disk, folder, identity);
  return identity;
}

export async function saveIdentity(disk: Disk, folder: string, identity: Identity): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, ...identity }, null, 2)}\n`;
  await disk.replaceFile(`${folder}/${FILE}`, Buffer.from(text, 'utf8'));
}

async function read(disk: Disk, folder: string): Promise<Identity> {
  let contents: Buffer;
  try {
    contents = await disk.readFile(`${folder}/${FILE}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return UNBORN;
    throw error;
  }
  const parsed: unknown = JSON.parse(contents.toString('utf8'));
  if (!isIdentity(parsed)) throw new Error(`${folder}/${FILE} is not the identity of a node of this version`);
  const { clusterId, node, epoch, token = '', seeds } = parsed;
  return { clusterId, node, epoch, token, seeds };
}

function isIdentity(value: unknown): value is Omit<Identity, 'token'> & { version: number; token?: string } {
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
