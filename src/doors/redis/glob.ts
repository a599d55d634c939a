/**
 * Redis's glob patterns over bytes given as latin1 text: `*`, `?`, `[a-z]`, `[^a]`, `\x`.
 *
 * A `*` backtracks only to the last one seen, so a pattern costs at most length x length steps; Redis's own recursion can
 * be made to take exponential time by a pattern like `a*a*a*a*b`.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starPattern = -1;
  let starText = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      starPattern = p;
      starText = t;
      p += 1;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text.charCodeAt(t)) : -1;
    if (next >= 0) {
      p = next;
      t += 1;
      continue;
    }
    if (starPattern < 0) return false;
    starText += 1;
    t = starText;
    p = starPattern + 1;
  }
  while (p < pattern.length && pattern[p] === '*') p += 1;
  return p >= pattern.length;
}

/** Position in the pattern after the element at `p` when it matches the char, otherwise -1. */
function matchOne(pattern: string, p: number, char: number): number {
  const sign = pattern[p];
  if (sign === '?') return p + 1;
  if (sign === '[') return matchClass(pattern, p + 1, char);
  const at = sign === '\\' && p + 1 < pattern.length ? p + 1 : p;
  return pattern.charCodeAt(at) === char ? at + 1 : -1;
}

function matchClass(pattern: string, from: number, char: number): number {
  let at = from;
  const negated = pattern[at] === '^';
  if (negated) at += 1;
  let found = false;
  // A class that is not closed ends with the pattern, as in Redis.
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      at += 1;
      if (pattern.charCodeAt(at) === char) found = true;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const a = pattern.charCodeAt(at);
      const b = pattern.charCodeAt(at + 2);
      if (char >= Math.min(a, b) && char <= Math.max(a, b)) found = true;
      at += 2;
    } else if (pattern.charCodeAt(at) === char) found = true;
    at += 1;
  }
  const next = at < pattern.length ? at + 1 : at;
  return found !== negated ? next : -1;
}

/** The exact text when the pattern has nothing special in it; undefined otherwise. */
export function literalOf(pattern: string): string | undefined {
  return /[*?[\\]/.test(pattern) ? undefined : pattern;
}
