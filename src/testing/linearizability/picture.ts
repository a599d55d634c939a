/**
 * A page that shows why a history is not linearizable: what each client did, in which order the operations could have taken
 * effect, and the one that fits nowhere. One HTML file with everything in it, for a browser or an e-mail.
 */
import type { KeyResult } from './checker.ts';
import { layOut } from './picture/layout.ts';
import { type Scene, sceneOf } from './picture/scene.ts';
import { STYLE } from './picture/style.ts';
import { boardSvg, escapeHtml, namesSvg, showTime } from './picture/svg.ts';

export interface PictureOptions {
  /** What the page is headed with; the key when left out. */
  readonly title?: string;
  /** How many operations of the order are shown, the last ones; 40 when left out. */
  readonly maxPlaced?: number;
}

/** The page as text. It works for every verdict; without a violation it shows the end of the order. */
export function drawHistory(result: KeyResult, options: PictureOptions = {}): string {
  const scene = sceneOf(result, options.maxPlaced ?? 40);
  const layout = layOut(scene);
  const title = escapeHtml(options.title ?? `${result.model.name} ${JSON.stringify(result.key)}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: ${result.verdict}</title>
<style>${STYLE}</style>
<main>
<h1><span class="verdict ${result.verdict}">${result.verdict}</span>${title}</h1>
<p class="soft">${escapeHtml(summary(result, scene))}</p>
${story(result, scene)}
<div class="board"><div class="names">${namesSvg(layout)}</div><div class="scroll">${boardSvg(scene, layout)}</div></div>
${LEGEND}
${table(scene)}
</main>
<script>for (const board of document.querySelectorAll('.scroll')) board.scrollLeft = board.scrollWidth;</script>
</html>
`;
}

const LEGEND = `<ul class="legend">
<li><i class="write"></i>write</li><li><i class="read"></i>read</li>
<li><i class="unknown"></i>outcome unknown: may happen at any later time, or never</li>
<li><i class="late"></i>not placed yet</li><li><i class="blocked"></i>fits nowhere</li>
<li>① a number is the moment at which the operation takes effect</li>
<li>columns are calls and returns, not to scale</li></ul>`;

function summary({ operations, steps, linearization }: KeyResult, scene: Scene): string {
  const parts = [
    `${count(operations.length, 'operation')}, ${linearization.length} of them in the order that is shown`,
    `${count(steps, 'step')} of search`,
  ];
  if (scene.hiddenPlaced > 0) parts.push(`the first ${scene.hiddenPlaced} of the order are left out`);
  if (scene.hiddenUnknown > 0)
    parts.push(`${count(scene.hiddenUnknown, 'earlier operation')} of unknown outcome left out`);
  return `${parts.join('; ')}.`;
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;
}

function story({ blocked, model, linearization }: KeyResult, scene: Scene): string {
  if (blocked === undefined) return '';
  const { process, input, output, call, return: returned } = blocked;
  const state = scene.points.at(-1)?.state ?? scene.firstState;
  const order =
    linearization.length === 0
      ? 'Nothing can come before it.'
      : `The order that comes furthest ends with number ${linearization.length}, and the state is then ` +
        `<code>${escapeHtml(state)}</code>.`;
  return `<div class="story"><p><code>${escapeHtml(model.describe(input, output))}</code> of process ${process}, called at
${showTime(call)}, returned at ${showTime(returned)}, fits nowhere: no order of the operations explains what all clients had been
told when it returned. ${order}</p></div>`;
}

function table({ bars, points }: Scene): string {
  const states = new Map(points.map(({ bar, state }) => [bar, state]));
  const ordered = [...bars].sort((a, b) => rankOf(a.number) - rankOf(b.number) || a.operation.call - b.operation.call);
  const rows = ordered.map((bar) => {
    const { operation, number, label, role } = bar;
    const returned = operation.outcome === 'unknown' ? 'unknown' : showTime(operation.return);
    const place = number > 0 ? String(number) : role === 'blocked' ? '✕' : '';
    return (
      `<tr class="${role}"><td class="number">${place}</td><td>${operation.process}</td>` +
      `<td class="mono">${escapeHtml(label)}</td><td class="number">${showTime(operation.call)}</td>` +
      `<td class="number">${returned}</td><td class="mono">${escapeHtml(states.get(bar) ?? '')}</td></tr>`
    );
  });
  return `<details><summary>The same as a table</summary><table>
<tr><th class="number">order</th><th>process</th><th>operation</th><th class="number">called</th><th class="number">returned</th><th>state after it</th></tr>
${rows.join('\n')}</table></details>`;
}

/** What is not placed comes last. */
function rankOf(number: number): number {
  return number === 0 ? Number.MAX_SAFE_INTEGER : number;
}
