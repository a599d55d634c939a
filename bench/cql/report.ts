/** The tables for people, made of nothing but the result. */
import { type Spread, spreadOf } from '../statistics.ts';
import { CQL_POINTS, type CqlPoint, type CqlResult, WHAT } from './load.ts';
import type { CqlResults } from './results.ts';

const GOALS: Readonly<Partial<Record<CqlPoint, string>>> = { insert: '2.0', batch: '2.0', lwt: '5.0' };

export function cqlTables({ machine, nodes, clients, seconds, rounds }: CqlResults): string {
  const measured = CQL_POINTS.filter((point) => (rounds.folkmoot[point] ?? rounds.cassandra[point]) !== undefined);
  const rows = measured.map((point) => {
    const ours = rounds.folkmoot[point] ?? [];
    const theirs = rounds.cassandra[point] ?? [];
    const rate = ({ opsPerSecond }: CqlResult): number => opsPerSecond;
    const ratios = ours.slice(0, theirs.length).map((result, index) => rate(result) / rate(theirs[index] as CqlResult));
    const cpu = (results: readonly CqlResult[]): string =>
      medianText(
        results.map((result) => result.serverCpu_us),
        0,
      );
    const p99 = (results: readonly CqlResult[]): string =>
      medianText(
        results.map((result) => result.p99_us / 1_000),
        1,
      );
    return [
      WHAT[point],
      GOALS[point] ?? '',
      spreadText(ratios, 1),
      spreadText(ours.map(rate), 0),
      spreadText(theirs.map(rate), 0),
      `${p99(ours)} / ${p99(theirs)}`,
      `${cpu(ours)} / ${cpu(theirs)}`,
      `${medianText(
        ours.map((result) => result.clientCpu_us),
        0,
      )} / ${medianText(
        theirs.map((result) => result.clientCpu_us),
        0,
      )}`,
    ].join(' | ');
  });
  const errors = [...Object.values(rounds.folkmoot), ...Object.values(rounds.cassandra)]
    .flat()
    .reduce((n, r) => n + r.errors, 0);
  const count = Math.max(...measured.map((point) => rounds.folkmoot[point]?.length ?? 0), 0);
  return `Measured on ${machine.date}, commit ${machine.commit}, ${nodes} nodes each, ${clients} statements under way, ${count} rounds of ${seconds} s, ${errors} errors.

| operation | goal | ratio | Folkmoot ops/s | Cassandra ops/s | 99 % in ms, F / C | server CPU us/op, F / C | load CPU us/op, F / C |
|---|---|---|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join('\n')}
`;
}

function spreadText(values: readonly number[], digits: number): string {
  if (values.length === 0) return 'not measured';
  const { median, min, max }: Spread = spreadOf(values);
  const text = (value: number): string =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(median)} (${text(min)} to ${text(max)})`;
}

function medianText(values: readonly number[], digits: number): string {
  return values.length === 0 ? '-' : spreadOf(values).median.toFixed(digits);
}
