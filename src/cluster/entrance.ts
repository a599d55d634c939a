/**
 * How a process that belongs to no cluster comes to belong to one: it is told to form one, or it asks the initial members
 * again and again until one of them takes it in.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Prng } from '../base/prng.ts';
import type { InitialAccess } from './access/access-records.ts';
import type { ClusterReply, ClusterRequest, Seed } from './cluster-messages.ts';
import type { Self } from './cluster-options.ts';
import type { Identity } from './identity.ts';
import { FIRST_NODE } from './metadata.ts';
import type { NodeId } from './view.ts';

export interface Membership {
  readonly clusterId: string;
  readonly node: NodeId;
  readonly seeds: readonly Seed[];
  readonly firstAccess?: InitialAccess;
}

export interface EntranceOptions {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly join: readonly { host: string; port: number }[];
  readonly identity: () => Identity;
  readonly self: () => Self;
  /** Null when the process at that address cannot be reached or does not understand. */
  readonly ask: (seed: { host: string; port: number }, request: ClusterRequest) => Promise<ClusterReply | null>;
  /** The node is a member from now on. */
  readonly becomeMember: (membership: Membership) => Promise<void>;
  readonly failed: (error: Error) => void;
}

export class Entrance {
  readonly #options: EntranceOptions;
  #timer: Timer | null = null;
  #forming: Promise<void> | null = null;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Forms a new cluster with this node as its first; without `access` it asks nobody who they are. Rejects when this node or one of its seeds belongs to one already. */
  form(access?: InitialAccess): Promise<void> {
    this.#forming ??= this.#form(access).finally(() => {
      this.#forming = null;
    });
    return this.#forming;
  }

  /** Whether all other initial members answer and belong to no cluster yet. */
  async seedsAreReadyToForm(): Promise<boolean> {
    const { ask } = this.#options;
    const answers = await Promise.all(this.otherSeeds().map((seed) => ask(seed, { type: 'hello' })));
    return answers.every((answer) => answer?.again === true);
  }

  /** Asks the seeds until one of them takes this node in, or this node forms a cluster itself. */
  lookForCluster(): void {
    const { clock, prng, failed } = this.#options;
    if (this.#isMember) return;
    this.#askSeeds().then(
      () => {
        if (!this.#isMember) this.#timer = clock.after(100 + prng.below(50), () => this.lookForCluster());
      },
      (error: unknown) => failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  stop(): void {
    this.#timer?.cancel();
  }

  otherSeeds(): { host: string; port: number }[] {
    const self = this.#options.self();
    return this.#options.join.filter((seed) => seed.host !== self.host || seed.port !== self.ports.peer);
  }

  get #isMember(): boolean {
    return this.#options.identity().node !== 0;
  }

  async #form(access: InitialAccess | undefined): Promise<void> {
    const { identity, ask, becomeMember, prng } = this.#options;
    if (this.#isMember) throw alreadyFormed(`this node already belongs to cluster ${identity().clusterId}`);
    const answers = await Promise.all(this.otherSeeds().map((seed) => ask(seed, { type: 'hello' })));
    const formed = answers.find((answer) => answer !== null && answer.clusterId !== '');
    if (formed) throw alreadyFormed(`a member named by --join already belongs to cluster ${formed.clusterId}`);
    const membership = { clusterId: randomHex(prng, 32), node: FIRST_NODE, seeds: [] };
    await becomeMember(access === undefined ? membership : { ...membership, firstAccess: access });
  }

  async #askSeeds(): Promise<void> {
    const { self, ask, becomeMember, logger } = this.#options;
    const request = { type: 'join', ...self() } as const;
    for (const seed of this.otherSeeds()) {
      const answer = await ask(seed, request);
      if (answer === null || answer.again || this.#isMember || this.#forming !== null) continue;
      if (answer.error !== '') {
        logger.warn({ seed, error: answer.error }, 'the cluster does not take this node in');
        continue;
      }
      await becomeMember({ clusterId: answer.clusterId, node: answer.node, seeds: answer.seeds });
      return;
    }
  }
}

function alreadyFormed(text: string): FolkmootError {
  return new FolkmootError('ALREADY_FORMED', text, 'A cluster is formed once; this node joins it by itself.');
}

function randomHex(prng: Prng, digits: number): string {
  let text = '';
  while (text.length < digits) text += prng.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
