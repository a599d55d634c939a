/** `textAsBlob`, `blobAsInt` and the rest: values as their bytes, and bytes as values where they are some. */
import { invalidRequest } from '../../errors.ts';
import { MarshalError } from '../composite.ts';
import { Native, type NativeName } from '../data-type.ts';
import { functionName, type ScalarFunction } from '../function.ts';
import { validate } from '../validate.ts';
import { nativeFunction } from './native.ts';

export function blobFunctions(): ScalarFunction[] {
  const natives = (Object.keys(Native) as NativeName[]).filter((type) => type !== 'blob');
  const named = [...natives.map((type) => [type, type] as const), ['varchar', 'text'] as const];
  return named.flatMap(([name, type]) => [
    nativeFunction(`${name}asblob`, [type], 'blob', bytes),
    nativeFunction(`${name}_as_blob`, [type], 'blob', bytes),
    fromBlob(`blobas${name}`, name, type),
    fromBlob(`blob_as_${name}`, name, type),
  ]);
}

function bytes(value?: Buffer): Buffer | null {
  return value ?? null;
}

function fromBlob(name: string, typeName: string, type: NativeName): ScalarFunction {
  return nativeFunction(name, ['blob'], type, (value) => {
    if (value === undefined) return null;
    try {
      validate(Native[type], value);
    } catch (error) {
      if (!(error instanceof MarshalError)) throw error;
      throw invalidRequest(
        `In call to function ${functionName({ keyspace: 'system', name })}, value 0x${value.toString('hex')} is not a valid binary representation for type ${typeName}`,
      );
    }
    return value;
  });
}
