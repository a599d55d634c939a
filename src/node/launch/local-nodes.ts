/** The nodes of a cluster on this machine, not started yet. */
import { join } from 'node:path';
import type { NodeAddress } from './addresses.ts';
import { ChildNode } from './child-node.ts';

export interface LocalNodesOptions {
  readonly addresses: readonly NodeAddress[];
  /** Node N keeps its data in `node-N` below it. */
  readonly folder: string;
  /** Further flags of `folkmoot start`, for every node. */
  readonly flags: readonly string[];
  readonly log: 'inherit' | 'keep';
  /** A folder of `folkmoot cert` with a folder for each address; null or left out: no TLS. */
  readonly certificates?: string | null | undefined;
  /** With `log: 'keep'`: all logs are kept in this folder, too, as `node-N.log`. */
  readonly logFolder?: string | undefined;
}

/** Nodes `node-1`, `node-2`, ... that form a cluster by themselves as soon as all of them run. */
export function localNodes(options: LocalNodesOptions): ChildNode[] {
  const { addresses, folder, flags, log, logFolder, certificates = null } = options;
  const alone = addresses.length === 1;
  const members = addresses.map(({ host, ports }) => `${host}:${ports.peer}`).join(',');
  const forming = ['--local-users', ...(alone ? [] : [`--join=${members}`, '--auto-init'])];
  return addresses.map((address, index) => {
    const name = `node-${index + 1}`;
    return new ChildNode({
      ...address,
      name,
      dataFolder: join(folder, name),
      flags: [
        ...forming,
        ...(certificates === null ? [] : [`--tls-dir=${join(certificates, address.host)}`]),
        ...flags,
      ],
      log,
      ...(logFolder === undefined ? {} : { logFile: join(logFolder, `${name}.log`) }),
    });
  });
}

/**
 * Starts the nodes; resolves when every door of all of them serves. When one fails the others are killed and the
 * promise rejects with its error.
 */
export async function startAll(nodes: readonly ChildNode[]): Promise<void> {
  for (const node of nodes) node.spawn();
  try {
    await Promise.all(nodes.map((node) => node.ready()));
  } catch (error) {
    await killAll(nodes);
    throw error;
  }
}

export async function killAll(nodes: readonly ChildNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()));
}
