/**
 * Connections between nodes under mutual TLS: both sides show a certificate of a node of the cluster's authority, so a process without
 * one can neither join nor listen. The name in the certificate is not compared with the address: any node of the cluster may be
 * anywhere, and its identity is what the handshake of the transport says.
 */
import { createServer, type Server, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { AddressError, type Connection, formatAddress, type Listener, type Network } from '../../base/network.ts';
import { ServerListener, SocketConnection } from '../real-network.ts';
import { type CertificateFiles, NODE_UNIT } from './certificate-files.ts';

export class TlsNetwork implements Network {
  readonly #certificates: CertificateFiles;

  constructor(certificates: CertificateFiles) {
    this.#certificates = certificates;
  }

  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server: Server = createServer(
        { ...this.#credentials(), requestCert: true, rejectUnauthorized: true, noDelay: true, keepAlive: true },
        (socket) => {
          if (!isNode(socket)) {
            socket.destroy();
            return;
          }
          onConnection(
            new SocketConnection(socket, formatAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0)),
          );
        },
      );
      // A handshake that fails is the other side's affair; it is told by TLS itself.
      server.on('tlsClientError', (_error, socket) => socket.destroy());
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new AddressError(error.code ?? 'unknown', host, port, 'TCP', error)),
      );
      this.#certificates.onChange(() => server.setSecureContext(this.#credentials()));
      server.listen({ host, port, backlog: 511 }, () => {
        server.removeAllListeners('error');
        server.on('error', () => undefined);
        const address = server.address();
        resolve(
          new ServerListener(server, host, typeof address === 'object' && address !== null ? address.port : port),
        );
      });
    });
  }

  connect(host: string, port: number): Connection {
    const socket = tlsConnect({
      ...this.#credentials(),
      host,
      port,
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.once('secureConnect', () => {
      if (!isNode(socket)) socket.destroy(new Error('the certificate of the other side is not that of a node'));
    });
    return new SocketConnection(socket, formatAddress(host, port), 'secureConnect');
  }

  #credentials() {
    const { ca, certificate, key } = this.#certificates.current;
    return { ca, cert: certificate, key, minVersion: 'TLSv1.2' as const };
  }
}

function isNode(socket: TLSSocket): boolean {
  const { OU } = socket.getPeerCertificate().subject ?? {};
  return socket.authorized && OU === NODE_UNIT;
}
