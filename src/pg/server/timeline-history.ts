/**
 * Timeline history files (pg_wal/0000000A.history): one line for each timeline before, oldest first, of its number, the place where it
 * was left, and why. PostgreSQL writes one at each promotion and copies them to standbys.
 */
import { parseLsn } from '../../base/postgres-lsn.ts';
import type { Ancestor } from './local-server.ts';

export function historyFileName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** Null when the text is no history: its last lines may be missing then, so none of it may be believed. */
export function parseHistory(text: string): readonly Ancestor[] | null {
  const ancestors: Ancestor[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [timeline = '', place = ''] = line.trim().split(/\s+/);
    const end = parseLsn(place);
    if (!/^\d{1,10}$/.test(timeline) || end === null) return null;
    ancestors.push({ timeline: Number(timeline), end });
  }
  return ancestors;
}
