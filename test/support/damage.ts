/** Damages the files of a node that does not run. */
import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterNode } from 'folkmoot/testing';

/** The segments of the node's log that have been written to, oldest first. */
export function segmentsOf(node: ClusterNode): string[] {
  const folder = join(node.dataFolder, 'wal');
  const begun = readdirSync(folder)
    .filter((name) => name.startsWith('wal-'))
    .sort()
    .map((name) => join(folder, name));
  return begun.filter((path) => readBytes(path, 0, 8).toString('latin1') === 'FMWALSEG');
}

export function storeOf(node: ClusterNode): string {
  return join(node.dataFolder, 'store', 'data.mdb');
}

export function sizeOf(path: string): number {
  return statSync(path).size;
}

export function readBytes(path: string, at: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, at));
  } finally {
    closeSync(file);
  }
}

export function flipBit(path: string, at: number): void {
  const file = openSync(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    byte[0] = (byte[0] as number) ^ 0x10;
    writeSync(file, byte, 0, 1, at);
  } finally {
    closeSync(file);
  }
}

/** Cuts the last bytes off. */
export function cut(path: string, bytes: number): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, fstatSync(file).size - bytes);
  } finally {
    closeSync(file);
  }
}

/** Flips a bit in every place where the file holds these bytes. Returns how often. */
export function flipIn(path: string, wanted: string): number {
  const image = readBytes(path, 0, sizeOf(path));
  let count = 0;
  for (let at = image.indexOf(wanted); at >= 0; at = image.indexOf(wanted, at + 1)) {
    flipBit(path, at + (wanted.length >> 1));
    count += 1;
  }
  return count;
}
