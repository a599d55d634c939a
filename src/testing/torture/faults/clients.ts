/** Clients that cannot reach some of the nodes, while the nodes reach each other: a leader that nobody can ask goes on leading. */
import type { Fault } from '../fault.ts';

export const clients: Fault = async ({ clientCuts, reach, disruption, node, say }) => {
  const { order, draw } = disruption;
  // One, or all but one.
  const count = order.length < 3 || draw % 3 > 0 ? 1 : order.length - 1;
  const silently = draw % 2 === 0;
  const victims = Array.from({ length: count }, (_, place) => node(place));
  const names = victims.map(({ name }) => name).join(', ');
  say(`clients cut off from ${names}, ${silently ? 'packets lost' : 'connections refused'}`);
  reach.cutClients(true);
  clientCuts.cut(
    victims.flatMap(({ host, ports }) => [ports.redis, ports.redisSingle, ports.cql].map((port) => `${host}:${port}`)),
    silently,
  );
  return async () => {
    clientCuts.heal();
    reach.cutClients(false);
    say(`clients reach ${names}`);
  };
};
