/**
 * A violation as a page to look at: the operations around the one that fits nowhere, a lane for each client, time from left to
 * right. Operations of unknown outcome fade out, since they may happen at any later time.
 */
import type { Operation } from '../linearizability/history.ts';
import type { Finding } from './judge.ts';

/** Operations shown before and after the one that fits nowhere. */
const BEFORE = 60;
const AFTER = 20;
const WIDTH = 1_600;
const LANE = 34;
const LABEL = 60;
const COLOURS = { ok: '#8fc79a', unknown: '#f0c36d', failed: '#d9d9d9' } as const;
const BLOCKED = '#e5533d';

/** A whole HTML page without scripts. */
export function pictureOf(finding: Finding): string {
  const { result, key, workload } = finding;
  const { blocked, linearization, model } = result;
  const operations = around(result.operations, blocked);
  const begin = Math.min(...operations.map(({ call }) => call));
  const end = Math.max(
    ...operations.map(({ call, return: returned }) => (Number.isFinite(returned) ? returned : call)),
  );
  const lanes = [...new Set(operations.map(({ process }) => process))].sort((a, b) => a - b);
  const x = (time: number): number =>
    LABEL + ((Math.min(time, end) - begin) / Math.max(1e-6, end - begin)) * (WIDTH - LABEL - 20);
  const order = new Map(linearization.map((operation, index) => [operation, index + 1]));
  const bars = operations.map((operation) => {
    const y = lanes.indexOf(operation.process) * LANE + 4;
    const width = Math.max(3, x(operation.return) - x(operation.call));
    const text = model.describe(operation.input, operation.output);
    const number = order.get(operation);
    const colour = operation === blocked ? BLOCKED : COLOURS[operation.outcome];
    const title = `${text}\n${operation.outcome}, client ${operation.process}, ${operation.call.toFixed(3)} to ${operation.return.toFixed(3)} ms`;
    return (
      `<g><title>${escaped(title)}</title><rect x="${x(operation.call).toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="16" ` +
      `rx="3" fill="${colour}"${operation.outcome === 'unknown' ? ' opacity="0.5"' : ''}/>` +
      `<text x="${x(operation.call).toFixed(1)}" y="${y + 27}">${escaped(`${number === undefined ? '' : `${number}: `}${short(text)}`)}</text></g>`
    );
  });
  const names = lanes.map((process, lane) => `<text x="4" y="${lane * LANE + 16}">client ${process}</text>`);
  const why =
    blocked === undefined
      ? 'No order of these operations explains what the clients were told.'
      : `No order explains ${model.describe(blocked.input, blocked.output)} (red) together with all that had returned by then.`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(key)}</title>
<style>body{font:14px sans-serif;margin:2em}text{font:10px monospace}svg{border:1px solid #ccc}</style></head>
<body><h1>${escaped(key)} (${escaped(workload)}): ${finding.verdict}</h1>
<p>${escaped(why)} Numbers give the order that came furthest; ${operations.length} of ${result.operations.length} operations are shown. Green was acknowledged, yellow has an unknown outcome, grey was refused.</p>
<svg width="${WIDTH}" height="${lanes.length * LANE + 10}">${names.join('')}${bars.join('')}</svg>
</body></html>
`;
}

function around(operations: readonly Operation[], blocked: Operation | undefined): readonly Operation[] {
  const at = blocked === undefined ? operations.length : operations.indexOf(blocked);
  return operations.slice(Math.max(0, at - BEFORE), at + AFTER);
}

function short(text: string): string {
  return text.length <= 26 ? text : `${text.slice(0, 24)}…`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
