/** What the main thread and the liveness worker post to each other. */
import type { LivenessChange, LivenessOptions, LivenessStart, LivenessStats } from './liveness.ts';
import type { EnginePeer } from './liveness-engine.ts';
import type { NodeId } from './view.ts';

/** `workerData`. */
export interface LivenessWorkerData {
  readonly memory: SharedArrayBuffer;
  readonly start: LivenessStart;
  readonly options: LivenessOptions;
}

export type ToLivenessWorker =
  | { readonly kind: 'peers'; readonly peers: readonly EnginePeer[] }
  | { readonly kind: 'block'; readonly nodes: readonly NodeId[]; readonly deafTo: readonly NodeId[] }
  | { readonly kind: 'stop' };

export type FromLivenessWorker =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  | { readonly kind: 'changed'; readonly node: NodeId; readonly change: LivenessChange }
  | { readonly kind: 'stats'; readonly stats: LivenessStats };
