/** How similar two vectors are, from 0 to 1 (the dot product only of vectors of length 1). */
import { invalidRequest } from '../../errors.ts';
import { type DataType, Native, sameType } from '../data-type.ts';
import type { FunctionFamily, FunctionParameter } from '../function.ts';
import { makeFunction } from './native.ts';

const FLOAT_VECTOR: FunctionParameter = {
  text: 'vector<float, n>',
  infer: (argument) =>
    argument.arrayLength === undefined || argument.arrayLength === 0
      ? argument.naturalType()
      : { kind: 'vector', element: Native.float, dimensions: argument.arrayLength },
  refusal: (type) =>
    type.kind === 'vector' && sameType(type.element, Native.float) ? undefined : 'a float vector argument',
};

export function vectorFunctions(): FunctionFamily[] {
  return [
    family('similarity_cosine', (a, b) => {
      let product = 0;
      let lengthA = 0;
      let lengthB = 0;
      for (let i = 0; i < a.length; i += 1) {
        const [x, y] = [a[i] as number, b[i] as number];
        product += x * y;
        lengthA += x * x;
        lengthB += y * y;
      }
      if (lengthA === 0 || lengthB === 0) {
        throw invalidRequest("Function system.similarity_cosine doesn't support all-zero vectors.");
      }
      return (1 + product / Math.sqrt(lengthA * lengthB)) / 2;
    }),
    family('similarity_euclidean', (a, b) => {
      let distance = 0;
      for (let i = 0; i < a.length; i += 1) distance += ((a[i] as number) - (b[i] as number)) ** 2;
      return 1 / (1 + distance);
    }),
    family('similarity_dot_product', (a, b) => {
      let product = 0;
      for (let i = 0; i < a.length; i += 1) product += (a[i] as number) * (b[i] as number);
      return (1 + product) / 2;
    }),
  ];
}

function family(name: string, similarity: (a: readonly number[], b: readonly number[]) => number): FunctionFamily {
  return {
    keyspace: 'system',
    name,
    parameters: [FLOAT_VECTOR, FLOAT_VECTOR],
    make(types) {
      const [left, right] = types as [DataType, DataType];
      if (!sameType(left, right)) throw invalidRequest('All arguments must have the same vector dimensions');
      return makeFunction(name, types, Native.float, ([a = null, b = null]) => {
        if (a === null || b === null) return null;
        const bytes = Buffer.allocUnsafe(4);
        bytes.writeFloatBE(similarity(floatsOf(a), floatsOf(b)), 0);
        return bytes;
      });
    },
  };
}

function floatsOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatBE(4 * i));
}
