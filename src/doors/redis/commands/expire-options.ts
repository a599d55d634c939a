/** EX, PX, EXAT, PXAT: how string commands give an expiry time. */
import type { CommandContext } from '../context.ts';

/** Milliseconds a unit, and whether the number counts from now. */
const UNITS: Readonly<Record<string, { readonly unit_ms: number; readonly relative: boolean }>> = {
  EX: { unit_ms: 1000, relative: true },
  PX: { unit_ms: 1, relative: true },
  EXAT: { unit_ms: 1000, relative: false },
  PXAT: { unit_ms: 1, relative: false },
};

export function isExpireOption(word: string): boolean {
  return UNITS[word] !== undefined;
}

/** The moment that option `word` with its number at `index` means. */
export function expireOption(context: CommandContext, word: string, index: number): number {
  const unit = UNITS[word];
  if (unit === undefined || index >= context.request.count) context.syntaxError();
  return context.expireMoment(index, unit.unit_ms, unit.relative, true);
}
