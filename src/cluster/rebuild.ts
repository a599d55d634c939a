/**
 * Has the lost replicas of this node replaced (docs/internals/damage.md). Nothing here is remembered: each step looks at what is
 * lost on this disk and what the metadata says, so a crash anywhere is followed by the same steps.
 */
import type { Clock } from '../base/clock.ts';
import { type ErrorCode, FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { OrderedStore } from '../storage/ordered-store.ts';
import { generationOf, nodeOf, replicaId } from '../tablet/replica-id.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import type { Administration } from './administration.ts';
import { type ClusterReply, type ClusterRequest, errorOf } from './cluster-messages.ts';
import type { Identity } from './identity.ts';
import { rebuildingNodes, unrecoverable } from './membership-changes.ts';
import { METADATA_TABLET, type Metadata } from './metadata.ts';
import type { NodeId, TabletId } from './view.ts';

const POLL_MS = 200;
/** About so often it is said what is waited for. */
const POLLS_PER_WORD = 25;
/** So many times in a row all other voters have answered and too many are damaged: a last chance for voters not known here. */
const HOPELESS_POLLS = 10;
/** Answers that asking again does not change. */
const FATAL: ReadonlySet<string> = new Set(['UNRECOVERABLE', 'NODE_REMOVED'] satisfies ErrorCode[]);
/** Stands for a replica that nobody counts on any more. */
export const NOBODY = -1;

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RebuildOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: () => Identity;
  readonly host: () => TabletHost | null;
  readonly metadata: () => Metadata;
  readonly administration: Administration;
  /** Where other members may be. */
  readonly others: () => readonly Address[];
  readonly ask: (address: Address, request: ClusterRequest) => Promise<ClusterReply | null>;
  /** It has become known which replica was lost. */
  readonly lostNamed: () => void;
  /** Removes a store that was put aside, if there is one. */
  readonly discardDamaged: () => Promise<void>;
  readonly failed: (error: Error) => void;
}

export class Rebuild {
  readonly #options: RebuildOptions;
  readonly #log: Logger;
  readonly #asking = new Set<TabletId>();
  #restoring: Promise<void> | null = null;
  /** Stays true when this node gives up: what it answers while it stops may be the last that another damaged one hears. */
  #isDamaged = false;
  /** In this life the whole node was said to be lost: every replica from before is out of the metadata's wishes. */
  #nodeIsNew = false;
  /** What other nodes have said of themselves in this life of the node; voters are asked while it waits. */
  readonly #isSound = new Map<NodeId, boolean>();
  #discarded = false;
  #stopped = false;

  constructor(options: RebuildOptions) {
    this.#options = options;
    this.#log = options.logger;
  }

  /** The replica of the metadata group is lost, and there is no other one yet. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Another node has lost its replica of the metadata group. It may give up before this one has asked it. */
  heardDamaged(node: NodeId): void {
    this.#isSound.set(node, false);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Asks for the replacement of data replicas that are lost. Called again and again. */
  step(): void {
    const { host, metadata, failed } = this.#options;
    const self = this.#options.identity().node;
    // Whoever was damaged when this node was sound may have been rebuilt since.
    if (!this.#isDamaged) this.#isSound.clear();
    for (const [tablet, { replica }] of host()?.lost ?? []) {
      if (tablet === METADATA_TABLET) {
        this.restoreMetadata().catch((error: unknown) => failed(asError(error)));
        continue;
      }
      const record = metadata().tablets.get(tablet);
      if (record === undefined) continue;
      if (replica === 0 && this.#nodeIsNew) {
        // A replica of this life is confirmed only after this one has been removed.
        this.#name(tablet, record.confirmed.find((other) => nodeOf(other) === self) ?? NOBODY);
      } else if (replica === 0 || record.replicas.includes(replica)) {
        this.#askFor(tablet, self, replica);
      }
    }
    this.#discardIfDone(self);
  }

  /** Every lost replica is out of its group and gone: a store that was put aside holds nothing that anybody needs. */
  #discardIfDone(self: NodeId): void {
    const { host, metadata, discardDamaged } = this.#options;
    if (this.#discarded || host()?.lost.size !== 0 || host()?.get(METADATA_TABLET)?.isCurrent !== true) return;
    const { nodes, tablets } = metadata();
    if (!nodes.has(self) || [...tablets.values()].some((record) => rebuildingNodes(record).includes(self))) return;
    this.#discarded = true;
    discardDamaged().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'the damaged store was not removed');
    });
  }

  /** It may be removed at once, if the metadata was done with it before its name was known. */
  #name(tablet: TabletId, replica: number): void {
    this.#options.host()?.nameLost(tablet, replica);
    this.#options.lostNamed();
  }

  #askFor(tablet: TabletId, node: NodeId, replica: number): void {
    if (this.#asking.has(tablet)) return;
    this.#asking.add(tablet);
    const { administration, failed } = this.#options;
    administration
      .rebuildReplica({ type: 'rebuildReplica', tablet, node, replica })
      .then(
        (answer) => {
          if (FATAL.has(answer.code)) failed(errorOf(answer));
          else if (answer.error !== '')
            this.#log.warn({ tablet, error: answer.error }, 'a lost replica is not replaced yet');
          else if (!answer.again && replica === 0) this.#name(tablet, replicaId(node, answer.generation));
        },
        (error: unknown) => failed(asError(error)),
      )
      .finally(() => this.#asking.delete(tablet));
  }

  /** Resolves when this node has a new, empty replica of the metadata group in place of the lost one. */
  restoreMetadata(): Promise<void> {
    this.#isDamaged = true;
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = null;
    });
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    const generation = await this.#newGeneration();
    const host = this.#options.host();
    if (host === null || this.#stopped) return;
    const replica = replicaId(this.#options.identity().node, generation);
    this.#log.info({ generation: generationOf(replica) }, 'the metadata group works without the lost replica');
    await host.remove(METADATA_TABLET);
    await host.create([{ id: METADATA_TABLET, replica, founders: null }]);
    this.#isDamaged = false;
  }

  /** Asks until the metadata group works without the lost replica. Rejects with UNRECOVERABLE or NODE_REMOVED. */
  async #newGeneration(): Promise<number> {
    const { clock, identity, others, ask } = this.#options;
    const { clusterId, node, epoch } = identity();
    const replica = this.#options.host()?.lost.get(METADATA_TABLET)?.replica ?? 0;
    if (others().length === 0) throw unrecoverable('this node is damaged and knows of no other that has its data');
    let hopeless = 0;
    for (let poll = 0; !this.#stopped; poll++) {
      for (const address of others()) {
        const answer = await ask(address, { type: 'rebuildNode', clusterId, node, epoch, replica });
        if (answer === null || answer.again) continue;
        if (FATAL.has(answer.code)) throw errorOf(answer);
        if (answer.error !== '') {
          this.#log.warn({ asked: address, error: answer.error }, 'this node is not taken back yet');
          continue;
        }
        this.#nodeIsNew = true;
        return answer.generation;
      }
      hopeless = (await this.#isHopeless()) ? hopeless + 1 : 0;
      if (hopeless >= HOPELESS_POLLS) {
        throw unrecoverable('the metadata group has no majority of undamaged replicas, of which this node has none');
      }
      if (poll % POLLS_PER_WORD === 0) {
        this.#log.warn(
          { asked: others() },
          'this node is damaged and waits for a majority of the others to take it back',
        );
      }
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
    return 0;
  }

  /** All other voters of the metadata group have answered, and too many of them are damaged themselves. */
  async #isHopeless(): Promise<boolean> {
    const { identity, ask } = this.#options;
    const { node, voters, seeds } = identity();
    const otherVoters = voters.filter((voter) => voter !== node);
    const other = seeds.filter((seed) => otherVoters.includes(seed.node));
    if (otherVoters.length === 0 || other.length < otherVoters.length) return false;
    await Promise.all(
      other.map(async (seed) => {
        const answer = await ask(seed, { type: 'hello', damaged: node });
        // One that has gone silent is what it was when it was last heard: it may have given up already.
        if (answer !== null && !answer.again) this.#isSound.set(seed.node, !answer.damaged);
      }),
    );
    if (other.some((seed) => !this.#isSound.has(seed.node))) return false;
    const sound = other.filter((seed) => this.#isSound.get(seed.node) === true).length;
    return sound < Math.floor(voters.length / 2) + 1;
  }
}

/** A node that is a cluster alone has nobody to be rebuilt from: nothing is changed, and it does not start. */
export function refuseAlone(host: TabletHost, store: OrderedStore): void {
  const [lost] = host.lost.values();
  const [key] = store.damagedKeys;
  if (lost === undefined && key === undefined) return;
  const what = lost?.reason ?? `the value of key ${Buffer.from(key ?? '', 'latin1').toString('hex')} is damaged`;
  throw unrecoverable(`the data of this node is damaged, and it knows of no other that has it: ${what}`);
}

/** Replicas of another node must never act for this one: its file of identity is not the one that belongs to the folder. */
export function refuseStrangers(host: TabletHost, node: NodeId): void {
  for (const tablet of host.all()) {
    const owner = nodeOf(tablet.replica);
    if (owner === node) continue;
    throw new FolkmootError(
      'FOLDER_OF_OTHER_NODE',
      `the data folder holds replicas of node ${owner}, and its node.json says that it is node ${node}`,
      `Put the right node.json back; or remove node ${owner} from the cluster and start with an empty folder.`,
    );
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
