/** token(…): where a partition key is on the ring. Its arguments are of the types of the table's partition key. */
import { invalidRequest } from '../../errors.ts';
import { type DataType, Native } from '../data-type.ts';
import type { ScalarFunction } from '../function.ts';
import { partitionKeyBytes, tokenOf, tokenToBigInt } from '../token.ts';
import { eightBytes, makeFunction } from './native.ts';

export function tokenFunction(types: readonly DataType[]): ScalarFunction {
  return makeFunction('token', types, Native.bigint, (args) => {
    const values = args.map((value) => {
      if (value === null) throw invalidRequest('Invalid null value in argument of token()');
      return value;
    });
    return eightBytes(tokenToBigInt(tokenOf(partitionKeyBytes(values))));
  });
}
