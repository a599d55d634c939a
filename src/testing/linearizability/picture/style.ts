/** The look of the page: two palettes, by the reader's setting. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfaf7; --card: #ffffff; --ink: #22252b; --soft: #6b7280; --line: #e4e2dc; --stripe: #f5f4ef;
  --write: #2f6fb4; --write-ink: #ffffff; --read: #dcebf9; --read-ink: #1d4a77; --read-line: #8db8e0;
  --unknown: #fbe9c6; --unknown-ink: #7a4f01; --unknown-line: #d9a441;
  --late: #eceae4; --late-ink: #6b7280; --late-line: #cfccc3;
  --blocked: #c62f3c; --blocked-ink: #ffffff; --blocked-wash: #fdecec;
  --point: #22252b; --point-ink: #ffffff; --state: #e7efe3; --state-ink: #2f4a25;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #16181c; --card: #1d2025; --ink: #e6e4df; --soft: #9aa1ac; --line: #2f333a; --stripe: #212429;
    --write: #4b8fd6; --write-ink: #0d1116; --read: #23364a; --read-ink: #b9d8f6; --read-line: #41698f;
    --unknown: #40330f; --unknown-ink: #f3d48e; --unknown-line: #a07a24;
    --late: #2a2d33; --late-ink: #9aa1ac; --late-line: #43474f;
    --blocked: #ef6470; --blocked-ink: #1c0507; --blocked-wash: #371a1e;
    --point: #e6e4df; --point-ink: #16181c; --state: #26331f; --state-ink: #c4dcb4;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 32px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1500px; margin: 0 auto; }
h1 { margin: 0 0 4px; font-size: 22px; font-weight: 650; }
p { margin: 4px 0; max-width: 110ch; }
.soft { color: var(--soft); }
code, .mono, svg text { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.verdict { display: inline-block; margin-right: 8px; padding: 1px 10px; border-radius: 999px; font-size: 13px;
  background: var(--state); color: var(--state-ink); vertical-align: 3px; }
.verdict.violation { background: var(--blocked); color: var(--blocked-ink); }
.story { margin: 14px 0 18px; padding: 10px 16px; border-left: 4px solid var(--blocked); background: var(--blocked-wash);
  border-radius: 0 8px 8px 0; }
.board { display: flex; border: 1px solid var(--line); border-radius: 10px; background: var(--card); overflow: hidden; }
.names { flex: none; border-right: 1px solid var(--line); }
.scroll { overflow-x: auto; }
svg { display: block; }
svg text { font-size: 12px; fill: var(--ink); }
.name { fill: var(--soft); }
.stripe { fill: var(--stripe); }
.bar rect { stroke-width: 1; rx: 5; }
.bar.write rect { fill: var(--write); stroke: var(--write); } .bar.write text { fill: var(--write-ink); }
.bar.read rect { fill: var(--read); stroke: var(--read-line); } .bar.read text { fill: var(--read-ink); }
.bar.late rect { fill: var(--late); stroke: var(--late-line); } .bar.late text { fill: var(--late-ink); }
.bar.unknown rect { fill: var(--unknown); stroke: var(--unknown-line); stroke-dasharray: 4 3; }
.bar.unknown text { fill: var(--unknown-ink); }
.bar.blocked rect { fill: var(--blocked); stroke: var(--blocked); } .bar.blocked text { fill: var(--blocked-ink); font-weight: 600; }
.bar:hover rect { stroke: var(--ink); stroke-width: 2; }
.limit { stroke: var(--blocked); stroke-width: 2; }
.thread { stroke: var(--soft); stroke-opacity: .35; stroke-dasharray: 2 3; }
.point circle { fill: var(--point); } .point text { fill: var(--point-ink); font-size: 10px; text-anchor: middle; }
.state rect { fill: var(--state); } .state text { fill: var(--state-ink); }
.tick { fill: var(--soft); font-size: 10px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 12px 0 20px; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 22px; height: 12px; margin-right: 6px; border-radius: 3px; border: 1px solid transparent; vertical-align: -1px; }
.legend .write { background: var(--write); } .legend .read { background: var(--read); border-color: var(--read-line); }
.legend .unknown { background: var(--unknown); border: 1px dashed var(--unknown-line); }
.legend .late { background: var(--late); border-color: var(--late-line); } .legend .blocked { background: var(--blocked); }
table { border-collapse: collapse; font-size: 13px; } summary { cursor: pointer; color: var(--soft); }
td, th { padding: 3px 14px 3px 0; text-align: left; border-bottom: 1px solid var(--line); }
th { font-weight: 500; color: var(--soft); } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.blocked td { color: var(--blocked); font-weight: 600; }
`;
