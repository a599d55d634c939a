/** Orders of an operator: leadership handed over. */
import type { Fault } from '../nemesis.ts';

export const transfer: Fault = async ({ cluster, key, node, say }) => {
  const target = node(0);
  if (key !== undefined && target.running) {
    say(`leadership of ${key} to ${target.name}`);
    // It may be refused while other faults are in force: an order that cannot be carried out is no defect.
    await cluster.transfer(key, target).catch((error: unknown) => say(`not handed over: ${String(error)}`));
  }
  return async () => undefined;
};
