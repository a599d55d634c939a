/** Who reaches whom, and who reaches the metadata group. */
import type { ModelClock } from './model-clock.test-support.ts';
import type { SimNode } from './sim-node.test-support.ts';

export class SimNetwork {
  readonly #clock: ModelClock;
  readonly #cuts = new Set<string>();
  readonly #offline = new Set<SimNode>();

  constructor(clock: ModelClock) {
    this.#clock = clock;
  }

  reaches(a: SimNode, b: SimNode): boolean {
    return a.isUp && b.isUp && !a.isPaused && !b.isPaused && !this.#cuts.has(pair(a, b));
  }

  /** Hears nothing of the metadata group and tells it nothing. */
  isOffline(node: SimNode): boolean {
    return this.#offline.has(node);
  }

  cut(a: SimNode, b: SimNode, for_ms: number): void {
    if (a === b) return;
    this.#cuts.add(pair(a, b));
    this.#clock.after(for_ms, () => this.#cuts.delete(pair(a, b)));
  }

  takeOffline(node: SimNode, for_ms: number): void {
    this.#offline.add(node);
    this.#clock.after(for_ms, () => this.#offline.delete(node));
  }

  heal(): void {
    this.#cuts.clear();
    this.#offline.clear();
  }
}

function pair(a: SimNode, b: SimNode): string {
  return a.id < b.id ? `${a.id}-${b.id}` : `${b.id}-${a.id}`;
}
