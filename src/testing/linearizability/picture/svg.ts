/** The board: a lane for each process, the state above them, and the order in which the operations took effect. */
import { CHARACTER_WIDTH, LANE_GAP, type Layout, type PlacedBar, ROW_HEIGHT, textWidth } from './layout.ts';
import type { Bar, Scene } from './scene.ts';

const STATE_HEIGHT = 40;
const AXIS_HEIGHT = 24;
const BAR_INSET = 4;
const POINT_RADIUS = 9;
/** Times are written this far apart. */
const TICK_DISTANCE = 90;

/** The names of the lanes, which stay where they are when the board is scrolled. */
export function namesSvg(layout: Layout): string {
  const height = boardHeight(layout);
  const names = layout.lanes.map(({ process, firstRow, rows }, lane) => {
    const middle = rowTop(layout, firstRow) + (rows * ROW_HEIGHT) / 2 + 4;
    return `${stripe(layout, lane, 96)}<text class="name" x="14" y="${middle}">process ${process}</text>`;
  });
  const state = `<text class="name" x="14" y="${STATE_HEIGHT / 2 + 6}">state</text>`;
  return `<svg width="96" height="${height}" role="presentation">${state}${names.join('')}</svg>`;
}

export function boardSvg(scene: Scene, layout: Layout): string {
  const height = boardHeight(layout);
  const parts = [
    ...layout.lanes.map((_, lane) => stripe(layout, lane, layout.width)),
    ...ticks(scene, layout, height),
    ...states(scene, layout),
    ...threads(layout, height),
    ...limit(scene, layout, height),
    ...layout.bars.map((bar) => drawBar(layout, bar)),
    ...points(layout),
  ];
  return `<svg width="${layout.width}" height="${height}" role="img" aria-label="Operations by process">${parts.join('\n')}</svg>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function boardHeight(layout: Layout): number {
  return rowTop(layout, layout.rows) + AXIS_HEIGHT;
}

function rowTop(layout: Layout, row: number): number {
  const lanesAbove = layout.lanes.filter(({ firstRow }) => firstRow < row).length;
  const lane = layout.lanes.findIndex(({ firstRow, rows }) => firstRow <= row && row < firstRow + rows);
  const gaps = lane === -1 ? lanesAbove : lane;
  return STATE_HEIGHT + LANE_GAP / 2 + row * ROW_HEIGHT + gaps * LANE_GAP;
}

function stripe(layout: Layout, lane: number, width: number): string {
  const { firstRow, rows } = layout.lanes[lane] ?? { firstRow: 0, rows: 0 };
  if (lane % 2 === 1) return '';
  const y = rowTop(layout, firstRow) - LANE_GAP / 2;
  return `<rect class="stripe" x="0" y="${y}" width="${width}" height="${rows * ROW_HEIGHT + LANE_GAP}"/>`;
}

function ticks({ times }: Scene, layout: Layout, height: number): string[] {
  const texts: string[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const [column, time] of times.entries()) {
    const x = layout.columns[column] ?? 0;
    if (x - last < TICK_DISTANCE || x > layout.width - 40) continue;
    last = x;
    texts.push(`<text class="tick" x="${round(x)}" y="${height - 8}">${showTime(time)}</text>`);
  }
  return texts;
}

/** One box from each change of the state to the next. */
function states(scene: Scene, layout: Layout): string[] {
  const changes = [{ x: 0, state: scene.firstState, number: 0 }];
  for (const { point, x } of layout.points) {
    if (point.changesState) changes.push({ x, state: point.state, number: point.bar.number });
  }
  return changes.map(({ x, state, number }, index) => {
    const width = Math.max(0, (changes[index + 1]?.x ?? layout.width) - x - 2);
    const room = Math.max(0, Math.floor((width - 10) / CHARACTER_WIDTH));
    const title = number === 0 ? `at first: ${state}` : `after ${number}: ${state}`;
    return (
      `<g class="state"><title>${escapeHtml(title)}</title><rect x="${round(x)}" y="10" width="${round(width)}" height="24" rx="4"/>` +
      `<text x="${round(x + 6)}" y="26">${escapeHtml(shorten(state, room))}</text></g>`
    );
  });
}

function threads(layout: Layout, height: number): string[] {
  return layout.points.map(
    ({ x }) => `<line class="thread" x1="${round(x)}" x2="${round(x)}" y1="34" y2="${height - AXIS_HEIGHT}"/>`,
  );
}

function drawBar(layout: Layout, { bar, left, right, row }: PlacedBar): string {
  const y = rowTop(layout, row) + BAR_INSET;
  const height = ROW_HEIGHT - 2 * BAR_INSET;
  const width = Math.max(6, right - left - 2);
  const textX = textStart(layout, bar, left);
  const room = Math.floor((right - textX - 4) / CHARACTER_WIDTH);
  return (
    `<g class="bar ${lookOf(bar)}"><title>${escapeHtml(tooltip(bar))}</title>` +
    `<rect x="${round(left)}" y="${y}" width="${round(width)}" height="${height}"/>` +
    `<text x="${round(textX)}" y="${y + height / 2 + 4}">${escapeHtml(shorten(bar.label, room))}</text></g>`
  );
}

/** The label stands behind the number when that is near the left end, else at the left end. */
function textStart(layout: Layout, bar: Bar, left: number): number {
  const x = layout.points.find(({ point }) => point.bar === bar)?.x;
  return x !== undefined && x - POINT_RADIUS - 4 < left + 8 + textWidth(bar) ? x + POINT_RADIUS + 5 : left + 8;
}

function lookOf(bar: Bar): string {
  if (bar.role === 'blocked') return 'blocked';
  if (bar.operation.outcome === 'unknown') return 'unknown';
  if (bar.role === 'late') return 'late';
  return bar.isRead ? 'read' : 'write';
}

function tooltip({ operation, label, number, role }: Bar): string {
  const { process, call, outcome, input, output } = operation;
  const end = outcome === 'unknown' ? 'outcome unknown' : `returned ${showTime(operation.return)}`;
  const place = role === 'blocked' ? 'fits nowhere' : number > 0 ? `number ${number} in the order` : 'not placed';
  const told = output === undefined ? '' : `\noutput ${JSON.stringify(output)}`;
  return `${label}\nprocess ${process}, called ${showTime(call)}, ${end}\n${place}\ninput ${JSON.stringify(input)}${told}`;
}

function points(layout: Layout): string[] {
  const rows = new Map(layout.bars.map(({ bar, row }) => [bar, row]));
  return layout.points.map(({ point, x }) => {
    const y = rowTop(layout, rows.get(point.bar) ?? 0) + ROW_HEIGHT / 2;
    const { number } = point.bar;
    const radius = POINT_RADIUS + (number > 999 ? 4 : number > 99 ? 2 : 0);
    return (
      `<g class="point"><title>${escapeHtml(`${number}. ${point.bar.label}\nstate: ${point.state}`)}</title>` +
      `<circle cx="${round(x)}" cy="${y}" r="${radius}"/><text x="${round(x)}" y="${y + 3.5}">${number}</text></g>`
    );
  });
}

/** Up to here no order goes. */
function limit(scene: Scene, layout: Layout, height: number): string[] {
  const blocked = scene.bars.find(({ role }) => role === 'blocked');
  if (blocked === undefined) return [];
  const x = round((layout.columns[blocked.to] ?? layout.width) - 2);
  return [`<line class="limit" x1="${x}" x2="${x}" y1="6" y2="${height - AXIS_HEIGHT}"/>`];
}

export function showTime(time: number): string {
  return String(Number(time.toFixed(3)));
}

function shorten(text: string, room: number): string {
  if (text.length <= room) return text;
  return room < 2 ? '' : `${text.slice(0, room - 1)}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
