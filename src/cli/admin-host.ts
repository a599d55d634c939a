/** Which admin port `--host` and `--admin-port` mean. */
import { readFileSync } from 'node:fs';
import { AdminClient } from '../admin/admin-client.ts';
import type { ClusterStatus, NodeStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import type { OptionValues } from '../base/options.ts';

export function adminClient(options: OptionValues): AdminClient {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+))(?::(?<port>\d+))?$/.exec(options.host);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'] ?? options.host;
  const port = Number(match?.groups?.['port'] ?? options['admin-port']);
  if (port < 1 || port > 65_535) {
    throw new FolkmootError('OPTION_INVALID', `--host is "${options.host}", whose port cannot exist`, 'Use HOST:PORT.');
  }
  return new AdminClient({ host, port, ca: authority(options.ca) }, options['timeout-ms']);
}

function authority(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FolkmootError('OPTION_INVALID', `cannot read ${file}`, 'Set --ca to the ca.crt of the cluster.', {
      cause: error,
    });
  }
}

/** A node by id, name, host or host:port. */
export function findNode(status: ClusterStatus, wanted: string): NodeStatus {
  const found = status.nodes.filter(
    ({ id, name, host, ports }) =>
      wanted === String(id) || wanted === name || wanted === host || wanted === `${host}:${ports.admin}`,
  );
  const [node] = found;
  const names = status.nodes.map((candidate) => candidate.name).join(', ');
  if (node === undefined) {
    throw new FolkmootError('NOT_FOUND', `the cluster has no node "${wanted}"`, `It has ${names}.`);
  }
  if (found.length > 1) {
    throw new FolkmootError('BAD_REQUEST', `"${wanted}" means more than one node`, `Use one of ${names}.`);
  }
  return node;
}
