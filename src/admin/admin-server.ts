/**
 * The admin port: health, metrics, status and administration over HTTP. It knows the node only as an `AdminSource`.
 *
 * Whoever can reach the port can administrate: it belongs on an address that only operators reach. Against web pages that
 * an operator happens to visit, requests that change something are refused when they come from another origin.
 *
 * Life: `start` binds the port (before the cluster is formed, so that `init` can be asked for), `stop` closes it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ServerOpts, Socket, Server as SocketServer } from 'node:net';
import { describeError, FolkmootError, listenError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { AdminSource } from './admin-source.ts';
import { findRoute, type Route } from './routes.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0 asks the system for a free one, see `port`. */
  readonly port: number;
  readonly faultInjection: boolean;
  /** Makes the listening side; plain TCP when left out. */
  readonly createServer?: (options: ServerOpts, onSocket: (socket: Socket) => void) => SocketServer;
  readonly source: AdminSource;
  readonly logger: Logger;
}

const BODY_BYTES_MAX = 64 * 1_024;
const CONNECTIONS_MAX = 256;
const REQUEST_TIMEOUT_MS = 10_000;

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  /** Listens, and hands its connections to `#server`. */
  readonly #listener: Server | SocketServer;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 16 * 1_024 },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          options.logger.debug({ error }, 'an admin request broke off');
          response.destroy();
        });
      },
    );
    const { createServer: createListener } = options;
    this.#listener =
      createListener === undefined
        ? this.#server
        : createListener({}, (socket) => this.#server.emit('connection', socket));
    this.#listener.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
  }

  /** Rejects with PORT_TAKEN, PORT_REFUSED or ADDRESS_UNAVAILABLE. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#listener.once('error', (error) => reject(listenError(error, host, port, 'admin-port')));
      this.#listener.listen({ host, port }, () => {
        this.#listener.removeAllListeners('error');
        this.#listener.on('error', (error) => this.#options.logger.error({ error }, 'admin port failed'));
        resolve();
      });
    });
  }

  /** The port in use; valid after `start`. */
  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Ends open connections as well: a scrape that hangs must not keep the process. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#listener.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { route, parameters } = this.#route(request);
      const body = request.method === 'POST' ? await readBody(request) : {};
      const reply = await route.answer(this.#options.source, { parameters, body });
      send(request, response, reply.status, reply.type, reply.body);
    } catch (error) {
      const { code, text, cure } = describeError(error);
      const known = error instanceof FolkmootError;
      if (!known) this.#options.logger.error({ error, url: request.url }, 'an admin request failed');
      const status = known ? error.kind.http : 500;
      const retriable = known && error.kind.retriable;
      if (status === 413) response.setHeader('Connection', 'close');
      const body = JSON.stringify({ error: { code, cause: text, cure, retriable } });
      send(request, response, status, 'application/json', `${body}\n`);
    }
  }

  #route(request: IncomingMessage): { route: Route; parameters: Readonly<Record<string, string>> } {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    const found = findRoute(method, path);
    if (found.route.faultInjection && !this.#options.faultInjection) {
      throw new FolkmootError(
        'FORBIDDEN',
        'fault injection is off on this node',
        'It exists for tests: start the node with --faults.',
      );
    }
    if (method === 'POST') refuseOtherOrigins(request);
    return found;
  }
}

/** Browsers send `Origin` with every POST; command-line tools and scripts send none. */
function refuseOtherOrigins(request: IncomingMessage): void {
  const origin = request.headers.origin;
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === request.headers.host) return;
  throw new FolkmootError('FORBIDDEN', 'the request comes from a page of another origin', 'Use `folkmoot` or curl.');
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) {
      throw new FolkmootError('TOO_LARGE', `the body is longer than ${BODY_BYTES_MAX} bytes`, 'Send less.');
    }
    chunks.push(chunk);
  }
  if (length === 0) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new FolkmootError('BAD_REQUEST', 'the body is not JSON', 'Send a JSON object.', { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new FolkmootError('BAD_REQUEST', 'the body is not a JSON object', 'Send a JSON object.');
  }
  return parsed as Record<string, unknown>;
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
