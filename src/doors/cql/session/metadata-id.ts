/** What version 5 of the protocol calls the id of a result's metadata. */
import { createHash } from 'node:crypto';
import type { ColumnSpec } from './engine.ts';

const METADATA_IDS = new WeakMap<readonly ColumnSpec[], Buffer>();
const NO_METADATA_ID = createHash('md5').update('').digest();

/** Of the columns of a result: another one when they change. */
export function metadataId(columns: readonly ColumnSpec[] | null): Buffer {
  if (columns === null) return NO_METADATA_ID;
  let id = METADATA_IDS.get(columns);
  if (id === undefined) {
    id = createHash('md5').update(JSON.stringify(columns)).digest();
    METADATA_IDS.set(columns, id);
  }
  return id;
}
