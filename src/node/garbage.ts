/**
 * How much garbage V8 lets lie before it marks its heap, which costs the event loop 5 to 25 ms. It goes by a multiple of what is alive, about
 * 20 MB in a node, so values of 10 MB, whose memory counts, made it mark for every 25 MB of them. Here that is ALLOWED_BYTES, which is also
 * the most that V8 allows for buffers. Only for a process that is a node's alone: V8 has one rule for all.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const ALLOWED_BYTES = 64 * 1024 * 1024;
/** A larger multiple than V8's own. */
const PERCENT_MAX = 400;
/** With more alive, V8's rule allows as much by itself. */
const PERCENT_MIN = 50;
const INTERVAL_MS = 5_000;

export function allowGarbage(): void {
  let set = 0;
  const adapt = (): void => {
    const percent = growthPercent(getHeapStatistics().used_heap_size);
    if (percent === set) return;
    set = percent;
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  };
  adapt();
  setInterval(adapt, INTERVAL_MS).unref();
}

/** 0 leaves it to V8. In steps of ten. */
export function growthPercent(used_bytes: number): number {
  const percent = Math.min(PERCENT_MAX, Math.round((ALLOWED_BYTES * 10) / used_bytes) * 10);
  return percent < PERCENT_MIN ? 0 : percent;
}
