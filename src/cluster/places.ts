/** Where things are, as the metadata says: which tablet a slot belongs to, and which keys a tablet owns. */
import type { KeyFinder, KeyRange } from '../storage/ordered-store.ts';
import type { TabletHost } from '../tablet/tablet-host.ts';
import { METADATA_RANGE, METADATA_TABLET, type Metadata } from './metadata.ts';
import type { Place } from './slot-router.ts';
import { slotRanges } from './spaces.ts';
import { SLOT_COUNT, type TabletId } from './view.ts';

/** Index: slot. */
export function placesOf(metadata: Metadata, host: TabletHost | null): (Place | undefined)[] {
  const places = new Array<Place | undefined>(SLOT_COUNT).fill(undefined);
  for (const record of metadata.tablets.values()) {
    const place = { tablet: record.id, replica: host?.get(record.id) };
    places.fill(place, record.slotFirst, record.slotLast + 1);
  }
  return places;
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
