/** The model of a hash; `hash-state.ts` lists its operations. */
import type { Model } from '../model.ts';
import { prepareHash } from './hash-history.ts';
import {
  emptyHash,
  fieldsOf,
  type HashInput,
  type HashOutput,
  type HashState,
  isExactly,
  replace,
  valueIn,
} from './hash-state.ts';
import { showValue, type Value, withResult } from './values.ts';

export const hash: Model<HashState, HashInput, HashOutput> = {
  name: 'hash',

  init: emptyHash,

  step(state, input, output) {
    if (input[0] === 'all') return output === undefined || isExactly(state, output) ? state : undefined;
    const field = input[1];
    const value = valueIn(state, field);
    switch (input[0]) {
      case 'set':
        return agrees(output, value === null) ? replace(state, field, input[2]) : undefined;
      case 'get':
        return agrees(output, value) ? state : undefined;
      case 'delete':
        return agrees(output, value !== null) ? replace(state, field, null) : undefined;
      case 'increment': {
        if (typeof value === 'string') return output === undefined ? state : undefined;
        const sum = (value ?? 0) + input[2];
        return agrees(output, sum) ? replace(state, field, sum) : undefined;
      }
    }
  },

  key: (state) => state.key,

  isRead: (input, output) => input[0] === 'get' || input[0] === 'all' || (input[0] === 'delete' && output === false),

  part: (input) => (input[0] === 'all' ? undefined : input[1]),

  hasPart(state, field, _, output) {
    const shown = typeof output === 'object' && output !== null ? (output[String(field)] ?? null) : undefined;
    return shown === valueIn(state, String(field));
  },

  prepare: prepareHash,

  describe(input, output) {
    switch (input[0]) {
      case 'set':
        return withResult(`set ${input[1]} ${showValue(input[2])}`, output, output === true ? 'new' : 'old');
      case 'get':
        return `get ${input[1]} → ${showValue(output as Value | null | undefined)}`;
      case 'delete':
        return withResult(`delete ${input[1]}`, output, output === true ? 'done' : 'not there');
      case 'increment':
        return withResult(`${input[1]} + ${input[2]}`, output, String(output));
      case 'all':
        return withResult('all', output, showFields(Object.entries(output ?? {})));
    }
  },

  describeState: (state) => showFields(fieldsOf(state)),
};

function showFields(fields: readonly (readonly [string, Value])[]): string {
  return `{${fields.map(([field, value]) => `${field}: ${showValue(value)}`).join(', ')}}`;
}

function agrees(output: HashOutput | undefined, result: HashOutput): boolean {
  return output === undefined || output === result;
}
