/** Which slot a command goes to. */
import type { Command } from './command-table.ts';
import type { Request } from './request.ts';
import { slotOf } from './slot.ts';

export const CROSS_SLOT = -1;

/** The slot of all keys of a request; CROSS_SLOT when they differ; 0 when there are none. */
export function commonSlot(command: Command, request: Request): number {
  const single = command.singleKeyIndex;
  if (single !== 0) return slotOf(request.buffer, request.start(single), request.end(single));
  const keys = command.keyIndexes(request);
  let slot = 0;
  for (const [position, key] of (keys ?? []).entries()) {
    const its = slotOf(request.buffer, request.start(key.index), request.end(key.index));
    if (position > 0 && its !== slot) return CROSS_SLOT;
    slot = its;
  }
  return slot;
}
