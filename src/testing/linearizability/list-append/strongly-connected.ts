/**
 * Strongly connected components of a graph (Tarjan 1972), without recursion, since histories make paths of any length. Only
 * those with a cycle: of at least two nodes. Edges from a node to itself are not looked at.
 */
export function stronglyConnected(size: number, successors: (node: number) => readonly number[]): number[][] {
  const index = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const onStack = new Uint8Array(size);
  const stack: number[] = [];
  const components: number[][] = [];
  let counter = 0;

  const enter = (node: number): { node: number; next: number } => {
    index[node] = counter;
    low[node] = counter;
    counter++;
    stack.push(node);
    onStack[node] = 1;
    return { node, next: 0 };
  };
  const lower = (node: number, value: number): void => {
    low[node] = Math.min(low[node] as number, value);
  };
  const leave = (node: number): void => {
    if (low[node] !== index[node]) return;
    const component = stack.splice(stack.lastIndexOf(node));
    for (const member of component) onStack[member] = 0;
    if (component.length > 1) components.push(component);
  };

  for (let root = 0; root < size; root++) {
    if (index[root] !== -1) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const target = successors(top.node)[top.next++];
      if (target === undefined) {
        path.pop();
        leave(top.node);
        const below = path.at(-1);
        if (below !== undefined) lower(below.node, low[top.node] as number);
      } else if (index[target] === -1) {
        path.push(enter(target));
      } else if (onStack[target] === 1) {
        lower(top.node, index[target] as number);
      }
    }
  }
  return components;
}
