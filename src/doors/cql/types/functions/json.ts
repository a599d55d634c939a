/** toJson() and fromJson(), by both of their names. */
import { CqlError, ErrorCode, invalidRequest } from '../../errors.ts';
import { assignabilityOf } from '../assignment.ts';
import { MarshalError } from '../composite.ts';
import { type DataType, Native } from '../data-type.ts';
import { encodeJson } from '../from-json.ts';
import type { FunctionFamily, FunctionParameter } from '../function.ts';
import { parseJson } from '../json.ts';
import { jsonText } from '../text.ts';
import { makeFunction } from './native.ts';

const ANY: FunctionParameter = {
  text: 'any',
  infer: (argument) => argument.naturalType(),
  refusal: () => undefined,
};

const TEXT: FunctionParameter = {
  text: 'text',
  infer: (argument) => argument.naturalType() ?? Native.text,
  refusal: (type) => (assignabilityOf(type, Native.text) === 'none' ? 'an argument of type text' : undefined),
};

export function jsonFunctions(): FunctionFamily[] {
  return [...['tojson', 'to_json'].map(toJson), ...['fromjson', 'from_json'].map(fromJson)];
}

function toJson(name: string): FunctionFamily {
  return {
    keyspace: 'system',
    name,
    parameters: [ANY],
    make([type]) {
      if (type === undefined) throw invalidRequest(`${name}() has one argument`);
      return makeFunction(name, [type], Native.text, ([value = null]) =>
        Buffer.from(value !== null && isEmptyNumber(type, value) ? 'null' : jsonText(type, value)),
      );
    },
  };
}

/** What is empty without being a text. */
function isEmptyNumber(type: DataType, value: Buffer): boolean {
  return value.length === 0 && type.kind === 'native' && !['ascii', 'blob', 'text'].includes(type.name);
}

function fromJson(name: string): FunctionFamily {
  return {
    keyspace: 'system',
    name,
    parameters: [TEXT],
    make(_types, receiver) {
      if (receiver === undefined) {
        throw invalidRequest(`${name}() cannot be used in the selection clause of a SELECT statement`);
      }
      return makeFunction(name, [Native.text], receiver, ([value = null]) => {
        if (value === null) return null;
        const text = value.toString();
        try {
          return encodeJson(receiver, parseJson(text));
        } catch (error) {
          if (!(error instanceof MarshalError)) throw error;
          throw new CqlError(
            ErrorCode.functionFailure,
            `execution of 'system.fromjson[text]' failed: Could not decode JSON string '${text}': ${error.message}`,
            { keyspace: 'system', functionName: 'fromjson', argumentTypes: ['text'] },
          );
        }
      });
    },
  };
}
