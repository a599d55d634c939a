/**
 * Requests about the cluster itself: joining, moving replicas and leaders. Each is carried out by whoever leads what it is about;
 * any other node passes it on once.
 */
import type { Clock } from '../base/clock.ts';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { membersOf } from '../tablet/conf-state-codec.ts';
import { nodeOf, replicaId } from '../tablet/replica-id.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import {
  type ClusterReply,
  type ClusterRequest,
  decodeReply,
  decodeRequest,
  encode,
  errorOf,
  errorReply,
  type HelloRequest,
  type JoinRequest,
  type MoveRequest,
  type RebuildNodeRequest,
  type RebuildReplicaRequest,
  type RemoveNodeRequest,
  type ReplicaRequest,
  reply,
  type Seed,
  type TransferRequest,
} from './cluster-messages.ts';
import type { Identity } from './identity.ts';
import {
  beginRemoval,
  rebuildNode,
  rebuildReplica,
  removedError,
  withoutNode,
  withReplica,
} from './membership-changes.ts';
import { METADATA_TABLET, type NodeRecord, putCluster, putNode, putTablet, type TabletRecord } from './metadata.ts';
import { type MetadataGroup, NotMetadataLeader } from './metadata-group.ts';
import type { Transport } from './transport.ts';
import type { PeerCalls } from './transport-calls.ts';
import { type NodeId, type NodePorts, Service, type TabletId } from './view.ts';

const GUEST_TIMEOUT_MS = 2_000;
const RETRY_MS = 50;
const TRANSFER_TIMEOUT_MS = 5_000;

const GUEST_REQUESTS: ReadonlySet<ClusterRequest['type']> = new Set(['hello', 'join', 'rebuildNode']);

type OperatorRequest = ReplicaRequest | TransferRequest | RemoveNodeRequest;
type MetadataRequest = Exclude<ClusterRequest, HelloRequest | TransferRequest>;

export interface AdministrationOptions {
  readonly clock: Clock;
  readonly metadata: MetadataGroup;
  readonly identity: () => Identity;
  readonly host: () => TabletHost | null;
  readonly leaderOf: (tablet: TabletId) => NodeId;
  readonly isAlive: (node: NodeId) => boolean;
  /** This node has lost its replica of the metadata group and has no other one yet. */
  readonly isDamaged: () => boolean;
  /** Another node says that of itself. */
  readonly heardDamaged: (node: NodeId) => void;
  readonly calls: PeerCalls;
  readonly seeds: () => Seed[];
  readonly logger: Logger;
}

export class Administration {
  readonly #options: AdministrationOptions;
  #confirming = new Set<TabletId>();
  #moving = false;

  constructor(options: AdministrationOptions) {
    this.#options = options;
    options.calls.serve(Service.cluster, (_from, bytes, respond) => {
      const request = decodeRequest(bytes);
      if (request === null) respond(encode(reply({ error: 'the request is not of this version' })));
      else void this.#answer(request, false).then((answer) => respond(encode(answer)));
    });
  }

  /** A process that is not a member asks. */
  guest(bytes: Buffer, respond: (reply: Uint8Array) => void): void {
    const request = decodeRequest(bytes);
    if (request === null || !GUEST_REQUESTS.has(request.type)) {
      respond(encode(reply({ error: 'only members may ask for this' })));
      return;
    }
    void this.#answer(request, true).then((answer) => respond(encode(answer)));
  }

  /** Asks a process at an address as a guest; null when it cannot be reached or does not understand. */
  async ask(
    transport: Transport,
    seed: { host: string; port: number },
    request: ClusterRequest,
  ): Promise<ClusterReply | null> {
    try {
      return decodeReply(await transport.guestCall(seed.host, seed.port, encode(request), GUEST_TIMEOUT_MS));
    } catch (error) {
      // Seeds that are not up yet are an ordinary sight while a cluster starts.
      this.#options.logger.debug({ seed, error: String(error) }, 'a member could not be asked');
      return null;
    }
  }

  /** Carries out a request of an operator on this node, passing it on as needed. Rejects with the reason. */
  async request(request: OperatorRequest): Promise<void> {
    const { clock } = this.#options;
    const deadline_ms = clock.monotonic_ms() + TRANSFER_TIMEOUT_MS;
    for (;;) {
      const answer = await this.#answer(request, true);
      if (answer.error !== '') throw errorOf(answer);
      if (!answer.again) return;
      // A leader is being elected: what an operator asks for waits for it, as what clients ask for does.
      if (clock.monotonic_ms() > deadline_ms) throw this.#noLeader(request);
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }

  #noLeader(request: OperatorRequest): FolkmootError {
    const { leaderOf, identity } = this.#options;
    const leader = leaderOf(request.type === 'transfer' ? request.tablet : METADATA_TABLET);
    const known =
      leader === 0
        ? 'this node knows of none'
        : `node ${leader === identity().node ? `${leader}, this one,` : leader} leads as far as this node knows`;
    return new FolkmootError(
      'UNAVAILABLE',
      `no leader has carried this out within ${TRANSFER_TIMEOUT_MS / 1_000} s: ${known}`,
      'See "folkmoot status", and try again.',
    );
  }

  /** A replica of this node is lost. `generation` of the answer is the highest that the node has been given. */
  rebuildReplica(request: RebuildReplicaRequest): Promise<ClusterReply> {
    return this.#answer(request, true);
  }

  /** Makes `node` the leader of the tablet; resolves when it is. */
  async transfer(tablet: TabletId, node: NodeId): Promise<void> {
    await this.request({ type: 'transfer', tablet, node });
    const { clock, leaderOf } = this.#options;
    const deadline_ms = clock.monotonic_ms() + TRANSFER_TIMEOUT_MS;
    while (leaderOf(tablet) !== node) {
      if (clock.monotonic_ms() > deadline_ms) throw new Error('the node did not become leader in time');
      await new Promise<void>((resolve) => clock.after(10, resolve));
    }
  }

  /** This node's record says something else than it is now: has it changed, and asks again later if that fails. */
  move(record: NodeRecord, self: Omit<MoveRequest, 'type' | 'node'>): void {
    if (this.#moving || isSameNode(record, self)) return;
    const { name, host, zone, ports } = self;
    this.#moving = true;
    void this.#answer({ type: 'move', node: record.id, name, host, zone, ports }, true).finally(() => {
      this.#moving = false;
    });
  }

  /** The leader of a tablet says that the members are what the metadata asks for. */
  confirm(tablet: TabletId, record: TabletRecord): void {
    const same = record.confirmed.length === record.replicas.length;
    if (
      (same && record.confirmed.every((replica, i) => replica === record.replicas[i])) ||
      this.#confirming.has(tablet)
    ) {
      return;
    }
    this.#confirming.add(tablet);
    const node = this.#options.identity().node;
    void this.#answer({ type: 'confirm', tablet, node, replicas: record.replicas }, true).finally(() =>
      this.#confirming.delete(tablet),
    );
  }

  async #answer(request: ClusterRequest, mayPassOn: boolean): Promise<ClusterReply> {
    const { clusterId } = this.#options.identity();
    if (clusterId === '') return reply({ again: true });
    if (request.type === 'hello') return this.#hello(request);
    if (request.type === 'rebuildNode' && request.clusterId !== clusterId) {
      return reply({ error: `this node belongs to cluster ${clusterId}` });
    }
    try {
      if (request.type === 'transfer') return await this.#transfer(request, mayPassOn);
      if (!this.#options.metadata.leading) return await this.#passOn(METADATA_TABLET, request, mayPassOn);
      return await this.#change(request);
    } catch (error) {
      if (error instanceof NotMetadataLeader) return reply({ again: true });
      return errorReply(error);
    }
  }

  #hello(request: HelloRequest): ClusterReply {
    const { clusterId, node } = this.#options.identity();
    const { state } = this.#options.metadata;
    const damaged = this.#options.isDamaged();
    if (request.damaged !== undefined) this.#options.heardDamaged(request.damaged);
    if (request.node !== undefined && state.removed.has(request.node)) {
      return { ...errorReply(removedError(state, request.node)), clusterId, node };
    }
    return reply({ clusterId, node, damaged, seeds: this.#options.seeds() });
  }

  /** Carries out a change of the metadata on its leader. */
  async #change(request: MetadataRequest): Promise<ClusterReply> {
    const { metadata, host, isAlive, logger } = this.#options;
    switch (request.type) {
      case 'join':
        return await this.#join(request);
      case 'move':
        return await this.#moveNode(request);
      case 'rebuildReplica':
        return reply({ generation: await metadata.write((t, state) => rebuildReplica(t, state, request)) });
      case 'rebuildNode':
        return await this.#rebuildNode(request);
      case 'removeNode':
        await metadata.write((transaction, state) => {
          const voters = (host()?.get(METADATA_TABLET)?.confState.voters ?? []).map(nodeOf);
          beginRemoval(transaction, state, request.node, isAlive, voters);
        });
        logger.info({ member: request.node }, 'a node is being removed');
        return reply({});
      default:
        return await this.#changeReplicas(request);
    }
  }

  async #rebuildNode(request: RebuildNodeRequest): Promise<ClusterReply> {
    const generation = await this.#options.metadata.write((transaction, state) =>
      rebuildNode(transaction, state, request),
    );
    const group = this.#options.host()?.get(METADATA_TABLET);
    if (group === undefined) return reply({ again: true });
    const wanted = replicaId(request.node, generation);
    const lostIsGone = [...membersOf(group.confState)].every(
      (replica) => nodeOf(replica) !== request.node || replica === wanted,
    );
    return lostIsGone ? reply({ generation }) : reply({ again: true });
  }

  #passOn(tablet: TabletId, request: ClusterRequest, mayPassOn: boolean): Promise<ClusterReply> {
    const leader = this.#options.leaderOf(tablet);
    if (!mayPassOn || leader === 0 || leader === this.#options.identity().node) {
      return Promise.resolve(reply({ again: true }));
    }
    return new Promise((resolve) => {
      this.#options.calls.call(leader, Service.cluster, encode(request), (bytes) => {
        resolve((bytes === null ? null : decodeReply(bytes)) ?? reply({ again: true }));
      });
    });
  }

  async #join(request: JoinRequest): Promise<ClusterReply> {
    const { metadata, identity, seeds, logger } = this.#options;
    const node = await metadata.write((transaction, state) => {
      const { cluster } = state;
      if (cluster === null) throw new NotMetadataLeader();
      for (const known of state.nodes.values()) {
        if (known.token === request.token) return known.id;
        if (known.host === request.host && known.ports.peer === request.ports.peer) {
          throw new Error(
            `${request.host}:${request.ports.peer} is node ${known.id} of this cluster already, and the folder of the node that asks is not that node's: if that node is gone for good, remove it first with "folkmoot remove ${known.name}"; else start it with its own folder, or give this one another address or --peer-port`,
          );
        }
        if (known.name === request.name) {
          throw new Error(
            `the name ${request.name} is taken by node ${known.id}: give this node another one by --name`,
          );
        }
      }
      const place = cluster.initialMembers.findIndex(
        (member) => member.host === request.host && member.port === request.ports.peer,
      );
      // An id is given out once: that of a removed node stays taken.
      const isFree = place >= 0 && !state.nodes.has(place + 1) && !state.removed.has(place + 1);
      const id = isFree ? place + 1 : cluster.nextNode;
      const { token, redisId, name, host, zone, ports } = request;
      putNode(transaction, { id, redisId, name, host, zone, ports, token });
      putCluster(transaction, { ...cluster, nextNode: Math.max(cluster.nextNode, id + 1) });
      return id;
    });
    logger.info({ member: node, host: request.host, name: request.name }, 'a node has joined');
    return reply({ clusterId: identity().clusterId, node, seeds: seeds() });
  }

  /** A member has come back under another address or with other ports. */
  async #moveNode(request: MoveRequest): Promise<ClusterReply> {
    await this.#options.metadata.write((transaction, state) => {
      const record = state.nodes.get(request.node);
      if (record === undefined) throw new Error(`there is no node ${request.node}`);
      const { name, host, zone, ports } = request;
      putNode(transaction, { ...record, name, host, zone, ports });
    });
    this.#options.logger.info({ member: request.node, host: request.host }, 'a node has a new address');
    return reply({});
  }

  async #changeReplicas(request: ReplicaRequest): Promise<ClusterReply> {
    await this.#options.metadata.write((transaction, state) => {
      const record = state.tablets.get(request.tablet);
      if (record === undefined) throw new Error(`there is no tablet ${request.tablet}`);
      if (!state.nodes.has(request.node)) throw new Error(`there is no node ${request.node}`);
      const after = changed(record, request);
      if (after !== record) putTablet(transaction, after);
    });
    return reply({});
  }

  async #transfer(request: TransferRequest, mayPassOn: boolean): Promise<ClusterReply> {
    const tablet = this.#options.host()?.get(request.tablet);
    if (tablet === undefined || !tablet.raft.isLeader) return this.#passOn(request.tablet, request, mayPassOn);
    const to = tablet.confState.voters.find((replica) => nodeOf(replica) === request.node);
    if (to === undefined) throw new Error(`node ${request.node} has no voting replica of tablet ${request.tablet}`);
    if (to === tablet.replica) return reply({});
    if (!tablet.raft.transferLeader(to)) throw new Error('the tablet cannot be handed over now; try again');
    this.#options.host()?.markDirty(tablet);
    return reply({});
  }
}

/** Whether the record says what the node says of itself. */
export function isSameNode(record: NodeRecord, self: Omit<MoveRequest, 'type' | 'node'>): boolean {
  const { name, host, zone, ports } = self;
  return record.name === name && record.host === host && record.zone === zone && samePorts(record.ports, ports);
}

function samePorts(a: NodePorts, b: NodePorts): boolean {
  return (
    a.redis === b.redis &&
    a.redisSingle === b.redisSingle &&
    a.cql === b.cql &&
    (a.postgres ?? 0) === (b.postgres ?? 0) &&
    (a.postgresRead ?? 0) === (b.postgresRead ?? 0) &&
    a.admin === b.admin &&
    a.peer === b.peer
  );
}

function changed(record: TabletRecord, request: ReplicaRequest): TabletRecord {
  const { node } = request;
  const has = record.replicas.some((replica) => nodeOf(replica) === node);
  if (request.type === 'confirm') {
    // What the leader has reached may not be what is wanted any more; then it goes on and says so again.
    const isCurrent = String(request.replicas) === String(record.replicas);
    return isCurrent ? { ...record, confirmed: record.replicas } : record;
  }
  if (request.type === 'addReplica') {
    if (has) throw new Error(`node ${node} has a replica of tablet ${record.id} already`);
    if (record.confirmed.some((replica) => nodeOf(replica) === node)) {
      throw new Error(`node ${node} is still giving up an older replica of tablet ${record.id}; try again`);
    }
    const { [String(node)]: _asked, ...rebuilding } = record.rebuilding ?? {};
    return { ...withReplica(record, node), rebuilding };
  }
  if (!has) throw new Error(`node ${node} has no replica of tablet ${record.id}`);
  if (record.replicas.length === 1) throw new Error(`node ${node} has the only replica of tablet ${record.id}`);
  return withoutNode(record, node);
}
