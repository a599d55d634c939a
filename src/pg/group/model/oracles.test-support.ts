/**
 * What must not be: an acknowledged entry that is missing from a primary that opens, or one that a client has seen; two primaries that
 * serve at once.
 */
import type { GroupRecord } from '../group-record.ts';
import type { SimNode } from './sim-node.test-support.ts';
import type { Entry, SimServer } from './sim-server.test-support.ts';

export class Oracles {
  readonly violations: string[] = [];
  readonly #acknowledged = new Set<number>();
  readonly #seen = new Set<number>();

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  noteAcknowledged(entry: Entry): void {
    this.#acknowledged.add(entry.id);
  }

  noteSeen(entries: readonly Entry[]): void {
    for (const { id } of entries) this.#seen.add(id);
  }

  checkOpening(record: GroupRecord, primary: SimServer): void {
    const ids = new Set(primary.log.map(({ id }) => id));
    const missing = (of: ReadonlySet<number>): number => [...of].filter((id) => !ids.has(id)).length;
    const lost = missing(this.#acknowledged);
    if (lost > 0) this.violations.push(`epoch ${record.epoch} opens without ${lost} acknowledged entries`);
    const unseen = missing(this.#seen);
    if (unseen > 0) this.violations.push(`epoch ${record.epoch} opens without ${unseen} entries that were read`);
  }

  /** `open`: those who serve clients now. */
  checkPrimaries(open: readonly SimNode[]): void {
    if (open.length > 1) this.violations.push(`two primaries serve: ${open.map(({ id }) => id).join(' and ')}`);
  }
}
