/** Names that clients give themselves. */
import type { ClientSession } from '../session-view.ts';

/** Only chars from `!` to `~`, so that a line of CLIENT LIST stays one. */
export function isClientText(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

export function setClientName(session: ClientSession, name: string): void {
  session.name = name;
}
