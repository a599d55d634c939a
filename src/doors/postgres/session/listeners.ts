/** LISTEN: which sessions wait to hear of what. A session that listens keeps its connection. */
import type { Effects, PinReason } from '../sql/statement-effects.ts';

export interface ListeningSession {
  pin(reason: PinReason): void;
}

export class Listeners {
  note(session: ListeningSession, { listen }: Effects): void {
    if (listen.length > 0) session.pin('listen');
  }

  unlistenAll(_session: ListeningSession): void {}
}
