/**
 * The configurations that the search has seen: which required operations are placed, the state, and how many optional
 * ones of each group are used. A configuration is not worth a visit when one was seen that is equal but for having used
 * at most as many optional operations of each group: whatever completes the former completes the latter, too, since its
 * unused operations include the former's. Only the smallest vectors of used operations are kept.
 *
 * This is what makes operations of unknown outcome cheap. Without it, each one that may or may not have happened doubles
 * the configurations.
 */
export class Visited {
  readonly #seen = new Map<string, Uint32Array[]>();
  /** Instead of the map when there are no optional operations; it takes a third of the memory. */
  readonly #keys = new Set<string>();

  /** False when the configuration need not be visited. `used` is copied. */
  add(key: string, used: Uint32Array): boolean {
    if (used.length === 0) {
      const size = this.#keys.size;
      return this.#keys.add(key).size > size;
    }
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#seen.set(key, [used.slice()]);
      return true;
    }
    if (seen.some((vector) => isAtMost(vector, used))) return false;
    let kept = 0;
    for (const vector of seen) {
      if (!isAtMost(used, vector)) seen[kept++] = vector;
    }
    seen.length = kept;
    seen.push(used.slice());
    return true;
  }
}

function isAtMost(a: Uint32Array, b: Uint32Array): boolean {
  for (let index = 0; index < a.length; index++) {
    if ((a[index] as number) > (b[index] as number)) return false;
  }
  return true;
}
