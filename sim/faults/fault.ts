/**
 * A fault is data: when, what, where, for how long. The schedule of a seed is a list of them, made before the run, so that it can be
 * printed, shortened and run again. Machines are named by number; a fault that makes no sense when its time comes (a
 * crash of what is down already) does nothing.
 */
export type FaultKind =
  | 'crash'
  | 'powerCut'
  | 'powerCutAll'
  | 'crashAtChange'
  | 'pause'
  | 'stall'
  | 'suspend'
  | 'wallJump'
  | 'partitionHalf'
  | 'partitionOne'
  | 'partitionRing'
  | 'partitionBridge'
  | 'partitionOneWay'
  | 'clog'
  | 'breakConnection'
  | 'lossy'
  | 'slowNetwork'
  | 'diskStall'
  | 'diskSlow'
  | 'diskError'
  | 'diskFull'
  | 'storeStall'
  | 'transfer'
  | 'moveReplica'
  | 'drain'
  | 'addNode'
  | 'crashWhileInstalling'
  | DamageKind;

/** What takes away something that was durable. Never more than a minority of any group at a time. */
export type DamageKind = 'logRot' | 'storeRot' | 'storeLost';

export interface Fault {
  readonly at_ms: number;
  readonly kind: FaultKind;
  /** The machine, or the first of those concerned. */
  readonly machine: number;
  readonly other: number;
  readonly for_ms: number;
  /** What else the fault needs to know: a count, a share in thousandths, a bit mask. */
  readonly amount: number;
}

export const FAULT_KINDS: readonly Exclude<FaultKind, DamageKind>[] = [
  'crash',
  'powerCut',
  'powerCutAll',
  'crashAtChange',
  'pause',
  'stall',
  'suspend',
  'wallJump',
  'partitionHalf',
  'partitionOne',
  'partitionRing',
  'partitionBridge',
  'partitionOneWay',
  'clog',
  'breakConnection',
  'lossy',
  'slowNetwork',
  'diskStall',
  'diskSlow',
  'diskError',
  'diskFull',
  'storeStall',
  'transfer',
  'moveReplica',
  'drain',
  'addNode',
  'crashWhileInstalling',
];

export const DAMAGE_KINDS: readonly DamageKind[] = ['logRot', 'storeRot', 'storeLost'];
