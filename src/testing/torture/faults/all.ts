/** How each kind of fault is carried out. */
import type { Fault } from '../fault.ts';
import type { FaultKind } from '../plan.ts';
import { clients } from './clients.ts';
import { clock } from './clocks.ts';
import { corrupt, diskFull } from './disk.ts';
import { move, remove, transfer } from './members.ts';
import { bridge, halves, isolate, oneWay, ring } from './network.ts';
import { kill, killAll, killLeader, pause, pauseLeader, restart } from './processes.ts';

export const carryOut: Readonly<Record<FaultKind, Fault>> = {
  kill,
  'kill-leader': killLeader,
  'kill-all': killAll,
  pause,
  'pause-leader': pauseLeader,
  restart,
  isolate,
  halves,
  bridge,
  ring,
  'one-way': oneWay,
  'disk-full': diskFull,
  corrupt,
  move,
  remove,
  transfer,
  clients,
  clock,
};
