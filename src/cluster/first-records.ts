/** What the node that forms a cluster writes into the metadata first: the cluster's record, its own, and the users. */
import type { Logger } from '../base/log.ts';
import { ACCESS_SECTION, type InitialAccess, putInitialAccess } from './access/access-records.ts';
import { TransactionRecords } from './catalog/catalog-store.ts';
import type { ClusterOptions, Self } from './cluster-options.ts';
import { FIRST_NODE, METADATA_TABLET, putCluster, putNode } from './metadata.ts';
import type { MetadataGroup } from './metadata-group.ts';
import { defaultTabletCount } from './placement.ts';

export class FirstRecords {
  readonly #options: ClusterOptions;
  readonly #metadata: MetadataGroup;
  readonly #log: Logger;
  #writing = false;

  constructor(options: ClusterOptions, metadata: MetadataGroup) {
    this.#options = options;
    this.#metadata = metadata;
    this.#log = options.logger;
  }

  /** Does nothing while an earlier attempt is under way, or when the records are there. */
  write(clusterId: string, self: Self, access: InitialAccess | undefined): void {
    if (this.#writing) return;
    this.#writing = true;
    const { join, replicationFactor, tablets } = this.#options;
    const initialNodes = Math.max(1, join.length);
    this.#metadata
      .write((transaction, state) => {
        if (state.cluster !== null) return;
        putCluster(transaction, {
          clusterId,
          initialNodes,
          initialMembers: join,
          replicationFactor: Math.min(replicationFactor, initialNodes),
          tabletCount: tablets > 0 ? tablets : defaultTabletCount(initialNodes),
          nextNode: initialNodes + 1,
          nextTablet: METADATA_TABLET + 1,
        });
        putNode(transaction, { id: FIRST_NODE, ...self });
        if (access === undefined) return;
        const records = new TransactionRecords(transaction, ACCESS_SECTION);
        putInitialAccess(records, access);
        records.commit();
      })
      .catch((error: unknown) => this.#log.warn({ error: String(error) }, 'the first records could not be written'))
      .finally(() => {
        this.#writing = false;
      });
  }
}
