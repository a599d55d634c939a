/** Brings two replies into a form in which equal means equal, by a step's way of comparing. */
import { Compare } from './family.test-support.ts';

/** A reply as a tree: leaves are RESP lines and bulk strings with their sign. */
type Node = string | { readonly sign: string; readonly children: readonly Node[] };

function parse(reply: string): Node {
  let at = 0;
  const read = (): Node => {
    const end = reply.indexOf('\r\n', at);
    const line = reply.slice(at, end);
    at = end + 2;
    const sign = line[0] as string;
    const length = Number(line.slice(1));
    if (sign === '$' && length >= 0) {
      const text = reply.slice(at, at + length);
      at += length + 2;
      return `$${text}`;
    }
    if ('*~%'.includes(sign) && length >= 0) {
      const children = Array.from({ length: sign === '%' ? length * 2 : length }, read);
      return { sign, children };
    }
    return line;
  };
  return read();
}

function show(node: Node): string {
  return typeof node === 'string' ? node : `${node.sign}[${node.children.map(show).join(',')}]`;
}

function sortedBy(node: Node, size: number): Node {
  if (typeof node === 'string') return node;
  // Pairs in RESP3 may be arrays of their own; those are sorted as they are.
  const nested = node.children.every((child) => typeof child !== 'string');
  const width = nested ? 1 : size;
  const groups: Node[][] = [];
  for (let at = 0; at < node.children.length; at += width) groups.push(node.children.slice(at, at + width) as Node[]);
  groups.sort((a, b) => (a.map(show).join() < b.map(show).join() ? -1 : 1));
  return { sign: node.sign, children: groups.flat() };
}

/** Texts that are numbers, as JavaScript writes them. Exact integers in bulk strings stay what they are. */
function numbersAlike(node: Node): Node {
  if (typeof node !== 'string') return { sign: node.sign, children: node.children.map(numbersAlike) };
  const text = node.slice(1);
  const isNumber = (node[0] === ',' || node[0] === '$') && /^-?(\d+\.?\d*(e[+-]?\d+)?|inf)$/.test(text);
  if (!isNumber) return node;
  const value = Number(text.replace('inf', 'Infinity'));
  return `${node[0]}${Object.is(value, -0) ? '-0' : value}`;
}

export function comparable(compare: Compare, reply: string): string {
  if (compare === Compare.exact) return reply;
  if (compare === Compare.nothing) return '';
  const node = parse(reply);
  if (compare === Compare.unordered) return show(sortedBy(node, 1));
  if (compare === Compare.pairs) return show(sortedBy(node, 2));
  if (compare === Compare.numeric) return show(numbersAlike(node));
  if (compare === Compare.numericPairs) return show(sortedBy(numbersAlike(node), 2));
  if (compare === Compare.scan || compare === Compare.scanPairs) return scanned(compare, node);
  if (compare === Compare.shape) return shape(node);
  return show(node);
}

/** The cursor is left out: what is returned whole there may come in steps here. */
function scanned(compare: Compare, node: Node): string {
  if (typeof node === 'string') return node;
  const elements = node.children[1] as Node;
  return show(sortedBy(compare === Compare.scan ? elements : numbersAlike(elements), compare === Compare.scan ? 1 : 2));
}

function shape(node: Node): string {
  if (typeof node === 'string') return node[0] === '-' ? node : (node[0] as string);
  return `${node.sign}[${node.children.map(shape).join(',')}]`;
}

/** True when replies that are about the moment are as good as equal. */
export function isNear(a: string, b: string): boolean {
  return a === b || (a[0] === ':' && b[0] === ':' && Math.abs(Number(a.slice(1)) - Number(b.slice(1))) <= 1);
}
