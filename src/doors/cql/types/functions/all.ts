/** Every function that is built in. */
import type { DataType } from '../data-type.ts';
import type { FunctionCandidate } from '../function.ts';
import { blobFunctions } from './blobs.ts';
import { collectionFunctions } from './collections.ts';
import { jsonFunctions } from './json.ts';
import { mathFunctions } from './math.ts';
import { timeFunctions } from './times.ts';
import { tokenFunction } from './token.ts';
import { vectorFunctions } from './vectors.ts';

export const NATIVE_FUNCTIONS: readonly FunctionCandidate[] = [
  ...timeFunctions(),
  ...blobFunctions(),
  ...mathFunctions(),
  ...collectionFunctions(),
  ...vectorFunctions(),
  ...jsonFunctions(),
];

const BY_NAME = new Map<string, FunctionCandidate[]>();
for (const candidate of NATIVE_FUNCTIONS) {
  const known = BY_NAME.get(candidate.name);
  if (known === undefined) BY_NAME.set(candidate.name, [candidate]);
  else known.push(candidate);
}

/** Functions of a name. `tokenTypes`: those of the table's partition key, where there is a table. */
export function findFunctions(
  keyspace: string | undefined,
  name: string,
  tokenTypes?: readonly DataType[],
): readonly FunctionCandidate[] {
  if (keyspace !== undefined && keyspace !== 'system') return [];
  if (name === 'token' && tokenTypes !== undefined) return [tokenFunction(tokenTypes)];
  return BY_NAME.get(name) ?? [];
}
