/** Asks a node's admin port; used by the command line and by `folkmoot/testing`. */
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { ERRORS, type ErrorCode, errnoOf, FolkmootError } from '../base/errors.ts';
import type { FirstAccess } from './admin-source.ts';
import type { ClusterStatus } from './cluster-status.ts';

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  /** Certificate of the cluster's authority: the port is asked by HTTPS. */
  readonly ca?: Buffer | undefined;
}

const REPLY_BYTES_MAX = 64 * 1_024 * 1_024;

export class AdminClient {
  readonly #address: AdminAddress;
  readonly #timeout_ms: number;

  constructor(address: AdminAddress, timeout_ms: number) {
    this.#address = address;
    this.#timeout_ms = timeout_ms;
  }

  async status(): Promise<ClusterStatus> {
    return (await this.call('GET', '/api/status')) as ClusterStatus;
  }

  /** True when every door of the node serves; false when it does not or cannot be reached. */
  async ready(): Promise<boolean> {
    try {
      return (await this.#exchange('GET', '/readyz', undefined)).status === 200;
    } catch {
      return false;
    }
  }

  async init(access: Partial<FirstAccess> = {}): Promise<{ clusterId: string }> {
    return (await this.call('POST', '/api/init', access)) as { clusterId: string };
  }

  async drain(): Promise<{ node: number; leads: number }> {
    return (await this.call('POST', '/api/drain', {})) as { node: number; leads: number };
  }

  async block(nodes: readonly number[], deafTo: readonly number[] = []): Promise<void> {
    await this.call('POST', '/api/faults/block', { nodes, deafTo });
  }

  async shiftClock(by_ms: number): Promise<void> {
    await this.call('POST', '/api/faults/clock', { by_ms });
  }

  /** Resolves when the removal has begun; the node leaves the list when nothing counts on it any more. */
  async removeNode(node: number): Promise<void> {
    await this.call('POST', `/api/nodes/${node}/remove`, {});
  }

  async transfer(tablet: number, node: number): Promise<void> {
    await this.call('POST', `/api/tablets/${tablet}/transfer`, { node });
  }

  async changeReplicas(tablet: number, change: { add: number } | { remove: number }): Promise<void> {
    await this.call('POST', `/api/tablets/${tablet}/replicas`, change);
  }

  /** The reply's JSON. Rejects with the error that the node answered with, NODE_UNREACHABLE or TIMED_OUT. */
  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const { host, port } = this.#address;
    const reply = await this.#exchange(method, path, body);
    let parsed: unknown;
    try {
      parsed = JSON.parse(reply.text);
    } catch (error) {
      throw new FolkmootError(
        'NODE_UNREACHABLE',
        `what listens on ${host}:${port} is not a Folkmoot admin port`,
        'Check --host and --admin-port.',
        { cause: error },
      );
    }
    if (reply.status < 300) return parsed;
    throw remoteError(parsed, `${method} ${path} answered ${reply.status}`);
  }

  #exchange(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    const { host, port, ca } = this.#address;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const ask = ca === undefined ? request : secureRequest;
      const outgoing = ask({
        ...(ca === undefined ? {} : { ca }),
        host,
        port,
        method,
        path,
        agent: false,
        ...(payload === undefined
          ? {}
          : { headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) } }),
      });
      const deadline = setTimeout(() => {
        reject(
          new FolkmootError(
            'TIMED_OUT',
            `${host}:${port} did not answer within ${this.#timeout_ms} ms`,
            'See the log of that node; ask another one, or wait longer with --timeout-ms.',
          ),
        );
        outgoing.destroy();
      }, this.#timeout_ms);
      const fail = (error: unknown): void => {
        clearTimeout(deadline);
        reject(unreachable(error, host, port));
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length > REPLY_BYTES_MAX) outgoing.destroy(new Error('the reply is too long'));
        });
        incoming.on('error', fail);
        incoming.on('end', () => {
          clearTimeout(deadline);
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      outgoing.end(payload);
    });
  }
}

function unreachable(error: unknown, host: string, port: number): FolkmootError {
  const reason = errnoOf(error) === 'ECONNREFUSED' ? 'nothing listens there' : messageOf(error);
  return new FolkmootError(
    'NODE_UNREACHABLE',
    `cannot reach the admin port ${host}:${port}: ${reason}`,
    'Start the node, or name another one with --host and --admin-port.',
    { cause: error },
  );
}

function remoteError(parsed: unknown, fallback: string): FolkmootError {
  const error = (parsed as { error?: { code?: unknown; cause?: unknown; cure?: unknown } } | null)?.error;
  const code = typeof error?.code === 'string' && error.code in ERRORS ? (error.code as ErrorCode) : 'INTERNAL';
  return new FolkmootError(
    code,
    typeof error?.cause === 'string' ? error.cause : fallback,
    typeof error?.cure === 'string' ? error.cure : 'See the log of that node.',
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
