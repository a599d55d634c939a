/** Draws the faults of a seed: some kinds are off altogether, the others come seldom or often, briefly or for long. */
import type { Prng } from '../../src/base/prng.ts';
import type { Swarm } from '../swarm.ts';
import { DAMAGE_KINDS, FAULT_KINDS, type Fault, type FaultKind } from './fault.ts';

/** How long each kind lasts at most; 0 for what happens at once. */
const LENGTH_MS: Record<FaultKind, number> = {
  crash: 3_000,
  powerCut: 3_000,
  powerCutAll: 1_500,
  crashAtChange: 1_000,
  pause: 4_000,
  stall: 4_000,
  suspend: 4_000,
  wallJump: 0,
  partitionHalf: 4_000,
  partitionOne: 4_000,
  partitionRing: 4_000,
  partitionBridge: 4_000,
  partitionOneWay: 4_000,
  clog: 3_000,
  breakConnection: 0,
  lossy: 4_000,
  slowNetwork: 3_000,
  diskStall: 5_000,
  diskSlow: 4_000,
  diskError: 1_000,
  diskFull: 3_000,
  storeStall: 4_000,
  transfer: 0,
  moveReplica: 0,
  drain: 1_000,
  addNode: 0,
  crashWhileInstalling: 1_000,
  logRot: 2_000,
  storeRot: 2_000,
  storeLost: 2_000,
};

/** In so many of the seeds disks lose what was durable on them. */
const DAMAGE_SHARE = 0.25;

export function drawSchedule(prng: Prng, swarm: Swarm): Fault[] {
  const kinds = FAULT_KINDS.filter(() => prng.chance(0.35));
  const faults = kinds.length === 0 ? [] : draw(prng, swarm, kinds, prng.pick([0.5, 1, 2, 5]));
  // Drawn last, so that what else happens to a seed is what it was before there was damage.
  if (swarm.replicationFactor >= 3 && prng.chance(DAMAGE_SHARE)) {
    const damage = DAMAGE_KINDS.filter(() => prng.chance(0.6));
    if (damage.length > 0) faults.push(...draw(prng, swarm, damage, prng.pick([0.5, 2])));
  }
  return faults;
}

function draw(prng: Prng, swarm: Swarm, kinds: readonly FaultKind[], perSecond: number): Fault[] {
  const patience = prng.pick([0.2, 0.5, 1]);
  const faults: Fault[] = [];
  let at_ms = swarm.faultsFrom_ms;
  for (;;) {
    at_ms += (prng.fraction() * 2_000) / perSecond;
    if (at_ms >= swarm.faultsFrom_ms + swarm.safety_ms) return faults;
    const kind = prng.pick(kinds);
    const machine = 1 + prng.below(swarm.nodes);
    faults.push({
      at_ms: Math.round(at_ms * 1_000) / 1_000,
      kind,
      machine,
      other: 1 + ((machine + prng.below(Math.max(1, swarm.nodes - 1))) % swarm.nodes),
      for_ms: Math.round(LENGTH_MS[kind] * patience * prng.fraction()),
      amount: prng.below(1_000),
    });
  }
}

export function describeFault(fault: Fault): string {
  const { at_ms, kind, machine, other, for_ms, amount } = fault;
  return `${at_ms.toFixed(3).padStart(10)} ms  ${kind} machine ${machine} other ${other} for ${for_ms} ms (${amount})`;
}
