/** A torture run on a terminal: what happens line by line, then the table and the verdict, and the history in a file. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { folderError } from '../../base/errors.ts';
import { encodeHistory } from '../../testing/linearizability/history-codec.ts';
import { drawHistory } from '../../testing/linearizability/picture.ts';
import { reportLines, type TortureReport } from '../../testing/torture/report.ts';
import { type Progress, type TortureOptions, torture } from '../../testing/torture/torture.ts';
import { count, left, right, table } from '../table.ts';

export interface RunOptions extends Omit<TortureOptions, 'onProgress'> {
  /** Where the history goes; a temporary folder when left out. */
  readonly out: string | undefined;
  readonly print: (line: string) => void;
}

const PICTURES_MAX = 5;

export async function runAndShow(options: RunOptions): Promise<TortureReport> {
  const { out, print, seed, seconds, nodes, sabotage } = options;
  const folder = await outFolder(out, seed);
  const lie = sabotage === undefined ? '' : `; the clients lie: ${sabotage}`;
  print(`${nodes} nodes, ${count(seconds)} s, seed ${seed}${lie}`);
  const { report, history, judgement } = await torture({
    ...options,
    logFolder: folder,
    onProgress: (progress) => print(progressLine(progress)),
  });
  const path = join(folder, 'history.jsonl');
  await writeFile(path, encodeHistory(history));
  print('');
  for (const line of verdictLines(report)) print(`  ${line}`.trimEnd());
  print(`  written       ${path}, and the log of each node`);
  for (const [index, finding] of judgement.findings.slice(0, PICTURES_MAX).entries()) {
    const picture = join(folder, `violation-${index + 1}.html`);
    await writeFile(picture, drawHistory(finding.result));
    print(`  picture       ${picture}   ${finding.key}`);
  }
  return report;
}

async function outFolder(out: string | undefined, seed: number): Promise<string> {
  const folder = out === undefined ? tmpdir() : resolve(out);
  try {
    if (out === undefined) return await mkdtemp(join(folder, `folkmoot-verify-${seed}-`));
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw folderError(error, folder);
  }
}

function progressLine({ elapsed_ms, total, event }: Progress): string {
  const seconds = (elapsed_ms / 1_000).toFixed(1).padStart(6);
  const numbers = `${count(total.operations).padStart(9)} operations ${count(total.acknowledged).padStart(9)} acknowledged`;
  return `${seconds} s ${numbers}  ${event ?? ''}`.trimEnd();
}

const DOORS = { cluster: 'redis, cluster port', single: 'redis, single-endpoint port', cql: 'cassandra' } as const;

function verdictLines(report: TortureReport): string[] {
  const columns = [
    left('door'),
    left('workload'),
    right('operations'),
    right('acknowledged'),
    right('unknown'),
    right('refused'),
    left('commands'),
  ];
  const rows = report.rows.map(({ door, workload, what, tally }) => [
    DOORS[door],
    workload,
    count(tally.operations),
    count(tally.acknowledged),
    count(tally.unknown),
    count(tally.failed),
    what,
  ]);
  return [...table(columns, rows), '', ...reportLines(report)];
}
