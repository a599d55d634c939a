/** Collects what the replicas of this node have to tell each other node in one turn, and sends it as one frame. */
import type { Message } from '../raft/types.ts';
import type { PeerLink } from './peer-link.ts';
import { RaftFrameWriter } from './raft-frame.ts';
import { nodeOf } from './replica-id.ts';

/** A frame with this much in it is sent before the next message is added: one large entry, at most, is longer. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

interface Peer {
  readonly node: number;
  readonly frame: RaftFrameWriter;
}

export class PeerOutbox {
  readonly #link: PeerLink;
  readonly #unreachable: (node: number) => void;
  readonly #peers = new Map<number, Peer>();

  /** `unreachable` is told when a frame certainly was not sent. */
  constructor(link: PeerLink, unreachable: (node: number) => void) {
    this.#link = link;
    this.#unreachable = unreachable;
  }

  add(tablet: number, message: Message): void {
    const node = nodeOf(message.to);
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = { node, frame: new RaftFrameWriter() };
      this.#peers.set(node, peer);
    }
    peer.frame.add(tablet, message);
    if (peer.frame.length >= FRAME_BYTES_MAX) this.#send(peer);
  }

  sendAll(): void {
    for (const peer of this.#peers.values()) {
      if (!peer.frame.isEmpty) this.#send(peer);
    }
  }

  #send(peer: Peer): void {
    const sent = this.#link.sendRaft(peer.node, peer.frame.bytes(), peer.frame.insertions);
    peer.frame.reset();
    if (!sent) this.#unreachable(peer.node);
  }
}
