/** Makes and removes this node's replicas as the metadata says, one after the other. */
import type { Logger } from '../base/log.ts';
import type { ReplicaId } from '../raft/types.ts';
import { nodeOf } from '../tablet/replica-id.ts';
import type { NewReplica, TabletHost } from '../tablet/tablet-host.ts';
import { METADATA_TABLET, type Metadata, type TabletRecord } from './metadata.ts';
import type { NodeId } from './view.ts';

export class MembershipKeeper {
  readonly #log: Logger;
  readonly #failed: (error: Error) => void;
  #tail: Promise<void> = Promise.resolve();
  #queued = false;

  constructor(logger: Logger, failed: (error: Error) => void) {
    this.#log = logger;
    this.#failed = failed;
  }

  /** Brings the replicas of `host` in step with the newest metadata. `changed` is called when something was done. */
  sync(host: TabletHost, self: NodeId, metadata: () => Metadata, changed: () => void): void {
    // A run that has not begun yet will see the newest metadata anyway.
    if (this.#queued) return;
    this.#queued = true;
    this.#tail = this.#tail.then(() => {
      this.#queued = false;
      return this.#run(host, self, metadata(), changed).catch((error: unknown) => {
        this.#failed(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  idle(): Promise<void> {
    return this.#tail;
  }

  async #run(host: TabletHost, self: NodeId, metadata: Metadata, changed: () => void): Promise<void> {
    // Metadata that has gone back at a restart names replicas that are no more, and does not name some that are here: what was
    // done once would be undone and done again, under ids that have voted.
    if (host.get(METADATA_TABLET)?.isCurrent !== true) return;
    const removed = (await this.#removeLost(host, metadata)) + (await this.#removeMoved(host, metadata));
    const missing: NewReplica[] = [];
    const campaigns: number[] = [];
    for (const record of metadata.tablets.values()) {
      // One that is given up before it was made may be a founder all the same, and be needed for the quorum that replaces it.
      const replica = [...record.replicas, ...record.confirmed].find((member) => nodeOf(member) === self);
      const here = host.get(record.id);
      if (replica !== undefined && here === undefined && !host.lost.has(record.id)) {
        const founders = record.founders.includes(replica) ? record.founders : null;
        missing.push({ id: record.id, replica, founders });
        if (founders !== null && replica === record.replicas[0]) campaigns.push(record.id);
      }
    }
    if (missing.length > 0) {
      await host.create(missing);
      for (const id of campaigns) host.get(id)?.raft.campaign();
    }
    for (const record of metadata.tablets.values()) {
      const tablet = host.get(record.id);
      if (tablet === undefined) continue;
      const position = record.replicas.indexOf(tablet.replica);
      tablet.raft.priority = position < 0 ? record.replicas.length : position;
    }
    if (missing.length > 0 || removed > 0) changed();
  }

  async #removeMoved(host: TabletHost, metadata: Metadata): Promise<number> {
    let removed = 0;
    for (const tablet of [...host.all()]) {
      if (tablet.id === METADATA_TABLET) continue;
      const record = metadata.tablets.get(tablet.id);
      // Until the leader has confirmed that it works without this replica, it may still be needed for a quorum.
      if (record === undefined || isWanted(record, tablet.replica)) continue;
      this.#log.info({ tablet: tablet.id }, 'removing a replica that has moved elsewhere');
      await host.remove(tablet.id);
      removed += 1;
    }
    return removed;
  }

  /** A lost replica's data is kept until the group works without it: if too much is damaged, it may be all that is left. */
  async #removeLost(host: TabletHost, metadata: Metadata): Promise<number> {
    let removed = 0;
    for (const [id, { replica }] of [...host.lost]) {
      const record = metadata.tablets.get(id);
      if (record === undefined) continue;
      // 0: not known yet which one it was (rebuild.ts).
      if (replica === 0 || isWanted(record, replica)) continue;
      this.#log.info({ tablet: id }, 'removing what is left of a lost replica');
      await host.remove(id);
      removed += 1;
    }
    return removed;
  }
}

function isWanted(record: TabletRecord, replica: ReplicaId): boolean {
  return record.replicas.includes(replica) || record.confirmed.includes(replica);
}
