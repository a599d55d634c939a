/**
 * Cuts a RESP reply made by this door into its parts, for replies that are merged from several tablets. Input comes from
 * our own writer on this or another node.
 */
const CR = 0x0d;

/** The elements of an array (or set), each as RESP bytes. undefined when the reply is none. */
export function arrayElements(reply: Buffer): Buffer[] | undefined {
  const sign = reply[0];
  if (sign !== 0x2a && sign !== 0x7e) return undefined;
  const lineEnd = reply.indexOf(CR);
  const count = Number(reply.latin1Slice(1, lineEnd));
  const elements: Buffer[] = [];
  let at = lineEnd + 2;
  for (let index = 0; index < count; index += 1) {
    const end = skipReply(reply, at);
    elements.push(reply.subarray(at, end));
    at = end;
  }
  return elements;
}

/** The payload of a bulk string; undefined for null and for anything else. */
export function bulkPayload(reply: Buffer): Buffer | undefined {
  if (reply[0] !== 0x24) return undefined;
  const lineEnd = reply.indexOf(CR);
  const length = Number(reply.latin1Slice(1, lineEnd));
  return length < 0 ? undefined : reply.subarray(lineEnd + 2, lineEnd + 2 + length);
}

/** The number of an integer reply; undefined for anything else. */
export function integerValue(reply: Buffer): number | undefined {
  return reply[0] === 0x3a ? Number(reply.latin1Slice(1, reply.indexOf(CR))) : undefined;
}

/** The text of an error reply without its sign; undefined for anything else. */
export function errorText(reply: Buffer): string | undefined {
  return reply[0] === 0x2d ? reply.latin1Slice(1, reply.indexOf(CR)) : undefined;
}

/** Position after the reply that begins at `from`. */
export function skipReply(reply: Buffer, from: number): number {
  let missing = 1;
  let at = from;
  while (missing > 0) {
    const lineEnd = reply.indexOf(CR, at);
    if (lineEnd < 0) throw new RangeError('reply is cut off');
    const sign = reply[at];
    at = lineEnd + 2;
    missing -= 1;
    if (sign === 0x24 || sign === 0x3d) {
      const length = Number(reply.latin1Slice(lineEnd - digitsBefore(reply, lineEnd), lineEnd));
      if (length >= 0) at += length + 2;
    } else if (sign === 0x2a || sign === 0x7e || sign === 0x3e) {
      missing += Math.max(0, lengthOfLine(reply, lineEnd));
    } else if (sign === 0x25) {
      missing += 2 * lengthOfLine(reply, lineEnd);
    }
  }
  return at;
}

function lengthOfLine(reply: Buffer, lineEnd: number): number {
  return Number(reply.latin1Slice(lineEnd - digitsBefore(reply, lineEnd), lineEnd));
}

/** Digits, and a minus sign, right before `at`. */
function digitsBefore(reply: Buffer, at: number): number {
  let start = at;
  while (start > 0) {
    const byte = reply[start - 1] as number;
    if ((byte < 0x30 || byte > 0x39) && byte !== 0x2d) break;
    start -= 1;
  }
  return at - start;
}
