/** `folkmoot verify`: is it true? A throw-away cluster under load is disturbed, and every answer is checked. */
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { folderError } from '../base/errors.ts';
import { encodeHistory } from '../testing/linearizability/history-codec.ts';
import { reportLines, type TortureReport } from '../testing/torture/report.ts';
import { SABOTAGES } from '../testing/torture/sabotage.ts';
import { type Progress, torture } from '../testing/torture/torture.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { count, left, right, table } from './table.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'see that a cluster keeps its promises: disturb it, check every answer',
  details: `Starts a cluster of throw-away nodes on free addresses of this machine. Clients use it through every door while its nodes are killed, paused, cut off from each other and restarted. Every answer goes through a linearizability checker, and in the end everything is read back. Needs no privileges.

Exit code 0: valid. 1: a violation. 3: neither was shown. 2: the command line is wrong. The history is written to --out, with a picture when there is a violation.

  folkmoot verify --seconds=10
  folkmoot verify --sabotage=lost-write     a client lies: the verdict must be a violation`,
  run: runVerify,
};

async function runVerify(context: CommandContext): Promise<ExitCode> {
  const { seconds, nodes, out } = context.options;
  const seed = context.options.seed === 0 ? randomInt(1, 2 ** 31) : context.options.seed;
  const sabotage = SABOTAGES.find((name) => name === context.options.sabotage);
  const folder = await outFolder(out, seed);
  context.print(
    `${nodes} nodes, ${seconds} s, seed ${seed}${sabotage === undefined ? '' : `; the clients lie: ${sabotage}`}`,
  );
  const { report, history } = await torture({
    seed,
    seconds,
    nodes,
    ...(sabotage === undefined ? {} : { sabotage }),
    onProgress: (progress) => context.print(progressLine(progress)),
  });
  context.print('');
  for (const line of verdictLines(report)) context.print(`  ${line}`.trimEnd());
  const path = join(folder, 'history.jsonl');
  await writeFile(path, encodeHistory(history));
  context.print(`  history       ${path}`);
  if (report.verdict === 'valid') return ExitCode.ok;
  return report.verdict === 'violation' ? ExitCode.failed : ExitCode.unproved;
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
  return `${seconds} s  ${count(total.operations).padStart(8)} operations  ${count(total.acknowledged).padStart(8)} acknowledged  ${event ?? ''}`.trimEnd();
}

function verdictLines(report: TortureReport): string[] {
  const columns = [
    left('door'),
    left('workload'),
    left(''),
    right('operations'),
    right('acknowledged'),
    right('unknown'),
    right('refused'),
  ];
  const rows = report.rows.map(({ door, workload, what, tally }) => [
    door === 'cluster' ? 'redis, cluster port' : 'redis, single-endpoint port',
    workload,
    what,
    count(tally.operations),
    count(tally.acknowledged),
    count(tally.unknown),
    count(tally.failed),
  ]);
  return [...table(columns, rows), '', ...reportLines(report)];
}
