/** Places in PostgreSQL's write-ahead log: 64-bit numbers, written as two hexadecimal halves ("16/B374D848"). */

/** No place at all; every real one is greater. */
export const NO_LSN = 0n;

/** Null when the text is no LSN. */
export function parseLsn(text: string): bigint | null {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (match === null) return null;
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
