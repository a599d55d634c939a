/** Fits the transport's bulk streams to what tablets ask of a snapshot stream. */
import type { PeerLink, SnapshotSink, SnapshotStream } from '../tablet/peer-link.ts';
import type { Transport } from './transport.ts';
import type { BulkHandler } from './transport-types.ts';
import type { NodeId } from './view.ts';

/** Opens a stream of a snapshot to `node`; null when there is no way to it now. */
export function openSnapshot(
  transport: Transport,
  node: NodeId,
  header: Uint8Array,
): ReturnType<PeerLink['openSnapshot']> {
  if (!transport.connected(node)) return null;
  const bulk = transport.openBulk(node, header, (error) => stream.onClosed(error === null));
  const stream: SnapshotStream = {
    onClosed: () => undefined,
    write: (chunk, written) => bulk.write(chunk, written),
    end: () => bulk.end(),
    abort: () => bulk.abort('the snapshot is not needed any more'),
  };
  return stream;
}

/** The handler of a stream that another node opened, or why it is declined. */
export function receiveSnapshot(sink: SnapshotSink | null): BulkHandler | string {
  if (sink === null) return 'this replica does not need the snapshot';
  return {
    onChunk: (chunk, goOn) => sink.chunk(chunk, goOn),
    onEnd: (confirm) => {
      sink.end((complete) => confirm(complete ? undefined : new Error('the snapshot is not complete')));
    },
    onAbort: () => sink.abort(),
  };
}
