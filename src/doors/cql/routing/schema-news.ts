/**
 * What the background has done and the schema is to be told: of all tablets together, since each change of the schema is a round of all
 * nodes.
 */
import type { Logger } from '../../../base/log.ts';
import type { SlotRange } from '../schema/model.ts';
import type { TabletRange } from './sweep.ts';

interface Done {
  readonly slots: SlotRange[];
  readonly failed: (() => void)[];
}

export class News {
  readonly #change: (spaces: readonly number[], slots: readonly SlotRange[]) => Promise<unknown>;
  readonly #logger: Logger;
  #bySpace = new Map<number, Done>();
  #isTelling = false;

  constructor(change: (spaces: readonly number[], slots: readonly SlotRange[]) => Promise<unknown>, logger: Logger) {
    this.#change = change;
    this.#logger = logger;
  }

  /** `failed`: the schema has not heard it, so that it is to be done and said again. */
  add(spaces: readonly number[], { slotFirst, slotLast }: TabletRange, failed: () => void): void {
    for (const space of spaces) {
      const done = this.#bySpace.get(space) ?? { slots: [], failed: [] };
      this.#bySpace.set(space, done);
      done.slots.push([slotFirst, slotLast]);
      done.failed.push(failed);
    }
  }

  /** Says what has come together, unless it is still saying what it said before. */
  tell(): void {
    if (this.#isTelling || this.#bySpace.size === 0) return;
    this.#isTelling = true;
    const bySpace = this.#bySpace;
    this.#bySpace = new Map();
    void this.#tellAll(bySpace);
  }

  async #tellAll(bySpace: ReadonlyMap<number, Done>): Promise<void> {
    // Spaces that were done in the same tablets, as those of one table are, go together.
    const bySlots = new Map<string, number[]>();
    for (const [space, { slots }] of bySpace) {
      const name = JSON.stringify(slots);
      bySlots.set(name, [...(bySlots.get(name) ?? []), space]);
    }
    for (const spaces of bySlots.values()) {
      try {
        await this.#change(spaces, bySpace.get(spaces[0] as number)?.slots ?? []);
      } catch (error) {
        this.#logger.debug({ error: String(error) }, 'the schema could not be told what the background has done');
        for (const space of spaces) for (const failed of bySpace.get(space)?.failed ?? []) failed();
      }
    }
    this.#isTelling = false;
  }
}
