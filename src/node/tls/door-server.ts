/**
 * The listening side of a door, with TLS where the node has certificates. One port takes both: the first byte tells a TLS handshake
 * (16) from everything that the doors' protocols begin with. Without certificates this is a plain server and costs nothing.
 */
import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { CertificateFiles } from './certificate-files.ts';

const TLS_HANDSHAKE = 0x16;
/** From the first packet to the end of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

export type SocketServerFactory = (options: ServerOpts, onSocket: (socket: Socket) => void) => Server;

/**
 * `isRequired`: connections without TLS are closed; `refusal` is what the door's protocol says to them then, if it has words before
 * a greeting.
 */
export function doorServerFactory(
  certificates: CertificateFiles | null,
  isRequired: boolean,
  refusal: Buffer | null = null,
): SocketServerFactory {
  if (certificates === null) return (options, onSocket) => createServer(options, onSocket);
  return (options, onSocket) =>
    createServer(options, (socket) => {
      socket.on('error', ignore);
      const deadline = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS);
      socket.once('close', () => clearTimeout(deadline));
      socket.once('readable', () => {
        const first: Buffer | null = socket.read(1);
        if (first === null) return;
        socket.unshift(first);
        if (first[0] === TLS_HANDSHAKE) secure(socket, certificates, deadline, onSocket);
        else if (isRequired) {
          clearTimeout(deadline);
          if (refusal === null) socket.destroy();
          else socket.end(refusal, () => socket.destroy());
        } else {
          clearTimeout(deadline);
          socket.off('error', ignore);
          onSocket(socket);
        }
      });
    });
}

/** Hands the socket on when the handshake is over. */
export function secure(
  socket: Socket,
  certificates: CertificateFiles,
  deadline: NodeJS.Timeout,
  onSocket: (socket: Socket) => void,
): void {
  const tls = new TLSSocket(socket, { isServer: true, secureContext: certificates.doorContext });
  tls.on('error', ignore);
  tls.once('secure', () => {
    clearTimeout(deadline);
    tls.off('error', ignore);
    onSocket(tls);
  });
}

/** A connection that breaks during its handshake is nobody's yet. */
function ignore(): void {}
