/** Where things are, as the metadata says: which tablet a slot belongs to, and which keys a tablet owns. */
import type { KeyFinder, KeyRange } from '../storage/ordered-store.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import { METADATA_RANGE, METADATA_TABLET, type Metadata } from './metadata.ts';
import type { Place } from './slot-router.ts';
import { slotRanges } from './spaces.ts';
import { SLOT_COUNT, type TabletId } from './view.ts';

/** Which tablet and replica a slot belongs to. */
export class PlaceTable {
  #places: (Place | undefined)[] = [];
  /** What the table was made of. */
  #made: readonly (Place & { readonly first: number; readonly last: number })[] | null = null;

  /** Index: slot. Most changes of the metadata change nothing here, and the same table is given again. */
  of(metadata: Metadata, host: TabletHost | null): (Place | undefined)[] {
    const wanted = [...metadata.tablets.values()].map(({ id, slotFirst, slotLast }) => ({
      tablet: id,
      replica: host?.get(id),
      first: slotFirst,
      last: slotLast,
    }));
    const made = this.#made;
    const isSame = ({ tablet, replica, first, last }: (typeof wanted)[number], at: number): boolean => {
      const other = made?.[at];
      return other?.tablet === tablet && other.replica === replica && other.first === first && other.last === last;
    };
    if (made?.length === wanted.length && wanted.every(isSame)) return this.#places;
    this.#made = wanted;
    this.#places = new Array<Place | undefined>(SLOT_COUNT).fill(undefined);
    for (const place of wanted) this.#places.fill(place, place.first, place.last + 1);
    return this.#places;
  }
}

/**
 * Null while the metadata does not know the tablet: it may have gone back at a restart. `content` is what the ranges are to
 * cover.
 */
export function rangesOf(metadata: Metadata, tablet: TabletId, content: KeyFinder): readonly KeyRange[] | null {
  if (tablet === METADATA_TABLET) return [METADATA_RANGE];
  const record = metadata.tablets.get(tablet);
  return record === undefined ? null : slotRanges(record.slotFirst, record.slotLast, content);
}
