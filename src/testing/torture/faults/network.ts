/**
 * Faults of the network between nodes; clients reach every node all the time. A cut is either noticed at once (connections are
 * refused) or silent (what is sent gets lost), as the plan draws it.
 */
import type { ClusterNode } from '../../cluster-node.ts';
import type { Fault, FaultContext } from '../fault.ts';
import type { Pair } from '../wire.ts';

export const isolate: Fault = (context) => {
  const [victim, ...others] = inOrder(context);
  return cut(context, `${victim?.name} cut off`, between([victim as ClusterNode], others));
};

export const halves: Fault = (context) => {
  const nodes = inOrder(context);
  const [a, b] = [nodes.slice(0, nodes.length >> 1), nodes.slice(nodes.length >> 1)];
  return cut(context, `${names(a)} and ${names(b)} apart`, between(a, b));
};

export const bridge: Fault = (context) => {
  const [middle, ...others] = inOrder(context);
  const [a, b] = [others.slice(0, others.length >> 1), others.slice(others.length >> 1)];
  return cut(context, `${names(a)} and ${names(b)} apart, ${middle?.name} reaches both`, between(a, b));
};

export const ring: Fault = (context) => {
  const nodes = inOrder(context);
  const pairs = nodes.flatMap((a, i) =>
    nodes.slice(i + 1).flatMap((b, further): Pair[] => {
      const steps = further + 1;
      return steps === 1 || steps === nodes.length - 1 ? [] : [[a, b]];
    }),
  );
  return cut(context, `${names(nodes)} in a ring`, pairs);
};

export const oneWay: Fault = async (context) => {
  const { wire, reach, say, disruption } = context;
  const [victim, ...others] = inOrder(context) as [ClusterNode, ...ClusterNode[]];
  const deaf = disruption.draw % 2 === 0;
  say(deaf ? `${victim.name} hears nobody` : `nobody hears ${victim.name}`);
  const pairs = others.map((other): Pair => (deaf ? [other, victim] : [victim, other]));
  reach.cut(pairs);
  await wire.lose(pairs);
  return () => heal(context);
};

async function cut(context: FaultContext, text: string, pairs: readonly Pair[]): Promise<() => Promise<void>> {
  const { wire, reach, say, disruption } = context;
  const silently = disruption.draw % 2 === 0;
  say(`${text}${silently ? ', packets lost' : ', connections refused'}`);
  reach.cut(pairs);
  if (silently)
    await wire.lose(
      pairs.flatMap(([a, b]): Pair[] => [
        [a, b],
        [b, a],
      ]),
    );
  else await wire.refuse(pairs);
  return () => heal(context);
}

async function heal({ wire, reach, say }: FaultContext): Promise<void> {
  await wire.heal();
  reach.cut([]);
  say('network healed');
}

function between(a: readonly ClusterNode[], b: readonly ClusterNode[]): Pair[] {
  return a.flatMap((one) => b.map((other): Pair => [one, other]));
}

function inOrder(context: FaultContext): ClusterNode[] {
  return context.disruption.order.map((_, place) => context.node(place));
}

function names(nodes: readonly ClusterNode[]): string {
  return nodes.map(({ name }) => name).join(', ');
}
