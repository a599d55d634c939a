/** What a run says in the end: numbers, the verdict and what it rests on. */

import type { Door, Tally } from './load.ts';
import type { Gaps } from './meter.ts';
import type { FaultKind } from './plan.ts';

/**
 * `valid`: every answer has an explanation, and nothing is missing. `violation`: not so. `unknown`: the search for an
 * explanation was given up on some key, or nothing was acknowledged, which proves nothing.
 */
export type TortureVerdict = 'valid' | 'violation' | 'unknown';

export interface TortureReport {
  readonly verdict: TortureVerdict;
  readonly seed: number;
  readonly nodes: number;
  readonly seconds: number;
  readonly total: Tally;
  /** One row for each workload and door that was covered. */
  readonly rows: readonly ReportRow[];
  /** Workloads and faults that were left out, with the reason. */
  readonly leftOut: readonly string[];
  readonly lost: number;
  readonly duplicated: number;
  readonly undead: number;
  /** Writes of which a part is there and a part is not. */
  readonly torn: number;
  readonly keys: number;
  /** Reads of single replicas at the end that were compared with what leaders said. */
  readonly replicaReads: number;
  readonly gaps: Gaps;
  /** Terms that all tablets have gone through. */
  readonly elections: number;
  /** How often each kind of disruption was carried out. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Why it is a violation, or unknown; empty when valid. */
  readonly problems: readonly string[];
  /** Why operations were refused or remained open, and how often. */
  readonly reasons: ReadonlyMap<string, number>;
}

export interface ReportRow {
  readonly workload: string;
  readonly what: string;
  readonly door: Door;
  readonly tally: Tally;
}

/** The report in lines for people, without the table of rows. */
export function reportLines(report: TortureReport): string[] {
  const { total, gaps, faults } = report;
  const disruptions = [...faults].map(([kind, times]) => `${kind} ${times}`).join(', ');
  return [
    `operations    ${count(total.operations)} on ${count(report.keys)} keys`,
    `acknowledged  ${count(total.acknowledged)} writes; ${count(total.unknown)} operations unknown, ${count(total.failed)} refused`,
    `lost          ${count(report.lost)}; ${count(report.duplicated)} twice, ${count(report.undead)} refused and there all the same, ${count(report.torn)} torn`,
    `replicas      ${count(report.replicaReads)} reads of single replicas compared`,
    `longest gap   ${count(Math.round(gaps.withMajority_ms))} ms with a majority up, ${count(Math.round(gaps.total_ms))} ms in total`,
    ...reasonLines(report.reasons),
    `elections     ${count(report.elections)}`,
    `disruptions   ${disruptions === '' ? 'none' : disruptions}`,
    ...report.leftOut.map((text) => `left out      ${text}`),
    ...report.problems.map((text) => `problem       ${text}`),
    `verdict       ${report.verdict}   seed ${report.seed}`,
  ];
}

const REASONS_SHOWN = 6;

function reasonLines(reasons: ReadonlyMap<string, number>): string[] {
  const most = [...reasons].sort(([, a], [, b]) => b - a).slice(0, REASONS_SHOWN);
  return most.map(([text, times]) => `not done      ${count(times).padStart(6)} x ${text}`);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
