/** A folkmoot, seen from above: those who meet stand in a ring around the stone. */
const WIDTH = 33;
const HEIGHT = 13;

export function drawing(nodes: number): string {
  const grid = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(' '));
  const put = (x: number, y: number, sign: string): void => {
    const row = grid[Math.round(y)];
    if (row !== undefined) row[Math.round(x)] = sign;
  };
  const centerX = (WIDTH - 1) / 2;
  const centerY = (HEIGHT - 1) / 2;
  for (let step = 0; step < 48; step += 1) {
    const angle = (step / 48) * 2 * Math.PI;
    put(centerX + 15 * Math.sin(angle), centerY - 6 * Math.cos(angle), '.');
  }
  const people = Math.max(1, Math.min(nodes, 24));
  for (let person = 0; person < people; person += 1) {
    const angle = (person / people) * 2 * Math.PI;
    put(centerX + 15 * Math.sin(angle), centerY - 6 * Math.cos(angle), 'o');
  }
  put(centerX, centerY, '#');
  const rows = grid.map((row) => row.join('').trimEnd());
  return `${rows.join('\n')}\n\nA folkmoot of ${nodes}. Redis ver. 7.2.4\n`;
}
