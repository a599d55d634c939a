/** What the simulator prints. */
import { execFileSync } from 'node:child_process';
import { describeFault } from './faults/schedule.ts';
import type { RunResult } from './run.ts';

export function summaryOf(result: RunResult): string {
  const { seed, failure, hash, events, simulated_ms, operations, acknowledged, swarm, schedule } = result;
  return [
    `seed ${seed}`,
    failure === null ? 'ok' : 'FAILED',
    hash,
    `${swarm.nodes} nodes, ${swarm.tablets} tablets, ${schedule.length} faults,`,
    `${events} events in ${(simulated_ms / 1_000).toFixed(1)} s,`,
    `${acknowledged} of ${operations} operations acknowledged`,
  ].join(' ');
}

/** All that is needed to see the failure again. */
export function failureReport(result: RunResult): string {
  const { seed, failure, schedule, swarm } = result;
  return [
    '',
    `Seed ${seed} failed at commit ${commit()}:`,
    `  ${failure?.text.replaceAll('\n', '\n  ') ?? ''}`,
    `  swarm: ${JSON.stringify(swarm)}`,
    `  ${schedule.length} faults:`,
    ...schedule.map((fault) => `  ${describeFault(fault)}`),
    `To see it again: npm run sim -- --seed=${seed}   (with --trace for events and logs, --shrink for fewer faults)`,
    '',
  ].join('\n');
}

function commit(): string {
  try {
    const hash = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const isClean = execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }) === '';
    return isClean ? hash : `${hash} with changes`;
  } catch {
    return 'unknown (no git)';
  }
}
