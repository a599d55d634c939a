/**
 * Notices that this node has been removed from the cluster: the metadata says so, or, when it was down meanwhile, the nodes
 * that do not know it any more.
 */
import { type ClusterReply, errorOf, type HelloRequest, type Seed } from './cluster-messages.ts';
import type { IdentityKeeper } from './identity-keeper.ts';
import { removedError } from './membership-changes.ts';
import type { Metadata } from './metadata.ts';
import { Verdict } from './transport-handshake.ts';
import type { NodeId } from './view.ts';

export class RemovalWatch {
  readonly #identity: IdentityKeeper;
  readonly #ask: (seed: Seed, request: HelloRequest) => Promise<ClusterReply | null>;
  readonly #removed: (error: Error) => void;
  #asking = false;

  constructor(options: {
    identity: IdentityKeeper;
    ask: (seed: Seed, request: HelloRequest) => Promise<ClusterReply | null>;
    removed: (error: Error) => void;
  }) {
    this.#identity = options.identity;
    this.#ask = options.ask;
    this.#removed = options.removed;
  }

  metadataChanged(state: Metadata): void {
    const { node } = this.#identity.current;
    if (state.removed.has(node)) this.#removed(removedError(state, node));
  }

  /** A peer has refused a connection of this node. */
  refused(peer: NodeId, verdict: number): void {
    if (verdict !== Verdict.unknownNode || this.#asking) return;
    const seed = this.#identity.others.find((other) => other.node === peer);
    if (seed === undefined) return;
    this.#asking = true;
    const { clusterId, node } = this.#identity.current;
    void this.#ask(seed, { type: 'hello', node })
      .then((answer) => {
        if (answer?.clusterId === clusterId && answer.code === 'NODE_REMOVED') this.#removed(errorOf(answer));
      })
      .finally(() => {
        this.#asking = false;
      });
  }
}
